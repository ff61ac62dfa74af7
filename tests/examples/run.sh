#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BIN_DIR [PYRITE]
# Each example against a real name server: its server gets its name, its client says what it should,
# SIGTERM ends the server with 0, and then the name is gone.
set -eu
bin=$1 pyrite=${2:-$1/pyrite}
here=$(cd "$(dirname "$0")" && pwd)
source=$here/../..
. "$here/../etcd.sh"
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

# start NAME PUBLISHED ARGUMENT...: its server; `references` is then what the name stands for
start()
{
	name=$1 published=$2
	shift 2
	"$bin/$name-server" "$@" 2> "$work/$name-server.err" &
	server=$!
	pids="$server $ns"
	references=$("$pyrite" names lookup "$published" --wait 20) || fail "$name: no name $published"
}

# client LAST_LINE COMMAND...: what it writes ends with that line
client()
{
	line=$1
	shift
	"$@" > "$work/$name" 2> "$work/$name-client.err" || fail "$name: its client failed"
	[ "$(tail -n 1 "$work/$name")" = "$line" ] || { cat "$work/$name" >&2; fail "$name: not '$line'"; }
}

# finish: ends the server, and its name goes
finish()
{
	kill -TERM "$server"
	status=0
	wait "$server" || status=$?
	[ $status = 0 ] || fail "$name: the server ended with $status"
	pids=$ns
	status=0
	"$pyrite" names lookup "$published" > "$work/out" 2> "$work/lookup.err" || status=$?
	[ $status = 1 ] && grep -q NOT_FOUND "$work/lookup.err" || fail "$name: its name is still there"
	echo "run: $name: $line"
}

# example NAME PUBLISHED CLIENT'S_LAST_LINE
example()
{
	start "$1" "$2"
	client "$3" "$bin/$1-client"
	finish
}

# refused STATUS COMMAND...: it fails, and says so
refused()
{
	wanted=$1
	shift
	! "$@" > "$work/out" 2> "$work/$name-client.err" || fail "$name: $* has not failed"
	grep -q "^$wanted: " "$work/$name-client.err" || fail "$name: $*: not $wanted"
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
example upload example.archive "33554432 bytes arrived unchanged"
example chat example.room "Janet: Then good night."
[ "$(wc -l < "$work/chat")" = 3 ] || fail "chat: not what Henry hears"

sh "$source/examples/tls/certificates.sh" "$work/certificates" 2> "$work/certificates.err" || fail "no certificates"
start tls example.door "$work/certificates"
for reference in example.door $(echo "$references" | grep -o 'grpcs:.*'); do
	refused PERMISSION_DENIED "$bin/tls-client" "$work/certificates" bob "$reference"
	refused UNAVAILABLE "$bin/tls-client" "$work/certificates" mallory "$reference"
	client "welcome, user:alice" "$bin/tls-client" "$work/certificates" alice "$reference"
done
[ "$reference" != example.door ] || { echo "$references" >&2; fail "tls: no reference to its gRPC"; }
finish

start calculator example.calculator
name=python
client "20 + 22 = 42" /usr/bin/python3 "$source/examples/python/client.py" "$PYRITE_NS"
finish

if [ -x "$bin/etcd-client" ] && command -v etcd > "$work/out"; then
	name=etcd
	mkdir "$work/etcd.d"
	start_etcd "$work/etcd.d" || fail "etcd has not started"
	pids="$etcd $ns"
	client "gone: lamp/stairs = " "$bin/etcd-client" "grpc:@$endpoint"
	kill -TERM "$etcd"
	wait "$etcd" || : # its own status for a signal
	pids=$ns
	echo "run: etcd: $line"
else
	echo "run: etcd: NOT TRIED, for want of etcd or of its .proto files"
fi

kill -TERM "$ns"
status=0
wait "$ns" || status=$?
pids=
[ $status = 0 ] || fail "the name server ended with $status"
