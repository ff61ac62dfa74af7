/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a store: one name, a walk over many, the history, the figures. */
#include "store_internal.h"

#include <assert.h>
#include <string.h>

const ns_record *ns_store_lookup(const ns_store *store, const char *name)
{
	const ns_node *node = ns_find_node(store, name);
	return node ? node->live : NULL;
}

const ns_event *ns_store_event(const ns_store *store, uint64_t revision)
{
	return ns_history_at(&store->history, revision);
}

uint64_t ns_store_oldest(const ns_store *store)
{
	return store->history.oldest;
}

uint64_t ns_store_revision(const ns_store *store)
{
	return store->revision;
}

const uint8_t *ns_store_id(const ns_store *store)
{
	return store->id;
}

const char *ns_store_kind(const ns_store *store)
{
	return store->ops->kind;
}

uint64_t ns_store_names(const ns_store *store)
{
	return store->live_names;
}

/* All names that match begin with this: the walk begins and ends there. */
static const char *common_prefix(const ns_filter *filter)
{
	if (filter->prefix && *filter->prefix)
		return filter->prefix;
	return filter->pattern ? ns_pattern_prefix(filter->pattern) : "";
}

static ns_leaf *next_in(const ns_index *index, const ns_cursor *cursor)
{
	const char *prefix = common_prefix(&cursor->filter);
	bool begun = *cursor->after && strcmp(cursor->after, prefix) >= 0;
	ns_leaf *leaf = begun ? ns_index_after(index, cursor->after) : ns_index_from(index, prefix);
	return leaf && strncmp(leaf->key, prefix, strlen(prefix)) == 0 ? leaf : NULL;
}

static const ns_index *nodes_with_tag(const ns_store *store, const char *tag)
{
	static const ns_index none;
	const ns_leaf *leaf = ns_index_find(&store->tags, tag);
	return leaf ? &((const ns_tag *)leaf)->nodes : &none;
}

/* Names with all tags are looked for among those with the rarest of them. */
static ns_leaf *next_with_all(const ns_store *store, const ns_cursor *cursor)
{
	const ns_filter *filter = &cursor->filter;
	const ns_index *rarest = nodes_with_tag(store, filter->tags_all[0]);
	for (size_t i = 1; i < filter->tags_all_count; i++) {
		const ns_index *other = nodes_with_tag(store, filter->tags_all[i]);
		if (other->count < rarest->count)
			rarest = other;
	}
	return next_in(rarest, cursor);
}

/* Names with any tag are merged from the names of each. */
static ns_leaf *next_with_any(const ns_store *store, const ns_cursor *cursor)
{
	ns_leaf *first = NULL;
	for (size_t i = 0; i < cursor->filter.tags_any_count; i++) {
		ns_leaf *leaf = next_in(nodes_with_tag(store, cursor->filter.tags_any[i]), cursor);
		if (leaf && (!first || strcmp(leaf->key, first->key) < 0))
			first = leaf;
	}
	return first;
}

/* The next name to examine; NULL, and the cursor is done, if there is none. */
static ns_node *advance(const ns_store *store, ns_cursor *cursor)
{
	ns_leaf *leaf = cursor->filter.tags_all_count   ? next_with_all(store, cursor)
			: cursor->filter.tags_any_count ? next_with_any(store, cursor)
							: next_in(&store->nodes, cursor);
	if (leaf)
		memcpy(cursor->after, leaf->key, strlen(leaf->key) + 1);
	else
		cursor->done = true;
	return (ns_node *)leaf;
}

static bool has_tags(const ns_record *record, const ns_filter *filter)
{
	for (size_t i = 0; i < filter->tags_all_count; i++)
		if (!ns_record_has_tag(record, filter->tags_all[i]))
			return false;
	for (size_t i = 0; i < filter->tags_any_count; i++)
		if (ns_record_has_tag(record, filter->tags_any[i]))
			return true;
	return filter->tags_any_count == 0;
}

/* The prefix is what advance() has seen to. */
static pyr_status matches(
	const ns_record *record, const ns_filter *filter, bool *ret_matches, pyr_error *err)
{
	*ret_matches = record && has_tags(record, filter);
	if (!*ret_matches || !filter->pattern)
		return PYR_OK;
	return ns_pattern_match(filter->pattern, record->name, ret_matches, err);
}

pyr_status ns_cursor_next(ns_store *store, ns_cursor *cursor, uint32_t *budget,
	const ns_record **ret_record, pyr_error *err)
{
	while (!cursor->done && *budget > 0) {
		ns_node *node = advance(store, cursor);
		if (!node)
			break;
		--*budget;
		bool match;
		pyr_status status = matches(node->live, &cursor->filter, &match, err);
		if (status)
			return status;
		if (match) {
			*ret_record = node->live;
			return PYR_OK;
		}
	}
	*ret_record = NULL;
	return PYR_OK;
}

static bool may_remove(const ns_record *record, const ns_caller *caller)
{
	if (strcmp(record->name, NS_OWN_NAME) == 0)
		return false;
	for (size_t i = 0; i < record->holder_count; i++)
		if (!ns_owner_allows(record->holders[i].owner, caller))
			return false;
	return true;
}

pyr_status ns_store_remove_matching(ns_store *store, ns_cursor *cursor, const ns_caller *caller,
	uint32_t budget, uint64_t *count, pyr_error *err)
{
	assert(!cursor->filter.tags_all_count && !cursor->filter.tags_any_count);
	for (; !cursor->done && budget > 0; budget--) {
		ns_node *node = advance(store, cursor);
		if (!node)
			break;
		bool match;
		pyr_status status = matches(node->head, &cursor->filter, &match, err);
		if (status)
			return status;
		if (match && may_remove(node->head, caller)) {
			ns_stage_record(store, node, NULL);
			++*count;
		}
	}
	return PYR_OK;
}
