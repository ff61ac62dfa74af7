#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: hostile.sh STORY_SERVER. Bad input by hand-made HTTP/2.
set -eu
. "$(dirname "$0")/lib.sh"
STORY_WAITING=$((16 << 20)) serve "$1" 2> "$work/log"
"$python" -B "$here/hostile.py" "$endpoint" $server
stop
