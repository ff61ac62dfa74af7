/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding names: asks the name server through its generated stub and keeps what it said, so that a
 * name costs a round trip once and goes on working while the name server is away.
 *
 * What is kept moves only forward: a later answer replaces an earlier one if it comes from another
 * store or has a higher revision.
 */
#include "client/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pyrite/names.pyr.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/map.h"
#include "base/random.h"

#define STORE_ID_BYTES 16
#define TAG_PAGE_NAMES 64
#define TAGS_MAX       128
#define KEY_BYTES      640

/* What a name was found to stand for. */
typedef struct binding {
	uint8_t store_id[STORE_ID_BYTES];
	uint64_t revision;
	pyr_reference *references; /* one a holder */
	size_t reference_count;
	char key[];
} binding;

typedef struct names_finder {
	pyr__finder base;
	pyr_context *context; /* lives longer; no reference, or it never would end */
	pthread_mutex_t lock; /* guards what follows */
	pyr__map bindings;
	uint32_t turn; /* spreads the choice over several holders */
} names_finder;

static void endpoint_text(const pyr_reference *endpoint, char *buf, size_t size)
{
	if (endpoint->is_unix)
		snprintf(buf, size, "unix:%s", endpoint->host);
	else if (strchr(endpoint->host, ':'))
		snprintf(buf, size, "[%s]:%u", endpoint->host, endpoint->port);
	else
		snprintf(buf, size, "%s:%u", endpoint->host, endpoint->port);
}

static const pyr_reference *server_of(const names_finder *self, const pyr_reference *name)
{
	return name->host[0] ? name : &self->context->name_server;
}

static void make_key(const names_finder *self, const pyr_reference *name, char *buf, size_t size)
{
	char address[300];
	endpoint_text(server_of(self, name), address, sizeof address);
	snprintf(buf, size, "%s:%s@%s", name->scheme == PYR_SCHEME_TAG ? "tag" : "name",
		name->target, address);
}

/* A proxy for that name server, with a reference for the caller. */
static pyr_status open_server(names_finder *self, const pyr_reference *name, int64_t deadline_us,
	pyrite_names **ret_names, pyr_error *err)
{
	pyr_reference where = *server_of(self, name);
	char reference[PYR_REFERENCE_MAX];
	where.scheme = PYR_SCHEME_PYR;
	snprintf(where.target, sizeof where.target, "%s", PYR__NAME_SERVER_OBJECT);
	pyr_status status = pyr_reference_format(&where, reference, sizeof reference, err);
	if (status)
		return status;
	int64_t left_ms = (deadline_us - pyr__now_us()) / 1000;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = left_ms < 1                                 ? 1
			     : left_ms > (int64_t)PYR_TIMEOUT_DEFAULT_MS ? PYR_TIMEOUT_DEFAULT_MS
									 : (uint32_t)left_ms;
	return pyrite_names__open(self->context, reference, &options, ret_names, err);
}

/* One usable reference of each holder: the first whose transport this library has. */
static bool usable_reference(const Pyrite__Holder *holder, pyr_reference *ret_reference)
{
	for (size_t i = 0; i < holder->n_references; i++)
		if (pyr_reference_parse(holder->references[i], ret_reference, NULL) == PYR_OK &&
			ret_reference->scheme == PYR_SCHEME_PYR)
			return true;
	return false;
}

static size_t count_holders(Pyrite__Name *const *names, size_t name_count)
{
	size_t count = 0;
	for (size_t i = 0; i < name_count; i++)
		count += names[i]->n_holders;
	return count;
}

static binding *new_binding(const char *key, const ProtobufCBinaryData *store_id, uint64_t revision,
	Pyrite__Name *const *names, size_t name_count)
{
	size_t size = strlen(key) + 1;
	binding *b = pyr__zalloc(sizeof *b + size);
	memcpy(b->key, key, size);
	if (store_id->len == STORE_ID_BYTES)
		memcpy(b->store_id, store_id->data, STORE_ID_BYTES);
	b->revision = revision;
	b->references = pyr__alloc(count_holders(names, name_count) * sizeof *b->references);
	for (size_t i = 0; i < name_count; i++)
		for (size_t j = 0; j < names[i]->n_holders; j++)
			if (usable_reference(
				    names[i]->holders[j], &b->references[b->reference_count]))
				b->reference_count++;
	return b;
}

static void free_binding(binding *b)
{
	if (!b)
		return;
	free(b->references);
	free(b);
}

static bool same_place(const pyr_reference *a, const pyr_reference *b)
{
	return a->port == b->port && a->is_unix == b->is_unix && strcmp(a->host, b->host) == 0 &&
	       strcmp(a->target, b->target) == 0;
}

