/* SPDX-License-Identifier: Apache-2.0 */
/* Oneway calls in a pool, in their order. */
#include "server/oneways.h"

#include "server/daemon_private.h"

/* The next of the lane, or NULL, and the lane is free. */
static pyr_call *take_next(pyr__client_sessions *sessions, pyr__client_session *session)
{
	pthread_mutex_lock(&sessions->lock);
	pyr__lane *lane = pyr__client_session_lane(session);
	pyr_call *next = lane->first;
	if (next) {
		lane->count--;
		lane->first = next->next_oneway;
		if (!lane->first)
			lane->last = &lane->first;
	}
	lane->busy = next != NULL;
	pthread_mutex_unlock(&sessions->lock);
	return next;
}

static void end_call(pyr_call *call)
{
	pyr__client_session *session = call->lane_session;
	pyr_call_unref(call);
	pyr__client_session_release(session);
}

/*
 * The next one is the pool's, or, if that takes no more, this thread's: what was taken is run, also
 * while the daemon stops.
 */
static void end_job(pyr__job *job)
{
	pyr_call *call = PYR__OWNER(job, pyr_call, job);
	pyr_call *next;
	while ((next = take_next(&call->daemon->sessions, call->lane_session)) != NULL &&
		!pyr__pool_add(next->daemon->pool, &next->job)) {
		next->job.run(&next->job);
		end_call(call);
		call = next;
	}
	end_call(call);
}

typedef enum turn {
	TURN_NOW,
	TURN_LATER, /* it waits in its lane */
	TURN_NEVER, /* too many do */
} turn;

static turn join_lane(pyr_call *call, uint32_t waiting_max)
{
	turn when = TURN_NOW;
	pyr__client_sessions *sessions = &call->daemon->sessions;
	pthread_mutex_lock(&sessions->lock);
	pyr__lane *lane = pyr__client_session_lane(call->lane_session);
	if (lane->busy && lane->count >= waiting_max) {
		when = TURN_NEVER;
	} else if (lane->busy) {
		when = TURN_LATER;
		lane->count++;
		call->next_oneway = NULL;
		*lane->last = call;
		lane->last = &call->next_oneway;
	}
	lane->busy = true;
	pthread_mutex_unlock(&sessions->lock);
	return when;
}

static void end_alone(pyr__job *job)
{
	pyr_call_unref(PYR__OWNER(job, pyr_call, job));
}

/* Of a connection that has ended, or whose end nobody sees. */
static bool add_alone(pyr_call *call, pyr__pool *pool)
{
	call->job.done = end_alone;
	return pyr__pool_add(pool, &call->job);
}

bool pyr__oneway_add(pyr_call *call, pyr__pool *pool, uint32_t waiting_max)
{
	pyr__client_sessions *sessions = &call->daemon->sessions;
	call->lane_session =
		pyr__client_session_find(sessions, pyr__incall_connection(&call->incall));
	if (!call->lane_session)
		return add_alone(call, pool);
	call->job.done = end_job;
	turn when = join_lane(call, waiting_max);
	if (when == TURN_LATER || (when == TURN_NOW && pyr__pool_add(pool, &call->job)))
		return true;
	if (when == TURN_NOW)
		take_next(sessions, call->lane_session); /* there is none: only this thread adds */
	pyr__client_session_release(call->lane_session);
	call->lane_session = NULL;
	return false;
}
