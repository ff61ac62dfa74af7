/* SPDX-License-Identifier: Apache-2.0 */
/* One client of the soak test, and the kinds of calls that it makes and records. */
#ifndef TESTS_SOAK_CALLS_H
#define TESTS_SOAK_CALLS_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include "soak.pyr.h"

typedef struct caller {
	uint32_t id;
	unsigned random;     /* rand_r()'s */
	uint64_t number;     /* of the last token */
	const char *balance; /* for the record */
	soak_servant *servant;
	FILE *record;
} caller;

/* A number from 0 to below - 1. */
unsigned soak_random(caller *c, unsigned below);

/*
 * Each makes one call, or a few, waits for their end and records each on a line of its own:
 * "KIND CLIENT NUMBER STATUS EXECUTED MICROSECONDS BALANCE". STATUS is WRONG for a wrong answer
 * and LOST for a callback that does not come.
 */
void soak_look(caller *c);
void soak_add(caller *c);
void soak_note(caller *c);
void soak_list(caller *c);
void soak_talk(caller *c);
void soak_batch(caller *c);
void soak_many(caller *c);

/* What they share. */
Soak__Token soak_token(caller *c);
int64_t soak_now_us(void);
void soak_record(caller *c, char kind, uint64_t number, const char *status, pyr_executed executed,
	int64_t began_us);

/* Why a call failed, on stderr, for who looks into it. */
void soak_explain(const caller *c, char kind, uint64_t number, const pyr_error *err);
const char *soak_judge(
	uint32_t client, uint64_t number, uint32_t index, const Soak__Answer *answer);

#endif
