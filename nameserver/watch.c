/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of changes. */
#include "watch.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"
#include "convert.h"
#include "service_internal.h"

/* One message carries at most so much, one event at least. */
#define MESSAGE_EVENTS 256
#define MESSAGE_BYTES  (64u << 10)

/* Changes that one watch looks at before others have their turn, and all of them before the loop
 * has. */
#define SLICE_EVENTS 2048
#define TURN_US      10000

typedef enum state {
	SYNCED,  /* has come to the store's revision; `next` is not kept up to date */
	READING, /* among service->watches.reading */
	BLOCKED, /* waits for on_writable */
} state;

typedef struct watch {
	ns_link link;    /* in its group */
	ns_link reading; /* while READING */
	ns_service *service;
	pyr_call *call;
	const Pyrite__WatchRequest *request; /* the call's */
	ns_group *group;
	uint64_t connection;
	state state;
	uint64_t next;     /* the first change that it has not looked at */
	uint64_t last;     /* the last one that may be about what it watches */
	uint64_t reported; /* the last revision that the client has been told */
} watch;

/* Its end */

/* The call has been answered. */
static void free_watch(watch *w)
{
	ns_watches *watches = &w->service->watches;
	ns_link_remove(&w->reading);
	ns_audience_leave(&watches->audience, w->group, &w->link);
	ns_quota_give_back(&watches->quota, w->connection);
	pyr_call_unref(w->call);
	free(w);
}

static void end_watch(watch *w, pyr_error *err)
{
	ns_fail(w->call, err);
	free_watch(w);
}

static void on_cancel(void *ctx)
{
	pyr_error err;
	pyr_error_set(&err, PYR_CANCELLED, "the caller no longer watches");
	end_watch(ctx, &err);
}

/* What it watches */

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_about(const watch *w, const char *name)
{
	if (*w->request->name)
		return strcmp(name, w->request->name) == 0;
	return has_prefix(name, w->request->prefix);
}

static bool has_tags(const watch *w, const ns_record *record)
{
	for (size_t i = 0; record && i < w->request->n_tags; i++)
		if (!ns_record_has_tag(record, w->request->tags[i]))
			return false;
	return record != NULL;
}

static const char *name_of(const ns_event *event)
{
	return event->after ? event->after->name : event->before->name;
}

/* What the change is for this watch, and which record tells it; UNSPECIFIED: nothing. */
static Pyrite__Event__Kind kind_of(
	const watch *w, const ns_event *event, const ns_record **ret_record)
{
	*ret_record = event->after;
	if (!is_about(w, name_of(event)))
		return PYRITE__EVENT__KIND__KIND_UNSPECIFIED;
	if (has_tags(w, event->after))
		return PYRITE__EVENT__KIND__SET;
	if (!has_tags(w, event->before))
		return PYRITE__EVENT__KIND__KIND_UNSPECIFIED;
	if (event->after)
		return PYRITE__EVENT__KIND__LEFT;
	*ret_record = event->before;
	return PYRITE__EVENT__KIND__REMOVED;
}

/* Reading */

static Pyrite__Event *to_event(
	ns_service *service, Pyrite__Event__Kind kind, uint64_t revision, const ns_record *record)
{
	Pyrite__Event *message = ns_region_take(&service->region, sizeof *message);
	pyrite__event__init(message);
	message->kind = kind;
	message->revision = revision;
	message->name = ns_to_name(
		&service->region, service->store, record, NS_WITH_HOLDERS | NS_WITH_TAGS);
	return message;
}

/*
 * Fills a message with the changes from w->next on; returns the first revision that is not in it
 * and not irrelevant, and lowers *budget by those that were looked at. Behind w->last all are
 * irrelevant, or it would have been told.
 */
static uint64_t collect(const watch *w, uint32_t *budget, Pyrite__WatchReply *reply)
{
	ns_service *service = w->service;
	uint64_t at = w->next;
	size_t bytes = 0;
	reply->events = ns_region_take(&service->region, MESSAGE_EVENTS * sizeof *reply->events);
	for (; at <= w->last && *budget > 0; at++, --*budget) {
		const ns_record *record;
		const ns_event *event = ns_store_event(service->store, at);
		Pyrite__Event__Kind kind = kind_of(w, event, &record);
		if (kind == PYRITE__EVENT__KIND__KIND_UNSPECIFIED)
			continue;
		if (reply->n_events == MESSAGE_EVENTS || bytes > MESSAGE_BYTES)
			break;
		reply->events[reply->n_events++] = to_event(service, kind, at, record);
		bytes += ns_record_size(record);
	}
	return at > w->last ? ns_store_revision(service->store) + 1 : at;
}

