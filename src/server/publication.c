/* SPDX-License-Identifier: Apache-2.0 */
/* A name of a daemon's object, with what is registered under it. */
#include "server/publisher.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/refs.h"
#include "server/advertise.h"

#define ENDPOINTS_MAX 8

static char **copy_texts(const char *const *texts, size_t count)
{
	char **copy = pyr__alloc(count * sizeof *copy);
	for (size_t i = 0; i < count; i++)
		copy[i] = pyr__strdup(texts[i]);
	return copy;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

void pyr__publication_unref(pyr__publication *p)
{
	if (!p || !pyr__refs_drop(&p->refs))
		return;
	free_texts(p->references, p->reference_count);
	free_texts(p->tags, p->tag_count);
	free(p->gone);
	free(p->name);
	free(p);
}

/* Requests */

void pyr__publication_request(const pyr__publication *p, uint64_t lease_id, bool replace,
	Pyrite__RegisterRequest *request)
{
	*request = (Pyrite__RegisterRequest)PYRITE__REGISTER_REQUEST__INIT;
	request->name = p->name;
	request->references = p->references;
	request->n_references = p->reference_count;
	request->tags = p->tags;
	request->n_tags = p->tag_count;
	request->lease_id = lease_id;
	request->replica = p->replica;
	request->replace = replace;
}

/* The daemon's reference number `index` as others can use it; NULL when there are no more. */
static pyr_status reachable_reference(pyr_daemon *daemon, const char *object, size_t index,
	const pyr_reference *towards, char **ret_reference, pyr_error *err)
{
	char text[PYR_REFERENCE_MAX];
	pyr_reference reference;
	*ret_reference = NULL;
	pyr_status status = pyr_daemon_reference(daemon, object, index, text, sizeof text, err);
	if (status == PYR_OUT_OF_RANGE)
		return PYR_OK;
	if (status == PYR_OK)
		status = pyr_reference_parse(text, &reference, err);
	if (status == PYR_OK)
		status = pyr__advertise(&reference, towards, err);
	if (status == PYR_OK)
		status = pyr_reference_format(&reference, text, sizeof text, err);
	if (status == PYR_OK)
		*ret_reference = pyr__strdup(text);
	return status;
}

/* On failure too p holds what has been found so far. */
static pyr_status list_references(pyr__publication *p, pyr_daemon *daemon, const char *object,
	const pyr_reference *towards, pyr_error *err)
{
	p->references = pyr__alloc(ENDPOINTS_MAX * sizeof *p->references);
	while (p->reference_count < ENDPOINTS_MAX) {
		char *reference;
		pyr_status status = reachable_reference(
			daemon, object, p->reference_count, towards, &reference, err);
		if (status)
			return status;
		if (!reference)
			break;
		p->references[p->reference_count++] = reference;
	}
	if (p->reference_count == 0)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the daemon listens nowhere yet: call pyr_daemon_listen() before "
			"publishing '%s'",
			object);
	return PYR_OK;
}

pyr_status pyr__publication_new(pyr__publisher *publisher, const char *object, const char *name,
	const pyr_publish_options *options, pyr__publication **ret_publication, pyr_error *err)
{
	pyr_reference towards;
	pyr_status status = pyr__publisher_endpoint(publisher, options->name_server, &towards, err);
	if (status)
		return status;
	pyr__publication *p = pyr__zalloc(sizeof *p);
	atomic_init(&p->refs, 1);
	pyr__list_init(&p->link);
	status = list_references(p, publisher->daemon, object, &towards, err);
	if (status) {
		pyr__publication_unref(p);
		return status;
	}
	p->name = pyr__strdup(name);
	p->replica = options->replica;
	p->on_lost = options->on_lost;
	p->lost_ctx = options->lost_ctx;
	p->tags = copy_texts(options->tags, options->tag_count);
	p->tag_count = options->tag_count;
	*ret_publication = p;
	return PYR_OK;
}

/* Lock held. */
pyr__publication *pyr__publication_find(pyr__name_server *server, const char *name)
{
	for (pyr__link *l = server->publications.next; l != &server->publications; l = l->next)
		if (strcmp(PYR__OWNER(l, pyr__publication, link)->name, name) == 0)
			return PYR__OWNER(l, pyr__publication, link);
	return NULL;
}

/* The list's reference becomes the caller's; lock held. */
pyr__publication *pyr__publication_unlist(pyr__publication *p)
{
	if (p) {
		pyr__list_remove(&p->link);
		pyr__list_init(&p->link);
	}
	return p;
}
