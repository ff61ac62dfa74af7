/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking again and again instead of sleeping at once: who is answered within microseconds is
 * spared being put to sleep and woken. It is worth it only while what is waited for runs at the
 * same time:
 *
 *   - if it runs on the same processor it does not, so that is offered to others a few times
 *   - what did not come within the limit is waited for asleep, and the next 1, 3, 7 ... 255 times
 *     nobody looks twice at all, until it has paid once again
 *
 * A spin belongs to whoever waits at the moment; it has no lock.
 */
#ifndef PYR_NATIVE_SPIN_H
#define PYR_NATIVE_SPIN_H

#include <stdbool.h>
#include <stdint.h>

#define PYR__SPIN_US_MAX 20u

typedef struct pyr__spin {
	int64_t began_ns; /* of those looks that are under way; 0: none */
	uint8_t us;       /* the limit; 0: never */
	uint8_t yields;   /* of those looks */
	uint8_t fails;    /* in a row */
	uint8_t skip;     /* so many times more not at all */
} pyr__spin;

/* us is at most PYR__SPIN_US_MAX. */
void pyr__spin_init(pyr__spin *spin, unsigned us);

/* The calling thread may run on one processor only. */
bool pyr__spin_is_alone(void);

/* True as long as it does not look twice: where even one look costs something. Counts as one. */
bool pyr__spin_rests(pyr__spin *spin);

/* As if nothing had come in time. */
void pyr__spin_fail(pyr__spin *spin);

typedef enum pyr__spin_result {
	PYR__SPIN_READY,
	PYR__SPIN_AGAIN, /* not yet, and it is worth going on */
	PYR__SPIN_OVER,  /* sleep now */
} pyr__spin_result;

/* Who waits. */
typedef enum pyr__spin_for {
	PYR__SPIN_ALONE,  /* nothing else could be done meanwhile */
	PYR__SPIN_SHARED, /* others look in turn: once, and no more of them at a time */
	PYR__SPIN_HERE,   /* and who is waited for runs on this very processor */
} pyr__spin_for;

/* Looks for a microsecond or two: for a loop that has others to see to. */
pyr__spin_result pyr__spin_look(
	pyr__spin *spin, pyr__spin_for who, bool (*ready)(const void *arg), const void *arg);

#endif
