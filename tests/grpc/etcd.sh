#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: etcd.sh ETCD_CLIENT [SECONDS]. A C program uses etcd, which is a gRPC server that knows nothing of Pyrite.
set -eu
. "$(dirname "$0")/lib.sh"
. "$here/../etcd.sh"

start_etcd "$work" || fail "etcd has not started"
server=$etcd
"$1" "grpc:@$endpoint" ${2:-}
kill "$server"
wait "$server" || : # its own status for a signal
server=
