/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon: what it is made of. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/error.h"
#include "base/fork.h"
#include "base/random.h"
#include "base/refs.h"
#include "server/access.h"
#include "server/callbacks.h"
#include "server/daemon_private.h"
#include "server/discoverable.h"

_Static_assert(PYR__REACTORS_MAX == 256, "see PYRITE_LOOPS");

#define RESUMABLES_PART 4 /* of queue_bytes_total_max, for what streams may be carried on with */

#define A_REFERENCE ((uint64_t)1) /* in pyr_daemon.uses */
#define A_CALL      ((uint64_t)1 << 32 | A_REFERENCE)

/* What is 0 becomes what the environment says, or the default. */
static void fill(uint32_t *option, pyr__config_key key)
{
	*option = (uint32_t)pyr__config_number(key, *option);
}

static void fill_options(pyr_daemon_options *options, const pyr_daemon_options *given)
{
	*options = (pyr_daemon_options)PYR_DAEMON_OPTIONS_INIT;
	if (given)
		memcpy(options, given,
			given->size < sizeof *options ? given->size : sizeof *options);
	fill(&options->worker_queue_max, PYR__CONFIG_WORKER_QUEUE_MAX);
	fill(&options->loops, PYR__CONFIG_LOOPS);
	fill(&options->message_bytes_max, PYR__CONFIG_MESSAGE_BYTES_MAX);
	fill(&options->decoded_bytes_max, PYR__CONFIG_DECODED_BYTES_MAX);
	fill(&options->connections_max, PYR__CONFIG_CONNECTIONS_MAX);
	fill(&options->streams_max, PYR__CONFIG_STREAMS_MAX);
	fill(&options->queue_bytes_max, PYR__CONFIG_QUEUE_BYTES_MAX);
	options->queue_bytes_total_max = pyr__config_number(
		PYR__CONFIG_QUEUE_BYTES_TOTAL_MAX, options->queue_bytes_total_max);
	fill(&options->handshake_timeout_ms, PYR__CONFIG_HANDSHAKE_TIMEOUT);
	fill(&options->stall_timeout_ms, PYR__CONFIG_STALL_TIMEOUT);
	fill(&options->stream_linger_ms, PYR__CONFIG_STREAM_LINGER);
	options->shared_memory = (pyr_shared_memory)pyr__config_number(
		PYR__CONFIG_SHARED_MEMORY, options->shared_memory);
}

static void fill_session(pyr_daemon *daemon)
{
	pyr__session_config *session = &daemon->session;
	pyr__session_config_init(session, true);
	session->message_max = daemon->options.message_bytes_max;
	session->streams_max = daemon->options.streams_max;
	session->queue_max = daemon->options.queue_bytes_max;
	pyr__random_bytes(session->id, sizeof session->id);
}

PYR__APART static void free_daemon(pyr_daemon *daemon)
{
	pyr__reflection_free(daemon->reflection);
	pyr__health_free(daemon->health);
	pyr__resumables_done(&daemon->resumables);
	pyr__client_sessions_done(&daemon->sessions);
	pyr__locators_done(&daemon->locators);
	pyr__lending_done(&daemon->lending);
	pyr__forwards_done(&daemon->forwards);
	pyr__rules_slot_done(&daemon->rules);
	pyr__objects_done(&daemon->objects);
	pyr__cow_done(&daemon->interceptors);
	pyr__reactors_done(&daemon->reactors);
	pyr__conns_done(&daemon->all_conns);
	pyr__context_unref(daemon->context);
	pthread_cond_destroy(&daemon->stopped);
	pthread_mutex_destroy(&daemon->lock);
	free(daemon);
}

static void give_back(pyr_daemon *daemon, uint64_t use)
{
	if ((uint32_t)pyr__count_drop(&daemon->uses, use) == 1)
		free_daemon(daemon);
}

void pyr__daemon_keep(pyr_daemon *daemon)
{
	pyr__count_add(&daemon->uses, A_REFERENCE);
}

void pyr__daemon_drop(void *daemon)
{
	give_back(daemon, A_REFERENCE);
}

void pyr__daemon_collected(void *arg, const char *id)
{
	pyr_daemon *daemon = arg;
	pyr__callbacks_forget(daemon, id);
	pyr_status status = pyr__objects_remove(&daemon->objects, id, NULL, NULL);
	(void)status; /* NOT_FOUND: it was taken out by hand just now */
}

static void hear_all(void *arg, pyr__task *then)
{
	pyr_daemon *daemon = arg;
	pyr__reactors_await(&daemon->reactors, then);
}

