#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: c_calls_python.sh STORY_CLIENT. A C program calls a Python server.
set -eu
. "$(dirname "$0")/lib.sh"
stubs
serve "$python" "$here/server.py" "$work"
"$1" "grpc:@$endpoint"
stop
