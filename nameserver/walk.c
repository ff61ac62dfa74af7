/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and removals of many names, in slices. */
#include "walk.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "convert.h"
#include "service_internal.h"

#define SLICE_US   2000  /* of one walk, before others have their turn */
#define TURN_US    10000 /* of all walks together, before the loop looks at its sockets */
#define STEP_NAMES 16    /* examined between two looks at the clock */
#define STEP_MAX   2000  /* examined in one slice even if the clock stands still */

#define PAGE_NAMES_MAX 1000
#define PAGE_BYTES_MAX (1u << 20) /* about, and one name at least */

typedef struct walk {
	ns_link link;
	ns_service *service;
	pyr_call *call;
	const Pyrite__ListRequest *list; /* the call's; NULL: a removal */
	ns_pattern *pattern;             /* NULL: none */
	ns_cursor cursor;
	uint64_t removed;
	bool staged; /* something in the commit that is waited for */
} walk;

static void free_walk(walk *w)
{
	ns_walks *walks = &w->service->walks;
	ns_link_remove(&w->link);
	walks->count--;
	walks->removals -= !w->list;
	ns_pattern_free(w->pattern);
	pyr_call_unref(w->call);
	free(w);
}

static void fail_walk(walk *w, pyr_error *err)
{
	ns_fail(w->call, err);
	free_walk(w);
}

/* List */

static pyr_status collect_page(walk *w, uint64_t end_us, Pyrite__ListReply *reply, pyr_error *err)
{
	ns_service *service = w->service;
	const Pyrite__ListRequest *request = w->list;
	uint32_t names_max = request->page_size;
	if (names_max == 0 || names_max > PAGE_NAMES_MAX)
		names_max = PAGE_NAMES_MAX;
	unsigned parts = (request->names_only ? 0 : NS_WITH_HOLDERS) |
			 (request->with_tags ? NS_WITH_TAGS : 0);
	size_t bytes = 0;
	reply->names = ns_region_take(&service->region, names_max * sizeof *reply->names);
	uint32_t examined = 0;
	do { /* one step at least, or there would be no name to go on from */
		uint32_t budget = STEP_NAMES;
		while (budget > 0 && !w->cursor.done) {
			const ns_record *record;
			pyr_status status =
				ns_cursor_next(service->store, &w->cursor, &budget, &record, err);
			if (status)
				return status;
			if (!record)
				continue;
			reply->names[reply->n_names++] =
				ns_to_name(&service->region, service->store, record, parts);
			bytes += ns_record_size(record);
			if (reply->n_names == names_max || bytes > PAGE_BYTES_MAX)
				return PYR_OK;
		}
		examined += STEP_NAMES;
	} while (!w->cursor.done && examined < STEP_MAX && ns_now_us() < end_us);
	return PYR_OK;
}

/* One slice is one page, which may well hold no name. */
static void step_list(walk *w, uint64_t end_us)
{
	ns_service *service = w->service;
	pyr_error err;
	Pyrite__ListReply reply = PYRITE__LIST_REPLY__INIT;
	pyr_status status = collect_page(w, end_us, &reply, &err);
	if (status) {
		ns_fail(w->call, &err);
	} else {
		if (!w->cursor.done)
			reply.next_page_token = w->cursor.after;
		reply.store_id = ns_to_store_id(service->store);
		reply.revision = ns_store_revision(service->store);
		pyrite_names_list__reply(w->call, &reply);
	}
	ns_region_reset(&service->region);
	free_walk(w);
}

/* Remove */

static void reply_removed(walk *w)
{
	Pyrite__RemoveReply reply = PYRITE__REMOVE_REPLY__INIT;
	reply.store_id = ns_to_store_id(w->service->store);
	reply.revision = ns_store_revision(w->service->store);
	reply.count = w->removed;
	pyrite_names_remove__reply(w->call, &reply);
	free_walk(w);
}

static void step_removal(walk *w, uint64_t end_us)
{
	ns_service *service = w->service;
	ns_walks *walks = &service->walks;
	w->staged = false;
	if (ns_commit_under_way(service)) {
		ns_link_append(&walks->uncommitted, &w->link);
		return;
	}
	pyr_error err;
	pyr_status status = PYR_OK;
	ns_caller caller = ns_caller_of(service, w->call);
	uint64_t before = w->removed;
	for (uint32_t examined = 0;
		status == PYR_OK && examined < STEP_MAX && !w->cursor.done && ns_now_us() < end_us;
		examined += STEP_NAMES)
		status = ns_store_remove_matching(
			service->store, &w->cursor, &caller, STEP_NAMES, &w->removed, &err);
	w->staged = w->removed > before;
	if (w->staged)
		ns_commit_soon(service);
	if (status)
		fail_walk(w, &err); /* what went before it is gone all the same */
	else if (w->staged)
		ns_link_append(&walks->uncommitted, &w->link);
	else if (w->cursor.done)
		reply_removed(w);
	else
		ns_link_append(&walks->queue, &w->link);
}

void ns_walks_committed(ns_service *service, const pyr_error *err)
{
	ns_link all;
	ns_link_init(&all);
	ns_link_move_all(&all, &service->walks.uncommitted);
	for (ns_link *link; (link = ns_link_take(&all));) {
		walk *w = NS_OWNER(link, walk, link);
		pyr_error copy;
		if (w->staged && err) {
			copy = *err;
			fail_walk(w, &copy);
		} else if (w->staged && w->cursor.done) {
			reply_removed(w);
		} else {
			ns_link_append(&service->walks.queue, &w->link);
		}
	}
	if (!ns_link_empty(&service->walks.queue) && !service->walks.turn_comes) {
		service->walks.turn_comes = true;
		ns_run_after(service->walks.turn, 0);
	}
}