void pyr__daemon_begin_call(pyr_daemon *daemon)
{
	pyr__count_add(&daemon->uses, A_CALL);
}

void pyr__daemon_end_call(pyr_daemon *daemon)
{
	give_back(daemon, A_CALL);
}

unsigned pyr__daemon_fork_count(const pyr_daemon *daemon)
{
	return daemon->fork_count;
}

bool pyr__daemon_is_forked(const pyr_daemon *daemon)
{
	return daemon->fork_count != pyr__fork_count();
}

pyr_status pyr__daemon_check_process(const pyr_daemon *daemon, pyr_error *err)
{
	return pyr__fork_check(daemon->fork_count, "this daemon", err);
}

const pyr_daemon_options *pyr__daemon_options(const pyr_daemon *daemon)
{
	return &daemon->options;
}

pyr__locators *pyr__daemon_locators(pyr_daemon *daemon)
{
	return &daemon->locators;
}

bool pyr__daemon_has_forwards(const pyr_daemon *daemon)
{
	return pyr__forwards_any(&daemon->forwards);
}

pyr__rules_slot *pyr__daemon_rules(pyr_daemon *daemon)
{
	return &daemon->rules;
}

const pyr__cow_array *pyr__daemon_interceptors(pyr_daemon *daemon)
{
	return pyr__cow_read(&daemon->interceptors);
}

pyr__client_sessions *pyr__daemon_sessions(pyr_daemon *daemon)
{
	return &daemon->sessions;
}

pyr__resumables *pyr__daemon_resumables(pyr_daemon *daemon)
{
	return &daemon->resumables;
}

size_t pyr__daemon_decoded_max(const pyr_daemon *daemon)
{
	return daemon->decoded_bytes_max;
}

static bool has_object(void *host, pyr__text object)
{
	pyr_daemon *daemon = ((pyr__reactor *)host)->daemon;
	return pyr__objects_has(&daemon->objects, object) ||
	       pyr__locators_cover(&daemon->locators, object, NULL);
}

static bool same_endpoint(const pyr_reference *a, const pyr_reference *b)
{
	return a->scheme == b->scheme && a->port == b->port && a->is_unix == b->is_unix &&
	       strcmp(a->host, b->host) == 0;
}

static bool is_at(void *host, const pyr_reference *reference)
{
	pyr_daemon *daemon = ((pyr__reactor *)host)->daemon;
	if (pyr__access_is_asked(&daemon->options, &daemon->rules))
		return false; /* callers who have something to prove do so on a connection */
	bool found = false;
	pthread_mutex_lock(&daemon->lock);
	for (const endpoint *e = daemon->endpoints; e && !found; e = e->next)
		found = same_endpoint(&e->advertised, reference);
	pthread_mutex_unlock(&daemon->lock);
	return found;
}

static void join_neighbours(pyr_daemon *daemon)
{
	pyr__local_host_options options = {
		.ops = &pyr__dispatcher_ops,
		.host = pyr__reactors_own(&daemon->reactors),
		.id = daemon->session.id,
		.loop = daemon->loop,
		.message_max = daemon->session.message_max,
		.metadata_max = daemon->session.metadata_max,
		.calls_max = daemon->session.streams_max,
		.has_object = has_object,
		.is_at = is_at,
	};
	daemon->neighbour.host = pyr__local_host_new(&options);
	pyr__context_add_neighbour(daemon->context, &daemon->neighbour);
}

