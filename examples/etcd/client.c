/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses an etcd, a gRPC server that knows nothing of Pyrite, through stubs that the generator makes
 * of etcd's own .proto files: put, range, watch, and a lease that is kept alive.
 * usage: etcd-client [REFERENCE]   grpc:@127.0.0.1:2379 (there is no object's id before the @)
 */
#include <stdio.h>
#include <string.h>
#include "etcd/etcdserver/etcdserverpb/rpc.pyr.h"

static ProtobufCBinaryData bytes(const char *text)
{
	return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

static void print(const char *what, const Mvccpb__KeyValue *kv)
{
	printf("%s %.*s = %.*s\n", what, (int)kv->key.len, (const char *)kv->key.data,
		(int)kv->value.len, (const char *)kv->value.data);
}

/* Keys and values. lease_id 0: the key stays; else it goes with the lease. */
static pyr_status put(
	etcdserverpb_kv *kv, const char *key, const char *value, int64_t lease_id, pyr_error *err)
{
	Etcdserverpb__PutRequest request = ETCDSERVERPB__PUT_REQUEST__INIT;
	Etcdserverpb__PutResponse *reply;
	request.key = bytes(key);
	request.value = bytes(value);
	request.lease = lease_id;
	pyr_status status = etcdserverpb_kv_put(kv, &request, &reply, err);
	if (status == PYR_OK)
		etcdserverpb__put_response__free_unpacked(reply, NULL);
	return status;
}

static pyr_status list(etcdserverpb_kv *kv, const char *from, const char *to, pyr_error *err)
{
	Etcdserverpb__RangeRequest request = ETCDSERVERPB__RANGE_REQUEST__INIT;
	Etcdserverpb__RangeResponse *reply;
	request.key = bytes(from);
	request.range_end = bytes(to);
	pyr_status status = etcdserverpb_kv_range(kv, &request, &reply, err);
	if (status)
		return status;
	for (size_t i = 0; i < reply->n_kvs; i++)
		print("range:", reply->kvs[i]);
	etcdserverpb__range_response__free_unpacked(reply, NULL);
	return PYR_OK;
}

/* One stream carries any number of watches: each is asked for with a message. */
static pyr_status begin_watch(pyr_stream *stream, const char *from, const char *to, pyr_error *err)
{
	Etcdserverpb__WatchCreateRequest create = ETCDSERVERPB__WATCH_CREATE_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	const Etcdserverpb__WatchResponse *reply;
	create.key = bytes(from);
	create.range_end = bytes(to);
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST;
	request.create_request = &create;
	pyr_status status = etcdserverpb_watch_watch__send(stream, &request, err);
	/* the first answer says that it has begun: from here on no change is missed */
	return status ? status : etcdserverpb_watch_watch__next(stream, &reply, err);
}

static pyr_status see_changes(pyr_stream *stream, size_t count, pyr_error *err)
{
	while (count > 0) {
		const Etcdserverpb__WatchResponse *reply;
		pyr_status status = etcdserverpb_watch_watch__next(stream, &reply, err);
		if (status)
			return status;
		if (!reply)
			return pyr_error_set(err, PYR_UNAVAILABLE, "etcd has ended the watch");
		for (size_t i = 0; i < reply->n_events && count > 0; i++, count--)
			print(reply->events[i]->type == MVCCPB__EVENT__EVENT_TYPE__DELETE
					? "gone:"
					: "changed:",
				reply->events[i]->kv);
	}
	return PYR_OK;
}

/* A lease lives for its ttl, and as long again with each message that keeps it alive. */
static pyr_status grant(etcdserverpb_lease *lease, int64_t *ret_id, pyr_error *err)
{
	Etcdserverpb__LeaseGrantRequest request = ETCDSERVERPB__LEASE_GRANT_REQUEST__INIT;
	Etcdserverpb__LeaseGrantResponse *reply;
	request.ttl = 60;
	pyr_status status = etcdserverpb_lease_lease_grant(lease, &request, &reply, err);
	if (status)
		return status;
	*ret_id = reply->id;
	etcdserverpb__lease_grant_response__free_unpacked(reply, NULL);
	return PYR_OK;
}

static pyr_status keep_alive(etcdserverpb_lease *lease, int64_t id, unsigned times, pyr_error *err)
{
	Etcdserverpb__LeaseKeepAliveRequest request = ETCDSERVERPB__LEASE_KEEP_ALIVE_REQUEST__INIT;
	const Etcdserverpb__LeaseKeepAliveResponse *reply = NULL;
	pyr_stream *stream;
	pyr_status status = etcdserverpb_lease_lease_keep_alive(lease, &stream, err);
	if (status)
		return status;
	request.id = id;
	/* a program that lives longer than this one sends one every third of the ttl */
	while (times-- > 0 && status == PYR_OK) {
		status = etcdserverpb_lease_lease_keep_alive__send(stream, &request, err);
		if (status == PYR_OK)
			status = etcdserverpb_lease_lease_keep_alive__next(stream, &reply, err);
	}
	if (status == PYR_OK && reply)
		printf("lease: alive for another %lld s\n", (long long)reply->ttl);
	pyr_stream_close(stream);
	return status;
}

/* Ends the lease, and so removes what was put under it. */
static pyr_status revoke(etcdserverpb_lease *lease, int64_t id, pyr_error *err)
{
	Etcdserverpb__LeaseRevokeRequest request = ETCDSERVERPB__LEASE_REVOKE_REQUEST__INIT;
	Etcdserverpb__LeaseRevokeResponse *reply;
	request.id = id;
	pyr_status status = etcdserverpb_lease_lease_revoke(lease, &request, &reply, err);
	if (status == PYR_OK)
		etcdserverpb__lease_revoke_response__free_unpacked(reply, NULL);
	return status;
}

static pyr_status tour(
	etcdserverpb_kv *kv, etcdserverpb_lease *lease, pyr_stream *changes, pyr_error *err)
{
	int64_t lease_id = 0;
	pyr_status status = begin_watch(changes, "lamp/", "lamp0", err);
	if (status == PYR_OK)
		status = grant(lease, &lease_id, err);
	if (status == PYR_OK)
		status = put(kv, "lamp/hall", "on", 0, err);
	if (status == PYR_OK)
		status = put(kv, "lamp/stairs", "on", lease_id, err);
	if (status == PYR_OK)
		status = list(kv, "lamp/", "lamp0", err);
	if (status == PYR_OK)
		status = keep_alive(lease, lease_id, 3, err);
	if (status == PYR_OK)
		status = revoke(lease, lease_id, err);
	return status ? status : see_changes(changes, 3, err);
}

int main(int argc, char **argv)
{
	const char *reference = argc > 1 ? argv[1] : "grpc:@127.0.0.1:2379";
	etcdserverpb_kv *kv = NULL;
	etcdserverpb_watch *watch = NULL;
	etcdserverpb_lease *lease = NULL;
	pyr_stream *changes = NULL;
	pyr_context *context = NULL;
	pyr_error err;
	/* three services, one connection: a context's proxies share it */
	bool failed = pyr_context_new(NULL, &context, &err) ||
		      etcdserverpb_kv__open(context, reference, NULL, &kv, &err) ||
		      etcdserverpb_watch__open(context, reference, NULL, &watch, &err) ||
		      etcdserverpb_lease__open(context, reference, NULL, &lease, &err) ||
		      etcdserverpb_watch_watch(watch, &changes, &err) ||
		      tour(kv, lease, changes, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_stream_close(changes);
	etcdserverpb_lease__close(lease);
	etcdserverpb_watch__close(watch);
	etcdserverpb_kv__close(kv);
	pyr_context_free(context);
	return failed;
}
