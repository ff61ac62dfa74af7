/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a daemon. */
#include "server/object.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/utf8.h"

void pyr__objects_init(pyr__objects *objects)
{
	pthread_mutex_init(&objects->lock, NULL);
	pyr__map_init(&objects->by_id);
	pyr__map_init(&objects->by_method);
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
	pthread_mutex_destroy(&objects->lock);
}

pyr__object *pyr__object_ref(pyr__object *object)
{
	atomic_fetch_add_explicit(&object->refs, 1, memory_order_relaxed);
	return object;
}

void pyr__object_unref(pyr__object *object)
{
	if (!object || atomic_fetch_sub_explicit(&object->refs, 1, memory_order_acq_rel) != 1)
		return;
	void (*release)(void *self) = atomic_load(&object->release);
	if (release)
		release(object->self);
	if (object->locator)
		object->on_located_release(object->locator, object->id, object->self);
	free(atomic_load(&object->instancing));
	free(object);
}

pyr_status pyr__object_make_instance(
	const pyr__object *object, pyr_call *call, void **ret_instance, pyr_error *err)
{
	const pyr__instancing *instancing = atomic_load(&object->instancing);
	*ret_instance = NULL;
	return instancing->make(object->self, call, ret_instance, err);
}

void pyr__object_destroy_instance(const pyr__object *object, void *instance)
{
	const pyr__instancing *instancing = atomic_load(&object->instancing);
	if (instancing->destroy)
		instancing->destroy(object->self, instance);
}

static pyr_status check_id(const char *id, pyr_error *err)
{
	size_t size = strlen(id);
	if (size == 0 || size > PYR_OBJECT_ID_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"an object id has 1 to %d bytes, this one has %zu", PYR_OBJECT_ID_MAX,
			size);
	size_t bad = pyr__utf8_valid_bytes(id, size);
	if (bad < size)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"an object id is UTF-8; byte %zu of this one is not", bad + 1);
	if (strncmp(id, "pyr.", 4) == 0)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"object ids that begin with 'pyr.' are reserved: '%s'", id);
	return PYR_OK;
}

bool pyr__object_is_id(pyr__text id)
{
	return id.size > 0 && id.size <= PYR_OBJECT_ID_MAX && !memchr(id.data, '\0', id.size) &&
	       pyr__utf8_valid_bytes(id.data, id.size) == id.size &&
	       (id.size < 4 || memcmp(id.data, "pyr.", 4) != 0);
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

static pyr__object *new_object(
	const char *id, const pyr_interface *interface, const void *ops, void *self)
{
	size_t size = strlen(id);
	pyr__object *object = pyr__alloc(sizeof *object + size + 1);
	atomic_init(&object->refs, 1);
	object->interface = interface;
	object->ops = ops;
	object->self = self;
	atomic_init(&object->any_thread, false);
	atomic_init(&object->instancing, NULL);
	atomic_init(&object->release, NULL);
	object->on_located_release = NULL;
	object->locator = NULL;
	object->next = NULL;
	memcpy(object->id, id, size + 1);
	return object;
}

pyr__object *pyr__object_new_located(const char *id, const pyr_interface *interface,
	const void *ops, void *self, void (*on_release)(void *locator, const char *id, void *self),
	void *locator)
{
	pyr__object *object = new_object(id, interface, ops, self);
	object->on_located_release = on_release;
	object->locator = locator;
	return object;
}

pyr_status pyr__objects_expect(
	pyr__objects *objects, const pyr_interface *interface, pyr_error *err)
{
	pthread_mutex_lock(&objects->lock);
	pyr_status status = check_table(objects, interface, err);
	if (status == PYR_OK)
		bind_methods(objects, interface);
	pthread_mutex_unlock(&objects->lock);
	return status;
}

/* Lock held. Takes the object with this interface out of the id's chain; NULL: there is none. */
static pyr__object *take_out(pyr__objects *objects, const char *id, const pyr_interface *interface)
{
	/* the map's key lies in the first object, so that is taken out before it may go */
	pyr__object *first = pyr__map_remove(&objects->by_id, id, strlen(id));
	pyr__object **at = &first;
	while (*at && (*at)->interface != interface)
		at = &(*at)->next;
	pyr__object *taken = *at;
	if (taken) {
		*at = taken->next;
		taken->next = NULL;
	}
	if (first)
		pyr__map_insert(&objects->by_id, first->id, strlen(first->id), first);
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
	pthread_mutex_lock(&objects->lock);
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
		put_in(objects, new_object(id, interface, ops, self));
	}
	pthread_mutex_unlock(&objects->lock);
	pyr__object_unref(old); /* which may run what is the user's */
	return status;
}

