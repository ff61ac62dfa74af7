#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: log.sh STORY_CLIENT STORY_SERVER
# O3: what nobody else hears of is in the log, in one line with its reason, and no peer can fill the disk with it.
set -eu
. "$(dirname "$0")/lib.sh"
mkdir "$work/certificates"
sh "$here/../certificates.sh" "$work/certificates"
folder=$work/certificates
log=$work/log

# logged TEXT [LINES]: the log has it, and no more than so many lines
logged()
{
	tries=0
	until grep -q "^pyrite: $1" "$log"; do
		tries=$((tries + 1))
		[ $tries -lt 200 ] || { cat "$log" >&2; fail "nothing of '$1' in the log"; }
		sleep 0.05
	done
	[ "$(wc -l < "$log")" -le "${2:-1000}" ] || { cat "$log" >&2; fail "more than $2 lines"; }
}

# refused CERTIFICATE: a client with that, or none, is not let in
refused()
{
	"$client" "$scheme:story@$endpoint" "$folder" "$1" UNAVAILABLE > "$work/out" || fail "'$1' was let in"
}

client=$1
STORY_MUTUAL=1
export STORY_MUTUAL
for scheme in pyrs grpcs; do
	[ $scheme = pyrs ] && where=127.0.0.1:0 what="TLS with 127" || where=grpcs:127.0.0.1:0 what="gRPC: "
	for certificate in "" foreign expired; do
		serve "$2" 8 $where "$folder" 2> "$log"
		refused "$certificate"
		case "$scheme $certificate" in
		*" ") why="peer did not return a certificate" ;;
		"pyrs foreign") why="unable to get local issuer certificate" ;;
		"pyrs expired") why="certificate has expired" ;;
		*) why="certificate verify failed" ;;
		esac
		logged "warning: $what.*$why" 3
		stop
	done
	echo "log: a client that TLS refused, on $scheme"
done
unset STORY_MUTUAL

# 300 peers that break the protocol are worth 10 lines, and whose level is higher, none
serve "$2" 2> "$log"
"$python" "$here/log.py" "$endpoint" native 300
logged "warning: 127.0.0.1:[0-9]* broke the protocol and was disconnected: " 10
stop
PYRITE_LOG=error serve "$2" 2> "$log"
"$python" "$here/log.py" "$endpoint" native 1
stop
[ ! -s "$log" ] || fail "a warning, though only errors were asked for"
echo "log: peers that break the protocol"

PYRITE_GRPC_LIBRARY=/nowhere.so serve "$2" 2> "$log"
"$python" "$here/log.py" "$endpoint" grpc 20
logged "error: a client that speaks gRPC was refused: gRPC needs .*libgrpc29" 10
stop
echo "log: a library that is not installed"
