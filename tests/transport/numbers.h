/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A daemon behind a relay, whose servant has streams of numbered items: a reader sees whether one
 * is missing, comes twice or comes out of order.
 */
#ifndef TESTS_TRANSPORT_NUMBERS_H
#define TESTS_TRANSPORT_NUMBERS_H

#include <stdatomic.h>
#include "transport/relay.h"
#include "transport/suite.h"

/* The servant */
typedef struct numbers {
	tally begun, sent, ended;
	tally cut_short; /* those of `ended` that were cancelled */
	tally closed;    /* what was tracked */
	bool holds;      /* of those that begin now the last item is never sent, nor an end */
	bool tracks;
	atomic_bool saw_a_token;
} numbers;

/* A daemon with such a servant behind a relay */

typedef struct scene {
	suite *s;
	relay *relay;
	char reference[PYR_REFERENCE_MAX]; /* of the servant, through the relay */
	numbers servant;
} scene;

scene *numbers_begin(const suite_config *config);
void numbers_end(scene *c); /* the last statement of a test */

/* The same servant in another daemon. */
void numbers_serve(pyr_daemon *daemon, scene *c);

/* A proxy whose streams are resumed for so long. */
suite_suite *numbers_open(pyr_context *context, const scene *c, uint32_t resume_ms);

/* A stream of so many items of that size, or a little more, and this end. */
pyr_stream *numbers_ask(suite_suite *proxy, uint32_t count, uint32_t size, pyr_status status);

/* Pulls so many items, the first of which has this number. */
void numbers_pull(pyr_stream *items, uint32_t first, uint32_t count);

/* Pulls the end, which must be there. */
pyr_status numbers_pull_end(pyr_stream *items, pyr_error *err);

/* A stream from its beginning to its end. */
void numbers_pull_all(suite_suite *proxy, uint32_t count, uint32_t size, pyr_status status);

/* Who has items pushed */
typedef struct watcher {
	tally items, ends;
	pyr_status status;
	pyr_error err;
} watcher;

#define WATCHER_INIT                                                                               \
	{                                                                                          \
		.items = TALLY_INIT, .ends = TALLY_INIT                                            \
	}

void numbers_observe(pyr_stream *items, watcher *w);

/*
 * A stream of one item that ends with its connection: w->ends tells when that is known to be lost
 * here, and the servant's `cut_short` when it is there. The servant must hold.
 */
pyr_stream *numbers_witness(const scene *c, pyr_context *context, watcher *w);

/* A stream could not be resumed, for a reason that has these words. */
void numbers_check_in_vain(pyr_status status, const pyr_error *err, const char *why);

#endif
