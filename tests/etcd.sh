# SPDX-License-Identifier: Apache-2.0
# For scripts that need an etcd: ends nothing itself.

# free_ports: two ports that nobody has at the moment
free_ports()
{
	/usr/bin/python3 -c 'import socket
s = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*[x.getsockname()[1] for x in s])'
}

# start_etcd FOLDER: one with its data there; sets `etcd` to its process and `endpoint`
start_etcd()
{
	folder=$1
	set -- $(free_ports)
	endpoint=127.0.0.1:$1
	etcd --data-dir "$folder/etcd" --listen-client-urls "http://$endpoint" \
		--advertise-client-urls "http://$endpoint" --listen-peer-urls "http://127.0.0.1:$2" \
		--initial-advertise-peer-urls "http://127.0.0.1:$2" \
		--initial-cluster "default=http://127.0.0.1:$2" --logger zap > "$folder/etcd.log" 2>&1 &
	etcd=$!
	tries=0
	until ETCDCTL_API=3 etcdctl --endpoints "$endpoint" --command-timeout 2s endpoint health > /dev/null 2>&1; do
		tries=$((tries + 1))
		[ $tries -lt 60 ] || { tail "$folder/etcd.log" >&2; return 1; }
	done
}
