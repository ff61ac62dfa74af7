/* SPDX-License-Identifier: Apache-2.0 */
/* The servant that most of the scenarios call: see compared.proto. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compared.pyr.h"
#include "log.h"
#include "servants.h"

#define WAITS_MAX 1000

static pyr_daemon *host; /* of the first thing that was served */
static int64_t sum;

static Compared__Line line_of(char *text)
{
	Compared__Line line = COMPARED__LINE__INIT;
	line.text = text;
	return line;
}

static void add(void *self, pyr_call *call, const Compared__Number *request)
{
	Compared__Number reply = COMPARED__NUMBER__INIT;
	(void)self;
	reply.value = __atomic_add_fetch(&sum, request->value, __ATOMIC_RELAXED);
	compared_thing_add__reply(call, &reply);
}

static void echo(void *self, pyr_call *call, const Compared__Blob *request)
{
	(void)self;
	compared_thing_echo__reply(call, request);
}

static void note(void *self, pyr_call *call, const Compared__Line *request)
{
	(void)self;
	Compared__Line reply = line_of(request->text);
	const char *hello = pyr_metadata_get(pyr_call_metadata(call), "hello");
	pyr_error err;
	log_add("", request->text);
	if (hello && pyr_call_add_metadata(call, "heard", hello, &err))
		abort();
	compared_thing_note__reply(call, &reply);
}

static void tell(void *self, pyr_call *call, const Compared__Line *request)
{
	(void)self;
	log_add("began ", request->text);
	if (*request->after)
		log_wait(request->after, request->wait_ms, NULL);
	log_add("", request->text);
	if (strcmp(request->text, "fail") == 0)
		pyr_call_fail(call, PYR_FAILED_PRECONDITION, "nobody hears this");
}

static void give_up(void *ctx)
{
	log_wake(ctx);
}

static char *await(pyr_call *call, const Compared__Line *request)
{
	/* on_cancel may still run when this function has returned, so none is used twice */
	static bool given_up[WAITS_MAX];
	static unsigned waits;
	unsigned mine = __atomic_fetch_add(&waits, 1, __ATOMIC_RELAXED);
	if (mine >= WAITS_MAX)
		abort();
	log_add("began ", request->text);
	pyr_call_on_cancel(call, give_up, &given_up[mine]);
	if (log_wait(request->text, request->wait_ms, &given_up[mine]))
		return "seen";
	if (!pyr_call_cancelled(call))
		return "timed out";
	log_add("cancelled ", request->text);
	pyr_call_fail(call, PYR_CANCELLED, "nobody waits any more");
	return NULL;
}

static void wait_once(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(await(call, request));
	(void)self;
	if (reply.text)
		compared_thing_wait__reply(call, &reply);
}

static void wait_again(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(await(call, request));
	(void)self;
	if (reply.text)
		compared_thing_wait_again__reply(call, &reply);
}

static void find(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Lines reply = COMPARED__LINES__INIT;
	char *lines[LOG_LINES_MAX];
	(void)self;
	reply.n_lines = log_find(request->text, lines);
	reply.lines = lines;
	compared_thing_log__reply(call, &reply);
}

/* The detail is a google.rpc.Status by hand: 3: { 1: type, 2: the Line }. */
static void fail(void *self, pyr_call *call, const Compared__Line *request)
{
	static const char type[] = "type.googleapis.com/compared.Line";
	uint8_t line[100], details[200];
	pyr_error err;
	(void)self;
	size_t size = compared__line__get_packed_size(request), at = 0;
	if (size > sizeof line)
		abort();
	compared__line__pack(request, line);
	details[at++] = 3 << 3 | 2;
	details[at++] = (uint8_t)(2 + sizeof type - 1 + 2 + size);
	details[at++] = 1 << 3 | 2;
	details[at++] = sizeof type - 1;
	memcpy(details + at, type, sizeof type - 1);
	at += sizeof type - 1;
	details[at++] = 2 << 3 | 2;
	details[at++] = (uint8_t)size;
	memcpy(details + at, line, size);
	pyr_error_set(&err, PYR_FAILED_PRECONDITION, "%s", request->text);
	pyr_call_fail_error(call, &err, details, at + size);
}

static void squares(void *self, pyr_call *call, const Compared__Number *request)
{
	Compared__Number square = COMPARED__NUMBER__INIT;
	pyr_status status = PYR_OK;
	(void)self;
	for (int64_t i = 0; i < request->value && status == PYR_OK; i++) {
		char number[24];
		snprintf(number, sizeof number, "%lld", (long long)i);
		if (i < 10)
			log_add("square ", number);
		square.value = i * i;
		status = compared_thing_squares__send_reply(call, &square, NULL);
	}
	log_add("squares ended", "");
	if (status == PYR_OK)
		pyr_call_end(call);
}

