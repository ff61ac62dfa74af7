/* SPDX-License-Identifier: Apache-2.0 */
/* A lease and the names under it: kept on the daemon's loop, see publisher.h. */
#include "server/publisher.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "base/refs.h"

#define RETRY_MS_MAX 1000 /* after a failure, if a third of the TTL is longer */

/*
 * Takes the lease up instead of `old`, unless the other side (the loop, or a first registration)
 * has been faster: then the new one is left to end by itself.
 */
static void take_up_lease(pyr__name_server *server, uint64_t old, uint64_t new)
{
	pthread_mutex_lock(&server->publisher->lock);
	if (server->lease_id == old)
		server->lease_id = new;
	pthread_mutex_unlock(&server->publisher->lock);
}

static pyr_status grant_now(pyr__name_server *server, uint64_t old, pyr_error *err)
{
	Pyrite__GrantRequest request = PYRITE__GRANT_REQUEST__INIT;
	Pyrite__GrantReply *reply;
	request.ttl_ms = server->ttl_ms;
	pyr_status status = pyrite_names_grant(server->names, &request, &reply, err);
	if (status)
		return status;
	take_up_lease(server, old, reply->lease_id);
	pyrite__grant_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

uint64_t pyr__lease_id(pyr__name_server *server)
{
	pthread_mutex_lock(&server->publisher->lock);
	uint64_t lease_id = server->lease_id;
	pthread_mutex_unlock(&server->publisher->lock);
	return lease_id;
}

pyr_status pyr__lease_register(pyr__publication *p, bool replace, pyr_error *err)
{
	pyr__name_server *server = p->server;
	pyr_status status = pyr__lease_id(server) ? PYR_OK : grant_now(server, 0, err);
	if (status)
		return status;
	Pyrite__RegisterRequest request;
	Pyrite__RegisterReply *reply;
	pyr__publication_request(p, pyr__lease_id(server), replace, &request);
	status = pyrite_names_register(server->names, &request, &reply, err);
	if (status == PYR_NOT_FOUND) { /* the lease ended while nobody looked */
		status = grant_now(server, request.lease_id, err);
		if (status)
			return status;
		request.lease_id = pyr__lease_id(server);
		status = pyrite_names_register(server->names, &request, &reply, err);
	}
	if (status == PYR_OK) {
		p->lease_id = request.lease_id;
		pyrite__register_reply__free_unpacked(reply, NULL);
	}
	return status;
}

/* On the loop */

static void schedule(pyr__name_server *server, uint32_t delay_ms)
{
	struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
	if (!server->publisher->stopping)
		evtimer_add(&server->timer, &delay);
}

static void settle(pyr__name_server *server)
{
	uint32_t pause_ms = server->ttl_ms / 3;
	if (server->failed && pause_ms > RETRY_MS_MAX)
		pause_ms = RETRY_MS_MAX;
	server->busy = server->failed = false;
	schedule(server, pause_ms);
}

static void forget_gone(pyr__publication *p)
{
	free(p->gone);
	p->gone = NULL;
}

/* Somebody else has the name: it is ours no longer, and its owner hears of that. */
static void lose(pyr__publication *p, const pyr_error *err)
{
	pyr__publisher *publisher = p->server->publisher;
	pthread_mutex_lock(&publisher->lock);
	bool published = !pyr__list_empty(&p->link);
	pyr__list_remove(&p->link);
	pyr__list_init(&p->link);
	pthread_mutex_unlock(&publisher->lock);
	if (!published)
		return; /* withdrawn meanwhile */
	if (p->on_lost)
		p->on_lost(p->lost_ctx, p->name, err);
	else
		pyr__log(PYR_LOG_WARNING, "the name \"%s\" is lost: %s", p->name, err->message);
	pyr__publication_unref(p); /* the list's */
}

/* Nobody waits for it; it is tried again, and again. */
static void log_failure(pyr__name_server *server, const pyr_error *err)
{
	if (!server->publisher->stopping)
		PYR__LOG_OF_PEER(PYR_LOG_WARNING,
			"the names of this daemon cannot be renewed, for now: %s", err->message);
}

static void on_registered(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err)
{
	(void)reply;
	pyr__publication *p = ctx;
	pyr__name_server *server = p->server;
	if (status == PYR_OK) {
		pthread_mutex_lock(&server->publisher->lock);
		p->lease_id = p->next_lease_id;
		pthread_mutex_unlock(&server->publisher->lock);
		forget_gone(p);
	} else if (status == PYR_ALREADY_EXISTS || status == PYR_PERMISSION_DENIED) {
		lose(p, err);
	} else if (!server->busy && !server->publisher->stopping) {
		log_failure(server, err);
		schedule(server,
			server->ttl_ms / 3 < RETRY_MS_MAX ? server->ttl_ms / 3 : RETRY_MS_MAX);
	}
	p->next_lease_id = 0;
	pyr__publication_unref(p);
}

/* Registers what is not under the lease yet: all after a new one, else what failed before. */
static void register_missing(pyr__name_server *server)
{
	pyr__publisher *publisher = server->publisher;
	uint64_t lease_id = pyr__lease_id(server);
	pthread_mutex_lock(&publisher->lock);
	for (pyr__link *l = server->publications.next; l != &server->publications; l = l->next) {
		pyr__publication *p = PYR__OWNER(l, pyr__publication, link);
		if (p->lease_id == lease_id || p->next_lease_id)
			continue;
		Pyrite__RegisterRequest request;
		pyr__publication_request(p, lease_id, false, &request);
		p->next_lease_id = lease_id;
		pyr__refs_take(&p->refs);
		if (pyrite_names_register__invoke(
			    server->names, &request, on_registered, p, NULL, NULL)) {
			p->next_lease_id = 0;
			server->failed = true;
			pyr__publication_unref(p);
		}
	}
	pthread_mutex_unlock(&publisher->lock);
}

static void on_granted(
	void *ctx, pyr_status status, const Pyrite__GrantReply *reply, const pyr_error *err)
{
	pyr__name_server *server = ctx;
	if (status == PYR_OK) {
		take_up_lease(server, server->renewed_id, reply->lease_id);
		register_missing(server);
	} else {
		log_failure(server, err);
		server->failed = true;
	}
	settle(server);
}

static void grant_again(pyr__name_server *server)
{
	Pyrite__GrantRequest request = PYRITE__GRANT_REQUEST__INIT;
	request.ttl_ms = server->ttl_ms;
	if (pyrite_names_grant__invoke(server->names, &request, on_granted, server, NULL, NULL)) {
		server->failed = true;
		settle(server);
	}
}

/* Names that are taken from us while we are there */

static bool is_held_by_us(const pyr__publication *p, const Pyrite__Name *name)
{
	for (size_t i = 0; i < name->n_holders; i++) {
		const Pyrite__Holder *holder = name->holders[i];
		size_t same = 0;
		while (same < holder->n_references && same < p->reference_count &&
			strcmp(holder->references[same], p->references[same]) == 0)
			same++;
		if (same == holder->n_references && same == p->reference_count)
			return true;
	}
	return false;
}

/* How a name that was looked up is not ours; false if it is, or nobody knows. */
static bool find_gone(const pyr__publication *p, pyr_status status,
	const Pyrite__LookupReply *reply, pyr_error *err)
{
	if (status == PYR_NOT_FOUND) {
		pyr_error_set(err, PYR_NOT_FOUND, "the name \"%s\" has been removed", p->name);
		return true;
	}
	if (status || !reply->name || reply->name->n_holders == 0 || is_held_by_us(p, reply->name))
		return false;
	const Pyrite__Holder *holder = reply->name->holders[0];
	pyr_error_set(err, PYR_ALREADY_EXISTS, "the name \"%s\" has been taken over, for %.300s",
		p->name, holder->n_references ? holder->references[0] : "nothing");
	return true;
}

static void on_looked_up(
	void *ctx, pyr_status status, const Pyrite__LookupReply *reply, const pyr_error *err)
{
	(void)err;
	pyr__publication *p = ctx;
	pyr__name_server *server = p->server;
	pyr_error how;
	p->looking = false;
	if (find_gone(p, status, reply, &how)) {
		if (!p->gone)
			p->gone = pyr__alloc(sizeof *p->gone);
		*p->gone = how;
		p->gone_renewals = server->renewals;
		if (!server->busy)
			schedule(server, 0);
	}
	pyr__publication_unref(p);
}

/* Lock held. */
static void look_up(pyr__name_server *server, pyr__publication *p)
{
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	request.name = p->name;
	pyr__refs_take(&p->refs);
	p->looking = true;
	if (pyrite_names_lookup__invoke(server->names, &request, on_looked_up, p, NULL, NULL)) {
		p->looking = false;
		pyr__publication_unref(p);
	}
}

/* count: of the names that the name server has under our lease. */
static void check_names(pyr__name_server *server, uint64_t count)
{
	pyr__publisher *publisher = server->publisher;
	uint64_t expected = 0;
	pthread_mutex_lock(&publisher->lock);
	for (pyr__link *l = server->publications.next; l != &server->publications; l = l->next)
		expected += PYR__OWNER(l, pyr__publication, link)->lease_id == server->renewed_id;
	if (count != expected || server->unsure_id == server->renewed_id)
		for (pyr__link *l = server->publications.next; l != &server->publications;
			l = l->next) {
			pyr__publication *p = PYR__OWNER(l, pyr__publication, link);
			if (p->lease_id == server->renewed_id && !p->looking)
				look_up(server, p);
		}
	pthread_mutex_unlock(&publisher->lock);
}

/* One that was not ours before a renewal that found the lease alive; with a reference. */
static pyr__publication *find_lost(pyr__name_server *server)
{
	pyr__publication *found = NULL;
	pthread_mutex_lock(&server->publisher->lock);
	for (pyr__link *l = server->publications.next; !found && l != &server->publications;
		l = l->next) {
		pyr__publication *p = PYR__OWNER(l, pyr__publication, link);
		if (p->gone && p->lease_id == server->renewed_id &&
			p->gone_renewals < server->renewals)
			found = p;
	}
	if (found)
		pyr__refs_take(&found->refs);
	pthread_mutex_unlock(&server->publisher->lock);
	return found;
}

static void lose_gone(pyr__name_server *server)
{
	for (pyr__publication *p; (p = find_lost(server));) {
		lose(p, p->gone);
		pyr__publication_unref(p);
	}
}

static void on_renewed(
	void *ctx, pyr_status status, const Pyrite__RenewReply *reply, const pyr_error *err)
{
	pyr__name_server *server = ctx;
	if (status == PYR_NOT_FOUND && !server->publisher->stopping) {
		grant_again(server);
		return;
	}
	if (status == PYR_OK) {
		lose_gone(server);
		register_missing(server);
		check_names(server, reply->names);
	} else {
		log_failure(server, err);
		server->failed = true;
	}
	settle(server);
}

static void renew(pyr__name_server *server)
{
	Pyrite__RenewRequest request = PYRITE__RENEW_REQUEST__INIT;
	request.lease_id = server->renewed_id = pyr__lease_id(server);
	server->renewals++;
	server->busy = true;
	if (pyrite_names_renew__invoke(server->names, &request, on_renewed, server, NULL, NULL)) {
		server->failed = true;
		settle(server);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__name_server *server = arg;
	pyr__loop_enter(server->publisher->daemon->loop);
	if (!server->busy)
		renew(server);
	pyr__loop_leave(server->publisher->daemon->loop);
}

static void run_tick(pyr__task *task)
{
	pyr__name_server *server = PYR__OWNER(task, pyr__name_server, tick_task);
	if (!server->ticking)
		schedule(server, server->ttl_ms / 3);
	server->ticking = true;
}

void pyr__lease_init(pyr__name_server *server)
{
	pyr__loop *loop = server->publisher->daemon->loop;
	pyr__list_init(&server->publications);
	server->tick_task.run = run_tick;
	evtimer_assign(&server->timer, pyr__loop_base(loop), on_timer, server);
}
