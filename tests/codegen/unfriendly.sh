#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh. The files in unfriendly/ become code that compiles without a warning.
. "$(dirname "$0")/lib.sh"

cd "$tests/unfriendly"
for proto in *.proto; do
	generate "$work/out" -I. "$proto" || fail "$proto is refused"
done
compiles "$work/out"
formatted "$work/out"
finish "$(ls *.proto | wc -l) unfriendly files"
