/* SPDX-License-Identifier: Apache-2.0 */
/* The servant as a whole: its life, its table of methods, and the methods that only tell. */
#include "service.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <pyrite/reference.h>
#include <pyrite/version.h>
#include "alloc.h"
#include "convert.h"
#include "service_internal.h"

uint64_t ns_now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000;
}

/* "uid:" stands for what the kernel says of a local process, and for nothing else. */
static bool is_administrator(const ns_service *service, const char *principal)
{
	return strcmp(principal, service->own_user) == 0 || strcmp(principal, "uid:0") == 0 ||
	       (service->options.tokens &&
		       ns_tokens_administrator(service->options.tokens, principal));
}

ns_caller ns_caller_of(const ns_service *service, const pyr_call *call)
{
	const char *principal = pyr_call_principal(call);
	return (ns_caller){
		.principal = principal, .administrator = is_administrator(service, principal)};
}

pyr_status ns_may_ask_for_change(const ns_service *service, const pyr_call *call, pyr_error *err)
{
	if (!service->options.tokens || *pyr_call_principal(call))
		return PYR_OK;
	pyr_error_set(err, PYR_UNAUTHENTICATED,
		"whoever changes something here has to show a token: PYRITE_TOKEN");
	err->executed = PYR_EXECUTED_NO;
	return PYR_UNAUTHENTICATED;
}

void ns_fail(pyr_call *call, pyr_error *err)
{
	if (err->executed == PYR_EXECUTED_MAYBE && err->status != PYR_UNAVAILABLE)
		err->executed = PYR_EXECUTED_YES;
	pyr_call_fail_error(call, err, NULL, 0);
}

struct event *ns_new_event(
	ns_service *service, int fd, short what, event_callback_fn run, void *arg)
{
	struct event *event = event_new(service->base, fd, what, run, arg);
	if (!event) {
		fprintf(stderr, "pyrite: no memory for an event\n");
		abort();
	}
	return event;
}

void ns_run_after(struct event *event, uint64_t delay_ms)
{
	struct timeval delay = {(time_t)(delay_ms / 1000), (suseconds_t)(delay_ms % 1000 * 1000)};
	/* else it counts from the beginning of the loop's turn, and fires too early */
	event_base_update_cache_time(event_get_base(event));
	event_add(event, &delay);
}

/* News */

/* Past so many changes at once it is cheaper to let everybody look. */
#define NEWS_MAX 5000

void ns_tell_news(ns_service *service, uint64_t first, uint64_t last)
{
	if (last < first)
		return;
	if (first < ns_store_oldest(service->store) || last - first >= NEWS_MAX) {
		ns_waiting_tell(service, NULL);
		ns_watches_tell_all(service, first);
	} else {
		for (uint64_t at = first; at <= last; at++) {
			const ns_event *event = ns_store_event(service->store, at);
			if (event->after)
				ns_waiting_tell(service, event->after->name);
			ns_watches_tell(service, event);
		}
	}
	ns_waiting_revision(service);
	ns_watches_read(service);
}

/* Methods */

static void do_count(void *self, pyr_call *call, const Pyrite__CountRequest *request)
{
	(void)request;
	const ns_service *service = self;
	Pyrite__CountReply reply = PYRITE__COUNT_REPLY__INIT;
	reply.count = ns_store_names(service->store);
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = ns_store_revision(service->store);
	pyrite_names_count__reply(call, &reply);
}

static void do_status(void *self, pyr_call *call, const Pyrite__StatusRequest *request)
{
	(void)request;
	const ns_service *service = self;
	const ns_store *store = service->store;
	Pyrite__StatusReply reply = PYRITE__STATUS_REPLY__INIT;
	reply.store_id = ns_to_store_id(store);
	reply.revision = ns_store_revision(store);
	reply.oldest_revision = ns_store_oldest(store);
	reply.names = ns_store_names(store);
	reply.leases = ns_store_leases(store);
	reply.watches = service->watches.quota.total;
	reply.waiting_lookups = service->waiting.quota.total;
	reply.uptime_ms = (ns_now_us() - service->started_us) / 1000;
	reply.store = (char *)ns_store_kind(store);
	reply.version = (char *)pyr_version();
	pyrite_names_status__reply(call, &reply);
}

