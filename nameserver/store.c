/* SPDX-License-Identifier: Apache-2.0 */
/* The store itself: nodes, what is staged, and how that is committed or taken back. */
#include "store_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include "alloc.h"

void ns_random(void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = getrandom((char *)bytes + done, size - done, 0);
		if (got < 0 && done == 0)
			continue; /* interrupted before there was any entropy */
		done += (size_t)got;
	}
}

ns_store *ns_store_new(const ns_backend_ops *ops, void *backend, const uint8_t *id,
	uint64_t revision, const ns_limits *limits)
{
	ns_store *store = ns_zalloc(sizeof *store);
	store->ops = ops;
	store->backend = backend;
	store->limits = limits ? *limits : (ns_limits)NS_LIMITS_DEFAULT;
	memcpy(store->id, id, NS_STORE_ID_SIZE);
	store->revision = store->head_revision = revision;
	ns_history_init(&store->history, revision, store->limits.history_events_max,
		store->limits.history_bytes_max);
	return store;
}

static void free_node(ns_leaf *leaf, void *ctx)
{
	(void)ctx;
	ns_node *node = (ns_node *)leaf;
	ns_record_unref(node->live);
	ns_record_unref(node->head);
	free(node);
}

static void free_tag(ns_leaf *leaf, void *ctx)
{
	(void)ctx;
	ns_tag *tag = (ns_tag *)leaf;
	ns_index_clear(&tag->nodes, NULL, NULL);
	free(tag);
}

static void free_principal(ns_leaf *leaf, void *ctx)
{
	(void)ctx;
	free(leaf);
}

void ns_store_close(ns_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->change_count; i++) {
		ns_record_unref(store->changes[i].before);
		ns_record_unref(store->changes[i].after);
	}
	free(store->changes);
	free(store->nodes_of);
	ns_history_done(&store->history);
	ns_index_clear(&store->tags, free_tag, NULL);
	ns_leases_clear(&store->leases);
	ns_index_clear(&store->principals, free_principal, NULL);
	ns_index_clear(&store->nodes, free_node, NULL);
	if (store->ops->close)
		store->ops->close(store->backend);
	free(store);
}

ns_node *ns_find_node(const ns_store *store, const char *name)
{
	return (ns_node *)ns_index_find(&store->nodes, name);
}

ns_node *ns_make_node(ns_store *store, const char *name)
{
	ns_node *node = ns_find_node(store, name);
	if (node)
		return node;
	size_t size = strlen(name) + 1;
	node = ns_zalloc(sizeof *node + size);
	memcpy(node->name, name, size);
	node->leaf.key = node->name;
	ns_index_add(&store->nodes, &node->leaf);
	return node;
}

static void drop_if_unused(ns_store *store, ns_node *node)
{
	if (!node->live && !node->head && node->staged == 0) {
		ns_index_remove(&store->nodes, node->name);
		free(node);
	}
}

const ns_principal *ns_find_principal(const ns_store *store, const char *name)
{
	static const ns_principal nothing;
	const ns_leaf *leaf = ns_index_find(&store->principals, name);
	return leaf ? (const ns_principal *)leaf : &nothing;
}

/* Adds to what the principal has; one with nothing is forgotten. */
static void charge(ns_store *store, const char *name, int names, int leases)
{
	if (!*name)
		return;
	ns_principal *principal = (ns_principal *)ns_index_find(&store->principals, name);
	if (!principal) {
		size_t size = strlen(name) + 1;
		principal = ns_zalloc(sizeof *principal + size);
		memcpy(principal->name, name, size);
		principal->leaf.key = principal->name;
		ns_index_add(&store->principals, &principal->leaf);
	}
	principal->names += (uint64_t)names;
	principal->leases += (uint64_t)leases;
	if (!principal->names && !principal->leases) {
		ns_index_remove(&store->principals, name);
		free(principal);
	}
}

/* Puts a record on the books of its owners and leases, or takes it off. */
static void account(ns_store *store, ns_node *node, const ns_record *record, bool add)
{
	for (size_t i = 0; record && i < record->holder_count; i++) {
		const ns_holder *holder = &record->holders[i];
		charge(store, holder->owner, add ? 1 : -1, 0);
		ns_lease *lease =
			holder->lease_id ? ns_leases_find(&store->leases, holder->lease_id) : NULL;
		if (lease && add)
			ns_index_add(&lease->names, &node->leaf);
		else if (lease)
			ns_index_remove(&lease->names, node->name);
	}
}

