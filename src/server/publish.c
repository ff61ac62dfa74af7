/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a daemon's names in the name server: registers them under a lease, renews it, registers
 * again when the name server has forgotten them, and finds out when somebody has taken one.
 *
 *               Grant             Register what is not under this lease
 *   NO LEASE  --------->  LEASED  <-----------------+
 *       ^                   |  every third of the TTL: Renew
 *       |                   v
 *       +------------- NOT_FOUND: the name server has lost or ended the lease
 *
 * The answer to Renew says how many names are under the lease. When that is not what it should be
 * each is looked up. One that is not ours then has been taken or removed, or the lease has just
 * ended with it; the next renewal tells which.
 *
 * The first registration of a name waits in the caller's thread, so that its error can be returned;
 * everything later runs on the daemon's loop. A later registration succeeds only while the name is
 * free; where somebody else has it, it is lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pyrite/names.pyr.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "client/names.h"
#include "server/advertise.h"
#include "server/daemon_private.h"

#define TTL_DEFAULT_MS    10000
#define ANSWER_TIMEOUT_MS 5000
#define RETRY_MS_MAX      1000 /* after a failure, if a third of the TTL is longer */
#define ENDPOINTS_MAX     8

typedef struct publication {
	atomic_uint refs; /* the list's or the caller's, and one for each answer that is awaited */
	pyr__link link;
	struct name_server *server;
	uint64_t lease_id;      /* what it is registered under; guarded by the publisher's lock */
	uint64_t next_lease_id; /* loop thread: what it is being registered under; 0: it is not */
	bool replica;
	bool looking;           /* loop thread: it is being looked up */
	pyr_error *gone;        /* loop thread: how it was found not to be ours; NULL: it was not */
	uint64_t gone_renewals; /* the server's renewals by then */
	void (*on_lost)(void *ctx, const char *name, const pyr_error *err);
	void *lost_ctx;
	char *name;
	char **references;
	size_t reference_count;
	char **tags;
	size_t tag_count;
} publication;

/* One name server, and the lease there that all names of this daemon with the same TTL share. */
typedef struct name_server {
	pyr__link link;
	struct pyr__publisher *publisher;
	char *address; /* as given; NULL: the context's */
	pyrite_names *names;
	uint64_t lease_id;   /* 0: none; guarded by the publisher's lock */
	uint64_t unsure_id;  /* a lease that may have names we do not know of; the same lock's */
	uint64_t renewed_id; /* loop thread: the lease whose renewal is under way */
	uint64_t renewals;   /* loop thread: that have been asked for */
	uint32_t ttl_ms;
	bool busy;   /* loop thread: a renewal or what follows it is under way */
	bool failed; /* loop thread: something has to be tried again soon */
	bool ticking;
	struct event timer;
	pyr__task tick_task;
	pyr__link publications; /* guarded by the publisher's lock */
} name_server;

typedef struct pyr__publisher {
	pyr_daemon *daemon;
	pyr_context *context;  /* of its own, on the daemon's loop */
	pthread_mutex_t lock;  /* guards the lists and the leases */
	pthread_mutex_t first; /* one first registration at a time */
	pyr__link servers;
	bool stopping;
	unsigned revoking; /* loop thread: answers to Revoke that are awaited */
} pyr__publisher;

static char **copy_texts(const char *const *texts, size_t count)
{
	char **copy = pyr__alloc(count * sizeof *copy);
	for (size_t i = 0; i < count; i++)
		copy[i] = pyr__strdup(texts[i]);
	return copy;
}

static void free_texts(char **texts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(texts[i]);
	free(texts);
}

static void unref_publication(publication *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	free_texts(p->references, p->reference_count);
	free_texts(p->tags, p->tag_count);
	free(p->gone);
	free(p->name);
	free(p);
}

/* Requests */

