#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: c_calls_c.sh STORY_CLIENT STORY_SERVER. Both ends are ours: over TCP and a Unix socket, and over
# the native protocol on the same port. Streams that are not read must not fill the memory.
set -eu
. "$(dirname "$0")/lib.sh"
grown_max_kib=32768

# resident KIND: KiB of the server now (VmRSS) or at most so far (VmHWM)
resident()
{
	sed -n "s/^$1:[^0-9]*\([0-9]*\).*/\1/p" "/proc/$server/status"
}

serve "$2"
before=$(resident VmRSS)
"$1" "grpc:story@$endpoint"
grown=$(($(resident VmHWM) - before))
echo "the server has grown by $grown KiB"
[ -n "${PYRITE_TEST_SANITIZED:-}" ] || [ $grown -lt $grown_max_kib ] || fail "more than $grown_max_kib KiB"
"$1" "pyr:story@$endpoint"
stop
serve "$2" 8 "unix:$work/socket"
"$1" "grpc:@$endpoint"
stop
