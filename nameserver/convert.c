/* SPDX-License-Identifier: Apache-2.0 */
/* Messages out of records, and what has to hold of the texts in requests. */
#include "convert.h"

#include <pyrite/reference.h>

/* The message's arrays are of pointers to char; nobody writes through them. */
static char **borrow(const char *const *texts)
{
	return (char **)texts;
}

static Pyrite__Holder *to_holder(ns_region *region, const ns_store *store, const ns_holder *holder)
{
	Pyrite__Holder *message = ns_region_take(region, sizeof *message);
	pyrite__holder__init(message);
	message->references = borrow(holder->references);
	message->n_references = holder->reference_count;
	message->owner = (char *)holder->owner;
	message->ttl_ms = ns_store_lease_ttl_ms(store, holder->lease_id);
	return message;
}

Pyrite__Name *ns_to_name(
	ns_region *region, const ns_store *store, const ns_record *record, unsigned parts)
{
	Pyrite__Name *message = ns_region_take(region, sizeof *message);
	pyrite__name__init(message);
	message->name = (char *)record->name;
	message->create_revision = record->create_revision;
	message->mod_revision = record->mod_revision;
	message->version = record->version;
	if (parts & NS_WITH_TAGS) {
		message->tags = borrow(record->tags);
		message->n_tags = record->tag_count;
	}
	if (parts & NS_WITH_HOLDERS) {
		message->n_holders = record->holder_count;
		message->holders =
			ns_region_take(region, record->holder_count * sizeof *message->holders);
		for (size_t i = 0; i < record->holder_count; i++)
			message->holders[i] = to_holder(region, store, &record->holders[i]);
	}
	return message;
}

ProtobufCBinaryData ns_to_store_id(const ns_store *store)
{
	return (ProtobufCBinaryData){NS_STORE_ID_SIZE, (uint8_t *)ns_store_id(store)};
}

static pyr_status check_reference(const char *text, pyr_error *err)
{
	pyr_reference reference;
	pyr_error why;
	if (pyr_reference_parse(text, &reference, &why))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "the reference \"%.200s\": %s",
			text, why.message);
	if (reference.scheme == PYR_SCHEME_NAME || reference.scheme == PYR_SCHEME_TAG)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the reference \"%.200s\" is itself a name: a name stands for references "
			"like pyr:OBJECT@HOST:PORT",
			text);
	if (reference.scheme == PYR_SCHEME_LOCAL)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"the reference \"%.200s\" is good in one process only", text);
	return PYR_OK;
}

pyr_status ns_check_references(char *const *references, size_t count, pyr_error *err)
{
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < count && status == PYR_OK; i++)
		status = check_reference(references[i], err);
	return status;
}

pyr_status ns_check_one_of(
	const char *a, const char *a_name, const char *b, const char *b_name, pyr_error *err)
{
	if (*a && *b)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s and %s cannot both be given: one filter of a kind", a_name, b_name);
	return PYR_OK;
}

pyr_status ns_check_filter_tags(char *const *tags, size_t count, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (count > NS_FILTER_TAGS_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%zu tags to look for are more than %d", count, NS_FILTER_TAGS_MAX);
	for (size_t i = 0; i < count && status == PYR_OK; i++)
		status = ns_check_tag(tags[i], err);
	return status;
}