static pyr_status none_registered(const char *id, const pyr_interface *interface, pyr_error *err)
{
	return pyr_error_set(err, PYR_NOT_FOUND, "no object '%s'%s%s is registered", id,
		interface ? " with the interface " : "", interface ? interface->name : "");
}

static bool has_instancing(const pyr__object *object, const pyr_object_options *options)
{
	const pyr__instancing *has = atomic_load(&object->instancing);
	if (!has)
		return options->instances == PYR_INSTANCES_ONE;
	return has->kind == options->instances && has->make == options->make &&
	       has->destroy == options->destroy;
}

/* Lock held. */
static pyr_status set_instancing(
	pyr__object *object, const pyr_object_options *options, pyr_error *err)
{
	if (has_instancing(object, options))
		return PYR_OK;
	if (atomic_load(&object->instancing))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"how instances of the object '%s' are made has been said already",
			object->id);
	pyr__instancing *instancing = pyr__alloc(sizeof *instancing);
	*instancing = (pyr__instancing){options->instances, options->make, options->destroy};
	atomic_store(&object->instancing, instancing);
	return PYR_OK;
}

static pyr_status check_options(const pyr_object_options *options, pyr_error *err)
{
	if ((unsigned)options->instances > PYR_INSTANCES_CALL)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "there is no instance mode %d",
			(int)options->instances);
	if (options->instances != PYR_INSTANCES_ONE && !options->make)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"instances for each session or call need a function that makes them");
	return PYR_OK;
}

pyr_status pyr__objects_configure(pyr__objects *objects, const char *id,
	const pyr_interface *interface, const pyr_object_options *options, pyr_error *err)
{
	bool found = false;
	pyr_status status = check_options(options, err);
	if (status)
		return status;
	pthread_mutex_lock(&objects->lock);
	pyr__object *object = pyr__map_find(&objects->by_id, id, strlen(id));
	for (; object && status == PYR_OK; object = object->next) {
		if (interface && object->interface != interface)
			continue;
		found = true;
		status = set_instancing(object, options, err);
		if (status == PYR_OK) {
			atomic_store(&object->any_thread, options->any_thread);
			atomic_store(&object->release, options->release);
		}
	}
	pthread_mutex_unlock(&objects->lock);
	if (status)
		return status;
	return found ? PYR_OK : none_registered(id, interface, err);
}

pyr_status pyr__objects_add(pyr__objects *objects, const char *id, const pyr_interface *interface,
	const void *ops, void *self, bool replace, pyr_error *err)
{
	pyr_status status = check_id(id, err);
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
	pthread_mutex_lock(&objects->lock);
	for (uint32_t i = 0; i < objects->by_method.count; i++) {
		/* nothing is ever removed, so the methods of an interface are side by side */
		const pyr__bound *bound = objects->by_method.entries[i].value;
		if (bound->interface == last)
			continue;
		last = bound->interface;
		if (count++ < room)
			to[count - 1] = last;
	}
	pthread_mutex_unlock(&objects->lock);
	return count;
}

static bool is_own(const pyr__object *object)
{
	return strcmp(object->id, PYR__OBJECT_OWN) == 0;
}