static void fill_register(
	const publication *p, uint64_t lease_id, bool replace, Pyrite__RegisterRequest *request)
{
	*request = (Pyrite__RegisterRequest)PYRITE__REGISTER_REQUEST__INIT;
	request->name = p->name;
	request->references = p->references;
	request->n_references = p->reference_count;
	request->tags = p->tags;
	request->n_tags = p->tag_count;
	request->lease_id = lease_id;
	request->replica = p->replica;
	request->replace = replace;
}

/*
 * Takes the lease up instead of `old`, unless the other side (the loop, or a first registration)
 * has been faster: then the new one is left to end by itself.
 */
static void take_up_lease(name_server *server, uint64_t old, uint64_t new)
{
	pthread_mutex_lock(&server->publisher->lock);
	if (server->lease_id == old)
		server->lease_id = new;
	pthread_mutex_unlock(&server->publisher->lock);
}

static pyr_status grant_now(name_server *server, uint64_t old, pyr_error *err)
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

static uint64_t lease_of(name_server *server)
{
	pthread_mutex_lock(&server->publisher->lock);
	uint64_t lease_id = server->lease_id;
	pthread_mutex_unlock(&server->publisher->lock);
	return lease_id;
}

static pyr_status register_now(publication *p, bool replace, pyr_error *err)
{
	name_server *server = p->server;
	pyr_status status = lease_of(server) ? PYR_OK : grant_now(server, 0, err);
	if (status)
		return status;
	Pyrite__RegisterRequest request;
	Pyrite__RegisterReply *reply;
	fill_register(p, lease_of(server), replace, &request);
	status = pyrite_names_register(server->names, &request, &reply, err);
	if (status == PYR_NOT_FOUND) { /* the lease ended while nobody looked */
		status = grant_now(server, request.lease_id, err);
		if (status)
			return status;
		request.lease_id = lease_of(server);
		status = pyrite_names_register(server->names, &request, &reply, err);
	}
	if (status == PYR_OK) {
		p->lease_id = request.lease_id;
		pyrite__register_reply__free_unpacked(reply, NULL);
	}
	return status;
}

/* On the loop */

static void schedule(name_server *server, uint32_t delay_ms)
{
	struct timeval delay = {delay_ms / 1000, delay_ms % 1000 * 1000};
	if (!server->publisher->stopping)
		evtimer_add(&server->timer, &delay);
}

static void settle(name_server *server)
{
	uint32_t pause_ms = server->ttl_ms / 3;
	if (server->failed && pause_ms > RETRY_MS_MAX)
		pause_ms = RETRY_MS_MAX;
	server->busy = server->failed = false;
	schedule(server, pause_ms);
}

static void forget_gone(publication *p)
{
	free(p->gone);
	p->gone = NULL;
}

/* Somebody else has the name: it is ours no longer, and its owner hears of that. */
static void lose(publication *p, const pyr_error *err)
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
	unref_publication(p); /* the list's */
}

/* Nobody waits for it; it is tried again, and again. */
static void log_failure(name_server *server, const pyr_error *err)
{
	if (!server->publisher->stopping)
		PYR__LOG_OF_PEER(PYR_LOG_WARNING,
			"the names of this daemon cannot be renewed, for now: %s", err->message);
}

static void on_registered(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err)
{
	(void)reply;
	publication *p = ctx;
	name_server *server = p->server;
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
	unref_publication(p);
}

/* Registers what is not under the lease yet: all after a new one, else what failed before. */
static void register_missing(name_server *server)
{
	pyr__publisher *publisher = server->publisher;
	uint64_t lease_id = lease_of(server);
	pthread_mutex_lock(&publisher->lock);
	for (pyr__link *l = server->publications.next; l != &server->publications; l = l->next) {
		publication *p = PYR__OWNER(l, publication, link);
		if (p->lease_id == lease_id || p->next_lease_id)
			continue;
		Pyrite__RegisterRequest request;
		fill_register(p, lease_id, false, &request);
		p->next_lease_id = lease_id;
		atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
		if (pyrite_names_register__invoke(
			    server->names, &request, on_registered, p, NULL, NULL)) {
			p->next_lease_id = 0;
			server->failed = true;
			unref_publication(p);
		}
	}
	pthread_mutex_unlock(&publisher->lock);
}

