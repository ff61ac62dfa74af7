/* SPDX-License-Identifier: Apache-2.0 */
/* The object by which a daemon tells what it is and does: proto/pyrite/daemon.proto. */
#include <pyrite/daemon.pyr.h>
#include <pyrite/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "server/daemon_private.h"

#define PAGE_MAX       1000
#define INTERFACES_MAX 4096
#define METHODS_MAX    65536

struct pyr__daemon_object {
	pyr_daemon *daemon;
	int64_t began_us;
	struct timespec start_time;
};

static uint64_t uptime_us(const struct pyr__daemon_object *object)
{
	return (uint64_t)(pyr__now_us() - object->began_us);
}

static void ping(void *self, pyr_call *call, const Pyrite__PingRequest *request)
{
	Pyrite__PingReply reply = PYRITE__PING_REPLY__INIT;
	(void)self;
	(void)request;
	pyrite_daemon_ping__reply(call, &reply);
}

/* Info */

static size_t write_references(pyr_daemon *daemon, pyr_call *call, char ***ret_references)
{
	char text[PYR_REFERENCE_MAX];
	size_t count = 0;
	while (!pyr_daemon_reference(daemon, PYR__OBJECT_OWN, count, text, sizeof text, NULL))
		count++;
	char **references = pyr__arena_alloc(&call->arena, (count + 1) * sizeof *references);
	size_t written = 0;
	while (references && written < count &&
		!pyr_daemon_reference(daemon, PYR__OBJECT_OWN, written, text, sizeof text, NULL)) {
		char *copy = pyr__arena_alloc(&call->arena, strlen(text) + 1);
		if (!copy)
			break;
		references[written++] = strcpy(copy, text);
	}
	*ret_references = references;
	return written;
}

static void info(void *self, pyr_call *call, const Pyrite__InfoRequest *request)
{
	struct pyr__daemon_object *object = self;
	pyr_daemon *daemon = object->daemon;
	const pyr_interface *interfaces[INTERFACES_MAX];
	char *names[INTERFACES_MAX];
	char id[2 * sizeof daemon->session.id + 1];
	Google__Protobuf__Timestamp start = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Pyrite__InfoReply reply = PYRITE__INFO_REPLY__INIT;
	(void)request;
	for (size_t i = 0; i < sizeof daemon->session.id; i++)
		snprintf(id + 2 * i, 3, "%02x", daemon->session.id[i]);
	start.seconds = object->start_time.tv_sec;
	start.nanos = (int32_t)object->start_time.tv_nsec;
	reply.id = id;
	reply.version = PYR_VERSION;
	reply.process_id = (uint32_t)getpid();
	reply.start_time = &start;
	reply.uptime_us = uptime_us(object);
	reply.workers = daemon->options.workers;
	reply.n_references = write_references(daemon, call, &reply.references);
	size_t count = pyr__objects_interfaces(&daemon->objects, interfaces, INTERFACES_MAX);
	for (size_t i = 0; i < count && i < INTERFACES_MAX; i++)
		names[i] = (char *)interfaces[i]->name;
	reply.interfaces = names;
	reply.n_interfaces = count < INTERFACES_MAX ? count : INTERFACES_MAX;
	reply.object_count = pyr__objects_count(&daemon->objects);
	pyrite_daemon_info__reply(call, &reply);
}

/* Objects */

/* A page that grows while the table of objects is locked. */
typedef struct page {
	Pyrite__RegisteredObject *objects;
	size_t count, room;
} page;

static void add_object(void *arg, const pyr__object *first)
{
	page *p = arg;
	size_t interfaces = 0;
	Pyrite__RegisteredObject *object = &p->objects[p->count++];
	pyrite__registered_object__init(object);
	for (const pyr__object *o = first; o; o = o->next)
		interfaces++;
	object->id = pyr__strdup(first->id);
	object->interfaces = pyr__alloc(interfaces * sizeof *object->interfaces);
	for (const pyr__object *o = first; o; o = o->next)
		object->interfaces[object->n_interfaces++] = (char *)o->interface->name;
}

static void free_page(page *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->objects[i].id);
		free(p->objects[i].interfaces);
	}
	free(p->objects);
}

