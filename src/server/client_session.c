/* SPDX-License-Identifier: Apache-2.0 */
/* What a caller holds in a daemon while it is connected. */
#include "server/client_session.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/error.h"
#include "base/list.h"
#include "base/owner.h"

#define RESOURCES_MAX 4096

typedef struct instance {
	struct instance *next; /* older */
	pyr__object *object;
	void *self;
} instance;

typedef struct resource {
	pyr__link link; /* the newest first */
	void *resource;
	void (*close)(void *resource);
} resource;

struct pyr__client_session {
	pyr__client_sessions *of;
	uint64_t connection;
	unsigned refs; /* one while it is connected, and one for each call that has asked */
	uint32_t resource_count;
	pyr__link resources;
	pyr__lane lane;
	pthread_mutex_t making; /* guards what follows; held while one is made, or admit asked */
	instance *instances;
	bool admitted;
	pyr_error *refusal; /* NULL: it was not refused */
};

void pyr__client_sessions_init(pyr__client_sessions *sessions)
{
	pthread_mutex_init(&sessions->lock, NULL);
	pyr__map_init(&sessions->by_connection);
}

void pyr__client_sessions_done(pyr__client_sessions *sessions)
{
	while (sessions->by_connection.count) {
		pyr__client_session *session = sessions->by_connection.entries[0].value;
		pyr__client_session_end(sessions, session->connection);
	}
	pyr__map_done(&sessions->by_connection);
	pthread_mutex_destroy(&sessions->lock);
}

void pyr__client_session_begin(pyr__client_sessions *sessions, uint64_t connection)
{
	pyr__client_session *session = pyr__zalloc(sizeof *session);
	session->of = sessions;
	session->connection = connection;
	session->refs = 1;
	pyr__list_init(&session->resources);
	session->lane.last = &session->lane.first;
	pthread_mutex_init(&session->making, NULL);
	pthread_mutex_lock(&sessions->lock);
	pyr__map_insert(&sessions->by_connection, &session->connection, sizeof connection, session);
	pthread_mutex_unlock(&sessions->lock);
}

void pyr__client_session_end(pyr__client_sessions *sessions, uint64_t connection)
{
	pthread_mutex_lock(&sessions->lock);
	pyr__client_session *session =
		pyr__map_remove(&sessions->by_connection, &connection, sizeof connection);
	pthread_mutex_unlock(&sessions->lock);
	pyr__client_session_release(session);
}

pyr__client_session *pyr__client_session_find(pyr__client_sessions *sessions, uint64_t connection)
{
	pthread_mutex_lock(&sessions->lock);
	pyr__client_session *session =
		pyr__map_find(&sessions->by_connection, &connection, sizeof connection);
	if (session)
		session->refs++;
	pthread_mutex_unlock(&sessions->lock);
	return session;
}

pyr__lane *pyr__client_session_lane(pyr__client_session *session)
{
	return &session->lane;
}

/* Nobody else has it any more. What is newer may use what is older. */
static void close_all(pyr__client_session *session)
{
	while (!pyr__list_empty(&session->resources)) {
		resource *r = PYR__OWNER(session->resources.next, resource, link);
		pyr__list_remove(&r->link);
		r->close(r->resource);
		free(r);
	}
	while (session->instances) {
		instance *i = session->instances;
		session->instances = i->next;
		pyr__object_destroy_instance(i->object, i->self);
		pyr__object_unref(i->object);
		free(i);
	}
}

void pyr__client_session_release(pyr__client_session *session)
{
	if (!session)
		return;
	pthread_mutex_lock(&session->of->lock);
	bool last = --session->refs == 0;
	pthread_mutex_unlock(&session->of->lock);
	if (!last)
		return;
	close_all(session);
	pthread_mutex_destroy(&session->making);
	free(session->refusal);
	free(session);
}

/* Instances */

static instance *find_instance(const pyr__client_session *session, const pyr__object *object)
{
	instance *i = session->instances;
	while (i && i->object != object)
		i = i->next;
	return i;
}

static pyr_status make_instance(pyr__client_session *session, pyr__object *object, pyr_call *call,
	instance **ret_instance, pyr_error *err)
{
	void *self;
	pyr_status status = pyr__object_make_instance(object, call, &self, err);
	if (status)
		return status;
	instance *i = pyr__alloc(sizeof *i);
	*i = (instance){.next = session->instances, .object = object, .self = self};
	pyr__object_ref(object);
	session->instances = i;
	*ret_instance = i;
	return PYR_OK;
}

PYR__APART pyr_status pyr__client_session_instance(pyr__client_session *session,
	pyr__object *object, pyr_call *call, void **ret_instance, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&session->making);
	instance *i = find_instance(session, object);
	if (!i)
		status = make_instance(session, object, call, &i, err);
	pthread_mutex_unlock(&session->making);
	if (status == PYR_OK)
		*ret_instance = i->self;
	return status;
}

/* Admission */

/* Lock held. */
static void keep_refusal(pyr__client_session *session, const pyr_error *err)
{
	session->refusal = pyr__alloc(sizeof *session->refusal);
	pyr__error_copy(session->refusal, err);
}

pyr_status pyr__client_session_admit(pyr__client_session *session,
	pyr_status (*admit)(void *ctx, pyr_call *call, pyr_error *err), void *ctx, pyr_call *call,
	pyr_error *err)
{
	pyr_error own;
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&session->making);
	if (!session->admitted && !session->refusal) {
		pyr__error_clear(&own);
		status = admit(ctx, call, &own);
		own.status = status;
		if (status)
			keep_refusal(session, &own);
		session->admitted = status == PYR_OK;
	}
	if (session->refusal)
		status = pyr__error_copy(err, session->refusal);
	pthread_mutex_unlock(&session->making);
	return status;
}

/* Resources */

/* Lock held. */
static resource *find_resource(const pyr__client_session *session, const void *wanted)
{
	for (pyr__link *l = session->resources.next; l != &session->resources; l = l->next) {
		resource *r = PYR__OWNER(l, resource, link);
		if (r->resource == wanted)
			return r;
	}
	return NULL;
}

pyr_status pyr__client_session_track(
	pyr__client_session *session, void *tracked, void (*close)(void *resource), pyr_error *err)
{
	pyr_status status = PYR_OK;
	resource *r = pyr__alloc(sizeof *r);
	r->resource = tracked;
	r->close = close;
	pthread_mutex_lock(&session->of->lock);
	if (find_resource(session, tracked))
		status = pyr_error_set(err, PYR_ALREADY_EXISTS,
			"this resource is tracked already for this connection");
	else if (session->resource_count >= RESOURCES_MAX)
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%u resources are tracked already for this connection", RESOURCES_MAX);
	if (status == PYR_OK) {
		session->resource_count++;
		pyr__list_append(session->resources.next, &r->link); /* in front */
	}
	pthread_mutex_unlock(&session->of->lock);
	if (status)
		free(r);
	return status;
}

bool pyr__client_session_untrack(pyr__client_session *session, void *tracked)
{
	pthread_mutex_lock(&session->of->lock);
	resource *r = find_resource(session, tracked);
	if (r) {
		session->resource_count--;
		pyr__list_remove(&r->link);
	}
	pthread_mutex_unlock(&session->of->lock);
	free(r);
	return r != NULL;
}
