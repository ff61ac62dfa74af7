/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a daemon. */
#include "server/objects.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

void pyr__objects_init(pyr__objects *objects)
{
	pyr__mutex_init(&objects->lock);
	pyr__map_init(&objects->by_id);
	pyr__map_init(&objects->by_method);
	memset(objects->recent, 0, sizeof objects->recent);
	for (size_t i = 0; i < PYR__METHODS_RECENT; i++)
		atomic_init(&objects->recent_methods[i], NULL);
}

_Static_assert(PYR__OBJECTS_RECENT == 256, "a byte of a hash is the place");

/*
 * Where an object with this id is kept, once it has been found: ids mostly differ at their ends. It
 * only saves the way through the map, so that who chooses ids to meet in one place gains nothing.
 */
static pyr__recent *recent_of(pyr__objects *objects, const char *id, size_t size)
{
	uint64_t end = 0;
	if (size >= sizeof end)
		memcpy(&end, id + size - sizeof end, sizeof end);
	else
		memcpy(&end, id, size);
	end = (end ^ size) * 0x9e3779b97f4a7c15;
	return &objects->recent[end >> 56]; /* the only bits that all characters have a part in */
}

/* Lock held. */
static void forget_recent(pyr__objects *objects, const char *id, size_t size)
{
	pyr__recent *recent = recent_of(objects, id, size);
	recent->objects[0] = recent->objects[1] = NULL;
}

static void free_chain(pyr__object *object)
{
	while (object) {
		pyr__object *next = object->next;
		pyr__object_unref(object);
		object = next;
	}
}

static void free_bound(pyr__bound *bound)
{
	free(bound->statistics);
	free(bound);
}

void pyr__objects_done(pyr__objects *objects)
{
	for (uint32_t i = 0; i < objects->by_id.count; i++)
		free_chain(objects->by_id.entries[i].value);
	for (uint32_t i = 0; i < objects->by_method.count; i++)
		free_bound(objects->by_method.entries[i].value);
	pyr__map_done(&objects->by_id);
	pyr__map_done(&objects->by_method);
}

static void bind_methods(pyr__objects *objects, const pyr_interface *interface)
{
	for (uint32_t i = 0; i < interface->method_count; i++) {
		size_t size = strlen(interface->name) + 1 + strlen(interface->methods[i].name);
		pyr__bound *bound = pyr__alloc(sizeof *bound + size + 1);
		bound->statistics = pyr__zalloc(sizeof *bound->statistics);
		sprintf(bound->name, "%s/%s", interface->name, interface->methods[i].name);
		bound->interface = interface;
		bound->method = &interface->methods[i];
		if (!pyr__map_insert(&objects->by_method, bound->name, size, bound)) {
			free_bound(bound); /* the interface has been here before */
			return;
		}
	}
}

/* Lock held. A second table of one name could not be told from the first by callers. */
static pyr_status check_table(pyr__objects *objects, const pyr_interface *interface, pyr_error *err)
{
	char name[512];
	if (interface->method_count == 0)
		return PYR_OK;
	snprintf(name, sizeof name, "%s/%s", interface->name, interface->methods[0].name);
	const pyr__bound *bound = pyr__map_find(&objects->by_method, name, strlen(name));
	if (!bound || bound->interface == interface)
		return PYR_OK;
	const pyr__object *own =
		pyr__map_find(&objects->by_id, PYR__OBJECT_OWN, sizeof PYR__OBJECT_OWN - 1);
	for (; own; own = own->next)
		if (own->interface == bound->interface)
			return pyr_error_set(err, PYR_ALREADY_EXISTS,
				"the daemon serves %s itself, unless its options say no",
				interface->name);
	return pyr_error_set(err, PYR_FAILED_PRECONDITION,
		"%s has been registered with another table: this program has its generated code "
		"twice",
		interface->name);
}

pyr_status pyr__objects_expect(
	pyr__objects *objects, const pyr_interface *interface, pyr_error *err)
{
	pyr__mutex_lock(&objects->lock);
	pyr_status status = check_table(objects, interface, err);
	if (status == PYR_OK)
		bind_methods(objects, interface);
	pyr__mutex_unlock(&objects->lock);
	return status;
}

/*
 * Lock held. Takes the object with this interface out of the id's chain, or all with NULL; returns
 * a chain of those, or NULL: there is none.
 */
