#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: certificates.sh FOLDER
# Makes the authorities, keys and certificates that tests of TLS need, into FOLDER:
#
#   ca.pem, other-ca.pem    two authorities
#   server.pem .key         for localhost and 127.0.0.1, by ca
#   client.pem .key         for the URI test:alice, by ca
#   wronghost.pem .key      for elsewhere.example, by ca
#   expired.pem .key        for localhost, by ca, until 2020
#   foreign.pem .key        for localhost and test:mallory, by other-ca
set -eu
cd "$1"

# quiet COMMAND...: its output only if it fails
quiet()
{
	"$@" > openssl.log 2>&1 || { cat openssl.log >&2; exit 1; }
}

authority()
{
	quiet openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -keyout "$1.key" -out "$1.pem" \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign
	mkdir "$1.d"
	: > "$1.d/index"
	cat > "$1.cnf" <<END
[ca]
default_ca = one
[one]
dir = $1.d
database = $1.d/index
new_certs_dir = $1.d
rand_serial = yes
certificate = $1.pem
private_key = $1.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
END
}

# certificate NAME AUTHORITY ALTERNATIVE_NAMES [DATES...]
certificate()
{
	name=$1 by=$2 names=$3
	shift 3
	[ $# -gt 0 ] || set -- -days 2
	quiet openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$name" \
		-keyout "$name.key" -out "$name.csr" -addext "subjectAltName=$names"
	quiet openssl ca -batch -notext -config "$by.cnf" -in "$name.csr" -out "$name.pem" "$@"
}

authority ca
authority other-ca
certificate server ca DNS:localhost,IP:127.0.0.1
certificate client ca URI:test:alice
certificate wronghost ca DNS:elsewhere.example
certificate expired ca DNS:localhost,IP:127.0.0.1 -startdate 20200101000000Z -enddate 20200102000000Z
certificate foreign other-ca DNS:localhost,IP:127.0.0.1,URI:test:mallory