static void on_granted(
	void *ctx, pyr_status status, const Pyrite__GrantReply *reply, const pyr_error *err)
{
	name_server *server = ctx;
	if (status == PYR_OK) {
		take_up_lease(server, server->renewed_id, reply->lease_id);
		register_missing(server);
	} else {
		log_failure(server, err);
		server->failed = true;
	}
	settle(server);
}

static void grant_again(name_server *server)
{
	Pyrite__GrantRequest request = PYRITE__GRANT_REQUEST__INIT;
	request.ttl_ms = server->ttl_ms;
	if (pyrite_names_grant__invoke(server->names, &request, on_granted, server, NULL, NULL)) {
		server->failed = true;
		settle(server);
	}
}

/* Names that are taken from us while we are there */

static bool is_held_by_us(const publication *p, const Pyrite__Name *name)
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
static bool find_gone(
	const publication *p, pyr_status status, const Pyrite__LookupReply *reply, pyr_error *err)
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
	publication *p = ctx;
	name_server *server = p->server;
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
	unref_publication(p);
}

/* Lock held. */
static void look_up(name_server *server, publication *p)
{
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	request.name = p->name;
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	p->looking = true;
	if (pyrite_names_lookup__invoke(server->names, &request, on_looked_up, p, NULL, NULL)) {
		p->looking = false;
		unref_publication(p);
	}
}

/* count: of the names that the name server has under our lease. */
static void check_names(name_server *server, uint64_t count)
{
	pyr__publisher *publisher = server->publisher;
	uint64_t expected = 0;
	pthread_mutex_lock(&publisher->lock);
	for (pyr__link *l = server->publications.next; l != &server->publications; l = l->next)
		expected += PYR__OWNER(l, publication, link)->lease_id == server->renewed_id;
	if (count != expected || server->unsure_id == server->renewed_id)
		for (pyr__link *l = server->publications.next; l != &server->publications;
			l = l->next) {
			publication *p = PYR__OWNER(l, publication, link);
			if (p->lease_id == server->renewed_id && !p->looking)
				look_up(server, p);
		}
	pthread_mutex_unlock(&publisher->lock);
}

/* One that was not ours before a renewal that found the lease alive; with a reference. */
static publication *find_lost(name_server *server)
{
	publication *found = NULL;
	pthread_mutex_lock(&server->publisher->lock);
	for (pyr__link *l = server->publications.next; !found && l != &server->publications;
		l = l->next) {
		publication *p = PYR__OWNER(l, publication, link);
		if (p->gone && p->lease_id == server->renewed_id &&
			p->gone_renewals < server->renewals)
			found = p;
	}
	if (found)
		atomic_fetch_add_explicit(&found->refs, 1, memory_order_relaxed);
	pthread_mutex_unlock(&server->publisher->lock);
	return found;
}

static void lose_gone(name_server *server)
{
	for (publication *p; (p = find_lost(server));) {
		lose(p, p->gone);
		unref_publication(p);
	}
}