static void close_resource(void *resource)
{
	log_add("closed ", resource);
	free(resource);
}

static void track(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(request->text);
	char *resource = strdup(request->text);
	pyr_error err;
	(void)self;
	if (!resource)
		abort();
	if (pyr_call_track(call, resource, close_resource, &err)) {
		free(resource);
		pyr_call_fail_error(call, &err, NULL, 0);
	} else {
		compared_thing_track__reply(call, &reply);
	}
}

static void hop(void *self, pyr_call *call, const Compared__Number *request)
{
	Compared__Lines reply = COMPARED__LINES__INIT, *inner = NULL;
	Compared__Number left = COMPARED__NUMBER__INIT;
	char reference[PYR_REFERENCE_MAX], *lines[10];
	compared_thing *thing = NULL;
	pyr_error err;
	(void)self;
	left.value = request->value - 1;
	if (left.value > 0 &&
		(pyr_daemon_reference(host, "thing", 0, reference, sizeof reference, &err) ||
			compared_thing__open(NULL, reference, NULL, &thing, &err) ||
			compared_thing_hop(thing, &left, &inner, &err))) {
		pyr_call_fail_error(call, &err, NULL, 0);
	} else {
		lines[reply.n_lines++] = (char *)pyr_call_correlation(call);
		for (size_t i = 0; inner && i < inner->n_lines && i < 9; i++)
			lines[reply.n_lines++] = inner->lines[i];
		reply.lines = lines;
		compared_thing_hop__reply(call, &reply);
	}
	if (inner)
		compared__lines__free_unpacked(inner, NULL);
	compared_thing__close(thing);
}

static void pass(void *self, pyr_call *call, const Compared__Route *request)
{
	Compared__Line here = line_of(request->text), *there = NULL;
	Compared__Route rest = *request;
	compared_thing *thing = NULL;
	pyr_error err;
	(void)self;
	if (rest.n_references == 0) {
		log_add("", request->text);
		compared_thing_pass__reply(call, &here);
		return;
	}
	rest.references++;
	rest.n_references--;
	if (compared_thing__open(NULL, request->references[0], NULL, &thing, &err) ||
		compared_thing_pass(thing, &rest, &there, &err)) {
		pyr_call_fail_error(call, &err, NULL, 0);
	} else {
		compared_thing_pass__reply(call, there);
		compared__line__free_unpacked(there, NULL);
	}
	compared_thing__close(thing);
}

static void serve(void *self, pyr_call *call, const Compared__Line *request);
static void unserve(void *self, pyr_call *call, const Compared__Line *request);
static void child(void *self, pyr_call *call, const Compared__Line *request);

static const compared_thing_ops thing_ops = {.add = add,
	.echo = echo,
	.note = note,
	.tell = tell,
	.wait = wait_once,
	.wait_again = wait_again,
	.log = find,
	.fail = fail,
	.squares = squares,
	.track = track,
	.hop = hop,
	.pass = pass,
	.serve = serve,
	.unserve = unserve,
	.child = child};

static void serve(void *self, pyr_call *call, const Compared__Line *request)
{
	bool by_force = strcmp(request->after, "force") == 0;
	char id[PYR_OBJECT_ID_NEW];
	Compared__Line reply = line_of(request->text);
	pyr_error err;
	if (!*request->text) {
		pyr_object_id_new(id);
		reply.text = id;
	}
	pyr_status status =
		by_force ? compared_thing__replace(host, reply.text, &thing_ops, self, &err)
			 : compared_thing__serve(host, reply.text, &thing_ops, self, &err);
	if (status)
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		compared_thing_serve__reply(call, &reply);
}

static void note_gone(void *self)
{
	(void)self;
	log_add("", "child gone");
}

static void child(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Returned reply = COMPARED__RETURNED__INIT;
	pyr_lend_options options = PYR_LEND_OPTIONS_INIT;
	pyr_error err;
	(void)request;
	options.release = note_gone;
	if (compared_thing__lend(call, &thing_ops, self, &options, &reply.thing, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		compared_thing_child__reply(call, &reply);
}

static void unserve(void *self, pyr_call *call, const Compared__Line *request)
{
	Compared__Line reply = line_of(request->text);
	pyr_error err;
	(void)self;
	if (pyr_daemon_unregister(host, request->text, NULL, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		compared_thing_unserve__reply(call, &reply);
}

pyr_status thing_serve(pyr_daemon *daemon, pyr_error *err)
{
	if (!host)
		host = daemon;
	return compared_thing__serve(daemon, "thing", &thing_ops, NULL, err);
}