/* Writes nothing to the disk, so it waits for no commit. */
static void do_renew(void *self, pyr_call *call, const Pyrite__RenewRequest *request)
{
	ns_service *service = self;
	ns_caller caller = ns_caller_of(service, call);
	Pyrite__RenewReply reply = PYRITE__RENEW_REPLY__INIT;
	pyr_error err;
	if (ns_may_ask_for_change(service, call, &err) ||
		ns_store_renew(service->store, request->lease_id, ns_now_us(), &caller,
			&reply.ttl_ms, &err)) {
		ns_fail(call, &err);
		return;
	}
	reply.store_id = ns_to_store_id(service->store);
	reply.revision = ns_store_revision(service->store);
	reply.names = ns_store_lease_names(service->store, request->lease_id);
	pyrite_names_renew__reply(call, &reply);
}

static const pyrite_names_ops ops = {
	.register_ = ns_do_register,
	.lookup = ns_do_lookup,
	.remove = ns_do_remove,
	.list = ns_do_list,
	.set_tags = ns_do_set_tags,
	.count = do_count,
	.status = do_status,
	.grant = ns_do_grant,
	.renew = do_renew,
	.revoke = ns_do_revoke,
	.watch = ns_do_watch,
};

/* Its life */

static void fill_options(ns_service_options *options, const ns_service_options *given)
{
	static const ns_service_options defaults = {
		.watches_max = 20000,
		.watches_per_connection_max = 16384,
		.waiting_max = 20000,
		.waiting_per_connection_max = 4096,
		.changes_max = 100000,
		.walks_max = 10000,
		.removals_max = 64,
		.progress_ms = 10000,
	};
	*options = defaults;
	if (!given)
		return;
#define TAKE(field)                                                                                \
	if (given->field)                                                                          \
	options->field = given->field
	TAKE(watches_max);
	TAKE(watches_per_connection_max);
	TAKE(waiting_max);
	TAKE(waiting_per_connection_max);
	TAKE(changes_max);
	TAKE(walks_max);
	TAKE(removals_max);
	TAKE(progress_ms);
	TAKE(tokens);
#undef TAKE
}

#define OWN_REFERENCES_MAX 16

/* The name server's own name stands for all of its endpoints. */
static pyr_status register_itself(ns_service *service, pyr_error *err)
{
	char texts[OWN_REFERENCES_MAX][PYR_REFERENCE_MAX];
	const char *references[OWN_REFERENCES_MAX];
	size_t count = 0;
	while (count < OWN_REFERENCES_MAX &&
		pyr_daemon_reference(service->daemon, NS_OWN_NAME, count, texts[count],
			sizeof texts[count], NULL) == PYR_OK) {
		references[count] = texts[count];
		count++;
	}
	if (count == 0)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the name server's daemon listens nowhere yet");
	const ns_caller caller = {.principal = "", .own = true};
	const ns_registration registration = {
		.name = NS_OWN_NAME,
		.references = references,
		.reference_count = count,
		.replace = true,
	};
	uint64_t revision;
	pyr_status status =
		ns_store_register(service->store, &registration, &caller, &revision, err);
	return status ? status : ns_store_commit(service->store, err);
}

/* Frees all but the store. */
static void free_parts(ns_service *service)
{
	ns_watches_done(service);
	ns_walks_done(service);
	ns_region_done(&service->region);
	free(service);
}

pyr_status ns_service_new(pyr_daemon *daemon, ns_store *store, const ns_service_options *options,
	ns_service **ret_service, pyr_error *err)
{
	ns_service *service = ns_zalloc(sizeof *service);
	service->daemon = daemon;
	service->base = pyr_daemon_base(daemon);
	service->store = store;
	service->started_us = ns_now_us();
	snprintf(service->own_user, sizeof service->own_user, "uid:%u", (unsigned)geteuid());
	fill_options(&service->options, options);
	pyr_status status = register_itself(service, err);
	if (status) {
		free(service);
		return status;
	}
	status = ns_commit_init(service, err);
	ns_waiting_init(service);
	ns_walks_init(service);
	ns_watches_init(service);
	if (status == PYR_OK)
		status = pyrite_names__serve(daemon, NS_OWN_NAME, &ops, service, err);
	if (status) {
		ns_commit_done(service);
		free_parts(service);
		return status;
	}
	ns_expiry_init(service);
	*ret_service = service;
	return PYR_OK;
}

void ns_service_stop(ns_service *service)
{
	service->stopping = true;
	ns_watches_end(service);
	ns_waiting_end(service);
	ns_walks_end(service);
}

void ns_service_free(ns_service *service)
{
	if (!service)
		return;
	pyr_status status =
		pyr_daemon_unregister(service->daemon, NS_OWN_NAME, &pyrite_names__interface, NULL);
	(void)status; /* it was registered, or it is gone already */
	ns_expiry_done(service);
	ns_service_stop(service);
	ns_commit_done(service);
	ns_store_close(service->store);
	free_parts(service);
}