static pyr__object *take_out(pyr__objects *objects, const char *id, const pyr_interface *interface)
{
	size_t size = strlen(id);
	pyr__object *taken = NULL;
	/* the map's key lies in the first object, so that is taken out before it may go */
	pyr__object *first = pyr__map_remove(&objects->by_id, id, size);
	forget_recent(objects, id, size);
	pyr__object **at = &first;
	while (*at) {
		pyr__object *object = *at;
		if (interface && object->interface != interface) {
			at = &object->next;
			continue;
		}
		*at = object->next;
		object->next = taken;
		taken = object;
	}
	if (first)
		pyr__map_insert(&objects->by_id, first->id, size, first);
	return taken;
}

/* Lock held. */
static void put_in(pyr__objects *objects, pyr__object *object)
{
	pyr__object *first = pyr__map_find(&objects->by_id, object->id, strlen(object->id));
	if (first) {
		object->next = first->next;
		first->next = object;
	} else {
		pyr__map_insert(&objects->by_id, object->id, strlen(object->id), object);
	}
	bind_methods(objects, object->interface);
}

static pyr_status add(pyr__objects *objects, const char *id, const pyr_interface *interface,
	const void *ops, void *self, bool replace, pyr_error *err)
{
	pyr__object *old = NULL;
	pyr__mutex_lock(&objects->lock);
	pyr_status status = check_table(objects, interface, err);
	if (status == PYR_OK)
		old = take_out(objects, id, interface);
	if (old && !replace) {
		status = pyr_error_set(err, PYR_ALREADY_EXISTS,
			"an object '%s' with the interface %s is registered already", id,
			interface->name);
		put_in(objects, old);
		old = NULL;
	} else if (status == PYR_OK) {
		put_in(objects, pyr__object_new(id, interface, ops, self));
	}
	pyr__mutex_unlock(&objects->lock);
	pyr__object_unref(old); /* which may run what is the user's */
	return status;
}

static pyr_status none_registered(const char *id, const pyr_interface *interface, pyr_error *err)
{
	return pyr_error_set(err, PYR_NOT_FOUND, "no object '%s'%s%s is registered", id,
		interface ? " with the interface " : "", interface ? interface->name : "");
}

pyr_status pyr__objects_configure(pyr__objects *objects, const char *id,
	const pyr_interface *interface, const pyr_object_options *options, pyr_error *err)
{
	bool found = false;
	pyr_status status = pyr__object_check_options(options, err);
	if (status)
		return status;
	pyr__mutex_lock(&objects->lock);
	pyr__object *object = pyr__map_find(&objects->by_id, id, strlen(id));
	for (; object && status == PYR_OK; object = object->next) {
		if (interface && object->interface != interface)
			continue;
		found = true;
		status = pyr__object_configure(object, options, err);
	}
	pyr__mutex_unlock(&objects->lock);
	if (status)
		return status;
	return found ? PYR_OK : none_registered(id, interface, err);
}

pyr_status pyr__objects_add(pyr__objects *objects, const char *id, const pyr_interface *interface,
	const void *ops, void *self, bool replace, pyr_error *err)
{
	pyr_status status = pyr__object_check_id(id, err);
	return status ? status : add(objects, id, interface, ops, self, replace, err);
}

void pyr__objects_add_own(
	pyr__objects *objects, const pyr_interface *interface, const void *ops, void *self)
{
	pyr_status status = add(objects, PYR__OBJECT_OWN, interface, ops, self, false, NULL);
	(void)status; /* they are the first, so nothing is there already */
}

size_t pyr__objects_interfaces(pyr__objects *objects, const pyr_interface **to, size_t room)
{
	size_t count = 0;
	const pyr_interface *last = NULL;
	pyr__mutex_lock(&objects->lock);
	for (uint32_t i = 0; i < objects->by_method.count; i++) {
		/* nothing is ever removed, so the methods of an interface are side by side */
		const pyr__bound *bound = objects->by_method.entries[i].value;
		if (bound->interface == last)
			continue;
		last = bound->interface;
		if (count++ < room)
			to[count - 1] = last;
	}
	pyr__mutex_unlock(&objects->lock);
	return count;
}

static bool is_own(const pyr__object *object)
{
	return strcmp(object->id, PYR__OBJECT_OWN) == 0;
}

