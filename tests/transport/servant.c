/* SPDX-License-Identifier: Apache-2.0 */
/* The servant that the conformance suite calls. */
#include "transport/servant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void interrupt(const servant *s)
{
	if (s->interrupt)
		s->interrupt(s->interrupt_ctx);
}

static void echo(void *self, pyr_call *call, const Suite__Blob *request)
{
	servant *s = self;
	tally_add(&s->echo_count, 1);
	interrupt(s);
	pthread_mutex_lock(&s->lock);
	snprintf(s->peer, sizeof s->peer, "%s", pyr_call_peer(call));
	pthread_mutex_unlock(&s->lock);
	suite_suite_echo__reply(call, request);
}

static void grow(void *self, pyr_call *call, const Suite__Number *request)
{
	(void)self;
	Suite__Blob reply = SUITE__BLOB__INIT;
	reply.data.len = request->value;
	reply.data.data = malloc(request->value + 1);
	memset(reply.data.data, 'g', request->value);
	suite_suite_grow__reply(call, &reply);
	free(reply.data.data);
}

static void fail(void *self, pyr_call *call, const Suite__Failure *request)
{
	(void)self;
	pyr_error err;
	pyr_error_set(&err, (pyr_status)request->status, "%s", request->message);
	snprintf(err.where, sizeof err.where, "%s", request->where);
	err.executed = PYR_EXECUTED_YES;
	pyr_call_fail_error(call, &err, request->details.len ? request->details.data : NULL,
		request->details.len);
}

static void on_held_cancelled(void *ctx)
{
	servant *s = ctx;
	tally_add(&s->cancelled_count, 1);
}

static void keep(servant *s, pyr_call *call)
{
	pthread_mutex_lock(&s->lock);
	unsigned index = tally_get(&s->held_count);
	s->held[index] = pyr_call_ref(call);
	pthread_mutex_unlock(&s->lock);
	pyr_call_on_cancel(call, on_held_cancelled, s);
	tally_add(&s->held_count, 1);
}

static void hold(void *self, pyr_call *call, const Suite__Number *request)
{
	(void)request;
	keep(self, call);
}

static void note_correlation(servant *s, pyr_call *call)
{
	pthread_mutex_lock(&s->lock);
	unsigned index = tally_get(&s->correlation_count) % SERVANT_CORRELATIONS_MAX;
	snprintf(s->correlations[index], sizeof s->correlations[index], "%s",
		pyr_call_correlation(call));
	pthread_mutex_unlock(&s->lock);
	tally_add(&s->correlation_count, 1);
}

static void time_left(void *self, pyr_call *call, const Suite__Nothing *request)
{
	(void)request;
	note_correlation(self, call);
	Suite__Number reply = SUITE__NUMBER__INIT;
	reply.value = (uint64_t)pyr_call_time_left_us(call);
	suite_suite_time_left__reply(call, &reply);
}

static void relay(void *self, pyr_call *call, const Suite__Errand *request)
{
	servant *s = self;
	pyr_error err;
	suite_suite *other;
	note_correlation(s, call);
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = request->timeout_ms;
	pyr_status status =
		suite_suite__open(s->context, request->reference, &options, &other, &err);
	if (status) {
		pyr_call_fail_error(call, &err, NULL, 0);
		return;
	}
	Suite__Nothing nothing = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	status = request->then ? suite_suite_relay(other, request->then, &reply, &err)
			       : suite_suite_time_left(other, &nothing, &reply, &err);
	if (status) {
		pyr_call_fail_error(call, &err, NULL, 0);
	} else {
		suite_suite_relay__reply(call, reply);
		suite__number__free_unpacked(reply, NULL);
	}
	suite_suite__close(other);
}

static void reflect(void *self, pyr_call *call, const Suite__Nothing *request)
{
	(void)self;
	(void)request;
	const pyr_metadata *metadata = pyr_call_metadata(call);
	const char *key, *value;
	size_t size;
	for (size_t i = 0; pyr_metadata_at(metadata, i, &key, &value, &size); i++) {
		pyr_error err;
		if (pyr_call_add_metadata_bytes(call, key, value, size, &err)) {
			pyr_call_fail_error(call, &err, NULL, 0);
			return;
		}
	}
	Suite__Nothing reply = SUITE__NOTHING__INIT;
	suite_suite_reflect__reply(call, &reply);
}

static void answer(void *self, pyr_call *call, const Suite__Number *request)
{
	servant *s = self;
	pyr_status status = PYR_OK;
	for (uint64_t i = 0; i < request->value; i++)
		status = suite_suite_answer__reply(call, request);
	s->again_status = (int)status;
}

static void count(void *self, pyr_call *call, const Suite__Nothing *request)
{
	(void)request;
	servant *s = self;
	tally_add(&s->count_count, 1);
	interrupt(s);
	Suite__Number reply = SUITE__NUMBER__INIT;
	reply.value = tally_get(&s->count_count);
	suite_suite_count__reply(call, &reply);
}

static void note(void *self, pyr_call *call, const Suite__Number *request)
{
	(void)call;
	servant *s = self;
	pthread_mutex_lock(&s->lock);
	s->notes[tally_get(&s->note_count) % SERVANT_NOTES_MAX] = request->value;
	tally_add(&s->note_count, 1);
	pthread_mutex_unlock(&s->lock);
}

/* A stream that the servant works on. */
typedef struct flow {
	servant *servant;
	pyr_call *call;
	uint32_t left, status;
	uint64_t bytes;
	Suite__Blob blob;
} flow;

static void end_flow(flow *f, bool interrupted)
{
	servant *s = f->servant;
	pyr_call_unref(f->call);
	free(f->blob.data.data);
	free(f);
	if (interrupted)
		tally_add(&s->interrupted_count, 1);
	tally_add(&s->ended_count, 1);
}

