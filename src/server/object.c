/* SPDX-License-Identifier: Apache-2.0 */
/* One object: how long it lives, what ids it may have, and how its servants come to be. */
#include "server/object.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/refs.h"
#include "base/utf8.h"

pyr__object *pyr__object_new(
	const char *id, const pyr_interface *interface, const void *ops, void *self)
{
	size_t size = strlen(id);
	pyr__object *object = pyr__alloc(sizeof *object + size + 1);
	atomic_init(&object->refs, 1);
	object->id_size = (uint32_t)size;
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
	pyr__object *object = pyr__object_new(id, interface, ops, self);
	object->on_located_release = on_release;
	object->locator = locator;
	return object;
}

pyr__object *pyr__object_ref(pyr__object *object)
{
	pyr__refs_take(&object->refs);
	return object;
}

void pyr__object_unref(pyr__object *object)
{
	if (!object || !pyr__refs_drop(&object->refs))
		return;
	void (*release)(void *self) = atomic_load(&object->release);
	if (release)
		release(object->self);
	if (object->locator)
		object->on_located_release(object->locator, object->id, object->self);
	free(atomic_load(&object->instancing));
	free(object);
}

PYR__APART pyr_status pyr__object_make_instance(
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

pyr_status pyr__object_check_id(const char *id, pyr_error *err)
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

static bool has_instancing(const pyr__object *object, const pyr_object_options *options)
{
	const pyr__instancing *has = atomic_load(&object->instancing);
	if (!has)
		return options->instances == PYR_INSTANCES_ONE;
	return has->kind == options->instances && has->make == options->make &&
	       has->destroy == options->destroy;
}

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

pyr_status pyr__object_configure(
	pyr__object *object, const pyr_object_options *options, pyr_error *err)
{
	pyr_status status = set_instancing(object, options, err);
	if (status)
		return status;
	atomic_store(&object->any_thread, options->any_thread);
	atomic_store(&object->release, options->release);
	return PYR_OK;
}

pyr_status pyr__object_check_options(const pyr_object_options *options, pyr_error *err)
{
	if ((unsigned)options->instances > PYR_INSTANCES_CALL)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "there is no instance mode %d",
			(int)options->instances);
	if (options->instances != PYR_INSTANCES_ONE && !options->make)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"instances for each session or call need a function that makes them");
	return PYR_OK;
}