size_t pyr__objects_count(pyr__objects *objects)
{
	pyr__mutex_lock(&objects->lock);
	size_t count = objects->by_id.count;
	if (pyr__map_find(&objects->by_id, PYR__OBJECT_OWN, sizeof PYR__OBJECT_OWN - 1))
		count--;
	pyr__mutex_unlock(&objects->lock);
	return count;
}

size_t pyr__objects_walk(pyr__objects *objects, size_t start, size_t room,
	void (*visit)(void *arg, const pyr__object *first), void *arg)
{
	size_t at = start;
	pyr__mutex_lock(&objects->lock);
	for (size_t visited = 0; at < objects->by_id.count && visited < room; at++) {
		const pyr__object *first = objects->by_id.entries[at].value;
		if (is_own(first))
			continue;
		visit(arg, first);
		visited++;
	}
	if (at >= objects->by_id.count)
		at = 0;
	pyr__mutex_unlock(&objects->lock);
	return at;
}

size_t pyr__objects_methods(pyr__objects *objects, size_t first, const pyr__bound **to, size_t room)
{
	size_t count = 0;
	pyr__mutex_lock(&objects->lock);
	/* nothing is ever removed, so numbers stay what they are */
	while (count < room && first + count < objects->by_method.count) {
		to[count] = objects->by_method.entries[first + count].value;
		count++;
	}
	pyr__mutex_unlock(&objects->lock);
	return count;
}

pyr_status pyr__objects_remove(
	pyr__objects *objects, const char *id, const pyr_interface *interface, pyr_error *err)
{
	pyr__mutex_lock(&objects->lock);
	pyr__object *removed = take_out(objects, id, interface);
	pyr__mutex_unlock(&objects->lock);
	if (!removed)
		return none_registered(id, interface, err);
	free_chain(removed);
	return PYR_OK;
}

/* The part of "demo.Calculator/Add" before the slash. */
static pyr__text interface_of(pyr__text method)
{
	const char *slash = memchr(method.data, '/', method.size);
	return (pyr__text){method.data, slash ? (size_t)(slash - method.data) : method.size};
}

static bool has_name(const pyr_interface *interface, pyr__text name)
{
	return strlen(interface->name) == name.size &&
	       memcmp(interface->name, name.data, name.size) == 0;
}

#define CANDIDATES_MAX 8

/*
 * Lock held. The only object of the interface; NOT_FOUND with the candidates if there are several,
 * and UNIMPLEMENTED, as gRPC has it for an unknown service, if there is none.
 */
static pyr_status find_only(
	pyr__objects *objects, pyr__text interface, pyr__object **ret_object, pyr_error *err)
{
	char names[PYR_OBJECT_ID_MAX + 64] = "";
	size_t used = 0, count = 0;
	pyr__object *found = NULL;
	for (uint32_t i = 0; i < objects->by_id.count; i++) {
		for (pyr__object *o = objects->by_id.entries[i].value; o; o = o->next) {
			if (!has_name(o->interface, interface))
				continue;
			found = o;
			/* as many as there is room for: none is cut */
			if (count++ < CANDIDATES_MAX && used + strlen(o->id) + 5 <= sizeof names)
				used += (size_t)sprintf(
					names + used, "%s'%s'", used ? ", " : "", o->id);
		}
	}
	*ret_object = found;
	if (count == 1)
		return PYR_OK;
	if (count == 0)
		return pyr_error_set(err, PYR_UNIMPLEMENTED,
			"no object here has the interface %.*s", (int)interface.size,
			interface.data);
	return pyr_error_set(err, PYR_NOT_FOUND,
		"the call names no object, and %zu have the interface %.*s: %s", count,
		(int)interface.size, interface.data, names);
}

/* Lock held. */
static pyr__object *with_interface(pyr__object *first, const pyr_interface *interface)
{
	while (first && first->interface != interface)
		first = first->next;
	return first;
}

bool pyr__objects_is_own(pyr__objects *objects, const pyr_interface *interface)
{
	pyr__mutex_lock(&objects->lock);
	pyr__object *first =
		pyr__map_find(&objects->by_id, PYR__OBJECT_OWN, sizeof PYR__OBJECT_OWN - 1);
	bool own = with_interface(first, interface) != NULL;
	pyr__mutex_unlock(&objects->lock);
	return own;
}