/* Makes `to` the node's staged record, on all books. Takes no reference and gives none back. */
static void set_head(ns_store *store, ns_node *node, const ns_record *to)
{
	account(store, node, node->head, false);
	account(store, node, to, true);
	store->head_names += (uint64_t)(to != NULL) - (uint64_t)(node->head != NULL);
	node->head = to;
}

/* Nothing may be staged between seal and finish. */
static void push_change(ns_store *store, ns_change change, ns_node *node)
{
	assert(!store->sealed);
	if (store->change_count == store->change_room) {
		store->change_room = store->change_room ? store->change_room * 2 : 64;
		store->changes =
			ns_realloc(store->changes, store->change_room * sizeof *store->changes);
		store->nodes_of =
			ns_realloc(store->nodes_of, store->change_room * sizeof *store->nodes_of);
	}
	store->changes[store->change_count] = change;
	store->nodes_of[store->change_count++] = node;
}

void ns_stage_record(ns_store *store, ns_node *node, const ns_record *draft)
{
	const ns_record *before = node->head, *after = NULL;
	store->head_revision++;
	if (draft) {
		ns_record full = *draft;
		full.name = node->name;
		full.mod_revision = store->head_revision;
		full.create_revision = before ? before->create_revision : store->head_revision;
		full.version = before ? before->version + 1 : 1;
		after = ns_record_new(&full);
	}
	set_head(store, node, after);
	/* the node's reference of before becomes the change's */
	ns_change change = {NS_NAME_CHANGED, before, ns_record_ref(after), NULL};
	push_change(store, change, node);
	node->staged++;
}

void ns_stage_lease(ns_store *store, ns_change_kind kind, ns_lease *lease)
{
	if (kind == NS_LEASE_ENDED)
		ns_leases_end(&store->leases, lease);
	charge(store, lease->owner, 0, kind == NS_LEASE_GRANTED ? 1 : -1);
	push_change(store, (ns_change){kind, NULL, NULL, lease}, NULL);
}

size_t ns_stage_without(ns_store *store, ns_node *node,
	bool (*goes)(const ns_holder *holder, const void *ctx), const void *ctx)
{
	const ns_record *record = node->head;
	ns_holder *stay = ns_alloc(record->holder_count * sizeof *stay);
	size_t count = 0;
	for (size_t i = 0; i < record->holder_count; i++)
		if (!goes(&record->holders[i], ctx))
			stay[count++] = record->holders[i];
	ns_record draft = *record;
	draft.holders = stay;
	draft.holder_count = count;
	size_t gone = record->holder_count - count;
	if (gone)
		ns_stage_record(store, node, count ? &draft : NULL);
	free(stay);
	return gone;
}

bool ns_owner_allows(const char *owner, const ns_caller *caller)
{
	return caller->administrator || !*owner || strcmp(owner, caller->principal) == 0;
}

static void add_tags(ns_store *store, ns_node *node, const ns_record *record)
{
	for (size_t i = 0; i < record->tag_count; i++) {
		ns_tag *tag = (ns_tag *)ns_index_find(&store->tags, record->tags[i]);
		if (!tag) {
			size_t size = strlen(record->tags[i]) + 1;
			tag = ns_zalloc(sizeof *tag + size);
			memcpy(tag->name, record->tags[i], size);
			tag->leaf.key = tag->name;
			ns_index_add(&store->tags, &tag->leaf);
		}
		ns_index_add(&tag->nodes, &node->leaf);
	}
}

static void remove_tags(ns_store *store, ns_node *node, const ns_record *record)
{
	for (size_t i = 0; i < record->tag_count; i++) {
		ns_tag *tag = (ns_tag *)ns_index_find(&store->tags, record->tags[i]);
		ns_index_remove(&tag->nodes, node->name);
		if (tag->nodes.count == 0) {
			ns_index_remove(&store->tags, record->tags[i]);
			free_tag(&tag->leaf, NULL);
		}
	}
}

/* Makes `to` the node's committed record. Takes over one reference of it. */
static void set_live(ns_store *store, ns_node *node, const ns_record *to)
{
	if (node->live)
		remove_tags(store, node, node->live);
	if (to)
		add_tags(store, node, to);
	store->live_names += (uint64_t)(to != NULL) - (uint64_t)(node->live != NULL);
	ns_record_unref(node->live);
	node->live = to;
}

static void keep_change(ns_store *store, const ns_change *change, ns_node *node)
{
	if (change->kind == NS_NAME_CHANGED) {
		set_live(store, node, ns_record_ref(change->after));
		ns_history_add(&store->history, change->before, change->after);
		node->staged--;
		drop_if_unused(store, node);
	} else if (change->kind == NS_LEASE_ENDED) {
		ns_leases_remove(&store->leases, change->lease);
	}
}

