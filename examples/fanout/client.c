/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many calls at once on one connection: each is sent without waiting, and its callback runs when
 * its answer comes, in whatever order that is.
 */
#include <semaphore.h>
#include <stdio.h>
#include "fanout.pyr.h"

#define SLICES 20
#define UP_TO  1000000

typedef struct counting {
	sem_t answered; /* once for each answer */
	uint32_t total; /* the callbacks' alone: they all run on one thread */
	bool failed;
} counting;

typedef struct slice {
	counting *counting;
	uint32_t from, to;
} slice;

static void on_count(
	void *ctx, pyr_status status, const Demo__CountReply *reply, const pyr_error *err)
{
	slice *s = ctx;
	if (status) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(status), err->message);
		s->counting->failed = true;
	} else {
		printf("%7u to %7u: %u\n", s->from, s->to, reply->count);
		s->counting->total += reply->count;
	}
	sem_post(&s->counting->answered); /* and never look at s again */
}

static void count_all(demo_primes *primes, counting *c)
{
	slice slices[SLICES];
	unsigned sent = 0;
	for (uint32_t i = 0; i < SLICES; i++) {
		Demo__Range range = DEMO__RANGE__INIT;
		pyr_error err;
		range.from = UP_TO / SLICES * i;
		range.to = range.from + UP_TO / SLICES;
		slices[i] = (slice){c, range.from, range.to};
		/* the request is packed before this returns; NULL: no handle to cancel it with */
		if (demo_primes_count__invoke(primes, &range, on_count, &slices[i], NULL, &err)) {
			fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
			c->failed = true; /* and its callback will not run */
			break;
		}
		sent++;
	}
	while (sent) /* every callback runs exactly once, also after an error or a deadline */
		if (sem_wait(&c->answered) == 0)
			sent--;
}

int main(void)
{
	counting c = {.total = 0};
	demo_primes *primes;
	pyr_error err;
	sem_init(&c.answered, 0, 0);
	if (demo_primes__open(NULL, "example.primes", NULL, &primes, &err)) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
		return 1;
	}
	count_all(primes, &c);
	demo_primes__close(primes);
	if (!c.failed)
		printf("%u primes below %d\n", c.total, UP_TO);
	return c.failed;
}
