/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding names: asks the name server through its generated stub, and keeps what it said, so that
 * names go on working while the name server is away.
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
#include "client/binding.h"
#include "client/discovery.h"
#include "client/proxy.h"

#define TAG_PAGE_NAMES 1000
#define TAG_NAMES_MAX  65536 /* names with a tag that are chosen among: the first in byte order */
#define TAGS_MAX       128
#define BINDINGS_MAX   10000 /* names that a context keeps; any other one makes room for the next */
#define KEY_BYTES      640

/* With something to fall back on, a name server that says nothing is not waited for any longer. */
#define FALLBACK_AFTER_US 2000000

typedef struct names_finder {
	pyr__finder base;
	pyr_context *context; /* lives longer; no reference, or it never would end */
	pthread_mutex_t lock; /* guards what follows */
	pyr__map bindings;
	uint32_t turn; /* spreads the choice over several holders */
} names_finder;

/* Keys */

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

/* What is kept; lock held */

static pyr__binding *find_binding(names_finder *self, const char *key)
{
	return pyr__map_find(&self->bindings, key, strlen(key));
}

static void forget(names_finder *self, const char *key)
{
	pyr__binding_free(pyr__map_remove(&self->bindings, key, strlen(key)));
}

/* Keeps the newer of what is known and what was heard; returns what is kept. */
static pyr__binding *keep_newer(names_finder *self, pyr__binding *heard)
{
	pyr__binding *known = pyr__map_remove(&self->bindings, heard->key, strlen(heard->key));
	pyr__binding *kept = pyr__binding_newer(known, heard);
	while (self->bindings.count >= BINDINGS_MAX)
		forget(self, ((pyr__binding *)self->bindings.entries[0].value)->key);
	pyr__map_insert(&self->bindings, kept->key, strlen(kept->key), kept);
	return kept;
}

/* Questions */

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
	bool has_fallback; /* something is known already */
	char tag_text[PYR_OBJECT_ID_MAX + 1];
	char *tags[TAGS_MAX];
	char page_token[PYR_OBJECT_ID_MAX + 1];
	size_t names_seen;
	pyr__binding *heard; /* of the pages so far */
	Pyrite__LookupRequest lookup;
	Pyrite__ListRequest list;
} question;

static void make_question(names_finder *self, const pyr_reference *name,
	const pyr_reference *failed, question *ret_question)
{
	question *q = ret_question;
	q->name = *name;
	q->heard = NULL;
	q->names_seen = 0;
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
	pthread_mutex_lock(&self->lock);
	pyr__binding *known = find_binding(self, q->key);
	if (known && failed)
		pyr__binding_failed(known, failed);
	q->has_fallback = known != NULL;
	pthread_mutex_unlock(&self->lock);
}

static void free_heard(question *q)
{
	pyr__binding_free(q->heard);
	q->heard = NULL;
}

static pyr_status format_server(pyr_reference *where, char *buf, size_t size, pyr_error *err)
{
	snprintf(where->target, sizeof where->target, "%s", PYR__NAME_SERVER_OBJECT);
	return pyr_reference_format(where, buf, size, err);
}

pyr_status pyr__name_server_reference(
	const pyr_context *context, char *buf, size_t size, pyr_error *err)
{
	pyr_reference where = context->name_server;
	if (context->discoverer)
		where = (pyr_reference){.scheme = PYR_SCHEME_NAME};
	return format_server(&where, buf, size, err);
}

static pyr_status server_reference(
	const names_finder *self, const question *q, char *buf, size_t size, pyr_error *err)
{
	pyr_reference where = q->name;
	if (!where.host[0])
		return pyr__name_server_reference(self->context, buf, size, err);
	where.scheme = PYR_SCHEME_PYR;
	return format_server(&where, buf, size, err);
}

/* A proxy for the name server, with a reference for the caller. */
static pyr_status open_server(names_finder *self, const question *q, int64_t deadline_us,
	pyrite_names **ret_names, pyr_error *err)
{
	char reference[PYR_REFERENCE_MAX];
	pyr_status status = server_reference(self, q, reference, sizeof reference, err);
	if (status)
		return status;
	int64_t left_us = deadline_us - pyr__now_us();
	if (left_us > PYR_TIMEOUT_DEFAULT_MS * 1000ll)
		left_us = PYR_TIMEOUT_DEFAULT_MS * 1000ll;
	if (q->has_fallback) /* half of the time is for the call itself */
		left_us = left_us / 2 < FALLBACK_AFTER_US ? left_us / 2 : FALLBACK_AFTER_US;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = left_us < 1000 ? 1 : (uint32_t)(left_us / 1000);
	status = pyrite_names__open(self->context, reference, &options, ret_names, err);
	if (status == PYR_OK)
		pyrite_names__proxy(*ret_names)->hidden = true;
	return status;
}

/* Answers */

