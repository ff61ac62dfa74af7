/* SPDX-License-Identifier: Apache-2.0 */
/* Registering a name: whether it may be, and what it will stand for. */
#include "store_internal.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"

typedef unsigned long long ull;

static pyr_status check_references(const ns_registration *r, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (r->reference_count == 0)
		return pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "no reference to register \"%s\" for", r->name);
	for (size_t i = 0; i < r->reference_count && status == PYR_OK; i++)
		status = ns_check_reference_text(r->references[i], err);
	return status;
}

/* What a registration leads to. Arrays that its record needs are its own. */
typedef struct plan {
	const ns_registration *r;
	const ns_caller *caller;
	const ns_record *head; /* as it is; NULL: the name is free */
	ns_lease *lease;       /* NULL: none */
	ns_record draft;       /* as it shall be */
	ns_holder *holders;
	const char **tags;
} plan;

/* Whether the registration takes this holder's place among others. */
static bool is_mine(const ns_holder *holder, const ns_holder *mine)
{
	if (mine->lease_id || holder->lease_id)
		return mine->lease_id == holder->lease_id;
	return strcmp(mine->owner, holder->owner) == 0 && ns_holder_same_references(mine, holder);
}

/* The name is held by one, and under the very lease of this registration. */
static bool holds_already(const plan *p)
{
	return p->r->lease_id && p->head && !p->head->shared &&
	       p->head->holders[0].lease_id == p->r->lease_id;
}

/* Whether the registration becomes one of several holders. */
static bool joins(const plan *p)
{
	return p->r->replica && !p->r->replace && p->head && p->head->shared;
}

static pyr_status may_register(const plan *p, pyr_error *err)
{
	const ns_registration *r = p->r;
	if (r->compare) {
		pyr_status status = ns_check_revision(r->name, p->head, r->expected_revision, err);
		if (status)
			return status;
	}
	bool free_to_take = !p->head || r->replace || holds_already(p) || joins(p) ||
			    (r->compare && !r->replica);
	if (!free_to_take)
		return pyr_error_set(err, PYR_ALREADY_EXISTS,
			"the name \"%s\" is registered already, for %.300s%s", r->name,
			p->head->holders[0].references[0],
			r->replica ? ", which holds it alone" : "");
	return ns_may_change(p->head, p->caller, err);
}

static void draft_record(plan *p)
{
	const ns_registration *r = p->r;
	const ns_holder mine = {
		p->caller->principal, r->lease_id, r->references, r->reference_count};
	const ns_record none = {.name = r->name}, *base = joins(p) ? p->head : &none;
	p->holders = ns_alloc((base->holder_count + 1) * sizeof *p->holders);
	p->tags = ns_alloc((base->tag_count + r->tag_count) * sizeof *p->tags);
	size_t at = base->holder_count, tag_count = 0;
	for (size_t i = 0; i < base->holder_count; i++) {
		p->holders[i] = base->holders[i];
		if (is_mine(&base->holders[i], &mine))
			at = i;
	}
	p->holders[at] = mine;
	for (size_t i = 0; i < base->tag_count; i++)
		p->tags[tag_count++] = base->tags[i];
	for (size_t i = 0; i < r->tag_count; i++)
		p->tags[tag_count++] = r->tags[i];
	p->draft = (ns_record){
		.name = r->name,
		.shared = r->replica,
		.holders = p->holders,
		.holder_count = base->holder_count + (at == base->holder_count),
		.tags = p->tags,
		.tag_count = ns_sort_unique(p->tags, tag_count),
	};
}

static bool same_content(const ns_record *a, const ns_record *b)
{
	if (a->shared != b->shared || a->holder_count != b->holder_count || !ns_same_tags(a, b))
		return false;
	for (size_t i = 0; i < a->holder_count; i++)
		if (a->holders[i].lease_id != b->holders[i].lease_id ||
			strcmp(a->holders[i].owner, b->holders[i].owner) != 0 ||
			!ns_holder_same_references(&a->holders[i], &b->holders[i]))
			return false;
	return true;
}

static size_t held_by(const ns_record *record, const char *owner)
{
	size_t count = 0;
	for (size_t i = 0; record && i < record->holder_count; i++)
		count += strcmp(record->holders[i].owner, owner) == 0;
	return count;
}

static pyr_status check_record_limits(const ns_store *store, const plan *p, pyr_error *err)
{
	size_t references = 0;
	for (size_t i = 0; i < p->draft.holder_count; i++)
		references += p->draft.holders[i].reference_count;
	if (references > store->limits.references_per_name_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the name \"%s\" would have %zu references, more than %u", p->r->name,
			references, (unsigned)store->limits.references_per_name_max);
	return ns_check_tag_limit(store, &p->draft, err);
}

static pyr_status check_store_limits(const ns_store *store, const plan *p, pyr_error *err)
{
	const ns_limits *limits = &store->limits;
	const char *principal = p->caller->principal;
	uint64_t others = ns_find_principal(store, principal)->names - held_by(p->head, principal);
	if (!p->head && store->head_names >= limits->names_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "there are %llu names already",
			(ull)store->head_names);
	if (*principal && !p->caller->administrator &&
		others + held_by(&p->draft, principal) > limits->names_per_principal_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "\"%s\" has %llu names already",
			principal, (ull)limits->names_per_principal_max);
	if (p->lease && p->lease->names.count >= limits->names_per_lease_max &&
		!ns_index_find(&p->lease->names, p->r->name))
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "lease %llu has %u names already",
			(ull)p->lease->id, (unsigned)limits->names_per_lease_max);
	return PYR_OK;
}

static pyr_status check_registration(
	const ns_registration *r, const ns_caller *caller, pyr_error *err)
{
	pyr_status status = ns_check_name(r->name, err);
	if (status == PYR_OK)
		status = ns_check_own(r->name, caller, err);
	if (status == PYR_OK)
		status = ns_check_principal(caller->principal, err);
	if (status == PYR_OK)
		status = check_references(r, err);
	if (status == PYR_OK)
		status = ns_check_tags(r->tags, r->tag_count, err);
	return status;
}

/* Carries out what has been found allowed. */
static pyr_status carry_out(ns_store *store, plan *p, uint64_t *ret_revision, pyr_error *err)
{
	draft_record(p);
	if (p->head && same_content(p->head, &p->draft)) {
		*ret_revision = p->head->mod_revision;
		return PYR_OK;
	}
	pyr_status status = check_record_limits(store, p, err);
	if (status == PYR_OK)
		status = check_store_limits(store, p, err);
	if (status)
		return status;
	ns_node *node = ns_make_node(store, p->r->name);
	ns_stage_record(store, node, &p->draft);
	*ret_revision = node->head->mod_revision;
	return PYR_OK;
}

pyr_status ns_store_register(ns_store *store, const ns_registration *registration,
	const ns_caller *caller, uint64_t *ret_revision, pyr_error *err)
{
	plan p = {.r = registration, .caller = caller};
	pyr_status status = check_registration(registration, caller, err);
	if (status == PYR_OK && registration->lease_id)
		status = ns_usable_lease(store, registration->lease_id, caller, &p.lease, err);
	if (status)
		return status;
	const ns_node *node = ns_find_node(store, registration->name);
	p.head = node ? node->head : NULL;
	status = may_register(&p, err);
	if (status == PYR_OK)
		status = carry_out(store, &p, ret_revision, err);
	free(p.holders);
	free(p.tags);
	return status;
}
