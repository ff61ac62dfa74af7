#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: idle.sh STORY_SERVER. Connections that say too little.
set -eu
. "$(dirname "$0")/lib.sh"
ulimit -n 4096
stubs
serve "$1"
"$python" "$here/idle.py" "$work" "$endpoint" "$server"
stop
