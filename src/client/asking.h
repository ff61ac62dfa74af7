/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One search for a name server: queries out, answers in, until one has answered and others have had
 * their chance, or nobody has for too long. Waits for nothing itself:
 *
 *     open --> step --true--> verdict --> close
 *               ^  |
 *               |  | false: when the descriptor is readable, or it is next_us
 *               +--+
 */
#ifndef PYR_CLIENT_ASKING_H
#define PYR_CLIENT_ASKING_H

#include "base/discovery.h"
#include "native/discovery.h"

#define PYR__ASKING_MS          1000
#define PYR__ASKING_ANSWERS_MAX 64
#define PYR__ASKING_PLACES_MAX  32

typedef struct pyr__asking {
	pyr__discovery where;
	bool all; /* not just one is looked for: to the end, and every answer counts */
	int fd;
	pyr__query query;
	uint32_t places[PYR__ASKING_PLACES_MAX];
	size_t place_count;
	unsigned sent;    /* rounds */
	bool passed_over; /* somebody has answered that speaks cleartext, though TLS is wanted */
	int64_t began_us, until_us;
	int64_t next_us; /* of the clock */
	size_t answer_count;
	pyr__answer answers[PYR__ASKING_ANSWERS_MAX]; /* of different name servers */
} pyr__asking;

/* For at most so long; close it, unless that fails. */
pyr_status pyr__asking_open(
	pyr__asking *asking, const pyr__discovery *where, int64_t timeout_us, pyr_error *err);

/* Sends and receives what there is. True when it is over. */
bool pyr__asking_step(pyr__asking *asking);

/* The one name server that has answered; UNAVAILABLE for none, FAILED_PRECONDITION for several. */
pyr_status pyr__asking_verdict(
	const pyr__asking *asking, pyr_reference *ret_reference, pyr_error *err);

/* Blocks until it is over. */
void pyr__asking_wait(pyr__asking *asking);

void pyr__asking_close(pyr__asking *asking);

#endif
