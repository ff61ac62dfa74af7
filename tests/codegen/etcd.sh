#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: see lib.sh. etcd's .proto files and what they import, just as Debian packages them, become
# code that compiles: real files, written by people who never thought of C.
. "$(dirname "$0")/lib.sh"
go=/usr/share/gocode/src

# they import each other as "etcd/...": a virtual path of protoc's
imports="$imports -Ietcd=$go/go.etcd.io/etcd -I$go/github.com/gogo/protobuf
	-I$go/github.com/grpc-ecosystem/grpc-gateway/third_party/googleapis"
for proto in etcd/etcdserver/etcdserverpb/rpc.proto etcd/mvcc/mvccpb/kv.proto \
	etcd/auth/authpb/auth.proto etcd/etcdserver/api/v3lock/v3lockpb/v3lock.proto \
	etcd/etcdserver/api/v3election/v3electionpb/v3election.proto \
	gogoproto/gogo.proto google/api/annotations.proto google/api/http.proto; do
	generate "$work/out" $proto || fail "$proto is refused"
done
compiles "$work/out"
formatted "$work/out"
for service in KV Watch Lease Cluster Maintenance Auth; do
	grep -qx "const pyr_interface etcdserverpb_$(echo $service | tr A-Z a-z)__interface = {" \
		"$work/out/etcd/etcdserver/etcdserverpb/rpc.pyr.c" || fail "no service $service"
done
finish "etcd's files"
