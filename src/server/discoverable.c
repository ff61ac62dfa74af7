/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon that answers whoever looks for its name server: datagrams in, datagrams out. */
#include "server/discoverable.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "native/datagram.h"
#include "native/discovery.h"
#include "server/daemon_private.h"

#define BURST_MAX          64 /* datagrams in a turn of the loop */
#define ANSWERS_SECOND_MAX 200

struct pyr__discoverable {
	pyr_daemon *daemon;
	int fd; /* -1: closed */
	bool opened;
	uint32_t only; /* what comes to other addresses is for others; 0: all is for us */
	char at[PYR__DATAGRAM_TEXT_SIZE];
	char group[PYR__GROUP_MAX + 1];
	uint8_t id[PYR__DISCOVERY_ID_SIZE];
	int64_t second_us; /* when it began, in which so many were answered */
	unsigned second_answers;
	struct event readable;
	pyr__task open_task;
	atomic_uint_fast64_t answered, others, malformed, too_many;
};

/* What the answer says */

typedef enum fit {
	NO_FIT,
	REACHABLE, /* an address of ours in another network than the asker's, perhaps */
	NEAR,      /* what is bound is every address: the one that was asked */
	EXACT,     /* the address that was asked */
} fit;

static bool is_any(const char *host)
{
	return strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

/* How good an endpoint is for somebody who has asked at this address of ours. */
static fit fit_of(const pyr_reference *where, uint32_t asker, uint32_t local)
{
	struct in_addr own;
	if (where->is_unix || (where->scheme != PYR_SCHEME_PYR && where->scheme != PYR_SCHEME_PYRS))
		return NO_FIT;
	if (is_any(where->host))
		return NEAR;
	if (inet_pton(AF_INET, where->host, &own) != 1)
		return NO_FIT;
	if (pyr__datagram_is_loopback(own.s_addr) && !pyr__datagram_is_loopback(asker))
		return NO_FIT;
	return own.s_addr == local ? EXACT : REACHABLE;
}

static fit choose(pyr_daemon *daemon, uint32_t asker, uint32_t local, pyr_reference *ret_reference)
{
	fit best = NO_FIT;
	pthread_mutex_lock(&daemon->lock);
	for (const endpoint *e = daemon->endpoints; e; e = e->next) {
		fit this = fit_of(&e->advertised, asker, local);
		if (this > best) {
			best = this;
			*ret_reference = e->advertised;
		}
	}
	pthread_mutex_unlock(&daemon->lock);
	if (best == NEAR)
		inet_ntop(AF_INET, &local, ret_reference->host, sizeof ret_reference->host);
	if (best != NO_FIT)
		snprintf(ret_reference->target, sizeof ret_reference->target, "%s",
			PYR__NAME_SERVER_OBJECT);
	return best;
}

/* On the loop */

static bool is_too_many(pyr__discoverable *d)
{
	int64_t now_us = pyr__now_us();
	if (now_us - d->second_us >= 1000000) {
		d->second_us = now_us;
		d->second_answers = 0;
	}
	return d->second_answers++ >= ANSWERS_SECOND_MAX;
}

static void count(atomic_uint_fast64_t *counter)
{
	atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

static void note_malformed(pyr__discoverable *d, const pyr__datagram *datagram)
{
	char from[PYR__DATAGRAM_TEXT_SIZE];
	count(&d->malformed);
	pyr__datagram_text(datagram->from, datagram->from_port, from);
	PYR__LOG_OF_PEER(PYR_LOG_INFO, "a datagram of %zu bytes from %s is no query, number %llu",
		datagram->size, from,
		(unsigned long long)atomic_load_explicit(&d->malformed, memory_order_relaxed));
}

static void take(pyr__discoverable *d, const pyr__datagram *datagram)
{
	pyr__query query;
	pyr__answer answer;
	uint8_t bytes[PYR__DISCOVERY_QUERY_SIZE];
	if (!pyr__query_load(&query, datagram->data, datagram->size)) {
		note_malformed(d, datagram);
		return;
	}
	bool meant = (!d->only || datagram->local == d->only) &&
		     (query.any_group || strcmp(query.group, d->group) == 0);
	if (!meant ||
		choose(d->daemon, datagram->from, datagram->local, &answer.reference) == NO_FIT) {
		count(&d->others);
		return;
	}
	if (is_too_many(d)) {
		count(&d->too_many);
		return;
	}
	memcpy(answer.nonce, query.nonce, sizeof answer.nonce);
	memcpy(answer.id, d->id, sizeof answer.id);
	memcpy(answer.group, d->group, sizeof answer.group);
	size_t size = pyr__answer_store(&answer, bytes);
	count(&d->answered); /* before the answer, whoever gets it may look */
	pyr__datagram_answer(d->fd, datagram, bytes, size);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	pyr__discoverable *d = arg;
	pyr__datagram datagram;
	pyr__loop_enter(d->daemon->loop);
	for (int i = 0; i < BURST_MAX && pyr__datagram_receive(fd, &datagram); i++)
		take(d, &datagram);
	pyr__loop_leave(d->daemon->loop);
}

static void run_open(pyr__task *task)
{
	pyr__discoverable *d = PYR__OWNER(task, pyr__discoverable, open_task);
	if (d->fd < 0)
		return; /* the daemon has stopped meanwhile */
	event_add(&d->readable, NULL);
	d->opened = true;
}

/* Making and ending */

void pyr__discoverable_close(pyr__discoverable *d)
{
	if (!d || d->fd < 0)
		return;
	if (d->opened)
		event_del(&d->readable);
	pyr__datagram_close(d->fd);
	d->fd = -1;
}

void pyr__discoverable_free(pyr__discoverable *d)
{
	pyr__discoverable_close(d);
	free(d);
}

/* Nobody will ever be answered if the best endpoint is no good for a typical asker. */
static pyr_status check_reachable(pyr_daemon *daemon, bool near_only, pyr_error *err)
{
	pyr_reference unused;
	uint32_t asker = htonl(near_only ? INADDR_LOOPBACK : 0x0a000001);
	if (choose(daemon, asker, asker, &unused) != NO_FIT)
		return PYR_OK;
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"nobody who discovers this name server could reach it: it has no endpoint %s",
		near_only ? "of TCP over IPv4 with a numeric address"
			  : "with an IPv4 address that other machines reach. Let it listen on one, "
			    "or be discovered at 127.0.0.1:9790, by programs of this machine only");
}

/* Only what is bound to every address gets broadcasts, so others are left out by `only`. */
static pyr_status open_socket(pyr__discoverable *d, uint32_t address, uint16_t port, pyr_error *err)
{
	bool filter = address && !pyr__datagram_is_loopback(address);
	uint16_t bound = 0;
	int fd;
	if (filter) { /* is it ours at all? */
		pyr_status status = pyr__datagram_listen(address, 0, &fd, &bound, err);
		if (status)
			return status;
		pyr__datagram_close(fd);
		d->only = address;
	}
	pyr_status status = pyr__datagram_listen(filter ? 0 : address, port, &d->fd, &bound, err);
	if (status == PYR_OK)
		pyr__datagram_text(address, bound, d->at);
	return status;
}

static pyr_status set_up(
	pyr__discoverable *d, const pyr_discoverable_options *options, pyr_error *err)
{
	uint32_t address = 0;
	uint16_t port = PYR__DISCOVERY_PORT;
	const char *group = options->group ? options->group : "";
	if (!pyr__group_is_valid(group, strlen(group)))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"a group of name servers has at most %d letters, digits, '.', '_' and '-', "
			"not '%.100s'",
			PYR__GROUP_MAX, group);
	snprintf(d->group, sizeof d->group, "%s", group);
	pyr_status status = PYR_OK;
	if (options->at)
		status = pyr__discovery_parse_place(options->at, &address, &port, err);
	if (status == PYR_OK)
		status = check_reachable(d->daemon, pyr__datagram_is_loopback(address), err);
	return status ? status : open_socket(d, address, port, err);
}

