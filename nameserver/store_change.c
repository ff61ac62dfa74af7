/* SPDX-License-Identifier: Apache-2.0 */
/* Removing names and changing their tags, and what every change has to look at. */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"

typedef unsigned long long ull;

pyr_status ns_may_change(const ns_record *record, const ns_caller *caller, pyr_error *err)
{
	for (size_t i = 0; record && i < record->holder_count; i++)
		if (!ns_owner_allows(record->holders[i].owner, caller))
			return pyr_error_set(err, PYR_PERMISSION_DENIED,
				"the name \"%s\" belongs to \"%s\"", record->name,
				record->holders[i].owner);
	return PYR_OK;
}

pyr_status ns_check_own(const char *name, const ns_caller *caller, pyr_error *err)
{
	if (!caller->own && strcmp(name, NS_OWN_NAME) == 0)
		return pyr_error_set(err, PYR_PERMISSION_DENIED,
			"the name \"" NS_OWN_NAME "\" is the name server's own");
	return PYR_OK;
}

pyr_status ns_check_revision(
	const char *name, const ns_record *head, uint64_t expected_revision, pyr_error *err)
{
	if (expected_revision == (head ? head->mod_revision : 0))
		return PYR_OK;
	if (expected_revision == 0)
		return pyr_error_set(err, PYR_ALREADY_EXISTS,
			"the name \"%s\" is registered already, at revision %llu", name,
			(ull)head->mod_revision);
	if (!head)
		return pyr_error_set(err, PYR_ABORTED,
			"the name \"%s\" is not at revision %llu: it is not registered any more",
			name, (ull)expected_revision);
	return pyr_error_set(err, PYR_ABORTED, "the name \"%s\" is at revision %llu, not %llu",
		name, (ull)head->mod_revision, (ull)expected_revision);
}

pyr_status ns_check_tags(const char *const *tags, size_t count, pyr_error *err)
{
	pyr_status status = PYR_OK;
	for (size_t i = 0; i < count && status == PYR_OK; i++)
		status = ns_check_tag(tags[i], err);
	return status;
}

bool ns_same_tags(const ns_record *a, const ns_record *b)
{
	if (a->tag_count != b->tag_count)
		return false;
	for (size_t i = 0; i < a->tag_count; i++)
		if (strcmp(a->tags[i], b->tags[i]) != 0)
			return false;
	return true;
}

pyr_status ns_check_tag_limit(const ns_store *store, const ns_record *draft, pyr_error *err)
{
	if (draft->tag_count > store->limits.tags_per_name_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the name \"%s\" would have %zu tags, more than %u", draft->name,
			draft->tag_count, (unsigned)store->limits.tags_per_name_max);
	return PYR_OK;
}

/* The node of a registered name that the caller asks to change. */
static pyr_status find_registered(ns_store *store, const char *name, const ns_caller *caller,
	ns_node **ret_node, pyr_error *err)
{
	pyr_status status = ns_check_name(name, err);
	if (status == PYR_OK)
		status = ns_check_own(name, caller, err);
	if (status)
		return status;
	ns_node *node = ns_find_node(store, name);
	if (!node || !node->head)
		return pyr_error_set(err, PYR_NOT_FOUND, "no name \"%s\"", name);
	*ret_node = node;
	return PYR_OK;
}

static bool is_meant(const ns_holder *holder, const void *ctx)
{
	const ns_removal *removal = ctx;
	if (removal->lease_id && holder->lease_id != removal->lease_id)
		return false;
	if (!removal->reference || !*removal->reference)
		return true;
	for (size_t i = 0; i < holder->reference_count; i++)
		if (strcmp(holder->references[i], removal->reference) == 0)
			return true;
	return false;
}

pyr_status ns_store_remove(
	ns_store *store, const ns_removal *removal, const ns_caller *caller, pyr_error *err)
{
	ns_node *node;
	pyr_status status = find_registered(store, removal->name, caller, &node, err);
	if (status == PYR_OK && removal->compare)
		status = ns_check_revision(
			removal->name, node->head, removal->expected_revision, err);
	for (size_t i = 0; status == PYR_OK && i < node->head->holder_count; i++) {
		const ns_holder *holder = &node->head->holders[i];
		if (is_meant(holder, removal) && !ns_owner_allows(holder->owner, caller))
			status = pyr_error_set(err, PYR_PERMISSION_DENIED,
				"the name \"%s\" belongs to \"%s\"", removal->name, holder->owner);
	}
	if (status)
		return status;
	if (ns_stage_without(store, node, is_meant, removal) == 0)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "no such holder of the name \"%s\"", removal->name);
	return PYR_OK;
}

static bool is_among(const char *text, const char *const *texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(texts[i], text) == 0)
			return true;
	return false;
}

/* Fills in draft's tags; the array is the caller's to free. */
static const char **draft_tags(ns_record *draft, const ns_record *head, const ns_tagging *tagging)
{
	const char **tags = ns_alloc((head->tag_count + tagging->add_count) * sizeof *tags);
	size_t count = 0;
	for (size_t i = 0; !tagging->replace && i < head->tag_count; i++)
		if (!is_among(head->tags[i], tagging->remove, tagging->remove_count))
			tags[count++] = head->tags[i];
	for (size_t i = 0; i < tagging->add_count; i++)
		tags[count++] = tagging->add[i];
	draft->tags = tags;
	draft->tag_count = ns_sort_unique(tags, count);
	return tags;
}

static pyr_status check_tagging(const ns_tagging *tagging, pyr_error *err)
{
	if (tagging->replace && tagging->remove_count)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"tags are either replaced or taken away, not both");
	pyr_status status = ns_check_tags(tagging->add, tagging->add_count, err);
	if (status == PYR_OK)
		status = ns_check_tags(tagging->remove, tagging->remove_count, err);
	return status;
}

pyr_status ns_store_set_tags(ns_store *store, const ns_tagging *tagging, const ns_caller *caller,
	const ns_record **ret_record, pyr_error *err)
{
	ns_node *node;
	pyr_status status = find_registered(store, tagging->name, caller, &node, err);
	if (status == PYR_OK)
		status = check_tagging(tagging, err);
	if (status == PYR_OK && tagging->compare)
		status = ns_check_revision(
			tagging->name, node->head, tagging->expected_revision, err);
	if (status == PYR_OK)
		status = ns_may_change(node->head, caller, err);
	if (status)
		return status;
	ns_record draft = *node->head;
	const char **tags = draft_tags(&draft, node->head, tagging);
	status = ns_check_tag_limit(store, &draft, err);
	if (status == PYR_OK && !ns_same_tags(node->head, &draft))
		ns_stage_record(store, node, &draft);
	free(tags);
	if (status == PYR_OK)
		*ret_record = node->head;
	return status;
}
