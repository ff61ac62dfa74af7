/* SPDX-License-Identifier: Apache-2.0 */
/* Telling owners what of theirs is held here. */
#include "client/holdings.h"

#include <pyrite/leases.pyr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "base/map.h"
#include "base/random.h"

#define OBJECTS_MAX     1000 /* in one message */
#define LEASE_MS_MIN    100  /* whatever an owner says */
#define TELL_TIMEOUT_MS 5000
#define HOLDER_ID_SIZE  16

typedef struct owner {
	pyr__link link;
	struct pyr__holdings *of;
	pyrite_leases *leases; /* NULL: the context is being freed */
	uint8_t id[HOLDER_ID_SIZE];
	uint64_t sequence;
	uint32_t lease_ms; /* the shortest */
	int64_t renew_us;
	pyr__map held;
	char key[400]; /* which daemon it is */
} owner;

struct pyr__held {
	owner *owner;
	unsigned count;
	char id[PYR_OBJECT_ID_MAX + 1];
};

typedef struct pyr__holdings {
	pyr__keeper base;
	pyr_context *context;
	pthread_mutex_t lock; /* guards what follows */
	pyr__link owners;
	bool timed, closed;
	struct event timer; /* the context's loop's */
	pyr__task timer_task;
} holdings;

/* Messages; no lock held */

/* Some of what is held of one owner, with a number that says in which order it was said. */
typedef struct message {
	holdings *of;
	pyrite_leases *leases; /* with a reference */
	uint8_t holder[HOLDER_ID_SIZE];
	uint64_t sequence;
	size_t count;
	char *ids[OBJECTS_MAX]; /* copies */
} message;

/* Lock held. */
static message *new_message(owner *o)
{
	message *m = pyr__alloc(sizeof *m);
	m->of = o->of;
	m->leases = pyrite_leases__ref(o->leases);
	memcpy(m->holder, o->id, sizeof m->holder);
	m->sequence = ++o->sequence;
	m->count = 0;
	return m;
}

static void add_id(message *m, const char *id)
{
	m->ids[m->count++] = pyr__strdup(id);
}

static void free_message(message *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->ids[i]);
	pyrite_leases__close(m->leases);
	free(m);
}

static void send_release(message *m)
{
	Pyrite__ReleaseRequest request = PYRITE__RELEASE_REQUEST__INIT;
	request.holder = (ProtobufCBinaryData){sizeof m->holder, m->holder};
	request.sequence = m->sequence;
	request.objects = m->ids;
	request.n_objects = m->count;
	pyr_status status = pyrite_leases_release(m->leases, &request, NULL);
	(void)status; /* if it is lost the lease ends by itself */
	free_message(m);
}

/* Owners; lock held */

static void name_owner(const pyr__route *route, char *buf, size_t size)
{
	const pyr__channel *channel = route->channel;
	snprintf(buf, size, "%d %llu %s", (int)channel->scheme,
		(unsigned long long)channel->connection, channel->name);
}

static owner *find_owner(holdings *h, const char *key)
{
	for (pyr__link *l = h->owners.next; l != &h->owners; l = l->next) {
		owner *o = PYR__OWNER(l, owner, link);
		if (strcmp(o->key, key) == 0)
			return o;
	}
	return NULL;
}

static owner *add_owner(holdings *h, const char *key, pyrite_leases *leases)
{
	owner *o = pyr__zalloc(sizeof *o);
	o->of = h;
	o->leases = leases;
	o->lease_ms = UINT32_MAX;
	o->renew_us = INT64_MAX;
	snprintf(o->key, sizeof o->key, "%s", key);
	pyr__random_bytes(o->id, sizeof o->id);
	pyr__map_init(&o->held);
	pyr__list_append(&h->owners, &o->link);
	return o;
}

/* True if it is to be told earlier than was thought. */
static bool shorten(owner *o, uint32_t lease_ms)
{
	if (lease_ms < LEASE_MS_MIN)
		lease_ms = LEASE_MS_MIN;
	int64_t renew_us = pyr__now_us() + lease_ms * 1000ll / 3;
	bool earlier = renew_us < o->renew_us;
	if (lease_ms < o->lease_ms)
		o->lease_ms = lease_ms;
	if (earlier)
		o->renew_us = renew_us;
	return earlier;
}