/* Turns */

static void step(walk *w)
{
	ns_walks *walks = &w->service->walks;
	uint64_t begin_us = ns_now_us();
	if (pyr_call_cancelled(w->call)) {
		pyr_error err;
		pyr_error_set(&err, PYR_CANCELLED, "the caller no longer waits");
		fail_walk(w, &err);
		return;
	}
	if (w->list)
		step_list(w, begin_us + SLICE_US);
	else
		step_removal(w, begin_us + SLICE_US);
	walks->spent_us += ns_now_us() - begin_us;
}

/* Sees to it that what was spent in this turn is forgotten in the next. */
static void await_turn(ns_walks *walks)
{
	if (walks->turn_comes)
		return;
	walks->turn_comes = true;
	ns_run_after(walks->turn, 0);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ns_service *service = arg;
	ns_walks *walks = &service->walks;
	ns_link *link;
	walks->turn_comes = false;
	walks->spent_us = 0;
	while (walks->spent_us < TURN_US && (link = ns_link_take(&walks->queue)))
		step(NS_OWNER(link, walk, link));
	if (!ns_link_empty(&walks->queue))
		await_turn(walks);
}

/* The first step at once if there is time, since most walks are short. */
static void begin(walk *w)
{
	ns_walks *walks = &w->service->walks;
	if (ns_link_empty(&walks->queue) && walks->spent_us < TURN_US)
		step(w);
	else
		ns_link_append(&walks->queue, &w->link);
	await_turn(walks);
}

static pyr_status check_limits(ns_service *service, bool removal, pyr_error *err)
{
	const ns_walks *walks = &service->walks;
	pyr_status status = PYR_OK;
	if (service->stopping)
		status = pyr_error_set(err, PYR_UNAVAILABLE, "the name server is stopping");
	else if (walks->count >= service->options.walks_max)
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%u lists and removals are under way already", walks->count);
	else if (removal && walks->removals >= service->options.removals_max)
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%u removals of many names are under way already", walks->removals);
	if (status)
		err->executed = PYR_EXECUTED_NO;
	return status;
}

static pyr_status new_walk(ns_service *service, pyr_call *call, const ns_filter *filter,
	const char *regex, const Pyrite__ListRequest *list, walk **ret_walk, pyr_error *err)
{
	ns_pattern *pattern = NULL;
	pyr_status status = check_limits(service, !list, err);
	if (status == PYR_OK && *regex)
		status = ns_pattern_new(regex, &pattern, err);
	if (status)
		return status;
	walk *w = ns_zalloc(sizeof *w);
	ns_link_init(&w->link);
	w->service = service;
	w->call = pyr_call_ref(call);
	w->list = list;
	w->pattern = pattern;
	w->cursor.filter = *filter;
	w->cursor.filter.pattern = pattern;
	service->walks.count++;
	service->walks.removals += !list;
	*ret_walk = w;
	return PYR_OK;
}

static pyr_status check_list(const Pyrite__ListRequest *request, pyr_error *err)
{
	pyr_status status =
		ns_check_one_of(request->prefix, "prefix", request->regex, "regex", err);
	if (status == PYR_OK)
		status = ns_check_one_of(request->n_tags_all ? "+" : "", "tags_all",
			request->n_tags_any ? "+" : "", "tags_any", err);
	if (status == PYR_OK)
		status = ns_check_filter_tags(request->tags_all, request->n_tags_all, err);
	if (status == PYR_OK)
		status = ns_check_filter_tags(request->tags_any, request->n_tags_any, err);
	if (status == PYR_OK && *request->page_token && ns_check_name(request->page_token, NULL))
		status = pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"page_token is not the next_page_token of an answer");
	return status;
}

void ns_do_list(void *self, pyr_call *call, const Pyrite__ListRequest *request)
{
	const ns_filter filter = {
		.prefix = request->prefix,
		.tags_all = (const char *const *)request->tags_all,
		.tags_all_count = request->n_tags_all,
		.tags_any = (const char *const *)request->tags_any,
		.tags_any_count = request->n_tags_any,
	};
	pyr_error err;
	walk *w;
	pyr_status status = check_list(request, &err);
	if (status == PYR_OK)
		status = new_walk(self, call, &filter, request->regex, request, &w, &err);
	if (status) {
		ns_fail(call, &err);
		return;
	}
	strcpy(w->cursor.after, request->page_token); /* a name, so it fits */
	begin(w);
}

void ns_walk_remove(ns_service *service, pyr_call *call, const Pyrite__RemoveRequest *request)
{
	const ns_filter filter = {.prefix = request->prefix};
	pyr_error err;
	walk *w;
	if (ns_may_ask_for_change(service, call, &err) ||
		new_walk(service, call, &filter, request->regex, NULL, &w, &err))
		ns_fail(call, &err);
	else
		begin(w);
}

void ns_walks_init(ns_service *service)
{
	ns_walks *walks = &service->walks;
	ns_link_init(&walks->queue);
	ns_link_init(&walks->uncommitted);
	walks->turn = ns_new_event(service, -1, 0, on_turn, service);
}

void ns_walks_end(ns_service *service)
{
	ns_walks *walks = &service->walks;
	ns_link_move_all(&walks->queue, &walks->uncommitted);
	for (ns_link *link; (link = ns_link_take(&walks->queue));) {
		pyr_error err;
		pyr_error_set(&err, PYR_UNAVAILABLE, "the name server is stopping");
		fail_walk(NS_OWNER(link, walk, link), &err);
	}
}

void ns_walks_done(ns_service *service)
{
	if (service->walks.turn)
		event_free(service->walks.turn);
	service->walks.turn = NULL;
}
