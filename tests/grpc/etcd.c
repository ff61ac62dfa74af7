/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses an etcd, through stubs made from its own .proto files: put, range, txn, watch, lease, lock.
 * usage: etcd_client REFERENCE [SECONDS]   with SECONDS: one watch for so long, with a pause in
 * between
 */
#include <pyrite/pyrite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "etcd/etcdserver/api/v3lock/v3lockpb/v3lock.pyr.h"
#include "etcd/etcdserver/etcdserverpb/rpc.pyr.h"

#define CHANGES 500 /* that the watch must see */

static pyr_context *context;
static const char *reference;
static etcdserverpb_kv *kv;

#define CHECK(what)                                                                                \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			printf("line %d: %s: %s: %s\n", __LINE__, #what,                           \
				pyr_status_name(err.status), err.message);                         \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static ProtobufCBinaryData bytes(const char *text)
{
	return (ProtobufCBinaryData){strlen(text), (uint8_t *)text};
}

static bool is(const ProtobufCBinaryData *data, const char *text)
{
	return data->len == strlen(text) && memcmp(data->data, text, data->len) == 0;
}

static void put(const char *key, const char *value)
{
	pyr_error err;
	Etcdserverpb__PutRequest request = ETCDSERVERPB__PUT_REQUEST__INIT;
	Etcdserverpb__PutResponse *reply;
	pyr_error_set(&err, PYR_OK, "%s", "");
	request.key = bytes(key);
	request.value = bytes(value);
	CHECK(etcdserverpb_kv_put(kv, &request, &reply, &err) == PYR_OK);
	CHECK(reply->header->revision > 0);
	etcdserverpb__put_response__free_unpacked(reply, NULL);
}

static void puts_and_ranges(void)
{
	pyr_error err;
	Etcdserverpb__RangeRequest request = ETCDSERVERPB__RANGE_REQUEST__INIT;
	Etcdserverpb__RangeResponse *reply;
	pyr_error_set(&err, PYR_OK, "%s", "");
	put("story/a", "1");
	put("story/b", "2");
	request.key = bytes("story/");
	request.range_end = bytes("story0");
	CHECK(etcdserverpb_kv_range(kv, &request, &reply, &err) == PYR_OK);
	CHECK(reply->n_kvs == 2 && is(&reply->kvs[0]->key, "story/a"));
	CHECK(is(&reply->kvs[1]->value, "2"));
	etcdserverpb__range_response__free_unpacked(reply, NULL);
}

static void errors_arrive_unchanged(void)
{
	pyr_error err;
	Etcdserverpb__PutRequest request = ETCDSERVERPB__PUT_REQUEST__INIT;
	Etcdserverpb__PutResponse *reply;
	CHECK(etcdserverpb_kv_put(kv, &request, &reply, &err) == PYR_INVALID_ARGUMENT);
	CHECK(strcmp(err.message, "etcdserver: key is not provided") == 0);
}

static void transactions(void)
{
	pyr_error err;
	Etcdserverpb__Compare compare = ETCDSERVERPB__COMPARE__INIT, *compares[] = {&compare};
	Etcdserverpb__RequestOp op = ETCDSERVERPB__REQUEST_OP__INIT, *ops[] = {&op};
	Etcdserverpb__PutRequest request = ETCDSERVERPB__PUT_REQUEST__INIT;
	Etcdserverpb__TxnRequest txn = ETCDSERVERPB__TXN_REQUEST__INIT;
	Etcdserverpb__TxnResponse *reply;
	pyr_error_set(&err, PYR_OK, "%s", "");
	compare.target = ETCDSERVERPB__COMPARE__COMPARE_TARGET__VALUE;
	compare.key = bytes("story/a");
	compare.target_union_case = ETCDSERVERPB__COMPARE__TARGET_UNION_VALUE;
	compare.value = bytes("1");
	request.key = bytes("story/a");
	request.value = bytes("swapped");
	op.request_case = ETCDSERVERPB__REQUEST_OP__REQUEST_REQUEST_PUT;
	op.request_put = &request;
	txn.n_compare = txn.n_success = 1;
	txn.compare = compares;
	txn.success = ops;
	for (int succeeded = 1; succeeded >= 0; succeeded--) {
		CHECK(etcdserverpb_kv_txn(kv, &txn, &reply, &err) == PYR_OK);
		CHECK(reply->succeeded == succeeded);
		etcdserverpb__txn_response__free_unpacked(reply, NULL);
	}
}

/* A watch of one key, which is changed to "0", "1", and so on. */
typedef struct watched {
	const char *key;
	etcdserverpb_watch *watch;
	pyr_stream *stream;
	unsigned put_count, seen;
} watched;

static void watched_begin(watched *w, const char *key)
{
	pyr_error err;
	const Etcdserverpb__WatchResponse *got;
	Etcdserverpb__WatchCreateRequest create = ETCDSERVERPB__WATCH_CREATE_REQUEST__INIT;
	Etcdserverpb__WatchRequest request = ETCDSERVERPB__WATCH_REQUEST__INIT;
	*w = (watched){.key = key};
	CHECK(etcdserverpb_watch__open(context, reference, NULL, &w->watch, &err) == PYR_OK);
	CHECK(etcdserverpb_watch_watch(w->watch, &w->stream, &err) == PYR_OK);
	create.key = bytes(key);
	request.request_union_case = ETCDSERVERPB__WATCH_REQUEST__REQUEST_UNION_CREATE_REQUEST;
	request.create_request = &create;
	CHECK(etcdserverpb_watch_watch__send(w->stream, &request, &err) == PYR_OK);
	CHECK(etcdserverpb_watch_watch__next(w->stream, &got, &err) == PYR_OK && got->created);
}