/* Any of them, in turn; not the failed one if there is another. */
static bool choose(names_finder *self, const binding *b, const pyr_reference *failed,
	pyr_reference *ret_reference)
{
	for (size_t tries = 0; tries < b->reference_count; tries++) {
		const pyr_reference *r = &b->references[self->turn++ % b->reference_count];
		if (!failed || b->reference_count == 1 || !same_place(r, failed)) {
			*ret_reference = *r;
			return true;
		}
	}
	return false;
}

/* Lock held. Keeps the newer of what is known and what was heard; returns what is kept. */
static binding *keep_newer(names_finder *self, binding *heard)
{
	binding *known = pyr__map_remove(&self->bindings, heard->key, strlen(heard->key));
	if (known && memcmp(known->store_id, heard->store_id, STORE_ID_BYTES) == 0 &&
		known->revision > heard->revision) {
		free_binding(heard);
		heard = known;
	} else {
		free_binding(known);
	}
	pyr__map_insert(&self->bindings, heard->key, strlen(heard->key), heard);
	return heard;
}

static size_t split_tags(char *tags, char **ret_tags, size_t max)
{
	size_t count = 0;
	char *rest = tags, *tag;
	while (count < max && (tag = strsep(&rest, ",")))
		ret_tags[count++] = tag;
	return count;
}

/* One question to a name server; texts that the requests point into are inside. */
typedef struct question {
	pyr_reference name;
	char key[KEY_BYTES];
	char tag_text[PYR_OBJECT_ID_MAX + 1];
	char *tags[TAGS_MAX];
	Pyrite__LookupRequest lookup;
	Pyrite__ListRequest list;
} question;

static void make_question(
	const names_finder *self, const pyr_reference *name, question *ret_question)
{
	question *q = ret_question;
	q->name = *name;
	make_key(self, name, q->key, sizeof q->key);
	if (name->scheme == PYR_SCHEME_TAG) {
		q->list = (Pyrite__ListRequest)PYRITE__LIST_REQUEST__INIT;
		snprintf(q->tag_text, sizeof q->tag_text, "%s", name->target);
		q->list.tags_all = q->tags;
		q->list.n_tags_all = split_tags(q->tag_text, q->tags, TAGS_MAX);
		q->list.page_size = TAG_PAGE_NAMES;
	} else {
		q->lookup = (Pyrite__LookupRequest)PYRITE__LOOKUP_REQUEST__INIT;
		q->lookup.name = q->name.target;
	}
}

static binding *from_lookup(const question *q, const Pyrite__LookupReply *reply)
{
	return new_binding(
		q->key, &reply->store_id, reply->revision, &reply->name, reply->name ? 1 : 0);
}

static binding *from_list(const question *q, const Pyrite__ListReply *reply)
{
	return new_binding(q->key, &reply->store_id, reply->revision, reply->names, reply->n_names);
}

