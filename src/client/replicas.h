/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The replicas that a name stands for, as one target sees them: which of them a call goes to, and
 * which are passed over.
 *
 * A replica is passed over once a connection to it broke or was refused, its daemon does not know
 * the object, its health check says NOT_SERVING, or it was asked and said nothing. While the
 * replicas are in use each is asked for its health now and then, on the context's loop, by
 * grpc.health.v1; so one that hangs is found out, and one that is back is used again.
 */
#ifndef PYR_CLIENT_REPLICAS_H
#define PYR_CLIENT_REPLICAS_H

#include <pyrite/proxy.h>
#include "client/context.h"

typedef struct pyr__replicas pyr__replicas;
typedef struct pyr__replica pyr__replica;

/* A call that may run on another replica as well, and is to end when its own says nothing more. */
typedef struct pyr__attempt {
	pyr__link link;
	pyr__outcall *call;
} pyr__attempt;

/* None yet. The context lives longer, by the target's reference; interface is what is asked for. */
pyr__replicas *pyr__replicas_new(pyr_context *context, const char *interface);
/* The target goes; who holds a replica may still release it. */
void pyr__replicas_leave(pyr__replicas *replicas);

/*
 * What the name stands for now: add for each place, the places of one holder in a row, then end.
 * Replicas that were there stay what they are; those that are not named any more go. begin takes
 * the set's lock, which end gives back.
 */
void pyr__replicas_begin_update(pyr__replicas *replicas);
void pyr__replicas_add(pyr__replicas *replicas, const char *reference, uint32_t holder);
bool pyr__replicas_any_named(const pyr__replicas *replicas); /* in between */
void pyr__replicas_end_update(pyr__replicas *replicas);

/*
 * The replica for a call, with a reference, and the way there, with a reference to its channel;
 * object has PYR_OBJECT_ID_MAX + 1 bytes. NULL if there is none.
 */
pyr__replica *pyr__replicas_choose(
	pyr__replicas *replicas, pyr_balance balance, pyr__channel **ret_channel, char *object);
void pyr__replica_release(pyr__replica *replica);

/* A call on this channel has failed so that others would fail too. */
void pyr__replica_failed(pyr__replica *replica, const pyr__channel *channel);

/* It has not answered a ping in time, though nothing says that it is gone. */
void pyr__replica_hangs(pyr__replica *replica);

/* Around a started call. */
void pyr__replica_begin(pyr__replica *replica, pyr__attempt *attempt, pyr__outcall *call);
void pyr__replica_end(pyr__replica *replica, pyr__attempt *attempt);

/* How many are passed over by nobody, and how many there are. */
uint32_t pyr__replicas_good(pyr__replicas *replicas, uint32_t *ret_count);

#endif
