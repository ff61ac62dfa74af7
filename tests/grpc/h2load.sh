#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: h2load.sh STORY_SERVER. 100,000 requests by a tool that speaks HTTP/2 and knows no gRPC.
set -eu
. "$(dirname "$0")/lib.sh"
grown_max_kib=16384

resident()
{
	sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$server/status"
}

# load REQUESTS
load()
{
	h2load -n "$1" -c 4 -m 32 -d "$work/body" -H 'content-type: application/grpc' -H 'te: trailers' \
		"http://$endpoint/pyrite.test.story.Story/One" > "$work/out"
	grep -q "^requests: $1 total, $1 started, $1 done, $1 succeeded, 0 failed, 0 errored, 0 timeout" "$work/out" ||
		{ cat "$work/out"; fail "not every request was answered"; }
}

printf '\0\0\0\0\0' > "$work/body" # one message without a byte
serve "$1" 0
load 10000
before=$(resident)
load 100000
grown=$(($(resident) - before))
grep '^finished in' "$work/out"
echo "the server has grown by $grown KiB"
[ -n "${PYRITE_TEST_SANITIZED:-}" ] || [ $grown -lt $grown_max_kib ] || fail "more than $grown_max_kib KiB"
stop
