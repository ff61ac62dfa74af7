/* SPDX-License-Identifier: Apache-2.0 */
/* The object by which a daemon tells what it is and does: proto/pyrite/daemon.proto. */
#include <pyrite/daemon.pyr.h>
#include <pyrite/version.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/clock.h"
#include "server/daemon_private.h"
#include "server/snapshot.h"

#define PAGE_MAX       1000
#define INTERFACES_MAX 4096

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
	pyr_daemon *daemon = self;
	const pyr_interface *interfaces[INTERFACES_MAX];
	char *names[INTERFACES_MAX];
	char id[2 * sizeof daemon->session.id + 1];
	Google__Protobuf__Timestamp start = GOOGLE__PROTOBUF__TIMESTAMP__INIT;
	Pyrite__InfoReply reply = PYRITE__INFO_REPLY__INIT;
	(void)request;
	for (size_t i = 0; i < sizeof daemon->session.id; i++)
		snprintf(id + 2 * i, 3, "%02x", daemon->session.id[i]);
	start.seconds = daemon->start_time.tv_sec;
	start.nanos = (int32_t)daemon->start_time.tv_nsec;
	reply.id = id;
	reply.version = PYR_VERSION;
	reply.process_id = (uint32_t)getpid();
	reply.start_time = &start;
	reply.uptime_us = (uint64_t)(pyr__now_us() - daemon->began_us);
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
	Pyrite__ListObjectsReply reply = PYRITE__LIST_OBJECTS_REPLY__INIT;
	Pyrite__RegisteredObject *objects[PAGE_MAX];
	page p = {.room = request->limit};
	if (p.room == 0 || p.room > PAGE_MAX)
		p.room = PAGE_MAX;
	p.objects = pyr__alloc(p.room * sizeof *p.objects);
	reply.next = pyr__objects_walk(
		&((pyr_daemon *)self)->objects, request->start, p.room, add_object, &p);
	for (size_t i = 0; i < p.count; i++)
		objects[i] = &p.objects[i];
	reply.objects = objects;
	reply.n_objects = p.count;
	pyrite_daemon_list_objects__reply(call, &reply);
	free_page(&p);
}

static void get_statistics(void *self, pyr_call *call, const Pyrite__GetStatisticsRequest *request)
{
	pyr__snapshot *snapshot = pyr__snapshot_take(self, request->prefix);
	pyrite_daemon_get_statistics__reply(call, &snapshot->all);
	pyr__snapshot_free(snapshot);
}

void pyr__daemon_object_add(pyr_daemon *daemon)
{
	static const pyrite_daemon_ops ops = {
		.ping = ping,
		.info = info,
		.list_objects = list_objects,
		.get_statistics = get_statistics,
	};
	pyr__objects_add_own(&daemon->objects, &pyrite_daemon__interface, &ops, daemon);
}
