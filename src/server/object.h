/* SPDX-License-Identifier: Apache-2.0 */
/* One interface of an object that a daemon hosts, and the servant behind it. */
#ifndef PYR_SERVER_OBJECT_H
#define PYR_SERVER_OBJECT_H

#include <stdatomic.h>
#include <pyrite/stub.h>
#include "base/text.h"

/* How the servants of an object come to be: see pyr_object_options. Immutable. */
typedef struct pyr__instancing {
	pyr_instances kind; /* not PYR_INSTANCES_ONE */
	pyr_status (*make)(void *self, pyr_call *call, void **ret_instance, pyr_error *err);
	void (*destroy)(void *self, void *instance);
} pyr__instancing;

/* One interface of one object. Counted: it lives while it is registered or a call runs on it. */
typedef struct pyr__object {
	atomic_uint refs;
	uint32_t id_size;
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

pyr__object *pyr__object_new(
	const char *id, const pyr_interface *interface, const void *ops, void *self);

/* One that a locator has made, and hears of when nothing uses it any more. */
pyr__object *pyr__object_new_located(const char *id, const pyr_interface *interface,
	const void *ops, void *self, void (*on_release)(void *locator, const char *id, void *self),
	void *locator);

pyr__object *pyr__object_ref(pyr__object *object);
void pyr__object_unref(pyr__object *object);

/* For an object with instancing: what its owner has given for that. */
pyr_status pyr__object_make_instance(
	const pyr__object *object, pyr_call *call, void **ret_instance, pyr_error *err);
void pyr__object_destroy_instance(const pyr__object *object, void *instance);

/* What its owner says of it; instancing once, or else FAILED_PRECONDITION. Takes turns. */
pyr_status pyr__object_configure(
	pyr__object *object, const pyr_object_options *options, pyr_error *err);

/* INVALID_ARGUMENT for options that no object can have. */
pyr_status pyr__object_check_options(const pyr_object_options *options, pyr_error *err);

/* INVALID_ARGUMENT, saying why, for what no object may be registered under. */
pyr_status pyr__object_check_id(const char *id, pyr_error *err);

/* The same of what a peer has sent. */
bool pyr__object_is_id(pyr__text id);

#endif