static void take_change_back(ns_store *store, const ns_change *change, ns_node *node)
{
	if (change->kind == NS_NAME_CHANGED) {
		set_head(store, node, change->before);
		ns_record_unref(change->after); /* the node's */
		ns_record_unref(change->after); /* the change's */
		node->staged--;
		drop_if_unused(store, node);
	} else if (change->kind == NS_LEASE_ENDED) {
		ns_leases_restore(&store->leases, change->lease);
		charge(store, change->lease->owner, 0, 1);
	} else {
		charge(store, change->lease->owner, 0, -1);
		ns_leases_remove(&store->leases, change->lease);
	}
}

bool ns_store_staged(const ns_store *store)
{
	return store->change_count > 0;
}

void ns_store_seal(ns_store *store)
{
	assert(!store->sealed);
	store->sealed = true;
}

pyr_status ns_store_write(ns_store *store, pyr_error *err)
{
	assert(store->sealed);
	if (store->change_count == 0 || !store->ops->write)
		return PYR_OK;
	return store->ops->write(
		store->backend, store->changes, store->change_count, store->head_revision, err);
}

void ns_store_finish(ns_store *store, pyr_status written)
{
	assert(store->sealed);
	if (written == PYR_OK) {
		for (size_t i = 0; i < store->change_count; i++)
			keep_change(store, &store->changes[i], store->nodes_of[i]);
		store->revision = store->head_revision;
	} else {
		/* the last first, so that each finds the state that it left */
		for (size_t i = store->change_count; i-- > 0;)
			take_change_back(store, &store->changes[i], store->nodes_of[i]);
		store->head_revision = store->revision;
	}
	store->change_count = 0;
	store->sealed = false;
}

pyr_status ns_store_commit(ns_store *store, pyr_error *err)
{
	ns_store_seal(store);
	pyr_status status = ns_store_write(store, err);
	ns_store_finish(store, status);
	return status;
}

pyr_status ns_store_load_lease(ns_store *store, uint64_t id, uint32_t ttl_ms, const char *owner,
	uint64_t now_us, pyr_error *err)
{
	if (id == 0 || ttl_ms < NS_TTL_MIN_MS || ttl_ms > NS_TTL_MAX_MS ||
		ns_check_principal(owner, NULL) ||
		!ns_leases_add(&store->leases, id, ttl_ms, owner, now_us))
		return pyr_error_set(
			err, PYR_DATA_LOSS, "lease %llu makes no sense", (unsigned long long)id);
	charge(store, owner, 0, 1);
	return PYR_OK;
}

/* What a damaged file could hold although every single value in it can be read. */
static const char *nonsense(const ns_store *store, const ns_record *draft)
{
	if (ns_check_name(draft->name, NULL))
		return "is no name";
	if (draft->create_revision == 0 || draft->mod_revision < draft->create_revision ||
		draft->mod_revision > store->revision || draft->version == 0)
		return "has impossible revisions";
	if (draft->holder_count == 0 || (draft->holder_count > 1 && !draft->shared))
		return "has an impossible number of holders";
	for (size_t i = 0; i < draft->tag_count; i++)
		if (ns_check_tag(draft->tags[i], NULL) ||
			(i > 0 && strcmp(draft->tags[i - 1], draft->tags[i]) >= 0))
			return "has impossible tags";
	for (size_t i = 0; i < draft->holder_count; i++) {
		const ns_holder *holder = &draft->holders[i];
		if (ns_check_principal(holder->owner, NULL))
			return "has a holder with an impossible owner";
		if (holder->reference_count == 0)
			return "has a holder without references";
		for (size_t k = 0; k < holder->reference_count; k++)
			if (ns_check_reference_text(holder->references[k], NULL))
				return "has an impossible reference";
		if (holder->lease_id && !ns_leases_find(&store->leases, holder->lease_id))
			return "is under a lease that does not exist";
	}
	return NULL;
}

pyr_status ns_store_load_record(ns_store *store, const ns_record *draft, pyr_error *err)
{
	const char *why = nonsense(store, draft);
	if (!why && ns_find_node(store, draft->name))
		why = "is there twice";
	if (why)
		return pyr_error_set(err, PYR_DATA_LOSS, "\"%.64s\" %s", draft->name, why);
	ns_node *node = ns_make_node(store, draft->name);
	ns_record *record = ns_record_new(draft);
	set_head(store, node, record);
	set_live(store, node, ns_record_ref(record));
	return PYR_OK;
}