static void hear_name(question *q, const Pyrite__LookupReply *reply)
{
	q->heard = pyr__binding_new(q->key);
	pyr__binding_set_version(q->heard, &reply->store_id, reply->revision);
	if (reply->name)
		pyr__binding_add(q->heard, reply->name);
}

/* True if another page has to be asked for. */
static bool hear_page(question *q, const Pyrite__ListReply *reply)
{
	if (!q->heard) {
		q->heard = pyr__binding_new(q->key);
		pyr__binding_set_version(q->heard, &reply->store_id, reply->revision);
	}
	for (size_t i = 0; i < reply->n_names; i++)
		pyr__binding_add(q->heard, reply->names[i]);
	q->names_seen += reply->n_names;
	if (!*reply->next_page_token || q->names_seen >= TAG_NAMES_MAX)
		return false;
	snprintf(q->page_token, sizeof q->page_token, "%s", reply->next_page_token);
	q->list.page_token = q->page_token;
	return true;
}

static pyr_status nothing_usable(const question *q, pyr_error *err)
{
	bool tag = q->name.scheme == PYR_SCHEME_TAG;
	return pyr_error_set(err, tag ? PYR_NOT_FOUND : PYR_UNAVAILABLE,
		tag ? "no name that can be reached carries all of the tags '%s'"
		    : "the name '%s' has no reference that this library can follow",
		q->name.target);
}

/* The whole answer has come: keeps it and chooses from what is kept. */
static pyr_status accept_answer(names_finder *self, question *q, const pyr_reference *failed,
	pyr_reference *ret_reference, pyr_error *err)
{
	pthread_mutex_lock(&self->lock);
	pyr__binding *kept = keep_newer(self, q->heard);
	q->heard = NULL;
	if (failed)
		pyr__binding_failed(kept, failed);
	bool chosen = pyr__binding_choose(kept, self->turn++, ret_reference);
	if (!chosen)
		forget(self, q->key);
	pthread_mutex_unlock(&self->lock);
	return chosen ? PYR_OK : nothing_usable(q, err);
}

/* While the name server is away what was known goes on working; a name that is gone does not. */
static bool accept_failure(
	names_finder *self, question *q, pyr_status status, pyr_reference *ret_reference)
{
	bool found = false, away = status == PYR_UNAVAILABLE || status == PYR_DEADLINE_EXCEEDED;
	free_heard(q);
	if (away && self->context->discoverer && !q->name.host[0])
		pyr__discoverer_failed(self->context->discoverer);
	pthread_mutex_lock(&self->lock);
	if (status == PYR_NOT_FOUND)
		forget(self, q->key);
	if (away) {
		const pyr__binding *known = find_binding(self, q->key);
		found = known && pyr__binding_choose(known, self->turn++, ret_reference);
	}
	pthread_mutex_unlock(&self->lock);
	return found;
}

/* The one name that no name server is asked for: it is the way to it. */
static bool is_discovered(const names_finder *self, const pyr_reference *name)
{
	return self->context->discoverer && !name->host[0] && name->scheme == PYR_SCHEME_NAME &&
	       strcmp(name->target, PYR__NAME_SERVER_OBJECT) == 0;
}

/* Asking and waiting */

static pyr_status ask_pages(pyrite_names *names, question *q, pyr_error *err)
{
	for (bool more = true; more;) {
		Pyrite__ListReply *reply;
		pyr_status status = pyrite_names_list(names, &q->list, &reply, err);
		if (status)
			return status;
		more = hear_page(q, reply);
		pyrite__list_reply__free_unpacked(reply, NULL);
	}
	return PYR_OK;
}

