#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: python_calls_c.sh STORY_SERVER. A Python program calls a C daemon.
set -eu
. "$(dirname "$0")/lib.sh"
stubs
serve "$1"
"$python" "$here/client.py" "$work" "$endpoint"
stop
