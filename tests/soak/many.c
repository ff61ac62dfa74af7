/* SPDX-License-Identifier: Apache-2.0 */
/* Several asynchronous calls at once of a client of the soak test; some are cancelled. */
#include <semaphore.h>
#include <stdlib.h>
#include "calls.h"

#define MANY_MAX  8
#define WAIT_S    45 /* far longer than a call may take */
#define CANCEL_IN 12 /* one in so many is cancelled */

typedef struct many many;

/* A call under way. Its outcome is the callback's until `ended` was posted. */
typedef struct asked {
	many *all;
	char kind;
	uint64_t number;
	int64_t began_us;
	int64_t took_us;
	const char *status; /* NULL until it has ended */
	pyr_executed executed;
	pyr_pending *pending;
	unsigned answers;
} asked;

struct many {
	caller *client;
	sem_t ended;
	size_t count;
	asked calls[MANY_MAX];
};

static void on_answer(
	void *ctx, pyr_status status, const Soak__Answer *answer, const pyr_error *err)
{
	asked *a = ctx;
	a->took_us = soak_now_us() - a->began_us;
	a->executed = status ? err->executed : PYR_EXECUTED_YES;
	if (status && a->kind != 'c')
		soak_explain(a->all->client, a->kind, a->number, err);
	a->status = status ? pyr_status_name(status)
			   : soak_judge(a->all->client->id, a->number, 0, answer);
	if (a->answers++)
		a->status = "TWICE";
	sem_post(&a->all->ended);
}

static void ask(many *m)
{
	caller *c = m->client;
	asked *a = &m->calls[m->count];
	Soak__Token token = soak_token(c);
	bool look = soak_random(c, 2);
	bool cancel = soak_random(c, CANCEL_IN) == 0;
	pyr_error err;
	*a = (asked){m,
		cancel ? 'c'
		: look ? 'l'
		       : 'a',
		token.number, soak_now_us(), 0, NULL, PYR_EXECUTED_MAYBE, NULL, 0};
	pyr_status status = look ? soak_servant_look__invoke(
					   c->servant, &token, on_answer, a, &a->pending, &err)
				 : soak_servant_add__invoke(
					   c->servant, &token, on_answer, a, &a->pending, &err);
	if (status) {
		soak_record(
			c, a->kind, a->number, pyr_status_name(status), err.executed, a->began_us);
		return;
	}
	if (cancel)
		pyr_pending_cancel(a->pending);
	m->count++;
}

/* False if a callback does not come. */
static bool wait_for_all(many *m)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	for (size_t left = m->count; left > 0;) {
		if (sem_timedwait(&m->ended, &until) == 0)
			left--;
		else if (soak_now_us() - m->calls[0].began_us > WAIT_S * 1000000ll)
			return false;
	}
	return true;
}

void soak_many(caller *c)
{
	many *m = calloc(1, sizeof *m);
	if (!m)
		abort();
	m->client = c;
	sem_init(&m->ended, 0, 0);
	for (unsigned left = 1 + soak_random(c, MANY_MAX); left > 0; left--)
		ask(m);
	bool all = wait_for_all(m);
	for (size_t i = 0; i < m->count; i++) {
		asked *a = &m->calls[i];
		if (!all)
			pyr_pending_abandon(a->pending);
		pyr_pending_unref(a->pending);
		soak_record(c, a->kind, a->number, a->status ? a->status : "LOST", a->executed,
			soak_now_us() - a->took_us);
	}
	sem_destroy(&m->ended);
	free(m);
}
