/* SPDX-License-Identifier: Apache-2.0 */
/* The loops of a daemon, and which of them a connection goes to. */
#include "server/reactor.h"

#include <stdlib.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/log.h"

#define HANDED_MAX 1024u /* of a reactor, on their way to the daemon's own loop */

static pyr__loop *loop_of(const pyr__reactor *reactor)
{
	return atomic_load_explicit(&reactor->loop, memory_order_acquire);
}

static pyr_status make_loop(pyr__reactor *reactor, struct event_base *base, pyr_error *err)
{
	pyr__loop *loop;
	pyr_status status = pyr__loop_new(base, &loop, err);
	if (status == PYR_OK)
		atomic_store_explicit(&reactor->loop, loop, memory_order_release);
	return status;
}

pyr_status pyr__reactors_init(pyr__reactors *reactors, pyr_daemon *daemon, uint32_t count,
	struct event_base *base, pyr_error *err)
{
	reactors->all = pyr__zalloc(count * sizeof *reactors->all);
	reactors->count = count;
	pthread_mutex_init(&reactors->lock, NULL);
	pthread_cond_init(&reactors->done, NULL);
	for (uint32_t i = 0; i < count; i++)
		reactors->all[i].daemon = daemon;
	return make_loop(pyr__reactors_own(reactors), base, err);
}

/* Choosing */

/* Of those alike not the daemon's own, which has other things to do. */
static pyr__reactor *find_idlest(pyr__reactors *reactors)
{
	pyr__reactor *idlest = pyr__reactors_own(reactors);
	for (uint32_t i = 1; i < reactors->count; i++)
		if (reactors->all[i].conn_count <= idlest->conn_count)
			idlest = &reactors->all[i];
	return idlest;
}

static pyr_status start(pyr__reactor *reactor, pyr_error *err)
{
	pyr_status status = loop_of(reactor) ? PYR_OK : make_loop(reactor, NULL, err);
	return status ? status : pyr__loop_start(loop_of(reactor), err);
}

pyr__reactor *pyr__reactors_choose(pyr__reactors *reactors)
{
	pyr_error err;
	pyr__reactor *reactor = find_idlest(reactors);
	if (!pyr__reactor_is_own(reactor, reactors) && start(reactor, &err)) {
		PYR__LOG_OF_PEER(PYR_LOG_ERROR, "a connection is left to the daemon's own loop: %s",
			err.message);
		reactor = pyr__reactors_own(reactors);
	}
	reactor->conn_count++;
	return reactor;
}

bool pyr__reactors_are_current(const pyr__reactors *reactors)
{
	for (uint32_t i = 1; i < reactors->count; i++) {
		const pyr__loop *loop = loop_of(&reactors->all[i]);
		if (loop && pyr__loop_is_current(loop))
			return true;
	}
	return false;
}

/* Handing over */

PYR__APART static void wait_for_own(pyr__reactor *reactor, pyr__reactors *of)
{
	pthread_mutex_lock(&of->lock);
	while (!of->stopping && atomic_load(&reactor->handed) > HANDED_MAX / 2)
		pthread_cond_wait(&of->done, &of->lock);
	pthread_mutex_unlock(&of->lock);
}

void pyr__reactor_begin_handing(pyr__reactor *reactor, pyr__reactors *of, bool oneway)
{
	atomic_fetch_add(&reactor->handed_oneways, oneway);
	if (atomic_fetch_add(&reactor->handed, 1) >= HANDED_MAX)
		wait_for_own(reactor, of);
}

void pyr__reactor_end_handing(pyr__reactor *reactor, pyr__reactors *of, bool oneway)
{
	atomic_fetch_sub(&reactor->handed_oneways, oneway);
	if (atomic_fetch_sub(&reactor->handed, 1) != HANDED_MAX / 2 + 1)
		return;
	pthread_mutex_lock(&of->lock);
	pthread_cond_broadcast(&of->done);
	pthread_mutex_unlock(&of->lock);
}

/* Awaiting: a task goes to each of them and comes back. */

typedef struct errand errand;

typedef struct round_trip {
	pyr__task *then;
	uint32_t left; /* errands that are not back */
} round_trip;

struct errand {
	pyr__task task;
	round_trip *of;
	pyr__loop *there, *back;
};

static void one_back(round_trip *r)
{
	if (--r->left > 0)
		return;
	pyr__task *then = r->then;
	free(r);
	then->run(then);
}

static void run_back(pyr__task *task)
{
	errand *e = (errand *)task;
	pyr__loop *loop = e->back;
	pyr__loop_enter(loop);
	one_back(e->of);
	pyr__loop_leave(loop);
	free(e);
}

/* At the end of the turn, so behind what its connections have read. */
static void run_end_of_turn(pyr__task *task)
{
	errand *e = (errand *)task;
	e->task = (pyr__task){.run = run_back};
	pyr__loop_post(e->back, &e->task);
}

static void run_there(pyr__task *task)
{
	errand *e = (errand *)task;
	e->task = (pyr__task){.run = run_end_of_turn};
	pyr__loop_defer(e->there, &e->task);
}

void pyr__reactors_await(pyr__reactors *reactors, pyr__task *then)
{
	round_trip *r = pyr__alloc(sizeof *r);
	*r = (round_trip){then, 1};
	for (uint32_t i = 1; i < reactors->count; i++) {
		pyr__loop *loop = loop_of(&reactors->all[i]);
		if (!loop || !pyr__loop_is_dispatched(loop))
			continue;
		errand *e = pyr__alloc(sizeof *e);
		*e = (errand){{.run = run_there}, r, loop, loop_of(pyr__reactors_own(reactors))};
		r->left++;
		pyr__loop_post(loop, &e->task);
	}
	one_back(r);
}

/* Their end */

void pyr__reactors_stop(pyr__reactors *reactors)
{
	pthread_mutex_lock(&reactors->lock);
	reactors->stopping = true;
	pthread_cond_broadcast(&reactors->done);
	pthread_mutex_unlock(&reactors->lock);
	for (uint32_t i = 1; i < reactors->count; i++)
		if (loop_of(&reactors->all[i]))
			pyr__loop_stop(loop_of(&reactors->all[i]));
}

void pyr__reactors_finish(pyr__reactors *reactors)
{
	bool ran;
	do {
		ran = false;
		for (uint32_t i = 0; i < reactors->count; i++)
			if (loop_of(&reactors->all[i]))
				ran |= pyr__loop_finish(loop_of(&reactors->all[i]));
	} while (ran && reactors->count > 1);
}

void pyr__reactors_close(pyr__reactors *reactors)
{
	for (uint32_t i = 0; i < reactors->count; i++)
		if (loop_of(&reactors->all[i]))
			pyr__loop_close(loop_of(&reactors->all[i]));
}

void pyr__reactors_done(pyr__reactors *reactors)
{
	if (!reactors->all)
		return;
	for (uint32_t i = 0; i < reactors->count; i++)
		pyr__loop_free(loop_of(&reactors->all[i]));
	pthread_cond_destroy(&reactors->done);
	pthread_mutex_destroy(&reactors->lock);
	free(reactors->all);
}
