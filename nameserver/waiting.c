/* SPDX-License-Identifier: Apache-2.0 */
/* Lookups, and those among them that wait. */
#include "waiting.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "convert.h"
#include "service_internal.h"

/* Those who wait for one name; there while there are any. */
typedef struct group {
	ns_leaf leaf;
	ns_link members;
	char name[];
} group;

/* One lookup that waits. */
typedef struct wait {
	ns_link link; /* in its group, or among those that wait for a revision */
	ns_service *service;
	pyr_call *call;
	const Pyrite__LookupRequest *request; /* the call's */
	group *group;                         /* NULL: it waits for a revision */
	uint64_t connection;
	struct event *timer;
} wait;

static void reply(ns_service *service, pyr_call *call, const Pyrite__LookupRequest *request,
	const ns_record *record)
{
	unsigned parts = NS_WITH_HOLDERS | (request->with_tags ? NS_WITH_TAGS : 0);
	Pyrite__LookupReply reply = PYRITE__LOOKUP_REPLY__INIT;
	reply.name = ns_to_name(&service->region, service->store, record, parts);
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = ns_store_revision(service->store);
	pyrite_names_lookup__reply(call, &reply);
	ns_region_reset(&service->region);
}

static bool is_behind(const ns_service *service, const Pyrite__LookupRequest *request)
{
	return ns_store_revision(service->store) < request->min_revision;
}

/* Answers if it can be answered with what there is now. */
static bool try_now(ns_service *service, pyr_call *call, const Pyrite__LookupRequest *request)
{
	const ns_record *record =
		is_behind(service, request) ? NULL : ns_store_lookup(service->store, request->name);
	if (record)
		reply(service, call, request, record);
	return record != NULL;
}

static void give_up(ns_service *service, pyr_call *call, const Pyrite__LookupRequest *request)
{
	pyr_error err;
	if (is_behind(service, request))
		pyr_error_set(&err, PYR_UNAVAILABLE,
			"the store is at revision %llu only, not yet at %llu",
			(unsigned long long)ns_store_revision(service->store),
			(unsigned long long)request->min_revision);
	else
		pyr_error_set(&err, PYR_NOT_FOUND, "no name \"%s\"%s", request->name,
			request->wait_ms ? " came in time" : "");
	ns_fail(call, &err);
}

static group *get_group(ns_waiting *waiting, const char *name)
{
	group *g = (group *)ns_index_find(&waiting->names, name);
	if (g)
		return g;
	size_t size = strlen(name) + 1;
	g = ns_zalloc(sizeof *g + size);
	memcpy(g->name, name, size);
	g->leaf.key = g->name;
	ns_link_init(&g->members);
	ns_index_add(&waiting->names, &g->leaf);
	return g;
}

/* The call has been answered, or is about to be. */
static void free_wait(wait *w)
{
	ns_waiting *waiting = &w->service->waiting;
	ns_link_remove(&w->link);
	if (w->group && ns_link_empty(&w->group->members)) {
		ns_index_remove(&waiting->names, w->group->name);
		free(w->group);
	}
	ns_quota_give_back(&waiting->quota, w->connection);
	event_free(w->timer);
	pyr_call_unref(w->call);
	free(w);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	wait *w = arg;
	give_up(w->service, w->call, w->request);
	free_wait(w);
}

static void on_cancel(void *ctx)
{
	wait *w = ctx;
	pyr_call_fail(w->call, PYR_CANCELLED, "the caller no longer waits");
	free_wait(w);
}

/* Where it waits from now on. */
static void enqueue(wait *w)
{
	ns_waiting *waiting = &w->service->waiting;
	w->group = is_behind(w->service, w->request) ? NULL : get_group(waiting, w->request->name);
	ns_link_append(w->group ? &w->group->members : &waiting->revisions, &w->link);
}