static owner *find_holder(holdings *h, const uint8_t *id)
{
	for (pyr__link *l = h->owners.next; l != &h->owners; l = l->next) {
		owner *o = PYR__OWNER(l, owner, link);
		if (memcmp(o->id, id, sizeof o->id) == 0)
			return o;
	}
	return NULL;
}

/* Returns the proxy to be given back when the lock is not held. */
static pyrite_leases *remove_owner(owner *o)
{
	pyrite_leases *leases = o->leases;
	pyr__list_remove(&o->link);
	pyr__map_done(&o->held);
	free(o);
	return leases;
}

/* Holding, said and heard; no lock held */

static void need_timer(holdings *h)
{
	pyr_status status = pyr__loop_start(h->context->loop, NULL);
	(void)status; /* without a thread the leases run out, and calls say so */
	pyr__loop_post(h->context->loop, &h->timer_task);
}

/* Who has passed the object on may have said another lease than the daemon that has it. */
static void hear(holdings *h, const uint8_t *holder, uint32_t lease_ms)
{
	pthread_mutex_lock(&h->lock);
	owner *o = lease_ms ? find_holder(h, holder) : NULL;
	bool earlier = o && shorten(o, lease_ms);
	pthread_mutex_unlock(&h->lock);
	if (earlier)
		need_timer(h);
}

static Pyrite__HoldRequest hold_request(message *m)
{
	Pyrite__HoldRequest request = PYRITE__HOLD_REQUEST__INIT;
	request.holder = (ProtobufCBinaryData){sizeof m->holder, m->holder};
	request.sequence = m->sequence;
	request.objects = m->ids;
	request.n_objects = m->count;
	return request;
}

/* What has gone is told to who calls it; what was not heard is said again in time. */
static void on_held(
	void *ctx, pyr_status status, const Pyrite__HoldReply *reply, const pyr_error *err)
{
	message *m = ctx;
	(void)err;
	if (status == PYR_OK)
		hear(m->of, m->holder, reply->lease_ms);
	free_message(m);
}

static void send_hold(message *m)
{
	Pyrite__HoldRequest request = hold_request(m);
	if (pyrite_leases_hold__invoke(m->leases, &request, on_held, m, NULL, NULL))
		free_message(m);
}

static pyr_status hold_now(message *m, pyr_error *err)
{
	Pyrite__HoldReply *reply;
	Pyrite__HoldRequest request = hold_request(m);
	pyr_status status = pyrite_leases_hold(m->leases, &request, &reply, err);
	if (status == PYR_OK) {
		hear(m->of, m->holder, reply->lease_ms);
		if (reply->n_gone > 0)
			status = pyr_error_set(err, PYR_NOT_FOUND,
				"the object '%s' has gone: nobody has held it", m->ids[0]);
		pyrite__hold_reply__free_unpacked(reply, NULL);
	}
	free_message(m);
	return status;
}

/* Renewing: on the context's loop */

/* Lock held. All that is held of one owner, as messages at `to`, of which there is room enough. */
static size_t write_all(owner *o, message **to)
{
	size_t count = 0;
	for (uint32_t i = 0; i < o->held.count; i++) {
		if (i % OBJECTS_MAX == 0)
			to[count++] = new_message(o);
		add_id(to[count - 1], ((pyr__held *)o->held.entries[i].value)->id);
	}
	return count;
}

/* Lock held. The messages that are due by then, in an array to be freed. */
static message **write_due(holdings *h, int64_t due_us, size_t *ret_count)
{
	size_t room = 0, count = 0;
	for (pyr__link *l = h->owners.next; l != &h->owners; l = l->next)
		room += PYR__OWNER(l, owner, link)->held.count / OBJECTS_MAX + 1;
	message **messages = pyr__alloc((room + 1) * sizeof(message *));
	for (pyr__link *l = h->owners.next; l != &h->owners; l = l->next) {
		owner *o = PYR__OWNER(l, owner, link);
		if (o->renew_us > due_us)
			continue;
		o->renew_us = due_us + o->lease_ms * 1000ll / 3;
		count += write_all(o, messages + count);
	}
	*ret_count = count;
	return messages;
}

