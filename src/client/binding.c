/* SPDX-License-Identifier: Apache-2.0 */
/* What a name was found to stand for: its places, and which of them to go to. */
#include "client/binding.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"

/* How long a place that failed is passed over if there is another one. */
#define PASSED_OVER_US 5000000

pyr__binding *pyr__binding_new(const char *key)
{
	size_t size = strlen(key) + 1;
	pyr__binding *b = pyr__zalloc(sizeof *b + size);
	memcpy(b->key, key, size);
	return b;
}

void pyr__binding_free(pyr__binding *b)
{
	if (!b)
		return;
	for (size_t i = 0; i < b->place_count; i++)
		free(b->places[i].reference);
	free(b->places);
	free(b);
}

/* A reference that can be followed, in canonical form. */
static bool usable(const char *text, bool grpc, char *buf, size_t size)
{
	pyr_reference reference;
	if (pyr_reference_parse(text, &reference, NULL) ||
		pyr_reference_format(&reference, buf, size, NULL))
		return false;
	if (grpc)
		return reference.scheme == PYR_SCHEME_GRPC || reference.scheme == PYR_SCHEME_GRPCS;
	return reference.scheme == PYR_SCHEME_PYR || reference.scheme == PYR_SCHEME_PYRS;
}

static void add_place(pyr__binding *b, const char *reference)
{
	if (b->place_count == b->place_room) {
		b->place_room = b->place_room ? b->place_room * 2 : 4;
		b->places = pyr__realloc(b->places, b->place_room * sizeof *b->places);
	}
	b->places[b->place_count++] = (pyr__place){pyr__strdup(reference), b->holder_count, 0};
}

static void add_holder(pyr__binding *b, const Pyrite__Holder *holder, bool grpc)
{
	char text[PYR_REFERENCE_MAX];
	for (size_t i = 0; i < holder->n_references; i++)
		if (usable(holder->references[i], grpc, text, sizeof text))
			add_place(b, text);
}

/* gRPC is for those who speak nothing else. */
void pyr__binding_add(pyr__binding *b, const Pyrite__Name *name)
{
	for (size_t i = 0; i < name->n_holders; i++) {
		size_t before = b->place_count;
		add_holder(b, name->holders[i], false);
		if (b->place_count == before)
			add_holder(b, name->holders[i], true);
		b->holder_count += b->place_count > before;
	}
}

void pyr__binding_set_version(
	pyr__binding *b, const ProtobufCBinaryData *store_id, uint64_t revision)
{
	if (store_id->len == PYR__STORE_ID_BYTES)
		memcpy(b->store_id, store_id->data, PYR__STORE_ID_BYTES);
	b->revision = revision;
}

static bool failed_lately(const pyr__place *p, int64_t now_us)
{
	return p->failed_us && now_us - p->failed_us < PASSED_OVER_US;
}

/* Several names may share a place. */
static void set_failed(pyr__binding *b, const char *reference, int64_t failed_us)
{
	for (size_t i = 0; i < b->place_count; i++)
		if (strcmp(b->places[i].reference, reference) == 0)
			b->places[i].failed_us = failed_us;
}

void pyr__binding_failed(pyr__binding *b, const pyr_reference *failed)
{
	char text[PYR_REFERENCE_MAX];
	if (pyr_reference_format(failed, text, sizeof text, NULL) == PYR_OK)
		set_failed(b, text, pyr__now_us());
}

/* Those who have failed lately are few, unless one place with many names has. */
static void inherit_failures(pyr__binding *heir, const pyr__binding *old)
{
	int64_t now_us = pyr__now_us();
	const char *last = "";
	for (size_t i = 0; i < old->place_count; i++) {
		const pyr__place *p = &old->places[i];
		if (!failed_lately(p, now_us) || strcmp(p->reference, last) == 0)
			continue;
		set_failed(heir, p->reference, p->failed_us);
		last = p->reference;
	}
}

/* The first place of the first holder, from this one on, that has not failed lately. */
static const pyr__place *choose_good(const pyr__binding *b, uint32_t first_holder)
{
	int64_t now_us = pyr__now_us();
	const pyr__place *wrapped = NULL;
	for (size_t i = 0; i < b->place_count; i++) {
		const pyr__place *p = &b->places[i];
		if (failed_lately(p, now_us))
			continue;
		if (p->holder >= first_holder)
			return p;
		if (!wrapped)
			wrapped = p;
	}
	return wrapped;
}

static const pyr__place *choose_least_bad(const pyr__binding *b)
{
	const pyr__place *best = &b->places[0];
	for (size_t i = 1; i < b->place_count; i++)
		if (b->places[i].failed_us < best->failed_us)
			best = &b->places[i];
	return best;
}

bool pyr__binding_choose(const pyr__binding *b, uint32_t turn, pyr_reference *ret_reference)
{
	if (b->holder_count == 0)
		return false;
	const pyr__place *p = choose_good(b, turn % b->holder_count);
	if (!p)
		p = choose_least_bad(b);
	return pyr_reference_parse(p->reference, ret_reference, NULL) == PYR_OK;
}

pyr__binding *pyr__binding_newer(pyr__binding *known, pyr__binding *heard)
{
	if (!known)
		return heard;
	bool older = memcmp(known->store_id, heard->store_id, PYR__STORE_ID_BYTES) == 0 &&
		     known->revision > heard->revision;
	if (!older)
		inherit_failures(heard, known);
	pyr__binding_free(older ? heard : known);
	return older ? known : heard;
}
