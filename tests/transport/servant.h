/* SPDX-License-Identifier: Apache-2.0 */
/* The servant of suite.proto, and what a test sees of it from its own thread. */
#ifndef TESTS_TRANSPORT_SERVANT_H
#define TESTS_TRANSPORT_SERVANT_H

#include "suite.pyr.h"
#include "tally.h"

#define SERVANT_HELD_MAX         2048
#define SERVANT_NOTES_MAX        4096
#define SERVANT_CORRELATIONS_MAX 16

/* All zero but for the tallies: SERVANT_INIT. */
typedef struct servant {
	pyr_context *context;         /* of the calls that Relay makes */
	bool pulls;                   /* streams are read with __next_request: not on a loop */
	bool fails_both;              /* Both fails at its first message */
	bool keeps_both;              /* Both is kept, too, like a call of Hold */
	bool stops;                   /* Up is not read at all, and kept like a call of Hold */
	void (*interrupt)(void *ctx); /* called by Echo and Count before they answer; or NULL */
	void *interrupt_ctx;

	pthread_mutex_t lock; /* guards the two arrays */
	pyr_call *held[SERVANT_HELD_MAX];
	uint64_t notes[SERVANT_NOTES_MAX];

	tally held_count;      /* calls of Hold */
	tally cancelled_count; /* cancels that their on_cancel saw */
	tally note_count;
	tally count_count;
	tally echo_count;
	tally sent_count;         /* messages of Down and Both */
	tally received_count;     /* messages of Up and Both */
	tally ended_count;        /* streams that the servant is through with */
	tally interrupted_count;  /* those of them that ended with an error on this side */
	_Atomic int again_status; /* what the second answer got, or Both's next pull */
	char peer[64];            /* of the last Echo */
	/* the correlation ids of Relay and TimeLeft, in turn */
	char correlations[SERVANT_CORRELATIONS_MAX][PYR_CORRELATION_MAX];
	tally correlation_count;
} servant;

#define SERVANT_INIT                                                                               \
	{                                                                                          \
		.lock = PTHREAD_MUTEX_INITIALIZER, .held_count = TALLY_INIT,                       \
		.cancelled_count = TALLY_INIT, .note_count = TALLY_INIT,                           \
		.count_count = TALLY_INIT, .echo_count = TALLY_INIT, .sent_count = TALLY_INIT,     \
		.received_count = TALLY_INIT, .ended_count = TALLY_INIT,                           \
		.interrupted_count = TALLY_INIT, .correlation_count = TALLY_INIT                   \
	}

extern const suite_suite_ops servant_ops;
extern const suite_other_ops other_ops;

/* Answers the call of Hold that came as number `index`, with value, and gives it back. */
pyr_status servant_answer(servant *s, unsigned index, uint64_t value);

/* Fails it with ABORTED, and gives it back. */
void servant_fail(servant *s, unsigned index);

/* Gives it back without an answer. */
void servant_drop(servant *s, unsigned index);

/* Gives back all that are still held. */
void servant_drop_all(servant *s);

#endif