size_t pyr__objects_count(pyr__objects *objects)
{
	pthread_mutex_lock(&objects->lock);
	size_t count = objects->by_id.count;
	if (pyr__map_find(&objects->by_id, PYR__OBJECT_OWN, sizeof PYR__OBJECT_OWN - 1))
		count--;
	pthread_mutex_unlock(&objects->lock);
	return count;
}

size_t pyr__objects_walk(pyr__objects *objects, size_t start, size_t room,
	void (*visit)(void *arg, const pyr__object *first), void *arg)
{
	size_t at = start;
	pthread_mutex_lock(&objects->lock);
	for (size_t visited = 0; at < objects->by_id.count && visited < room; at++) {
		const pyr__object *first = objects->by_id.entries[at].value;
		if (is_own(first))
			continue;
		visit(arg, first);
		visited++;
	}
	if (at >= objects->by_id.count)
		at = 0;
	pthread_mutex_unlock(&objects->lock);
	return at;
}

size_t pyr__objects_methods(pyr__objects *objects, size_t first, const pyr__bound **to, size_t room)
{
	size_t count = 0;
	pthread_mutex_lock(&objects->lock);
	/* nothing is ever removed, so numbers stay what they are */
	while (count < room && first + count < objects->by_method.count) {
		to[count] = objects->by_method.entries[first + count].value;
		count++;
	}
	pthread_mutex_unlock(&objects->lock);
	return count;
}

pyr_status pyr__objects_remove(
	pyr__objects *objects, const char *id, const pyr_interface *interface, pyr_error *err)
{
	size_t size = strlen(id);
	pyr__object *removed = NULL;
	pthread_mutex_lock(&objects->lock);
	/* the map's key lies in the first object, so that is taken out before it may go */
	pyr__object *first = pyr__map_remove(&objects->by_id, id, size);
	pyr__object **at = &first;
	while (*at) {
		pyr__object *object = *at;
		if (interface && object->interface != interface) {
			at = &object->next;
			continue;
		}
		*at = object->next;
		object->next = removed;
		removed = object;
	}
	if (first)
		pyr__map_insert(&objects->by_id, first->id, size, first);
	pthread_mutex_unlock(&objects->lock);
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
static pyr__object *with_interface(pyr__object *first, const pyr_interface *interface)
{
	while (first && first->interface != interface)
		first = first->next;
	return first;
}

pyr_status pyr__objects_find(pyr__objects *objects, pyr__text id, pyr__text method,
	const pyr__bound *bound, pyr__object **ret_object, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pyr__object *found = NULL;
	pthread_mutex_lock(&objects->lock);
	if (id.size == 0) {
		status = find_only(objects, interface_of(method), &found, err);
	} else {
		pyr__object *first = pyr__map_find(&objects->by_id, id.data, id.size);
		found = bound ? with_interface(first, bound->interface) : NULL;
		if (!found && bound)
			found = with_interface(pyr__map_find(&objects->by_id, PYR__OBJECT_OWN,
						       sizeof PYR__OBJECT_OWN - 1),
				bound->interface);
		if (!found)
			status = explain(first, id, method, err);
	}
	if (status == PYR_OK && !bound)
		status = explain(found, id, method, err);
	if (status == PYR_OK)
		*ret_object = pyr__object_ref(found);
	pthread_mutex_unlock(&objects->lock);
	return status;
}

bool pyr__objects_has(pyr__objects *objects, pyr__text id)
{
	pthread_mutex_lock(&objects->lock);
	bool has = pyr__map_find(&objects->by_id, id.data, id.size) != NULL;
	pthread_mutex_unlock(&objects->lock);
	return has;
}

const pyr__bound *pyr__objects_bind(pyr__objects *objects, pyr__text method)
{
	pthread_mutex_lock(&objects->lock);
	const pyr__bound *bound = pyr__map_find(&objects->by_method, method.data, method.size);
	pthread_mutex_unlock(&objects->lock);
	return bound;
}