static pyr_status ask(pyrite_names *names, const question *q, binding **ret_binding, pyr_error *err)
{
	if (q->name.scheme == PYR_SCHEME_TAG) {
		Pyrite__ListReply *reply;
		pyr_status status = pyrite_names_list(names, &q->list, &reply, err);
		if (status)
			return status;
		*ret_binding = from_list(q, reply);
		pyrite__list_reply__free_unpacked(reply, NULL);
		return PYR_OK;
	}
	Pyrite__LookupReply *reply;
	pyr_status status = pyrite_names_lookup(names, &q->lookup, &reply, err);
	if (status)
		return status;
	*ret_binding = from_lookup(q, reply);
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

static bool peek_key(names_finder *self, const char *key, const pyr_reference *failed,
	pyr_reference *ret_reference)
{
	pthread_mutex_lock(&self->lock);
	const binding *b = pyr__map_find(&self->bindings, key, strlen(key));
	bool found = b && choose(self, b, failed, ret_reference);
	pthread_mutex_unlock(&self->lock);
	return found;
}

static bool peek(pyr__finder *finder, const pyr_reference *name, pyr_reference *ret_reference)
{
	names_finder *self = (names_finder *)finder;
	char key[KEY_BYTES];
	make_key(self, name, key, sizeof key);
	return peek_key(self, key, NULL, ret_reference);
}

/* An answer has come: keeps it and chooses from what is kept. */
static pyr_status accept_answer(names_finder *self, const question *q, binding *heard,
	const pyr_reference *failed, pyr_reference *ret_reference, pyr_error *err)
{
	if (heard->reference_count == 0) {
		bool tag = q->name.scheme == PYR_SCHEME_TAG;
		free_binding(heard);
		return pyr_error_set(err, tag ? PYR_NOT_FOUND : PYR_UNAVAILABLE,
			tag ? "no name that can be reached carries all of the tags '%s'"
			    : "the name '%s' has no reference that this library can follow",
			q->name.target);
	}
	pthread_mutex_lock(&self->lock);
	heard = keep_newer(self, heard);
	choose(self, heard, failed, ret_reference);
	pthread_mutex_unlock(&self->lock);
	return PYR_OK;
}

/* While the name server is away, what was known goes on working. */
static bool accept_failure(names_finder *self, const question *q, pyr_status status,
	const pyr_reference *failed, pyr_reference *ret_reference)
{
	return status == PYR_UNAVAILABLE && peek_key(self, q->key, failed, ret_reference);
}

static pyr_status find(pyr__finder *finder, const pyr_reference *name, int64_t deadline_us,
	const pyr_reference *failed, pyr_reference *ret_reference, pyr_error *err)
{
	names_finder *self = (names_finder *)finder;
	question q;
	make_question(self, name, &q);
	if (!failed && peek_key(self, q.key, NULL, ret_reference))
		return PYR_OK;
	pyrite_names *names;
	binding *heard = NULL;
	pyr_status status = open_server(self, name, deadline_us, &names, err);
	if (status)
		return status;
	status = ask(names, &q, &heard, err);
	pyrite_names__close(names);
	if (accept_failure(self, &q, status, failed, ret_reference))
		return PYR_OK;
	if (status)
		return status;
	return accept_answer(self, &q, heard, failed, ret_reference, err);
}

/* A question whose answer is not waited for. */
typedef struct async_question {
	names_finder *finder;
	pyrite_names *names;
	pyr__found_fn found;
	void *ctx;
	bool has_failed;
	pyr_reference failed;
	question question;
} async_question;

static void answer(async_question *a, pyr_status status, binding *heard, const pyr_error *err)
{
	pyr_reference reference;
	pyr_error own;
	const pyr_reference *failed = a->has_failed ? &a->failed : NULL;
	if (accept_failure(a->finder, &a->question, status, failed, &reference))
		status = PYR_OK;
	else if (status == PYR_OK) {
		status = accept_answer(a->finder, &a->question, heard, failed, &reference, &own);
		err = &own;
	}
	a->found(a->ctx, status, status ? NULL : &reference, status ? err : NULL);
	pyrite_names__close(a->names);
	free(a);
}

static void on_lookup(
	void *ctx, pyr_status status, const Pyrite__LookupReply *reply, const pyr_error *err)
{
	async_question *a = ctx;
	answer(a, status, status ? NULL : from_lookup(&a->question, reply), err);
}

static void on_list(
	void *ctx, pyr_status status, const Pyrite__ListReply *reply, const pyr_error *err)
{
	async_question *a = ctx;
	answer(a, status, status ? NULL : from_list(&a->question, reply), err);
}

static pyr_status find_async(pyr__finder *finder, const pyr_reference *name, int64_t deadline_us,
	const pyr_reference *failed, pyr__found_fn found, void *ctx, pyr_error *err)
{
	names_finder *self = (names_finder *)finder;
	async_question *a = pyr__alloc(sizeof *a);
	a->finder = self;
	a->found = found;
	a->ctx = ctx;
	a->has_failed = failed != NULL;
	if (failed)
		a->failed = *failed;
	make_question(self, name, &a->question);
	pyr_status status = open_server(self, name, deadline_us, &a->names, err);
	if (status) {
		free(a);
		return status;
	}
	status = name->scheme == PYR_SCHEME_TAG
			 ? pyrite_names_list__invoke(
				   a->names, &a->question.list, on_list, a, NULL, err)
			 : pyrite_names_lookup__invoke(
				   a->names, &a->question.lookup, on_lookup, a, NULL, err);
	if (status) {
		pyrite_names__close(a->names);
		free(a);
	}
	return status;
}

static void free_finder(pyr__finder *finder)
{
	names_finder *self = (names_finder *)finder;
	for (uint32_t i = 0; i < self->bindings.count; i++)
		free_binding(self->bindings.entries[i].value);
	pyr__map_done(&self->bindings);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

pyr__finder *pyr__names_finder_new(pyr_context *context)
{
	names_finder *self = pyr__zalloc(sizeof *self);
	self->base.find = find;
	self->base.find_async = find_async;
	self->base.peek = peek;
	self->base.free = free_finder;
	self->context = context;
	pthread_mutex_init(&self->lock, NULL);
	pyr__map_init(&self->bindings);
	pyr__random_bytes(&self->turn, sizeof self->turn);
	return &self->base;
}
