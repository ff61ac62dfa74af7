#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tls.sh STORY_CLIENT STORY_SERVER. gRPC over TLS and mutual TLS, between C and Python.
set -eu
. "$(dirname "$0")/lib.sh"
stubs
mkdir "$work/certificates"
sh "$here/../certificates.sh" "$work/certificates"
folder=$work/certificates

# says REFERENCE CERTIFICATE STATUS: what one call of the C client ends with
says()
{
	client=$1
	shift
	"$client" "$1" "$folder" "$2" "$3" || fail "$1 with '$2' did not end with $3"
}

# a server that asks for no certificate
serve "$2" 8 grpcs:127.0.0.1:0 "$folder"
"$1" "grpcs:story@$endpoint" "$folder" "" > "$work/out" || { cat "$work/out"; fail "C to C over TLS"; }
says "$1" "grpcs:story@$endpoint" "" OK
says "$1" "grpc:story@$endpoint" "" UNAVAILABLE
stop

# mutual
STORY_MUTUAL=1
export STORY_MUTUAL
serve "$2" 8 grpcs:127.0.0.1:0 "$folder"
says "$1" "grpcs:story@$endpoint" client OK | grep -q 'test:alice' || fail "the client is not test:alice"
for certificate in "" foreign expired; do
	says "$1" "grpcs:story@$endpoint" "$certificate" UNAVAILABLE
done
"$python" "$here/tls.py" "$work" "$endpoint" "$folder"
stop

# a Python server
serve "$python" "$here/server.py" "$work" "$folder"
says "$1" "grpcs:@$endpoint" client OK
says "$1" "grpcs:@$endpoint" foreign UNAVAILABLE
stop
