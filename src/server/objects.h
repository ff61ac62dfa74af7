/* SPDX-License-Identifier: Apache-2.0 */
/* The objects of a daemon: found by id and interface. */
#ifndef PYR_SERVER_OBJECTS_H
#define PYR_SERVER_OBJECTS_H

#include "base/map.h"
#include "base/mutex.h"
#include "server/object.h"
#include "server/statistics.h"

/* A method by its full name, and what has become of its calls. As long as the table lives. */
typedef struct pyr__bound {
	const pyr_interface *interface;
	const pyr_method *method;
	pyr__statistics *statistics;
	char name[]; /* "demo.Calculator/Add" */
} pyr__bound;

#define PYR__OBJECTS_RECENT 256
#define PYR__METHODS_RECENT 64

/* The two objects whose ids end alike that were found last, each by its own id and interface. */
typedef struct pyr__recent {
	pyr__object *objects[2]; /* NULL: none; they are registered */
} pyr__recent;

typedef struct pyr__objects {
	/* by where the table's entry lies; any thread, no lock */
	_Atomic(const pyr__bound *) recent_methods[PYR__METHODS_RECENT];
	pyr__mutex lock;                         /* guards the rest */
	pyr__map by_id;                          /* id -> the first pyr__object */
	pyr__map by_method;                      /* "demo.Calculator/Add" -> pyr__bound */
	pyr__recent recent[PYR__OBJECTS_RECENT]; /* by the end of the id */
} pyr__objects;

void pyr__objects_init(pyr__objects *objects);
void pyr__objects_done(pyr__objects *objects);

/*
 * ALREADY_EXISTS if the id has this interface, unless it is to be replaced; INVALID_ARGUMENT for an
 * id that is none.
 */
pyr_status pyr__objects_add(pyr__objects *objects, const char *id, const pyr_interface *interface,
	const void *ops, void *self, bool replace, pyr_error *err);

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

/* True if the daemon itself serves the interface. */
bool pyr__objects_is_own(pyr__objects *objects, const pyr_interface *interface);

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

bool pyr__objects_has(pyr__objects *objects, pyr__text id);

/* NULL if no object with that method was ever registered. */
const pyr__bound *pyr__objects_bind(pyr__objects *objects, pyr__text method);

/* The same for a caller of this process, whose table `entry` is of, which may be the object's. */
const pyr__bound *pyr__objects_bind_entry(
	pyr__objects *objects, pyr__text method, const void *entry);

#endif