/* True if the daemon had none yet: it is the daemon's now. */
static bool hand_over(pyr_daemon *daemon, pyr__discoverable *d)
{
	pthread_mutex_lock(&daemon->lock);
	bool first = !daemon->discoverable;
	if (first)
		daemon->discoverable = d;
	pthread_mutex_unlock(&daemon->lock);
	return first;
}

pyr_status pyr_daemon_make_discoverable(
	pyr_daemon *daemon, const pyr_discoverable_options *given, pyr_error *err)
{
	pyr_discoverable_options options = PYR_DISCOVERABLE_OPTIONS_INIT;
	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	pyr_status status = pyr__daemon_check_serving(daemon, err);
	if (status == PYR_OK)
		status = pyr__daemon_check_may_wait(daemon, err);
	if (status)
		return status;
	pyr__discoverable *d = pyr__zalloc(sizeof *d);
	d->daemon = daemon;
	d->fd = -1;
	d->open_task.run = run_open;
	pyr__random_bytes(d->id, sizeof d->id);
	status = set_up(d, &options, err);
	event_assign(&d->readable, pyr__loop_base(daemon->loop), d->fd, EV_READ | EV_PERSIST,
		on_readable, d);
	if (status == PYR_OK && !hand_over(daemon, d))
		status = pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "the daemon is discoverable already");
	if (status) {
		pyr__discoverable_free(d);
		return status;
	}
	pyr__loop_call(daemon->loop, &d->open_task);
	return PYR_OK;
}

pyr_status pyr_daemon_discoverable_state(
	pyr_daemon *daemon, pyr_discoverable_state *ret_state, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	pthread_mutex_lock(&daemon->lock);
	pyr__discoverable *d = daemon->discoverable;
	pthread_mutex_unlock(&daemon->lock);
	if (!d)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "the daemon is not discoverable");
	pyr_discoverable_state all = {
		.size = ret_state->size,
		.at = d->at,
		.answered = atomic_load_explicit(&d->answered, memory_order_relaxed),
		.others = atomic_load_explicit(&d->others, memory_order_relaxed),
		.malformed = atomic_load_explicit(&d->malformed, memory_order_relaxed),
		.too_many = atomic_load_explicit(&d->too_many, memory_order_relaxed),
	};
	memcpy(ret_state, &all, all.size < sizeof all ? all.size : sizeof all);
	return PYR_OK;
}
