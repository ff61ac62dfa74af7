#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: c_calls_c.sh STORY_CLIENT STORY_SERVER. Both ends are ours: over TCP and a Unix socket, and over
# the native protocol on the same port.
set -eu
. "$(dirname "$0")/lib.sh"
serve "$2"
"$1" "grpc:story@$endpoint"
"$1" "pyr:story@$endpoint"
stop
serve "$2" 8 "unix:$work/socket"
"$1" "grpc:@$endpoint"
stop