static flow *new_flow(servant *s, pyr_call *call)
{
	flow *f = calloc(1, sizeof *f);
	f->servant = s;
	f->call = pyr_call_ref(call);
	f->blob = (Suite__Blob)SUITE__BLOB__INIT;
	return f;
}

static void pump(void *ctx)
{
	flow *f = ctx;
	pyr_error err;
	while (f->left > 0) {
		pyr_status status = suite_suite_down__send_reply(f->call, &f->blob, &err);
		if (status == PYR_RESOURCE_EXHAUSTED && err.would_block) {
			status = pyr_call_on_writable(f->call, pump, f, &err);
			if (status == PYR_OK)
				return;
		}
		if (status) {
			end_flow(f, true);
			return;
		}
		f->left--;
		tally_add(&f->servant->sent_count, 1);
	}
	if (f->status)
		pyr_call_fail(f->call, (pyr_status)f->status, "as you wish");
	else
		pyr_call_end(f->call);
	end_flow(f, false);
}

static void down(void *self, pyr_call *call, const Suite__Flood *request)
{
	flow *f = new_flow(self, call);
	f->left = request->count;
	f->status = request->status;
	f->blob.data.len = request->size;
	f->blob.data.data = malloc(request->size + 1);
	memset(f->blob.data.data, 'd', request->size);
	pump(f);
}

/* One message of Up, or its end; false when there is nothing more to do. */
static bool take_up(flow *f, pyr_status status, const Suite__Blob *request)
{
	if (status == PYR_OK && request) {
		f->bytes += request->data.len;
		tally_add(&f->servant->received_count, 1);
		return true;
	}
	if (status == PYR_OK) {
		Suite__Number reply = SUITE__NUMBER__INIT;
		reply.value = f->bytes;
		suite_suite_up__reply(f->call, &reply);
	}
	end_flow(f, status != PYR_OK);
	return false;
}

static void on_up(void *ctx, pyr_call *call, pyr_status status, const Suite__Blob *request)
{
	(void)call;
	take_up(ctx, status, request);
}

static void up(void *self, pyr_call *call)
{
	servant *s = self;
	if (s->stops) {
		keep(s, call);
		return;
	}
	flow *f = new_flow(s, call);
	const Suite__Blob *request = NULL;
	pyr_status status;
	if (s->pulls) {
		do
			status = suite_suite_up__next_request(call, &request, NULL);
		while (take_up(f, status, request));
	} else {
		status = suite_suite_up__observe_requests(call, on_up, f, NULL);
		if (status)
			end_flow(f, true);
	}
}

static bool take_both(flow *f, pyr_status status, const Suite__Blob *request)
{
	if (status == PYR_OK && request) {
		tally_add(&f->servant->received_count, 1);
		status = f->servant->fails_both
				 ? PYR_ABORTED
				 : suite_suite_both__send_reply(f->call, request, NULL);
		if (status == PYR_OK) {
			tally_add(&f->servant->sent_count, 1);
			return true;
		}
		pyr_call_fail(f->call, status, "the answer could not be sent");
		if (f->servant->pulls)
			f->servant->again_status =
				(int)suite_suite_both__next_request(f->call, &request, NULL);
	} else if (status == PYR_OK) {
		pyr_call_end(f->call);
	}
	end_flow(f, status != PYR_OK);
	return false;
}

static void on_both(void *ctx, pyr_call *call, pyr_status status, const Suite__Blob *request)
{
	(void)call;
	take_both(ctx, status, request);
}

static void both(void *self, pyr_call *call)
{
	servant *s = self;
	flow *f = new_flow(s, call);
	const Suite__Blob *request = NULL;
	pyr_status status;
	if (s->keeps_both)
		keep(s, call);
	if (s->pulls) {
		do
			status = suite_suite_both__next_request(call, &request, NULL);
		while (take_both(f, status, request));
	} else {
		status = suite_suite_both__observe_requests(call, on_both, f, NULL);
		if (status)
			end_flow(f, true);
	}
}

const suite_suite_ops servant_ops = {
	.echo = echo,
	.grow = grow,
	.fail = fail,
	.hold = hold,
	.time_left = time_left,
	.relay = relay,
	.reflect = reflect,
	.answer = answer,
	.count = count,
	.note = note,
	.down = down,
	.up = up,
	.both = both,
};

static void ask(void *self, pyr_call *call, const Suite__Nothing *request)
{
	(void)request;
	Suite__Number reply = SUITE__NUMBER__INIT;
	reply.value = *(uint64_t *)self;
	suite_other_ask__reply(call, &reply);
}

const suite_other_ops other_ops = {.ask = ask};

static pyr_call *take_held(servant *s, unsigned index)
{
	pthread_mutex_lock(&s->lock);
	pyr_call *call = s->held[index];
	s->held[index] = NULL;
	pthread_mutex_unlock(&s->lock);
	return call;
}

pyr_status servant_answer(servant *s, unsigned index, uint64_t value)
{
	pyr_call *call = take_held(s, index);
	Suite__Number reply = SUITE__NUMBER__INIT;
	reply.value = value;
	pyr_status status = suite_suite_hold__reply(call, &reply);
	pyr_call_unref(call);
	return status;
}

void servant_fail(servant *s, unsigned index)
{
	pyr_call *call = take_held(s, index);
	pyr_call_fail(call, PYR_ABORTED, "as you wish");
	pyr_call_unref(call);
}

void servant_drop(servant *s, unsigned index)
{
	pyr_call_unref(take_held(s, index));
}

void servant_drop_all(servant *s)
{
	for (unsigned i = 0; i < tally_get(&s->held_count); i++)
		servant_drop(s, i);
}
