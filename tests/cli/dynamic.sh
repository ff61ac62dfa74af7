#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: dynamic.sh PYRITE SERVE KINDS_SET PROTO_DIR
# pyrite describe and pyrite call against a daemon whose interface they learn at run time: all kinds
# of methods, JSON in every way it can come, exit statuses, and servers without reflection.
set -eu
pyrite=$1 serve=$2 set=$3 protos=$4
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || :; rm -rf "$work"' EXIT

fail() { echo "dynamic: $*" >&2; exit 1; }
# expect STATUS COMMAND...; stdin is the file $work/in
expect() {
	wanted=$1; shift
	status=0; "$@" < "$work/in" > "$work/out" 2> "$work/err" || status=$?
	[ "$status" = "$wanted" ] || { cat "$work/err" >&2; fail "$*: exit $status, not $wanted"; }
}
# says TEXT: stdout is exactly that
says() {
	printf '%s\n' "$1" | cmp -s - "$work/out" || { cat "$work/out" >&2; fail "that is not '$1'"; }
}
complains() { grep -qF -- "$1" "$work/err" || { cat "$work/err" >&2; fail "no complaint '$1'"; }; }
input() { printf "$1" > "$work/in"; }
start() {
	mkfifo "$work/ready"
	"$serve" "$set" "unix:$work/socket" "$@" > "$work/ready" &
	server=$!
	read -r ref < "$work/ready"
	rm "$work/ready"
}
stop() {
	kill -TERM "$server"
	wait "$server" || fail "the server ended with $?"
	server=
}

input ''
start
expect 0 "$pyrite" describe "$ref"
grep -q '^// kinds.Kinds$' "$work/out" || fail "no interface"
grep -q '^// also grpc.health.v1.Health$' "$work/out" || fail "no health checking"
grep -q '^  rpc Sum(stream kinds.Number) returns (kinds.Number);$' "$work/out" || fail "no Sum"
expect 0 "$pyrite" describe "$ref" kinds.Number
says 'message Number {
  int64 value = 1;
  string text = 2;
  google.protobuf.Timestamp at = 3;
  bytes data = 4;
}'
expect 0 "$pyrite" describe "$ref" kinds.Kinds/Double
grep -q 'option idempotency_level = IDEMPOTENT;' "$work/out" || fail "no option"
# what is printed is a .proto file again, but for what a shell must add
expect 0 "$pyrite" describe "$ref" --json
grep -q '"name":"Double","input":"kinds.Number","output":"kinds.Number","clientStreaming":true' \
	"$work/out" || fail "no Double in JSON"
expect 0 "$pyrite" describe "$ref" kinds.Kinds --json
grep -q '"name": "kinds.proto", "package": "kinds"' "$work/out" || fail "no file in JSON"
expect 1 "$pyrite" describe "$ref" kinds.Nothing
complains 'NOT_FOUND'

expect 0 "$pyrite" call "$ref" One '{"value": "41"}'
says '{"value": "42"}'
expect 0 "$pyrite" call "$ref" kinds.Kinds/One '{"value": 9007199254740993}' --metadata a=b
says '{"value": "9007199254740994"}'
input '{"value": 1}\n'
expect 0 "$pyrite" call "$ref" One
says '{"value": "2"}'
expect 0 "$pyrite" call "$ref" One -
says '{"value": "2"}'
input ''
expect 0 "$pyrite" call "$ref" One
says '{"value": "1"}'
expect 0 "$pyrite" call "$ref" One '{"value": -1}'
says '{}'
expect 0 "$pyrite" call "$ref" One '{"value": -1}' --defaults
says '{"value": "0", "text": "", "data": ""}'

expect 0 "$pyrite" call "$ref" Count '{"value": 3}'
says '{"value": "1"}
{"value": "2"}
{"value": "3"}'
input '{"value": 1}\n\n{"value": 2}\n{"value": "3"}'
expect 0 "$pyrite" call "$ref" Sum
says '{"value": "6"}'
expect 0 "$pyrite" call "$ref" Sum '{"value": 5}'
says '{"value": "5"}'
expect 0 "$pyrite" call "$ref" Double
says '{"value": "2"}
{"value": "4"}
{"value": "6"}'
input '{"value": 1}\n{"value": -2}\n{"value": 3}\n'
expect 1 "$pyrite" call "$ref" Sum
complains 'pyrite: OUT_OF_RANGE: -2 is negative'
input '{"value": 1}\n{"value": x}\n'
expect 1 "$pyrite" call "$ref" Double
complains 'INVALID_ARGUMENT: line 2 of stdin: line 1, column 11: value:'

# the call ends while stdin stays open, and nobody waits for its next line
mkfifo "$work/lines"
exec 3<> "$work/lines"
printf '{"value": 4}\n{"value": 0}\n' >&3
timeout 60 "$pyrite" call "$ref" Double < "$work/lines" > "$work/out" || fail "a call did not end"
says '{"value": "8"}'
exec 3>&-

input ''
expect 0 "$pyrite" call "$ref" grpc.health.v1.Health/Check '{"service": "kinds.Kinds"}'
says '{"status": "SERVING"}'
expect 1 "$pyrite" call "$ref" grpc.health.v1.Health/Watch '{}' --timeout 0.2
complains 'DEADLINE_EXCEEDED'
says '{"status": "SERVING"}'

expect 1 "$pyrite" call "$ref" One '{"valu": 1}'
complains "line 1, column 2: there is no field 'valu' in kinds.Number: did you mean 'value'?"
expect 1 "$pyrite" call "$ref" Nothing
complains 'NOT_FOUND: no interface there has a method Nothing'
expect 1 "$pyrite" call "$ref" kinds.Kinds/Nothing
complains 'kinds.Kinds has no method Nothing'
expect 1 "$pyrite" call "$ref" kinds.Nothing/One
complains 'NOT_FOUND'
expect 2 "$pyrite" call "$ref"
expect 2 "$pyrite" call "$ref" One '{}' '{}'
expect 2 "$pyrite" call "$ref" One '{}' --metadata novalue
expect 0 "$pyrite" call --help
grep -q 'pyrite call example.calculator' "$work/out" || fail "no example in the help"
expect 0 "$pyrite" describe --help
stop
expect 1 "$pyrite" call "$ref" One '{}'
complains UNAVAILABLE

# no reflection: the .proto file instead
start no-reflection
expect 1 "$pyrite" call "$ref" One '{}'
complains 'give its .proto files with --proto'
expect 0 "$pyrite" call "$ref" One '{"value": 1}' --proto "$protos/kinds.proto"
says '{"value": "2"}'
expect 0 "$pyrite" call "$ref" One '{"value": 2}' --proto kinds.proto --import "$protos"
says '{"value": "3"}'
expect 0 "$pyrite" describe "$ref" kinds.Kinds --proto "$protos/kinds.proto"
expect 1 "$pyrite" call "$ref" One '{}' --proto "$work/nothing.proto"
complains 'protoc did not take'
stop
echo "dynamic: all as expected"