/* Lock held. */
static void set_timer(holdings *h)
{
	int64_t next_us = INT64_MAX, left_us;
	for (pyr__link *l = h->owners.next; l != &h->owners; l = l->next)
		if (PYR__OWNER(l, owner, link)->renew_us < next_us)
			next_us = PYR__OWNER(l, owner, link)->renew_us;
	if (h->closed || next_us == INT64_MAX)
		return;
	left_us = next_us - pyr__now_us();
	if (left_us < 0)
		left_us = 0;
	struct timeval left = {left_us / 1000000, left_us % 1000000};
	evtimer_add(&h->timer, &left);
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	holdings *h = arg;
	size_t count;
	pyr__loop_enter(h->context->loop);
	pthread_mutex_lock(&h->lock);
	message **messages = write_due(h, pyr__now_us(), &count);
	set_timer(h);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < count; i++)
		send_hold(messages[i]);
	free(messages);
	pyr__loop_leave(h->context->loop);
}

static void run_timer(pyr__task *task)
{
	holdings *h = PYR__OWNER(task, holdings, timer_task);
	pthread_mutex_lock(&h->lock);
	if (!h->timed)
		evtimer_assign(&h->timer, pyr__loop_base(h->context->loop), on_time, h);
	h->timed = true;
	set_timer(h);
	pthread_mutex_unlock(&h->lock);
}

/* A context's */

/* While calls can still be sent. */
static void say_farewell(pyr__keeper *keeper)
{
	holdings *h = (holdings *)keeper;
	size_t count;
	pthread_mutex_lock(&h->lock);
	message **messages = write_due(h, INT64_MAX / 2, &count);
	h->closed = true;
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < count; i++)
		send_release(messages[i]);
	free(messages);
}

/* Lock held. The proxies of all owners, in an array to be freed. */
static pyrite_leases **take_leases(holdings *h, size_t *ret_count)
{
	size_t count = 0;
	for (pyr__link *l = h->owners.next; l != &h->owners; l = l->next)
		count++;
	pyrite_leases **leases = pyr__alloc((count + 1) * sizeof(pyrite_leases *));
	*ret_count = 0;
	for (pyr__link *l = h->owners.next; l != &h->owners; l = l->next) {
		leases[(*ret_count)++] = PYR__OWNER(l, owner, link)->leases;
		PYR__OWNER(l, owner, link)->leases = NULL;
	}
	return leases;
}

/* The loop has stopped, and is this thread's. What proxies still hold goes with them. */
static void close_holdings(pyr__keeper *keeper)
{
	holdings *h = (holdings *)keeper;
	size_t count = 0;
	if (h->timed)
		event_del(&h->timer);
	pthread_mutex_lock(&h->lock);
	h->closed = true;
	pyrite_leases **leases = take_leases(h, &count);
	pthread_mutex_unlock(&h->lock);
	for (size_t i = 0; i < count; i++)
		pyrite_leases__close(leases[i]);
	free(leases);
}

static void free_holdings(pyr__keeper *keeper)
{
	holdings *h = (holdings *)keeper;
	pthread_mutex_destroy(&h->lock);
	free(h);
}

static holdings *holdings_of(pyr_context *context)
{
	pthread_mutex_lock(&context->lock);
	if (!context->keeper) {
		holdings *h = pyr__zalloc(sizeof *h);
		h->base = (pyr__keeper){say_farewell, close_holdings, free_holdings};
		h->context = context;
		h->timer_task.run = run_timer;
		h->closed = atomic_load(&context->shut); /* nobody will close it then */
		pthread_mutex_init(&h->lock, NULL);
		pyr__list_init(&h->owners);
		context->keeper = &h->base;
	}
	holdings *h = (holdings *)context->keeper;
	pthread_mutex_unlock(&context->lock);
	return h;
}