static void on_renewed(
	void *ctx, pyr_status status, const Pyrite__RenewReply *reply, const pyr_error *err)
{
	name_server *server = ctx;
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

static void renew(name_server *server)
{
	Pyrite__RenewRequest request = PYRITE__RENEW_REQUEST__INIT;
	request.lease_id = server->renewed_id = lease_of(server);
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
	name_server *server = arg;
	pyr__loop_enter(server->publisher->daemon->loop);
	if (!server->busy)
		renew(server);
	pyr__loop_leave(server->publisher->daemon->loop);
}

static void run_tick(pyr__task *task)
{
	name_server *server = PYR__OWNER(task, name_server, tick_task);
	if (!server->ticking)
		schedule(server, server->ttl_ms / 3);
	server->ticking = true;
}

static void on_revoked(
	void *ctx, pyr_status status, const Pyrite__RevokeReply *reply, const pyr_error *err)
{
	(void)status;
	(void)reply;
	(void)err;
	pyr__publisher *publisher = ctx;
	publisher->revoking--;
}

void pyr__publisher_stop(pyr__publisher *publisher, bool withdraw)
{
	publisher->stopping = true;
	pthread_mutex_lock(&publisher->lock); /* a first registration may be under way */
	for (pyr__link *l = publisher->servers.next; l != &publisher->servers; l = l->next) {
		name_server *server = PYR__OWNER(l, name_server, link);
		event_del(&server->timer);
		Pyrite__RevokeRequest request = PYRITE__REVOKE_REQUEST__INIT;
		request.lease_id = server->lease_id;
		if (withdraw && request.lease_id &&
			pyrite_names_revoke__invoke(server->names, &request, on_revoked, publisher,
				NULL, NULL) == PYR_OK)
			publisher->revoking++;
	}
	pthread_mutex_unlock(&publisher->lock);
}

bool pyr__publisher_busy(const pyr__publisher *publisher)
{
	return publisher->revoking > 0;
}

/* Making and freeing */

static void free_server(name_server *server)
{
	while (!pyr__list_empty(&server->publications)) {
		publication *p = PYR__OWNER(server->publications.next, publication, link);
		pyr__list_remove(&p->link);
		unref_publication(p);
	}
	event_del(&server->timer);
	pyrite_names__close(server->names);
	free(server->address);
	free(server);
}

void pyr__publisher_free(pyr__publisher *publisher)
{
	if (!publisher)
		return;
	publisher->stopping = true;
	pyr_context_free(publisher->context); /* ends every call, so that no callback comes later */
	while (!pyr__list_empty(&publisher->servers)) {
		name_server *server = PYR__OWNER(publisher->servers.next, name_server, link);
		pyr__list_remove(&server->link);
		free_server(server);
	}
	pthread_mutex_destroy(&publisher->first);
	pthread_mutex_destroy(&publisher->lock);
	free(publisher);
}

static pyr_status get_publisher(pyr_daemon *daemon, pyr__publisher **ret_publisher, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&daemon->lock);
	if (!daemon->publisher) {
		pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
		options.base = pyr__loop_base(daemon->loop);
		pyr_context *context;
		status = pyr_context_new(&options, &context, err);
		if (status == PYR_OK) {
			pyr__publisher *publisher = pyr__zalloc(sizeof *publisher);
			pyr__context_inherit(context, daemon->context);
			publisher->daemon = daemon;
			publisher->context = context;
			pthread_mutex_init(&publisher->lock, NULL);
			pthread_mutex_init(&publisher->first, NULL);
			pyr__list_init(&publisher->servers);
			daemon->publisher = publisher;
		}
	}
	*ret_publisher = daemon->publisher;
	pthread_mutex_unlock(&daemon->lock);
	return status;
}

