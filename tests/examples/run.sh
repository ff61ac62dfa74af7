#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BIN_DIR [PYRITE]
# Each example against a real name server: its server gets its name, its client says what it should,
# SIGTERM ends the server with 0, and then the name is gone.
set -eu
bin=$1 pyrite=${2:-$1/pyrite}
work=$(mktemp -d)
pids=
trap 'for p in $pids; do kill $p 2> /dev/null || :; done; rm -rf "$work"' EXIT

fail() { cat "$work"/*.err >&2; echo "run: $*" >&2; exit 1; }

export PYRITE_NS="unix:$work/ns"
mkfifo "$work/ready"
"$pyrite" ns --listen "$PYRITE_NS" > "$work/ready" 2> "$work/ns.err" &
ns=$!
pids=$ns
exec 3< "$work/ready"
while read -r line <&3 && [ "$line" != ready ]; do :; done
[ "$line" = ready ] || fail "the name server did not start"

# example NAME PUBLISHED CLIENT'S_LAST_LINE
example()
{
	"$bin/$1-server" 2> "$work/$1-server.err" &
	server=$!
	pids="$server $ns"
	"$pyrite" names lookup "$2" --wait 20 > "$work/out" || fail "$1: no name $2"
	"$bin/$1-client" > "$work/$1" 2> "$work/$1-client.err" || fail "$1: its client failed"
	[ "$(tail -n 1 "$work/$1")" = "$3" ] || { cat "$work/$1" >&2; fail "$1: not '$3'"; }
	kill -TERM "$server"
	status=0
	wait "$server" || status=$?
	[ $status = 0 ] || fail "$1: the server ended with $status"
	pids=$ns
	status=0
	"$pyrite" names lookup "$2" > "$work/out" 2> "$work/lookup.err" || status=$?
	[ $status = 1 ] && grep -q NOT_FOUND "$work/lookup.err" || fail "$1: its name is still there"
	echo "run: $1: $3"
}

example calculator example.calculator "20 + 22 = 42"
example warehouse example.warehouse "ledger: Janet took the bike"
grep -q 'store chair: there is a chair already (ALREADY_EXISTS)' "$work/warehouse" || fail "no ALREADY_EXISTS"
grep -q 'take bike: there is no bike (NOT_FOUND)' "$work/warehouse" || fail "no NOT_FOUND"
example fanout example.primes "78498 primes below 1000000"
[ "$(wc -l < "$work/fanout")" = 21 ] || fail "fanout: not one line a slice"
example oneway example.journal "1000 lines, the last is 'line 1000'"
example stream example.ticker "tick 5"
[ "$(wc -l < "$work/stream")" = 5 ] || fail "stream: not five ticks"

kill -TERM "$ns"
status=0
wait "$ns" || status=$?
pids=
[ $status = 0 ] || fail "the name server ended with $status"
