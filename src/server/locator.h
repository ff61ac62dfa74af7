/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locators: objects that are made when they are first called, and given back when nobody calls
 * them.
 *
 *     no entry --find--> being made --locate--> there --idle, or too many--> no entry, evicted
 *                            | failed
 *                            +-------> no entry
 *
 * Whoever calls an object that is being made, or evicted, waits for that. One that a call uses is
 * never evicted.
 */
#ifndef PYR_SERVER_LOCATOR_H
#define PYR_SERVER_LOCATOR_H

#include <event2/event_struct.h>
#include <pthread.h>
#include "base/list.h"
#include "base/loop.h"
#include "server/object.h"

typedef struct pyr__locators {
	pthread_mutex_t lock; /* guards the list, which only grows */
	struct pyr__locator *first;
	pyr__loop *loop;
	struct event timer; /* the loop's: looks for those that are idle */
	bool timed;         /* it runs */
} pyr__locators;

void pyr__locators_init(pyr__locators *locators);
/* Evicts all that are left. No call may be left, and nobody dispatches the loop. */
void pyr__locators_done(pyr__locators *locators);
/* With nobody dispatching the loop: the timer goes. */
void pyr__locators_stop(pyr__locators *locators);

/* ALREADY_EXISTS if there is one for this interface and prefix. */
pyr_status pyr__locators_add(pyr__locators *locators, const pyr_interface *interface,
	const void *ops, const pyr_locator *locator, pyr_error *err);

/*
 * The object with this id and interface, with a reference; made if it is not there, which runs what
 * is the user's. NOT_FOUND if no locator is for it, or what the locator says.
 */
pyr_status pyr__locators_find(pyr__locators *locators, pyr__text id, const pyr_interface *interface,
	pyr__object **ret_object, pyr_error *err);

/* True if some locator is for such an id and interface; NULL: any. Never for what is no id. */
bool pyr__locators_cover(pyr__locators *locators, pyr__text id, const pyr_interface *interface);

/* Takes an object out, whether it is used or not; false if it is not there. interface NULL: any. */
bool pyr__locators_remove(pyr__locators *locators, const char *id, const pyr_interface *interface);

#endif
