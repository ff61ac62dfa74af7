#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: smoke.sh PYRITE
# The command line against a real daemon: calls, pings, exit statuses, and a clean end by a signal.
set -eu
pyrite=$1
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$work"' EXIT

fail() { echo "smoke: $*" >&2; exit 1; }
# expect STATUS COMMAND...
expect() {
	wanted=$1; shift
	status=0; "$@" > "$work/out" 2> "$work/err" || status=$?
	[ "$status" = "$wanted" ] || { cat "$work/err" >&2; fail "$*: exit $status, not $wanted"; }
}

mkfifo "$work/ready"
"$pyrite" bench serve --listen "unix:$work/socket" > "$work/ready" &
server=$!
read -r word < "$work/ready"
[ "$word" = ready ] || fail "the server said '$word'"
[ "$(stat -c %a "$work/socket")" = 600 ] || fail "the socket's mode is not 0600"

expect 0 "$pyrite" ping "pyr:bench@unix:$work/socket" --count 3 --interval 0
[ "$(wc -l < "$work/out")" = 4 ] || fail "three pings and a summary, other lines"
for outstanding in 1 64; do
	for size in 0 16 70000 200000; do
		expect 0 "$pyrite" bench call --connect "unix:$work/socket" --size $size \
			--outstanding $outstanding --seconds 0.1 --warmup 0.05
		grep -q '"errors": 0' "$work/out" || fail "errors in calls of $size bytes"
	done
done
# longer than a message may be: refused, and the daemon goes on
expect 1 "$pyrite" bench call --connect "unix:$work/socket" --size 5000000 --seconds 0.1
grep -q RESOURCE_EXHAUSTED "$work/err" || fail "5 MB were not refused"
# what is not the protocol hurts only itself
head -c 100000 /dev/urandom | timeout 60 python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
try:
    s.sendall(sys.stdin.buffer.read())
    while s.recv(65536): pass
except OSError: pass
' "$work/socket" || fail "random bytes did not end their connection"
expect 0 "$pyrite" ping "pyr:bench@unix:$work/socket"

kill -TERM "$server"
status=0; wait "$server" || status=$?
server=
[ "$status" = 0 ] || fail "SIGTERM: exit $status"
[ ! -e "$work/socket" ] || fail "the socket was left behind"

expect 1 "$pyrite" ping "pyr:bench@unix:$work/socket"
grep -q '^pyrite: UNAVAILABLE: ' "$work/err" || fail "no UNAVAILABLE for a dead daemon"
expect 1 "$pyrite" ping "what:bench@here"
grep -q INVALID_ARGUMENT "$work/err" || fail "no INVALID_ARGUMENT for an unknown scheme"
expect 2 "$pyrite" ping
expect 2 "$pyrite" nonsense
expect 0 "$pyrite" --help
expect 0 "$pyrite" names list --help
expect 0 "$pyrite" version --json
echo "smoke: all as expected"
