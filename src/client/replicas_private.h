/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of replicas, for what chooses among them and what watches them. */
#ifndef PYR_CLIENT_REPLICAS_PRIVATE_H
#define PYR_CLIENT_REPLICAS_PRIVATE_H

#include <event2/event_struct.h>
#include <grpc/health/v1/health.pyr.h>
#include "client/replicas.h"

struct pyr__replica {
	atomic_uint refs; /* one of the set while it is in it, one a call, one a question */
	pyr__replicas *set;

	/* guarded by the set's lock */
	uint32_t holder; /* of the update that named it last */
	char **places; /* references, which lead to one object; all but the first to fall back on */
	size_t place_count, place; /* the one in use */
	size_t places_named;       /* by the update that is going on: the first so many */
	const char *used_place;    /* the one in use before the update */
	pyr__channel *channel;     /* to the place; NULL: not made yet */
	char object[PYR_OBJECT_ID_MAX + 1];
	uint32_t running;
	pyr__link attempts;
	int64_t failed_us; /* 0: good */
	bool not_serving;
	bool used; /* since it was last asked */

	/* the loop's */
	grpc_health_v1_health *health; /* NULL: not made */
	size_t health_place;
	bool asked; /* the answer has not come */
	int64_t asked_us;
};

struct pyr__replicas {
	atomic_uint refs; /* the target's, one for each replica, and the watch's */
	pyr_context *context;
	char *interface;
	pthread_mutex_t lock; /* guards what follows, and what replicas have */
	pyr__replica **all;
	uint32_t count, room;
	uint32_t named; /* by the update that is going on: the first so many */
	uint32_t turn;
	pyr__replica *current; /* the one to stay with; may have gone */
	bool watching;
	bool over; /* the target has gone */

	/* the loop's */
	pyr__paused paused; /* while the timer runs */
	pyr__task begin_task, end_task;
	struct event *timer;
	int64_t idle_since_us;
};

pyr__replica *pyr__replica_ref(pyr__replica *replica);
void pyr__replica_unref(pyr__replica *replica);
void pyr__replicas_ref(pyr__replicas *replicas);
void pyr__replicas_unref(pyr__replicas *replicas);

/* watch.c: begins to ask them, unless that is done; lock not held. */
void pyr__replicas_watch(pyr__replicas *replicas);
void pyr__replicas_unwatch(pyr__replicas *replicas);

/*
 * Lock held: the next place is used from now on. Returns the channel to the one before, to be
 * released without the lock, or NULL.
 */
pyr__channel *pyr__replica_leave_place(pyr__replica *replica);

/* Lock held: passed over from now on, and what may run elsewhere is ended here. */
void pyr__replica_note_failure(pyr__replica *replica);

#endif