static void on_writable(void *ctx)
{
	watch *w = ctx;
	w->state = READING;
	ns_link_append(&w->service->watches.reading, &w->reading);
	event_active(w->service->watches.turn, EV_TIMEOUT, 0);
}

typedef enum sent {
	SENT,
	WAITS, /* for room; nothing was taken */
	GONE,  /* the watch has ended and is freed */
} sent;

/* A send has failed: waits for room, or ends. */
static sent wait_or_end(watch *w, pyr_error *err)
{
	if (err->status == PYR_RESOURCE_EXHAUSTED && err->would_block) {
		w->state = BLOCKED;
		ns_link_remove(&w->reading);
		if (pyr_call_on_writable(w->call, on_writable, w, err) == PYR_OK)
			return WAITS;
	}
	end_watch(w, err);
	return GONE;
}

/* Sends one message and goes on to `next`. */
static sent send_reply(watch *w, Pyrite__WatchReply *reply, uint64_t next)
{
	pyr_error err;
	reply->store_id = ns_to_store_id(w->service->store);
	reply->revision = next - 1;
	if (pyrite_names_watch__send_reply(w->call, reply, &err))
		return wait_or_end(w, &err);
	w->next = next;
	w->reported = next - 1;
	return SENT;
}

static bool has_fallen_behind(watch *w)
{
	uint64_t oldest = ns_store_oldest(w->service->store);
	if (w->next >= oldest)
		return false;
	pyr_error err;
	pyr_error_set(&err, PYR_OUT_OF_RANGE,
		"the watch has come to revision %llu, but no change before %llu is kept any more: "
		"list the names again",
		(unsigned long long)w->next, (unsigned long long)oldest);
	end_watch(w, &err);
	return true;
}

/* Reads one slice. */
static void read_on(watch *w)
{
	ns_service *service = w->service;
	uint32_t budget = SLICE_EVENTS;
	if (has_fallen_behind(w))
		return;
	while (budget > 0 && w->next <= w->last) {
		Pyrite__WatchReply reply = PYRITE__WATCH_REPLY__INIT;
		uint64_t next = collect(w, &budget, &reply);
		sent outcome = SENT;
		if (reply.n_events)
			outcome = send_reply(w, &reply, next);
		else
			w->next = next;
		ns_region_reset(&service->region);
		if (outcome != SENT)
			return;
	}
	if (w->next > w->last) {
		ns_link_remove(&w->reading);
		w->state = SYNCED;
	}
}

void ns_watches_read(ns_service *service)
{
	ns_watches *watches = &service->watches;
	uint64_t end_us = ns_now_us() + TURN_US;
	while (!ns_link_empty(&watches->reading) && ns_now_us() < end_us) {
		watch *w = NS_OWNER(watches->reading.next, watch, reading);
		/* to the end, for the case that it has more to read than a slice */
		ns_link_remove(&w->reading);
		ns_link_append(&watches->reading, &w->reading);
		read_on(w);
	}
	if (!ns_link_empty(&watches->reading))
		ns_run_after(watches->turn, 0);
}

static void on_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ns_watches_read(arg);
}

/* News */

typedef struct news {
	uint64_t first, last; /* revisions */
} news;

static void wake(watch *w, const news *n)
{
	if (w->last < n->last)
		w->last = n->last;
	if (w->state != SYNCED || n->last < w->next)
		return; /* it reads anyway, or has asked for later changes only */
	if (w->next < n->first)
		w->next = n->first;
	w->state = READING;
	ns_link_append(&w->service->watches.reading, &w->reading);
}

static void wake_members(ns_group *group, void *ctx)
{
	for (ns_link *link = group->members.next; link != &group->members; link = link->next)
		wake(NS_OWNER(link, watch, link), ctx);
}

void ns_watches_tell(ns_service *service, const ns_event *event)
{
	news n = {event->revision, event->revision};
	ns_audience_concerned(&service->watches.audience, name_of(event), wake_members, &n);
}

void ns_watches_tell_all(ns_service *service, uint64_t first)
{
	news n = {first, ns_store_revision(service->store)};
	ns_audience_each(&service->watches.audience, wake_members, &n);
}

/* Tells how far the store has come, so that a client that resumes does not have to go far back. */
static void report_progress(watch *w)
{
	uint64_t revision = ns_store_revision(w->service->store);
	if (w->state != SYNCED || w->reported >= revision || w->next > revision + 1)
		return;
	Pyrite__WatchReply reply = PYRITE__WATCH_REPLY__INIT;
	send_reply(w, &reply, revision + 1);
}

/* Any member may end when it is sent to; the group goes with its last one. */
static void report_to_members(ns_group *group, void *ctx)
{
	(void)ctx;
	ns_link *members = &group->members;
	for (ns_link *link = members->next, *next; link; link = next) {
		next = link->next == members ? NULL : link->next;
		report_progress(NS_OWNER(link, watch, link));
	}
}