static void list_objects(void *self, pyr_call *call, const Pyrite__ListObjectsRequest *request)
{
	struct pyr__daemon_object *object = self;
	Pyrite__ListObjectsReply reply = PYRITE__LIST_OBJECTS_REPLY__INIT;
	Pyrite__RegisteredObject *objects[PAGE_MAX];
	page p = {.room = request->limit};
	if (p.room == 0 || p.room > PAGE_MAX)
		p.room = PAGE_MAX;
	p.objects = pyr__alloc(p.room * sizeof *p.objects);
	reply.next =
		pyr__objects_walk(&object->daemon->objects, request->start, p.room, add_object, &p);
	for (size_t i = 0; i < p.count; i++)
		objects[i] = &p.objects[i];
	reply.objects = objects;
	reply.n_objects = p.count;
	pyrite_daemon_list_objects__reply(call, &reply);
	free_page(&p);
}

/* Statistics */

/* Copies what is counted, without the zeros at the end; returns how many are left. */
static size_t copy_counts(uint64_t *to, const atomic_uint_fast64_t *from, size_t count)
{
	size_t used = 0;
	for (size_t i = 0; i < count; i++) {
		to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
		if (to[i])
			used = i + 1;
	}
	return used;
}

/* One method, with the room for its counts. */
typedef struct row {
	Pyrite__MethodStatistics message;
	uint64_t ended[PYR__STATUSES];
	uint64_t latency[PYR__LATENCY_SLOTS];
} row;

static void fill_row(row *r, const pyr__bound *bound)
{
	const pyr__statistics *s = bound->statistics;
	pyrite__method_statistics__init(&r->message);
	r->message.method = (char *)bound->name;
	r->message.ended = r->ended;
	r->message.n_ended = copy_counts(r->ended, s->ended, PYR__STATUSES);
	r->message.latency = r->latency;
	r->message.n_latency = copy_counts(r->latency, s->latency, PYR__LATENCY_SLOTS);
	r->message.total_us = atomic_load_explicit(&s->total_us, memory_order_relaxed);
	/* last, so that never more have ended than began */
	r->message.began = atomic_load_explicit(&s->began, memory_order_relaxed);
}

static bool is_asked_for(const pyr__bound *bound, const char *prefix)
{
	return strncmp(bound->name, prefix, strlen(prefix)) == 0 &&
	       atomic_load_explicit(&bound->statistics->began, memory_order_relaxed) > 0;
}

static void add_methods(
	pyr_daemon *daemon, const char *prefix, Pyrite__GetStatisticsReply *reply, row **ret_rows)
{
	const pyr__bound **bounds = pyr__alloc(METHODS_MAX * sizeof *bounds);
	size_t count = pyr__objects_methods(&daemon->objects, 0, bounds, METHODS_MAX), used = 0;
	for (size_t i = 0; i < count; i++)
		if (is_asked_for(bounds[i], prefix))
			bounds[used++] = bounds[i];
	row *rows = pyr__alloc((used + 1) * sizeof *rows);
	reply->methods = pyr__alloc((used + 1) * sizeof *reply->methods);
	for (size_t i = 0; i < used; i++) {
		fill_row(&rows[i], bounds[i]);
		reply->methods[reply->n_methods++] = &rows[i].message;
	}
	free(bounds);
	*ret_rows = rows;
}

static void get_statistics(void *self, pyr_call *call, const Pyrite__GetStatisticsRequest *request)
{
	struct pyr__daemon_object *object = self;
	pyr_daemon *daemon = object->daemon;
	Pyrite__GetStatisticsReply reply = PYRITE__GET_STATISTICS_REPLY__INIT;
	row *rows;
	reply.uptime_us = uptime_us(object);
	reply.running = atomic_load(&daemon->running);
	reply.waiting = daemon->pool ? pyr__pool_waiting(daemon->pool) : 0;
	reply.connections = atomic_load(&daemon->conn_count);
	reply.connections_accepted = atomic_load(&daemon->conns_accepted);
	reply.connections_refused = atomic_load(&daemon->conns_refused);
	reply.queued_bytes = atomic_load(&daemon->queued_total);
	reply.unknown_methods = atomic_load(&daemon->unknown.began);
	add_methods(daemon, request->prefix, &reply, &rows);
	pyrite_daemon_get_statistics__reply(call, &reply);
	free(reply.methods);
	free(rows);
}

struct pyr__daemon_object *pyr__daemon_object_new(pyr_daemon *daemon)
{
	static const pyrite_daemon_ops ops = {
		.ping = ping,
		.info = info,
		.list_objects = list_objects,
		.get_statistics = get_statistics,
	};
	struct pyr__daemon_object *object = pyr__zalloc(sizeof *object);
	object->daemon = daemon;
	object->began_us = pyr__now_us();
	clock_gettime(CLOCK_REALTIME, &object->start_time);
	pyr__objects_add_own(&daemon->objects, &pyrite_daemon__interface, &ops, object);
	return object;
}
