#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: etcd.sh ETCD_CLIENT. A C program uses etcd, which is a gRPC server that knows nothing of Pyrite.
set -eu
. "$(dirname "$0")/lib.sh"

# free_ports: two ports that nobody has at the moment
free_ports()
{
	"$python" -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*[x.getsockname()[1] for x in s])'
}

start()
{
	set -- $(free_ports)
	endpoint=127.0.0.1:$1
	etcd --data-dir "$work/etcd" --listen-client-urls "http://$endpoint" \
		--advertise-client-urls "http://$endpoint" --listen-peer-urls "http://127.0.0.1:$2" \
		--initial-advertise-peer-urls "http://127.0.0.1:$2" \
		--initial-cluster "default=http://127.0.0.1:$2" --logger zap > "$work/log" 2>&1 &
	server=$!
	tries=0
	until ETCDCTL_API=3 etcdctl --endpoints "$endpoint" --command-timeout 2s endpoint health > /dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || { tail "$work/log" >&2; fail "etcd has not started"; }
	done
}

start
"$1" "grpc:@$endpoint"
kill "$server"
wait "$server" || : # its own status for a signal
server=