static pyr_status begin_wait(
	ns_service *service, pyr_call *call, const Pyrite__LookupRequest *request, pyr_error *err)
{
	const ns_service_options *options = &service->options;
	uint64_t connection = pyr_call_connection(call);
	pyr_status status = ns_quota_take(&service->waiting.quota, connection, options->waiting_max,
		options->waiting_per_connection_max, "lookups that wait", err);
	if (status)
		return status;
	wait *w = ns_zalloc(sizeof *w);
	ns_link_init(&w->link);
	w->service = service;
	w->call = pyr_call_ref(call);
	w->request = request;
	w->connection = connection;
	w->timer = ns_new_event(service, -1, 0, on_timer, w);
	enqueue(w);
	ns_run_after(w->timer, request->wait_ms);
	pyr_call_on_cancel(call, on_cancel, w);
	return PYR_OK;
}

void ns_do_lookup(void *self, pyr_call *call, const Pyrite__LookupRequest *request)
{
	ns_service *service = self;
	pyr_error err;
	if (ns_check_name(request->name, &err))
		ns_fail(call, &err);
	else if (try_now(service, call, request))
		return;
	else if (request->wait_ms == 0 || service->stopping)
		give_up(service, call, request);
	else if (begin_wait(service, call, request, &err))
		ns_fail(call, &err);
}

/* Answers those in the list who have got what they wait for; the others wait on. */
static void look_again(ns_service *service, ns_link *members)
{
	ns_link all;
	ns_link_init(&all);
	ns_link_move_all(&all, members);
	for (ns_link *link; (link = ns_link_take(&all));) {
		wait *w = NS_OWNER(link, wait, link);
		if (try_now(service, w->call, w->request))
			free_wait(w);
		else
			ns_link_append(members, &w->link);
	}
}

static void tell_group(ns_service *service, group *g)
{
	/* its members go all or none: the name is there, or it is not */
	if (!ns_store_lookup(service->store, g->name))
		return;
	for (ns_link *link = g->members.next, *next; link; link = next) {
		wait *w = NS_OWNER(link, wait, link);
		next = link->next == &g->members ? NULL : link->next;
		try_now(service, w->call, w->request);
		free_wait(w); /* with the last one the group goes */
	}
}

void ns_waiting_tell(ns_service *service, const char *name)
{
	ns_index *names = &service->waiting.names;
	if (name) {
		group *g = (group *)ns_index_find(names, name);
		if (g)
			tell_group(service, g);
		return;
	}
	char after[NS_NAME_MAX + 1] = "";
	for (ns_leaf *leaf = ns_index_from(names, ""); leaf; leaf = ns_index_after(names, after)) {
		memcpy(after, leaf->key, strlen(leaf->key) + 1);
		tell_group(service, (group *)leaf);
	}
}

void ns_waiting_revision(ns_service *service)
{
	ns_link *revisions = &service->waiting.revisions;
	if (ns_link_empty(revisions))
		return;
	look_again(service, revisions);
	for (ns_link *link = revisions->next, *next; link != revisions; link = next) {
		wait *w = NS_OWNER(link, wait, link);
		next = link->next;
		if (is_behind(service, w->request))
			continue;
		ns_link_remove(&w->link); /* the revision has come, the name has not */
		enqueue(w);
	}
}

void ns_waiting_init(ns_service *service)
{
	ns_link_init(&service->waiting.revisions);
}

static void end_all(ns_link *members)
{
	while (!ns_link_empty(members)) {
		wait *w = NS_OWNER(members->next, wait, link);
		bool last = w->link.next == members;
		pyr_call_fail(w->call, PYR_UNAVAILABLE, "the name server is stopping");
		free_wait(w);
		if (last)
			return; /* and a group is gone with it */
	}
}

void ns_waiting_end(ns_service *service)
{
	ns_leaf *leaf;
	end_all(&service->waiting.revisions);
	while ((leaf = ns_index_from(&service->waiting.names, "")))
		end_all(&((group *)leaf)->members);
}