/* Holding */

/* Lock held. The last of it to go sends this message, unless it is NULL. */
static message *leave(pyr__held *held, pyrite_leases **ret_leases)
{
	owner *o = held->owner;
	message *m = NULL;
	*ret_leases = NULL;
	if (--held->count > 0)
		return NULL;
	pyr__map_remove(&o->held, held->id, strlen(held->id));
	if (o->leases && !o->of->closed) {
		m = new_message(o);
		add_id(m, held->id);
	}
	free(held);
	if (o->held.count == 0)
		*ret_leases = remove_owner(o);
	return m;
}

static void release(void *arg)
{
	pyr__held *held = arg;
	holdings *h = held->owner->of;
	pyrite_leases *leases;
	pthread_mutex_lock(&h->lock);
	message *m = leave(held, &leases);
	pthread_mutex_unlock(&h->lock);
	if (m)
		send_release(m);
	pyrite_leases__close(leases);
}

/* A proxy of the object's daemon, for what is said about all of its objects. */
static pyr_status open_leases(pyr_proxy *proxy, pyrite_leases **ret_leases, pyr_error *err)
{
	pyr_proxy *leases;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = TELL_TIMEOUT_MS;
	pyr_status status =
		pyr__proxy_open_apart(proxy, &pyrite_leases__interface, &options, &leases, err);
	if (status)
		return status;
	leases->hidden = true;
	*ret_leases = (pyrite_leases *)leases;
	return PYR_OK;
}

/* Lock held. One more proxy of the object; the owner's, if it is new, takes leases over. */
static pyr__held *take(
	holdings *h, const pyr__route *route, uint32_t lease_ms, pyrite_leases **leases)
{
	char key[sizeof((owner *)0)->key];
	name_owner(route, key, sizeof key);
	owner *o = find_owner(h, key);
	if (!o) {
		o = add_owner(h, key, *leases);
		*leases = NULL;
	}
	shorten(o, lease_ms);
	pyr__held *held = pyr__map_find(&o->held, route->object, route->object_size);
	if (!held) {
		held = pyr__zalloc(sizeof *held);
		held->owner = o;
		memcpy(held->id, route->object, sizeof held->id);
		pyr__map_insert(&o->held, held->id, strlen(held->id), held);
	}
	held->count++;
	return held;
}

static pyr_status hold_at(pyr_proxy *proxy, const pyr__route *route, pyrite_leases *leases,
	uint32_t lease_ms, bool wait, pyr_error *err)
{
	holdings *h = holdings_of(pyr__target_context(proxy->target));
	message *m = NULL;
	pthread_mutex_lock(&h->lock);
	bool closed = h->closed;
	pyr__held *held = closed ? NULL : take(h, route, lease_ms, &leases);
	if (held && (held->count == 1 || wait)) {
		m = new_message(held->owner);
		add_id(m, held->id);
	}
	pthread_mutex_unlock(&h->lock);
	pyrite_leases__close(leases); /* there was one */
	if (!held)
		return pyr_error_set(err, PYR_CANCELLED, "the context has been freed");
	need_timer(h);
	pyr_status status = PYR_OK;
	if (m && wait)
		status = hold_now(m, err);
	else if (m)
		send_hold(m);
	if (status)
		release(held);
	else
		pyr__target_hold(proxy->target, lease_ms, release, held);
	return status;
}

pyr_status pyr__holdings_hold(pyr_proxy *proxy, uint32_t lease_ms, bool wait, pyr_error *err)
{
	pyr__route route;
	pyrite_leases *leases;
	pyr_status status = open_leases(proxy, &leases, err);
	if (status)
		return status;
	status = pyr__target_route(
		proxy->target, PYR_BALANCE_NONE, false, PYR__DEADLINE_NONE, &route, err);
	if (status) {
		pyrite_leases__close(leases);
		return status;
	}
	status = hold_at(proxy, &route, leases, lease_ms, wait, err);
	pyr__target_release(proxy->target, &route);
	return status;
}
