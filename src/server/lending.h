/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects that are lent: they go when nobody holds them any more.
 *
 *     lend --> ON ITS WAY --first Hold of its receiver--> HELD --last Release, or lease over-->
 * gone |                                        ^ | | nobody came within a lease             | |
 * handed to one more: on its way, too
 *                  +--> gone                                +-+
 *
 * A holder is whoever has made up a random id and says Hold with it: proto/pyrite/leases.proto.
 * That a holder has released an object is remembered for the rest of its lease, so that a Hold that
 * was on its way meanwhile does not bring it back.
 */
#ifndef PYR_SERVER_LENDING_H
#define PYR_SERVER_LENDING_H

#include <event2/event_struct.h>
#include <pthread.h>
#include <pyrite/status.h>
#include "base/loop.h"
#include "base/map.h"

#define PYR__HOLDER_ID_SIZE 16

typedef struct pyr__lending {
	void (*collected)(void *arg, const char *id); /* nobody holds it; no lock is held */
	/*
	 * Runs the task on the loop once all that has come until now has been heard, by whatever
	 * loops read connections. NULL: this one does. Loop thread only.
	 */
	void (*hear_all)(void *arg, pyr__task *then);
	void *arg;
	pyr__loop *loop;
	pthread_mutex_t lock; /* guards what follows */
	pyr__map by_id;
	pyr__map by_caller;    /* how many are lent to one connection */
	pyr__map by_holder;    /* who holds which */
	uint32_t lease_ms_min; /* of all that were lent: the timer goes by it */
	uint32_t at;           /* how far the timer's walk has come, from the end */
	bool timed, stopped;   /* the timer runs; will not run any more */
	pyr__task walk_task;
	struct event timer; /* the loop's, as what follows */
	int64_t due_us;     /* when the timer was to run */
} pyr__lending;

void pyr__lending_init(
	pyr__lending *lending, void (*collected)(void *arg, const char *id), void *arg);
/* With nobody dispatching the loop: the timer goes, and nothing is collected any more. */
void pyr__lending_stop(pyr__lending *lending);
void pyr__lending_done(pyr__lending *lending);

/*
 * The object with this id, which is registered, is on its way to the caller on this
 * connection, which it is counted for; 0: to nobody who calls. RESOURCE_EXHAUSTED if too many are
 * lent, or to this caller.
 */
pyr_status pyr__lending_add(pyr__lending *lending, const char *id, uint32_t lease_ms,
	uint64_t connection, pyr_error *err);

/* It is on its way to one more: its lease, or 0 if it is not lent, perhaps because it has gone. */
uint32_t pyr__lending_again(pyr__lending *lending, const char *id);

/* It was taken out by hand. */
void pyr__lending_forget(pyr__lending *lending, const char *id);

/* Who says something about holding, on which connection, and for the how manieth time. */
typedef struct pyr__holder {
	const uint8_t *id; /* PYR__HOLDER_ID_SIZE bytes */
	uint64_t sequence;
	uint64_t connection;
} pyr__holder;

/* The object's lease, or 0 if there is no such object, or no room for one more holder. */
uint32_t pyr__lending_hold(pyr__lending *lending, const char *id, const pyr__holder *holder);
/* The last one to release it collects it, on this thread. */
void pyr__lending_release(pyr__lending *lending, const char *id, const pyr__holder *holder);

size_t pyr__lending_count(pyr__lending *lending);

#endif