static void watched_change(watched *w, unsigned times)
{
	pyr_error err;
	char value[24];
	const Etcdserverpb__WatchResponse *got;
	for (unsigned i = 0; i < times; i++) {
		snprintf(value, sizeof value, "%u", w->put_count++);
		put(w->key, value);
	}
	while (w->seen < w->put_count) {
		CHECK(etcdserverpb_watch_watch__next(w->stream, &got, &err) == PYR_OK && got);
		for (size_t i = 0; i < got->n_events; i++) {
			snprintf(value, sizeof value, "%u", w->seen++);
			CHECK(is(&got->events[i]->kv->value, value));
		}
	}
}

static void watched_end(watched *w)
{
	pyr_stream_close(w->stream);
	etcdserverpb_watch__close(w->watch);
}

static void watches(void)
{
	watched w;
	watched_begin(&w, "story/watched");
	watched_change(&w, CHANGES);
	watched_end(&w);
}

/* Ten changes, silence for a third of the time, ten changes, and so on: all are seen, in order. */
static void watch_long(unsigned seconds)
{
	watched w;
	watched_begin(&w, "story/long");
	for (unsigned round = 0; round < 4; round++) {
		if (round > 0)
			sleep(seconds / 3); /* the silence that is to be survived */
		watched_change(&w, 10);
	}
	watched_end(&w);
	printf("etcd: a watch of %u s saw %u changes\n", seconds, w.seen);
}

static int64_t grant(etcdserverpb_lease *lease)
{
	pyr_error err;
	Etcdserverpb__LeaseGrantRequest request = ETCDSERVERPB__LEASE_GRANT_REQUEST__INIT;
	Etcdserverpb__LeaseGrantResponse *reply;
	request.ttl = 60;
	CHECK(etcdserverpb_lease_lease_grant(lease, &request, &reply, &err) == PYR_OK);
	int64_t id = reply->id;
	etcdserverpb__lease_grant_response__free_unpacked(reply, NULL);
	return id;
}

static void keep_alive(etcdserverpb_lease *lease, int64_t id)
{
	pyr_error err;
	pyr_stream *stream;
	const Etcdserverpb__LeaseKeepAliveResponse *got;
	Etcdserverpb__LeaseKeepAliveRequest request = ETCDSERVERPB__LEASE_KEEP_ALIVE_REQUEST__INIT;
	request.id = id;
	CHECK(etcdserverpb_lease_lease_keep_alive(lease, &stream, &err) == PYR_OK);
	for (int i = 0; i < 10; i++) {
		CHECK(etcdserverpb_lease_lease_keep_alive__send(stream, &request, &err) == PYR_OK);
		CHECK(etcdserverpb_lease_lease_keep_alive__next(stream, &got, &err) == PYR_OK &&
			got);
		CHECK(got->id == id && got->ttl == 60);
	}
	CHECK(pyr_stream_end(stream, &err) == PYR_OK);
	pyr_stream_close(stream);
}

static void locks(int64_t lease_id)
{
	pyr_error err;
	v3lockpb_lock *lock;
	V3lockpb__LockRequest request = V3LOCKPB__LOCK_REQUEST__INIT;
	V3lockpb__LockResponse *locked;
	V3lockpb__UnlockRequest back = V3LOCKPB__UNLOCK_REQUEST__INIT;
	V3lockpb__UnlockResponse *unlocked;
	CHECK(v3lockpb_lock__open(context, reference, NULL, &lock, &err) == PYR_OK);
	request.name = bytes("latch");
	request.lease = lease_id;
	CHECK(v3lockpb_lock_lock(lock, &request, &locked, &err) == PYR_OK);
	CHECK(locked->key.len > 0);
	back.key = locked->key;
	CHECK(v3lockpb_lock_unlock(lock, &back, &unlocked, &err) == PYR_OK);
	v3lockpb__unlock_response__free_unpacked(unlocked, NULL);
	v3lockpb__lock_response__free_unpacked(locked, NULL);
	v3lockpb_lock__close(lock);
}

static void leases_and_locks(void)
{
	pyr_error err;
	etcdserverpb_lease *lease;
	CHECK(etcdserverpb_lease__open(context, reference, NULL, &lease, &err) == PYR_OK);
	int64_t id = grant(lease);
	keep_alive(lease, id);
	locks(id);
	etcdserverpb_lease__close(lease);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} checks[] = {
		{"put and range", puts_and_ranges},
		{"errors arrive unchanged", errors_arrive_unchanged},
		{"txn", transactions},
		{"watch", watches},
		{"lease, keepalive and lock", leases_and_locks},
	};
	pyr_error err;
	reference = argc > 1 ? argv[1] : "";
	CHECK(pyr_context_new(NULL, &context, &err) == PYR_OK);
	CHECK(etcdserverpb_kv__open(context, reference, NULL, &kv, &err) == PYR_OK);
	if (argc > 2)
		watch_long((unsigned)atoi(argv[2]));
	for (size_t i = 0; argc <= 2 && i < sizeof checks / sizeof checks[0]; i++) {
		checks[i].run();
		printf("etcd: %s\n", checks[i].name);
		fflush(stdout);
	}
	etcdserverpb_kv__close(kv);
	pyr_context_free(context);
	return 0;
}
