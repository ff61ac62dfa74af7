#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: grpc.sh PYRITE SERVE KINDS_SET PROTO_DIR
# Python's gRPC as the judge of reflection and health checking: it learns a C daemon's interface and
# calls it; and pyrite learns a Python server's, which has v1alpha only, and calls that.
here=$(dirname "$0")
. "$here/../grpc/lib.sh"
set -eu
pyrite=$1 program=$2 set=$3 protos=$4

# expect STATUS TEXT COMMAND...: stdout is exactly that
expect()
{
	wanted=$1 text=$2
	shift 2
	status=0
	"$@" > "$work/out" 2> "$work/err" < "$work/in" || status=$?
	[ "$status" = "$wanted" ] || { cat "$work/err" >&2; fail "$*: exit $status, not $wanted"; }
	printf '%s' "$text" | cmp -s - "$work/out" || { cat "$work/out" >&2; fail "$*: other output"; }
}

protoc "-I$protos" --include_imports "--descriptor_set_out=$work/own.set" \
	grpc/reflection/v1/reflection.proto grpc/reflection/v1alpha/reflection.proto \
	grpc/health/v1/health.proto

serve "$program" "$set" 127.0.0.1:0
"$python" -B "$here/grpc_client.py" "$work/own.set" "${endpoint#*@}"
stop

serve "$python" -B "$here/grpc_server.py" "$work/own.set" "$set"
ref=grpc:@$endpoint
: > "$work/in"
expect 0 'message Number {
  int64 value = 1;
  string text = 2;
  google.protobuf.Timestamp at = 3;
  bytes data = 4;
}
' "$pyrite" describe "$ref" kinds.Number
expect 0 '{"value": "42", "at": "1970-01-01T00:00:01Z"}
' "$pyrite" call "$ref" One '{"value": "41", "at": "1970-01-01T00:00:01Z"}'
expect 0 '{"value": "1"}
{"value": "2"}
' "$pyrite" call "$ref" Count '{"value": 2}'
printf '{"value": 1}\n{"value": 2}\n' > "$work/in"
expect 0 '{"value": "3"}
' "$pyrite" call "$ref" Sum
expect 0 '{"value": "2"}
{"value": "4"}
' "$pyrite" call "$ref" kinds.Kinds/Double
printf '{"value": -1}\n' > "$work/in"
expect 1 '' "$pyrite" call "$ref" Sum
grep -q '^pyrite: OUT_OF_RANGE: negative' "$work/err" || fail "the status was lost"

# N9: a name leads to it as well, where it has nothing but gRPC
python_server=$server
PYRITE_NS=unix:$work/ns
export PYRITE_NS
serve "$pyrite" ns --listen "$PYRITE_NS"
: > "$work/in"
"$pyrite" names register kinds "$ref" > "$work/registered"
expect 0 '{"value": "2"}
' "$pyrite" call kinds One '{"value": "1"}'
stop
server=$python_server
stop
echo "grpc: reflection and health checking, both ways"