/* Lock held. Why no interface of this object will do. */
static pyr_status explain(pyr__object *first, pyr__text id, pyr__text method, pyr_error *err)
{
	pyr__text interface = interface_of(method);
	if (!first)
		return pyr_error_set(
			err, PYR_NOT_FOUND, "no object '%.*s' here", (int)id.size, id.data);
	for (pyr__object *o = first; o; o = o->next)
		if (has_name(o->interface, interface))
			return pyr_error_set(err, PYR_UNIMPLEMENTED,
				"the object '%s' has no method %.*s", o->id, (int)method.size,
				method.data);
	return pyr_error_set(err, PYR_UNIMPLEMENTED,
		"the object '%s' has the interface %s%s, not %.*s", first->id,
		first->interface->name, first->next ? " and others" : "", (int)interface.size,
		interface.data);
}

/* Lock held. */
static pyr__object *find_recent(const pyr__recent *recent, pyr__text id, const pyr__bound *bound)
{
	for (int i = 0; bound && i < 2; i++) {
		pyr__object *object = recent->objects[i];
		if (object && object->interface == bound->interface && object->id_size == id.size &&
			memcmp(object->id, id.data, id.size) == 0)
			return object;
	}
	return NULL;
}

/* Lock held. */
static void note_recent(pyr__recent *recent, pyr__object *object)
{
	recent->objects[1] = recent->objects[0];
	recent->objects[0] = object;
}

/* Lock held. */
static pyr_status find_by_id(pyr__objects *objects, pyr__text id, pyr__text method,
	const pyr__bound *bound, pyr__object **ret_object, pyr_error *err)
{
	pyr__recent *recent = recent_of(objects, id.data, id.size);
	*ret_object = find_recent(recent, id, bound);
	if (*ret_object)
		return PYR_OK;
	pyr__object *first = pyr__map_find(&objects->by_id, id.data, id.size);
	*ret_object = bound ? with_interface(first, bound->interface) : NULL;
	if (*ret_object)
		note_recent(recent, *ret_object);
	else if (bound)
		*ret_object = with_interface(
			pyr__map_find(&objects->by_id, PYR__OBJECT_OWN, sizeof PYR__OBJECT_OWN - 1),
			bound->interface);
	return *ret_object ? PYR_OK : explain(first, id, method, err);
}

pyr_status pyr__objects_find(pyr__objects *objects, pyr__text id, pyr__text method,
	const pyr__bound *bound, pyr__object **ret_object, pyr_error *err)
{
	pyr_status status;
	pyr__object *found = NULL;
	pyr__mutex_lock(&objects->lock);
	if (id.size == 0)
		status = find_only(objects, interface_of(method), &found, err);
	else
		status = find_by_id(objects, id, method, bound, &found, err);
	if (status == PYR_OK && !bound)
		status = explain(found, id, method, err);
	if (status == PYR_OK)
		*ret_object = pyr__object_ref(found);
	pyr__mutex_unlock(&objects->lock);
	return status;
}

bool pyr__objects_has(pyr__objects *objects, pyr__text id)
{
	pyr__mutex_lock(&objects->lock);
	bool has = pyr__map_find(&objects->by_id, id.data, id.size) != NULL;
	pyr__mutex_unlock(&objects->lock);
	return has;
}

const pyr__bound *pyr__objects_bind(pyr__objects *objects, pyr__text method)
{
	pyr__mutex_lock(&objects->lock);
	const pyr__bound *bound = pyr__map_find(&objects->by_method, method.data, method.size);
	pyr__mutex_unlock(&objects->lock);
	return bound;
}

/* What a table's entry stands for never changes, so what is bound once to the same one stays. */
const pyr__bound *pyr__objects_bind_entry(
	pyr__objects *objects, pyr__text method, const void *entry)
{
	_Atomic(const pyr__bound *) *slot =
		&objects->recent_methods[(uintptr_t)entry / sizeof(pyr_method) %
					 PYR__METHODS_RECENT];
	const pyr__bound *bound = atomic_load_explicit(slot, memory_order_acquire);
	if (bound && bound->method == entry)
		return bound;
	bound = pyr__objects_bind(objects, method);
	if (bound && bound->method == entry)
		atomic_store_explicit(slot, bound, memory_order_release);
	return bound;
}