static pyr_status make_reactors(pyr_daemon *daemon, pyr_error *err)
{
	const pyr_daemon_options *options = &daemon->options;
	if (options->loops > PYR__REACTORS_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a daemon has at most %d loops, not %u", PYR__REACTORS_MAX, options->loops);
	pyr_status status =
		pyr__reactors_init(&daemon->reactors, daemon, options->loops, options->base, err);
	if (status == PYR_OK)
		daemon->loop = pyr__reactors_own(&daemon->reactors)->loop;
	return status;
}

pyr_status pyr_daemon_new(
	const pyr_daemon_options *options, pyr_daemon **ret_daemon, pyr_error *err)
{
	pyr_status status = pyr_config_check(err);
	if (status)
		return status;
	pyr_daemon *daemon = pyr__zalloc(sizeof *daemon);
	fill_options(&daemon->options, options);
	daemon->decoded_bytes_max = daemon->options.decoded_bytes_max;
	daemon->spin_us = (unsigned)pyr__config_number(PYR__CONFIG_SPIN_US, 0);
	daemon->socket_spin_us = (unsigned)pyr__config_number(PYR__CONFIG_SOCKET_SPIN_US, 0);
	daemon->fork_count = pyr__fork_count();
	daemon->began_us = pyr__now_us();
	clock_gettime(CLOCK_REALTIME, &daemon->start_time);
	atomic_init(&daemon->uses, A_REFERENCE);
	pyr__list_init(&daemon->conns);
	pyr__conns_init(&daemon->all_conns);
	pyr__newcomers_init(&daemon->newcomers);
	pyr__objects_init(&daemon->objects);
	pyr__locators_init(&daemon->locators);
	pyr__lending_init(&daemon->lending, pyr__daemon_collected, daemon);
	pyr__forwards_init(&daemon->forwards);
	pyr__rules_slot_init(&daemon->rules);
	pyr__client_sessions_init(&daemon->sessions);
	pthread_mutex_init(&daemon->lock, NULL);
	pthread_cond_init(&daemon->stopped, NULL);
	fill_session(daemon);
	daemon->signal_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (daemon->signal_fd < 0)
		status = pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "cannot make an eventfd: %s", strerror(errno));
	if (status == PYR_OK)
		status = pyr__context_get(daemon->options.context, &daemon->context, err);
	if (status == PYR_OK)
		status = make_reactors(daemon, err);
	if (status == PYR_OK && daemon->options.workers)
		status = pyr__pool_new(daemon->options.workers, daemon->options.worker_queue_max,
			pyr__call_same_chain, &daemon->pool, err);
	if (status) {
		if (daemon->signal_fd >= 0)
			close(daemon->signal_fd);
		give_back(daemon, A_REFERENCE);
		return status;
	}
	pyr__resumables_init(&daemon->resumables, daemon->loop, daemon->options.stream_linger_ms,
		daemon->options.queue_bytes_total_max / RESUMABLES_PART, &daemon->queued_total);
	daemon->locators.loop = daemon->loop;
	daemon->lending.loop = daemon->loop;
	daemon->lending.hear_all = hear_all;
	pyr__daemon_accept_init(daemon);
	pyr__daemon_stop_init(daemon);
	if (!daemon->options.no_reflection)
		daemon->reflection = pyr__reflection_new(daemon);
	if (!daemon->options.no_health)
		daemon->health = pyr__health_new(daemon);
	if (!daemon->options.no_daemon_object)
		pyr__daemon_object_add(daemon);
	pyr__batch_add(daemon);
	pyr__leases_add(daemon);
	join_neighbours(daemon);
	*ret_daemon = daemon;
	return PYR_OK;
}

pyr_status pyr__daemon_check_serving(pyr_daemon *daemon, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	pthread_mutex_lock(&daemon->lock);
	bool stopped = daemon->state == DAEMON_STOPPED;
	pthread_mutex_unlock(&daemon->lock);
	if (stopped)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION, "the daemon has stopped");
	return PYR_OK;
}

pyr_status pyr__daemon_check_may_wait(pyr_daemon *daemon, pyr_error *err)
{
	if (!pyr__reactors_are_current(&daemon->reactors))
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"this waits for the daemon's own loop, which another of its loops must not");
}

struct event_base *pyr_daemon_base(pyr_daemon *daemon)
{
	return pyr__loop_base(daemon->loop);
}

pyr_status pyr_daemon_start(pyr_daemon *daemon, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_serving(daemon, err);
	if (status)
		return status;
	return pyr__loop_start(daemon->loop, err);
}

pyr_status pyr_daemon_run(pyr_daemon *daemon, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_serving(daemon, err);
	if (status)
		return status;
	return pyr__loop_run(daemon->loop, err);
}

void pyr_daemon_free(pyr_daemon *daemon)
{
	if (!daemon || pyr__daemon_is_forked(daemon))
		return;
	pyr__daemon_forget_signals(daemon);
	pyr__metrics_free(daemon->metrics);
	if (pyr__loop_is_dispatched(daemon->loop))
		pyr_daemon_stop(daemon, 0);
	pyr__loop_stop(daemon->loop);
	pyr__reactors_stop(&daemon->reactors);
	pyr__pool_stop(daemon->pool);
	pyr__loop_finish(daemon->loop);
	pyr__daemon_stop_now(daemon);
	pyr__daemon_grpc_free(daemon);
	pyr__callbacks_detach_all(daemon);
	pyr__conns_shut(&daemon->all_conns, PYR_UNAVAILABLE, "the daemon has stopped");
	pyr__reactors_finish(&daemon->reactors);
	pyr__local_host_detach(daemon->neighbour.host);
	pyr__pool_free(daemon->pool); /* what came late was refused by it */
	pyr__resumables_close(&daemon->resumables);
	pyr__reactors_finish(&daemon->reactors);
	pyr__publisher_free(daemon->publisher);
	pyr__context_remove_neighbour(daemon->context, &daemon->neighbour);
	pyr__discoverable_free(daemon->discoverable);
	pyr__endpoints_free(daemon);
	pyr__locators_stop(&daemon->locators);
	pyr__lending_stop(&daemon->lending);
	pyr__reactors_close(&daemon->reactors);
	close(daemon->signal_fd);
	pyr__local_host_unref(daemon->neighbour.host);
	give_back(daemon, A_REFERENCE);
}