static pyr_status ask(pyrite_names *names, question *q, pyr_error *err)
{
	if (q->name.scheme == PYR_SCHEME_TAG)
		return ask_pages(names, q, err);
	Pyrite__LookupReply *reply;
	pyr_status status = pyrite_names_lookup(names, &q->lookup, &reply, err);
	if (status)
		return status;
	hear_name(q, reply);
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

static pyr_status find(pyr__finder *finder, const pyr_reference *name, int64_t deadline_us,
	const pyr_reference *failed, pyr_reference *ret_reference, pyr_error *err)
{
	names_finder *self = (names_finder *)finder;
	question q;
	pyrite_names *names;
	if (is_discovered(self, name))
		return pyr__discoverer_find(
			self->context->discoverer, deadline_us, failed, ret_reference, err);
	make_question(self, name, failed, &q);
	pyr_status status = open_server(self, &q, deadline_us, &names, err);
	if (status)
		return status;
	status = ask(names, &q, err);
	pyrite_names__close(names);
	if (status == PYR_OK)
		return accept_answer(self, &q, failed, ret_reference, err);
	return accept_failure(self, &q, status, ret_reference) ? PYR_OK : status;
}

/* Asking without waiting */

typedef struct async_question {
	names_finder *finder;
	pyrite_names *names;
	pyr__found_fn found;
	void *ctx;
	bool has_failed;
	pyr_reference failed;
	question question;
} async_question;

static void free_async(async_question *a)
{
	free_heard(&a->question);
	pyrite_names__close(a->names);
	free(a);
}

static void answer(async_question *a, pyr_status status, const pyr_error *err)
{
	pyr_reference reference;
	pyr_error own;
	if (status == PYR_OK) {
		status = accept_answer(a->finder, &a->question, a->has_failed ? &a->failed : NULL,
			&reference, &own);
		err = &own;
	} else if (accept_failure(a->finder, &a->question, status, &reference)) {
		status = PYR_OK;
	}
	a->found(a->ctx, status, status ? NULL : &reference, status ? err : NULL);
	free_async(a);
}

static void on_lookup(
	void *ctx, pyr_status status, const Pyrite__LookupReply *reply, const pyr_error *err)
{
	async_question *a = ctx;
	if (status == PYR_OK)
		hear_name(&a->question, reply);
	answer(a, status, err);
}

static void on_list(
	void *ctx, pyr_status status, const Pyrite__ListReply *reply, const pyr_error *err)
{
	async_question *a = ctx;
	pyr_error own;
	if (status == PYR_OK && hear_page(&a->question, reply)) {
		status = pyrite_names_list__invoke(
			a->names, &a->question.list, on_list, a, NULL, &own);
		err = &own;
		if (status == PYR_OK)
			return;
	}
	answer(a, status, err);
}

static pyr_status find_async(pyr__finder *finder, const pyr_reference *name, int64_t deadline_us,
	const pyr_reference *failed, pyr__found_fn found, void *ctx, pyr_error *err)
{
	names_finder *self = (names_finder *)finder;
	if (is_discovered(self, name))
		return pyr__discoverer_find_async(
			self->context->discoverer, deadline_us, failed, found, ctx, err);
	async_question *a = pyr__zalloc(sizeof *a);
	a->finder = self;
	a->found = found;
	a->ctx = ctx;
	a->has_failed = failed != NULL;
	if (failed)
		a->failed = *failed;
	make_question(self, name, failed, &a->question);
	pyr_status status = open_server(self, &a->question, deadline_us, &a->names, err);
	if (status) {
		free(a);
		return status;
	}
	status = name->scheme == PYR_SCHEME_TAG
			 ? pyrite_names_list__invoke(
				   a->names, &a->question.list, on_list, a, NULL, err)
			 : pyrite_names_lookup__invoke(
				   a->names, &a->question.lookup, on_lookup, a, NULL, err);
	if (status)
		free_async(a);
	return status;
}

static bool leads_to(pyr__finder *finder, const pyr_reference *name, const pyr_reference *reference)
{
	names_finder *self = (names_finder *)finder;
	char key[KEY_BYTES], text[PYR_REFERENCE_MAX];
	bool found = false;
	if (is_discovered(self, name))
		return pyr__discoverer_leads_to(self->context->discoverer, reference);
	if (pyr_reference_format(reference, text, sizeof text, NULL))
		return false;
	make_key(self, name, key, sizeof key);
	pthread_mutex_lock(&self->lock);
	const pyr__binding *known = find_binding(self, key);
	for (size_t i = 0; known && i < known->place_count && !found; i++)
		found = strcmp(known->places[i].reference, text) == 0;
	pthread_mutex_unlock(&self->lock);
	return found;
}

static void each_place(pyr__finder *finder, const pyr_reference *name,
	void (*visit)(void *ctx, const char *reference, uint32_t holder), void *ctx)
{
	names_finder *self = (names_finder *)finder;
	char key[KEY_BYTES];
	make_key(self, name, key, sizeof key);
	pthread_mutex_lock(&self->lock);
	const pyr__binding *known = find_binding(self, key);
	for (size_t i = 0; known && i < known->place_count; i++)
		visit(ctx, known->places[i].reference, known->places[i].holder);
	pthread_mutex_unlock(&self->lock);
}

static void free_finder(pyr__finder *finder)
{
	names_finder *self = (names_finder *)finder;
	for (uint32_t i = 0; i < self->bindings.count; i++)
		pyr__binding_free(self->bindings.entries[i].value);
	pyr__map_done(&self->bindings);
	pthread_mutex_destroy(&self->lock);
	free(self);
}

pyr__finder *pyr__names_finder_new(pyr_context *context)
{
	names_finder *self = pyr__zalloc(sizeof *self);
	self->base.find = find;
	self->base.find_async = find_async;
	self->base.leads_to = leads_to;
	self->base.each_place = each_place;
	self->base.free = free_finder;
	self->context = context;
	pthread_mutex_init(&self->lock, NULL);
	pyr__map_init(&self->bindings);
	pyr__random_bytes(&self->turn, sizeof self->turn);
	return &self->base;
}