static bool same_address(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static pyr_status name_server_endpoint(const pyr__publisher *publisher, const char *address,
	pyr_reference *ret_endpoint, pyr_error *err)
{
	*ret_endpoint = publisher->context->name_server;
	return address ? pyr__name_server_parse(address, ret_endpoint, err) : PYR_OK;
}

static pyr_status name_server_reference(const pyr__publisher *publisher, const char *address,
	char *buf, size_t size, pyr_error *err)
{
	pyr_reference where;
	pyr_status status = name_server_endpoint(publisher, address, &where, err);
	if (status)
		return status;
	snprintf(where.target, sizeof where.target, "%s", PYR__NAME_SERVER_OBJECT);
	return pyr_reference_format(&where, buf, size, err);
}

static pyr_status get_server(pyr__publisher *publisher, const char *address, uint32_t ttl_ms,
	name_server **ret_server, pyr_error *err)
{
	for (pyr__link *l = publisher->servers.next; l != &publisher->servers; l = l->next) {
		name_server *server = PYR__OWNER(l, name_server, link);
		if (same_address(server->address, address) && server->ttl_ms == ttl_ms) {
			*ret_server = server;
			return PYR_OK;
		}
	}
	char reference[PYR_REFERENCE_MAX];
	pyrite_names *names;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = ANSWER_TIMEOUT_MS;
	pyr_status status =
		name_server_reference(publisher, address, reference, sizeof reference, err);
	if (status == PYR_OK)
		status = pyrite_names__open(publisher->context, reference, &options, &names, err);
	if (status)
		return status;
	name_server *server = pyr__zalloc(sizeof *server);
	server->publisher = publisher;
	server->address = pyr__strdup(address);
	server->names = names;
	server->ttl_ms = ttl_ms;
	server->tick_task.run = run_tick;
	evtimer_assign(&server->timer, pyr__loop_base(publisher->daemon->loop), on_timer, server);
	pyr__list_init(&server->publications);
	pthread_mutex_lock(&publisher->lock);
	pyr__list_append(&publisher->servers, &server->link);
	pthread_mutex_unlock(&publisher->lock);
	*ret_server = server;
	return PYR_OK;
}

/* The daemon's reference number `index` as others can use it; NULL when there are no more. */
static pyr_status reachable_reference(pyr_daemon *daemon, const char *object, size_t index,
	const pyr_reference *towards, char **ret_reference, pyr_error *err)
{
	char text[PYR_REFERENCE_MAX];
	pyr_reference reference;
	*ret_reference = NULL;
	pyr_status status = pyr_daemon_reference(daemon, object, index, text, sizeof text, err);
	if (status == PYR_OUT_OF_RANGE)
		return PYR_OK;
	if (status == PYR_OK)
		status = pyr_reference_parse(text, &reference, err);
	if (status == PYR_OK)
		status = pyr__advertise(&reference, towards, err);
	if (status == PYR_OK)
		status = pyr_reference_format(&reference, text, sizeof text, err);
	if (status == PYR_OK)
		*ret_reference = pyr__strdup(text);
	return status;
}

/* On failure too p holds what has been found so far. */
static pyr_status list_references(publication *p, pyr_daemon *daemon, const char *object,
	const pyr_reference *towards, pyr_error *err)
{
	p->references = pyr__alloc(ENDPOINTS_MAX * sizeof *p->references);
	while (p->reference_count < ENDPOINTS_MAX) {
		char *reference;
		pyr_status status = reachable_reference(
			daemon, object, p->reference_count, towards, &reference, err);
		if (status)
			return status;
		if (!reference)
			break;
		p->references[p->reference_count++] = reference;
	}
	if (p->reference_count == 0)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the daemon listens nowhere yet: call pyr_daemon_listen() before "
			"publishing '%s'",
			object);
	return PYR_OK;
}

static pyr_status new_publication(pyr__publisher *publisher, const char *object, const char *name,
	const pyr_publish_options *options, publication **ret_publication, pyr_error *err)
{
	pyr_reference towards;
	pyr_status status = name_server_endpoint(publisher, options->name_server, &towards, err);
	if (status)
		return status;
	publication *p = pyr__zalloc(sizeof *p);
	atomic_init(&p->refs, 1);
	pyr__list_init(&p->link);
	status = list_references(p, publisher->daemon, object, &towards, err);
	if (status) {
		unref_publication(p);
		return status;
	}
	p->name = pyr__strdup(name);
	p->replica = options->replica;
	p->on_lost = options->on_lost;
	p->lost_ctx = options->lost_ctx;
	p->tags = copy_texts(options->tags, options->tag_count);
	p->tag_count = options->tag_count;
	*ret_publication = p;
	return PYR_OK;
}

/* Lock held. */
static publication *find_publication(name_server *server, const char *name)
{
	for (pyr__link *l = server->publications.next; l != &server->publications; l = l->next)
		if (strcmp(PYR__OWNER(l, publication, link)->name, name) == 0)
			return PYR__OWNER(l, publication, link);
	return NULL;
}

