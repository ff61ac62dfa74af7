#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: certificates.sh FOLDER
#
# Makes the keys and certificates of this example into FOLDER, with the program openssl:
#
#   ca.pem                   the authority that both sides believe
#   server.pem, .key         of the server, for localhost and 127.0.0.1
#   alice.pem, .key          of a client: user:alice, which the door knows
#   bob.pem, .key            of another: user:bob, which it does not know
#   mallory.pem, .key        user:alice as well, but nobody who matters says so
#
# Only ca.pem goes to everybody; a .key stays where it is used. Who has an authority of its own,
# or a program like step-ca or Vault, takes the files from there.
set -eu
mkdir -p "$1"
cd "$1"
umask 077

# key_and NAME WHAT...: a key, and a certificate or the request for one
key_and()
{
	name=$1
	shift
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
		-keyout "$name.key" "$@" 2> openssl.log || { cat openssl.log >&2; exit 1; }
}

# signed NAME ALTERNATIVE_NAMES: a certificate by ca, for what those names say
signed()
{
	key_and "$1" -out "$1.csr"
	echo "subjectAltName=$2" > "$1.ext"
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
		-extfile "$1.ext" -out "$1.pem" 2> openssl.log || { cat openssl.log >&2; exit 1; }
}

key_and ca -x509 -days 30 -out ca.pem -addext keyUsage=critical,keyCertSign
signed server DNS:localhost,IP:127.0.0.1
signed alice URI:user:alice
signed bob URI:user:bob
key_and mallory -x509 -days 30 -out mallory.pem -addext subjectAltName=URI:user:alice
