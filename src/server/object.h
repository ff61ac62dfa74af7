/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a daemon: found by id and interface. */
#ifndef PYR_SERVER_OBJECT_H
#define PYR_SERVER_OBJECT_H

#include <pthread.h>
#include <stdatomic.h>
#include <pyrite/stub.h>
#include "base/map.h"
#include "base/text.h"
#include "server/statistics.h"

/* How the servants of an object come to be: see pyr_object_options. Immutable. */
typedef struct pyr__instancing {
	pyr_instances kind; /* not PYR_INSTANCES_ONE */
	pyr_status (*make)(void *self, pyr_call *call, void **ret_instance, pyr_error *err);
	void (*destroy)(void *self, void *instance);
} pyr__instancing;

/* One interface of one object. Counted: it lives while it is registered or a call runs on it. */
typedef struct pyr__object {
	atomic_uint refs;
	const pyr_interface *interface;
	const void *ops;
	void *self;
	atomic_bool any_thread;
	_Atomic(pyr__instancing *) instancing; /* NULL: self is the servant. Set at most once */
	_Atomic(void (*)(void *self)) release; /* when nothing uses it any more; may be NULL */
	struct pyr__object *next;              /* the same id's other interfaces */
	void (*on_located_release)(void *locator, const char *id, void *self);
	void *locator; /* NULL: registered */
	char id[];
} pyr__object;

/* A method by its full name, and what has become of its calls. As long as the table lives. */
typedef struct pyr__bound {
	const pyr_interface *interface;
	const pyr_method *method;
	pyr__statistics *statistics;
	char name[]; /* "demo.Calculator/Add" */
} pyr__bound;

typedef struct pyr__objects {
	pthread_mutex_t lock; /* guards the rest */
	pyr__map by_id;       /* id -> the first pyr__object */
	pyr__map by_method;   /* "demo.Calculator/Add" -> pyr__bound */
} pyr__objects;

void pyr__objects_init(pyr__objects *objects);
void pyr__objects_done(pyr__objects *objects);

/*
 * ALREADY_EXISTS if the id has this interface, unless it is to be replaced; INVALID_ARGUMENT for an
 * id that is none.
 */
pyr_status pyr__objects_add(pyr__objects *objects, const char *id, const pyr_interface *interface,
	const void *ops, void *self, bool replace, pyr_error *err);

/* One that a locator has made, and hears of when nothing uses it any more. */
pyr__object *pyr__object_new_located(const char *id, const pyr_interface *interface,
	const void *ops, void *self, void (*on_release)(void *locator, const char *id, void *self),
	void *locator);

/* Makes an interface known whose objects come later; errors as from add. */
pyr_status pyr__objects_expect(
	pyr__objects *objects, const pyr_interface *interface, pyr_error *err);

/* interface NULL: all of them. NOT_FOUND if there is none. */
pyr_status pyr__objects_configure(pyr__objects *objects, const char *id,
	const pyr_interface *interface, const pyr_object_options *options, pyr_error *err);
pyr_status pyr__objects_remove(
	pyr__objects *objects, const char *id, const pyr_interface *interface, pyr_error *err);

/*
 * The object that serves the method, with a reference. An empty id means the only object of the
 * interface. NOT_FOUND or UNIMPLEMENTED say what there is instead.
 */
pyr_status pyr__objects_find(pyr__objects *objects, pyr__text id, pyr__text method,
	const pyr__bound *bound, pyr__object **ret_object, pyr_error *err);

/*
 * The daemon's own objects have this id. They answer calls to any object id, so that who has a
 * reference to an object can ask its daemon as well.
 */
#define PYR__OBJECT_OWN "pyr.daemon"

/* As pyr__objects_add(), for an object of the daemon's own. */
void pyr__objects_add_own(
	pyr__objects *objects, const pyr_interface *interface, const void *ops, void *self);

/*
 * Writes the interfaces that objects have or had, up to room of them; returns how many there are.
 * They stay where they are as long as the program does.
 */
size_t pyr__objects_interfaces(pyr__objects *objects, const pyr_interface **to, size_t room);

/*
 * Writes the methods number first, first + 1, ... of all that objects have or had, up to room of
 * them, and returns how many it has written. They are in the order in which they came.
 */
size_t pyr__objects_methods(
	pyr__objects *objects, size_t first, const pyr__bound **to, size_t room);

/* How many ids are registered, the daemon's own left out. */
size_t pyr__objects_count(pyr__objects *objects);

/*
 * Calls visit with the first interface of up to room objects, the table locked, leaving out the
 * first `start` of them. Returns where to go on, or 0 at the end. The order changes as objects go.
 */
size_t pyr__objects_walk(pyr__objects *objects, size_t start, size_t room,
	void (*visit)(void *arg, const pyr__object *first), void *arg);

/* True for what objects may be registered under: see pyr__objects_add(). */
bool pyr__object_is_id(pyr__text id);

bool pyr__objects_has(pyr__objects *objects, pyr__text id);

/* NULL if no object with that method was ever registered. */
const pyr__bound *pyr__objects_bind(pyr__objects *objects, pyr__text method);

pyr__object *pyr__object_ref(pyr__object *object);
void pyr__object_unref(pyr__object *object);

/* For an object with instancing: what its owner has given for that. */
pyr_status pyr__object_make_instance(
	const pyr__object *object, pyr_call *call, void **ret_instance, pyr_error *err);
void pyr__object_destroy_instance(const pyr__object *object, void *instance);

#endif