/* The list's reference becomes the caller's; lock held. */
static publication *unlist(publication *p)
{
	if (p) {
		pyr__list_remove(&p->link);
		pyr__list_init(&p->link);
	}
	return p;
}

/* Unless it has been refused, a registration may have been carried out all the same. */
static void note_unsure(name_server *server, pyr_status status)
{
	if (status == PYR_ALREADY_EXISTS || status == PYR_INVALID_ARGUMENT ||
		status == PYR_PERMISSION_DENIED || status == PYR_UNAUTHENTICATED)
		return;
	pthread_mutex_lock(&server->publisher->lock);
	server->unsure_id = server->lease_id;
	pthread_mutex_unlock(&server->publisher->lock);
}

static pyr_status publish(pyr__publisher *publisher, publication *p,
	const pyr_publish_options *options, pyr_error *err)
{
	uint32_t ttl_ms = options->ttl_ms ? options->ttl_ms : TTL_DEFAULT_MS;
	name_server *server;
	pyr_status status = get_server(publisher, options->name_server, ttl_ms, &server, err);
	if (status)
		return status;
	p->server = server;
	status = register_now(p, options->replace, err);
	if (status) {
		note_unsure(server, status);
		return status;
	}
	pthread_mutex_lock(&publisher->lock);
	publication *before = unlist(find_publication(server, p->name));
	pyr__list_append(&server->publications, &p->link);
	pthread_mutex_unlock(&publisher->lock);
	unref_publication(before);
	pyr__loop_post(publisher->daemon->loop, &server->tick_task);
	return PYR_OK;
}

pyr_status pyr_daemon_publish(pyr_daemon *daemon, const char *object, const char *name,
	const pyr_publish_options *given, pyr_error *err)
{
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	if (given)
		memcpy(&options, given,
			given->size < sizeof options ? given->size : sizeof options);
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	pyr__text id = {object, strlen(object)};
	if (!pyr__objects_has(&daemon->objects, id))
		return pyr_error_set(
			err, PYR_NOT_FOUND, "the daemon has no object '%s' to publish", object);
	pyr__publisher *publisher;
	publication *p = NULL;
	status = get_publisher(daemon, &publisher, err);
	if (status == PYR_OK)
		status = new_publication(publisher, object, name, &options, &p, err);
	if (status)
		return status;
	pthread_mutex_lock(&publisher->first);
	status = publish(publisher, p, &options, err);
	pthread_mutex_unlock(&publisher->first);
	if (status)
		unref_publication(p);
	return status;
}

static publication *take_publication(pyr__publisher *publisher, const char *name)
{
	publication *found = NULL;
	pthread_mutex_lock(&publisher->lock);
	for (pyr__link *s = publisher->servers.next; !found && s != &publisher->servers;
		s = s->next)
		found = unlist(find_publication(PYR__OWNER(s, name_server, link), name));
	pthread_mutex_unlock(&publisher->lock);
	return found;
}

static void put_back(publication *p)
{
	pthread_mutex_lock(&p->server->publisher->lock);
	pyr__list_append(&p->server->publications, &p->link);
	pthread_mutex_unlock(&p->server->publisher->lock);
}

pyr_status pyr_daemon_withdraw(pyr_daemon *daemon, const char *name, pyr_error *err)
{
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	if (pyr__loop_in_callback())
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"withdrawing a name would block the loop's thread");
	pthread_mutex_lock(&daemon->lock);
	pyr__publisher *publisher = daemon->publisher;
	pthread_mutex_unlock(&daemon->lock);
	publication *p = publisher ? take_publication(publisher, name) : NULL;
	if (!p)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "this daemon has not published the name '%s'", name);
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	request.name = p->name;
	request.lease_id = lease_of(p->server);
	status = pyrite_names_remove(p->server->names, &request, &reply, err);
	if (status == PYR_OK)
		pyrite__remove_reply__free_unpacked(reply, NULL);
	if (status && status != PYR_NOT_FOUND) {
		put_back(p);
		return status;
	}
	unref_publication(p);
	return PYR_OK; /* it may have gone by itself */
}
