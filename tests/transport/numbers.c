/* SPDX-License-Identifier: Apache-2.0 */
/* A servant whose streams are of numbered items, and readers that look at the numbers. */
#include "transport/numbers.h"

#include <stdlib.h>
#include <string.h>
#include "transport/resume.h"

typedef struct stream {
	numbers *servant;
	pyr_call *call;
	uint32_t at, count, size, status;
	bool holds;
	uint8_t *data;
} stream;

static void end_stream(stream *t, pyr_status status)
{
	numbers *n = t->servant;
	if (status == PYR_OK && t->status)
		pyr_call_fail(t->call, (pyr_status)t->status, "as you wish");
	else if (status == PYR_OK)
		pyr_call_end(t->call);
	pyr_call_unref(t->call);
	free(t->data);
	free(t);
	if (status)
		tally_add(&n->cut_short, 1);
	tally_add(&n->ended, 1);
}

static void on_cancel(void *ctx)
{
	end_stream(ctx, PYR_CANCELLED);
}

static pyr_status send_next(stream *t, pyr_error *err)
{
	Suite__Blob item = SUITE__BLOB__INIT;
	item.data.data = t->data;
	item.data.len = t->size;
	memcpy(t->data, &t->at, sizeof t->at);
	pyr_status status = suite_suite_down__send_reply(t->call, &item, err);
	if (status == PYR_OK) {
		t->at++;
		tally_add(&t->servant->sent, 1);
	}
	return status;
}

static void pump(void *ctx)
{
	stream *t = ctx;
	pyr_error err;
	pyr_status status = PYR_OK;
	while (status == PYR_OK && t->at < t->count - t->holds)
		status = send_next(t, &err);
	if (status == PYR_RESOURCE_EXHAUSTED && err.would_block) {
		status = pyr_call_on_writable(t->call, pump, t, &err);
		if (status == PYR_OK)
			return;
	}
	if (status == PYR_OK && t->holds)
		pyr_call_on_cancel(t->call, on_cancel, t);
	else
		end_stream(t, status);
}

static void close_tracked(void *resource)
{
	tally_add(&((numbers *)resource)->closed, 1);
}

static void down(void *self, pyr_call *call, const Suite__Flood *request)
{
	numbers *n = self;
	pyr_error err;
	stream *t = calloc(1, sizeof *t);
	*t = (stream){.servant = n,
		.call = pyr_call_ref(call),
		.count = request->count,
		.size = request->size < sizeof t->at ? sizeof t->at : request->size,
		.status = request->status,
		.holds = n->holds};
	t->data = calloc(1, t->size);
	if (pyr_metadata_get(pyr_call_metadata(call), PYR__RESUME_KEY))
		atomic_store(&n->saw_a_token, true);
	if (n->tracks)
		CHECK_OK(pyr_call_track(call, n, close_tracked, &err));
	tally_add(&n->begun, 1);
	pump(t);
}

static const suite_suite_ops numbers_ops = {.down = down};

void numbers_serve(pyr_daemon *daemon, scene *c)
{
	pyr_error err;
	CHECK_OK(suite_suite__serve(daemon, "numbers", &numbers_ops, &c->servant, &err));
}

scene *numbers_begin(const suite_config *config)
{
	char direct[PYR_REFERENCE_MAX];
	scene *c = calloc(1, sizeof *c);
	c->s = suite_begin(config);
	c->servant = (numbers){.begun = TALLY_INIT,
		.sent = TALLY_INIT,
		.ended = TALLY_INIT,
		.cut_short = TALLY_INIT,
		.closed = TALLY_INIT};
	numbers_serve(c->s->daemon, c);
	suite_refer(c->s->daemon, "numbers", direct);
	c->relay = relay_new(direct, c->reference);
	return c;
}

void numbers_end(scene *c)
{
	suite *s = c->s;
	relay_free(c->relay);
	pyr_daemon_stop(s->daemon, 0);
	pyr_daemon_free(s->daemon); /* until then a servant's function may still be ending */
	s->daemon = NULL;
	cr_assert_eq(tally_get(&c->servant.begun), tally_get(&c->servant.ended));
	cr_assert_not(atomic_load(&c->servant.saw_a_token), "the servant can see the token");
	free(c);
	suite_end(s);
}

suite_suite *numbers_open(pyr_context *context, const scene *c, uint32_t resume_ms)
{
	pyr_error err;
	suite_suite *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.resume_ms = resume_ms;
	CHECK_OK(suite_suite__open(context, c->reference, &options, &proxy, &err));
	return proxy;
}

pyr_stream *numbers_ask(suite_suite *proxy, uint32_t count, uint32_t size, pyr_status status)
{
	pyr_error err;
	pyr_stream *items;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = count;
	request.size = size;
	request.status = status;
	CHECK_OK(suite_suite_down(proxy, &request, &items, &err));
	return items;
}

static void check_item(const Suite__Blob *item, uint32_t wanted)
{
	uint32_t number;
	cr_assert_geq(item->data.len, sizeof number);
	memcpy(&number, item->data.data, sizeof number);
	cr_assert_eq(number, wanted, "item %u comes in the place of %u", number, wanted);
}

/* Pulls so many items, the first of which has this number. */
void numbers_pull(pyr_stream *items, uint32_t first, uint32_t count)
{
	pyr_error err;
	const Suite__Blob *item;
	for (uint32_t i = first; i < first + count; i++) {
		CHECK_OK(suite_suite_down__next(items, &item, &err));
		cr_assert(item, "the stream ends before item %u", i);
		check_item(item, i);
	}
}

pyr_status numbers_pull_end(pyr_stream *items, pyr_error *err)
{
	const Suite__Blob *item;
	pyr_status status = suite_suite_down__next(items, &item, err);
	cr_assert(status || !item, "there is another item");
	return status;
}

static void on_item(void *ctx, pyr_status status, const Suite__Blob *item, const pyr_error *err)
{
	watcher *w = ctx;
	if (status == PYR_OK && item) {
		check_item(item, tally_get(&w->items));
		tally_add(&w->items, 1);
		return;
	}
	w->status = status;
	if (err)
		w->err = *err;
	tally_add(&w->ends, 1);
}

void numbers_observe(pyr_stream *items, watcher *w)
{
	pyr_error err;
	CHECK_OK(suite_suite_down__observe(items, on_item, w, &err));
}

void numbers_pull_all(suite_suite *proxy, uint32_t count, uint32_t size, pyr_status status)
{
	pyr_error err;
	pyr_stream *items = numbers_ask(proxy, count, size, status);
	numbers_pull(items, 0, count);
	CHECK_STATUS(status, numbers_pull_end(items, &err));
	cr_assert(status == PYR_OK || strcmp(err.message, "as you wish") == 0);
	pyr_stream_close(items);
}

pyr_stream *numbers_witness(const scene *c, pyr_context *context, watcher *w)
{
	suite_suite *proxy = numbers_open(context, c, 0);
	pyr_stream *items = numbers_ask(proxy, 2, 100, PYR_OK);
	numbers_observe(items, w);
	CHECK_AWAIT(&w->items, 1);
	suite_suite__close(proxy);
	return items;
}

void numbers_check_in_vain(pyr_status status, const pyr_error *err, const char *why)
{
	cr_assert_eq(status, PYR_UNAVAILABLE, "%s: %s", pyr_status_name(status), err->message);
	cr_assert(strstr(err->message, "could not be resumed"), "%s", err->message);
	cr_assert(strstr(err->message, why), "%s", err->message);
	cr_assert_eq(err->executed, PYR_EXECUTED_MAYBE);
}
