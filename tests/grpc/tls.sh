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

# other certificates and other authorities, while it listens
mkdir "$work/changing"
change() { for file in ca.pem server.pem server.key; do cp "$folder/$1" "$work/changing/$file"; shift; done; }
change ca.pem wronghost.pem wronghost.key
serve "$2" 8 grpcs:127.0.0.1:0 "$work/changing"
says "$1" "grpcs:story@$endpoint" client UNAVAILABLE
change ca.pem server.pem server.key
kill -HUP $server
read -r word <&9
[ "$word" = reloaded ] || fail "the certificates are not reloaded: $word"
says "$1" "grpcs:story@$endpoint" client OK
says "$1" "grpcs:story@$endpoint" foreign UNAVAILABLE
change other-ca.pem server.pem server.key
kill -HUP $server
read -r word <&9
says "$1" "grpcs:story@$endpoint" foreign OK
says "$1" "grpcs:story@$endpoint" client UNAVAILABLE
change other-ca.pem client.pem server.key # which do not go together: all stays as it was
kill -HUP $server
read -r word <&9
[ "$word" != reloaded ] || fail "a certificate was taken without its key"
says "$1" "grpcs:story@$endpoint" foreign OK
stop

# a Python server
serve "$python" "$here/server.py" "$work" "$folder"
says "$1" "grpcs:@$endpoint" client OK
says "$1" "grpcs:@$endpoint" foreign UNAVAILABLE
stop