static void on_progress(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ns_service *service = arg;
	ns_watches *watches = &service->watches;
	ns_audience_each(&watches->audience, report_to_members, NULL);
	ns_run_after(watches->progress, service->options.progress_ms);
}

/* Its beginning */

static pyr_status check_range(
	const ns_service *service, const Pyrite__WatchRequest *request, pyr_error *err)
{
	const ns_store *store = service->store;
	if (request->from_revision == 0)
		return PYR_OK;
	if (request->store_id.len == 0)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"from_revision says nothing without the store_id that it is of");
	if (request->store_id.len != NS_STORE_ID_SIZE ||
		memcmp(request->store_id.data, ns_store_id(store), NS_STORE_ID_SIZE) != 0)
		return pyr_error_set(err, PYR_OUT_OF_RANGE,
			"revision %llu is of another store: list the names again",
			(unsigned long long)request->from_revision);
	if (request->from_revision < ns_store_oldest(store))
		return pyr_error_set(err, PYR_OUT_OF_RANGE,
			"no change before revision %llu is kept any more, so none from %llu on: "
			"list the names again",
			(unsigned long long)ns_store_oldest(store),
			(unsigned long long)request->from_revision);
	return PYR_OK;
}

static pyr_status check_watch(
	const ns_service *service, const Pyrite__WatchRequest *request, pyr_error *err)
{
	if (service->stopping)
		return pyr_error_set(err, PYR_UNAVAILABLE, "the name server is stopping");
	pyr_status status = ns_check_one_of(request->name, "name", request->prefix, "prefix", err);
	if (status == PYR_OK && *request->name)
		status = ns_check_name(request->name, err);
	if (status == PYR_OK)
		status = ns_check_filter_tags(request->tags, request->n_tags, err);
	if (status == PYR_OK)
		status = check_range(service, request, err);
	return status;
}

static watch *new_watch(ns_service *service, pyr_call *call, const Pyrite__WatchRequest *request)
{
	ns_watches *watches = &service->watches;
	watch *w = ns_zalloc(sizeof *w);
	ns_link_init(&w->link);
	ns_link_init(&w->reading);
	w->service = service;
	w->call = pyr_call_ref(call);
	w->request = request;
	w->connection = pyr_call_connection(call);
	w->group = ns_audience_join(&watches->audience, &w->link, request->name, request->prefix);
	return w;
}

void ns_do_watch(void *self, pyr_call *call, const Pyrite__WatchRequest *request)
{
	ns_service *service = self;
	const ns_service_options *options = &service->options;
	pyr_error err;
	pyr_status status = check_watch(service, request, &err);
	if (status == PYR_OK)
		status = ns_quota_take(&service->watches.quota, pyr_call_connection(call),
			options->watches_max, options->watches_per_connection_max, "watches", &err);
	if (status) {
		ns_fail(call, &err);
		return;
	}
	watch *w = new_watch(service, call, request);
	uint64_t revision = ns_store_revision(service->store);
	w->next = request->from_revision ? request->from_revision : revision + 1;
	Pyrite__WatchReply reply = PYRITE__WATCH_REPLY__INIT;
	w->last = revision; /* what on_writable goes on to, if this has to wait */
	sent outcome = send_reply(w, &reply, w->next);
	if (outcome == GONE)
		return;
	if (outcome == SENT && w->next <= revision) {
		wake(w, &(news){w->next, revision});
		ns_run_after(service->watches.turn, 0);
	}
	pyr_call_on_cancel(call, on_cancel, w);
}

void ns_watches_init(ns_service *service)
{
	ns_watches *watches = &service->watches;
	ns_link_init(&watches->reading);
	watches->turn = ns_new_event(service, -1, 0, on_turn, service);
	watches->progress = ns_new_event(service, -1, 0, on_progress, service);
	ns_run_after(watches->progress, service->options.progress_ms);
}

static void end_members(ns_group *group, void *ctx)
{
	(void)ctx;
	ns_link *members = &group->members;
	for (ns_link *link = members->next, *next; link; link = next) {
		next = link->next == members ? NULL : link->next;
		pyr_error err;
		pyr_error_set(&err, PYR_UNAVAILABLE, "the name server is stopping");
		end_watch(NS_OWNER(link, watch, link), &err);
	}
}

void ns_watches_end(ns_service *service)
{
	ns_audience_each(&service->watches.audience, end_members, NULL);
}

void ns_watches_done(ns_service *service)
{
	if (service->watches.turn)
		event_free(service->watches.turn);
	if (service->watches.progress)
		event_free(service->watches.progress);
	service->watches.turn = service->watches.progress = NULL;
}