static pyr_status check_interface(const pyr_interface *interface, pyr_error *err)
{
	if (interface->abi >= 1 && interface->abi <= PYR_STUB_ABI)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"the code generated for %s needs a newer library", interface->name);
}

static pyr_status serve(pyr_daemon *daemon, const char *object, const pyr_interface *interface,
	const void *ops, void *self, bool replace, pyr_error *err)
{
	pyr_status status = check_interface(interface, err);
	if (status == PYR_OK)
		status = pyr__objects_add(
			&daemon->objects, object, interface, ops, self, replace, err);
	if (status == PYR_OK)
		pyr__forwards_remove(&daemon->forwards, object);
	return status;
}

pyr_status pyr_stub_serve(pyr_daemon *daemon, const char *object, const pyr_interface *interface,
	const void *ops, void *self, pyr_error *err)
{
	return serve(daemon, object, interface, ops, self, false, err);
}

pyr_status pyr_stub_replace(pyr_daemon *daemon, const char *object, const pyr_interface *interface,
	const void *ops, void *self, pyr_error *err)
{
	return serve(daemon, object, interface, ops, self, true, err);
}

pyr_status pyr_stub_locate(pyr_daemon *daemon, const pyr_interface *interface, const void *ops,
	const pyr_locator *locator, pyr_error *err)
{
	pyr_status status = check_interface(interface, err);
	if (status == PYR_OK)
		status = pyr__daemon_check_may_wait(daemon, err);
	if (status == PYR_OK && !locator->locate)
		status = pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "a locator needs a function `locate`");
	if (status == PYR_OK)
		status = pyr__objects_expect(&daemon->objects, interface, err);
	return status ? status : pyr__locators_add(&daemon->locators, interface, ops, locator, err);
}

void pyr_object_id_new(char id[PYR_OBJECT_ID_NEW])
{
	pyr__random_id(id);
}

pyr_status pyr_daemon_configure(pyr_daemon *daemon, const char *object,
	const pyr_interface *interface, const pyr_object_options *given, pyr_error *err)
{
	pyr_object_options options = PYR_OBJECT_OPTIONS_INIT;
	memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
	return pyr__objects_configure(&daemon->objects, object, interface, &options, err);
}

pyr_status pyr_daemon_forward(
	pyr_daemon *daemon, const char *object, const char *reference, pyr_error *err)
{
	pyr__text id = {object, strlen(object)};
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status == PYR_OK && !pyr__object_is_id(id))
		status = pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "'%.300s' is no id of an object", object);
	if (status == PYR_OK && reference)
		status = pyr__forwards_set(&daemon->forwards, object, reference, err);
	else if (status == PYR_OK && !pyr__forwards_remove(&daemon->forwards, object))
		status = pyr_error_set(
			err, PYR_NOT_FOUND, "calls of '%s' are not forwarded", object);
	if (status || !reference)
		return status;
	pyr__lending_forget(&daemon->lending, object);
	pyr_status removed = pyr__objects_remove(&daemon->objects, object, NULL, NULL);
	(void)removed; /* it may never have been here */
	return PYR_OK;
}

pyr_status pyr_daemon_unregister(
	pyr_daemon *daemon, const char *object, const pyr_interface *interface, pyr_error *err)
{
	bool located = pyr__locators_remove(&daemon->locators, object, interface);
	pyr_error own;
	pyr_status status =
		pyr__objects_remove(&daemon->objects, object, interface, located ? &own : err);
	if (!has_object(
		    pyr__reactors_own(&daemon->reactors), (pyr__text){object, strlen(object)})) {
		pyr__lending_forget(&daemon->lending, object);
		pyr__callbacks_forget(daemon, object);
	}
	return located ? PYR_OK : status;
}
