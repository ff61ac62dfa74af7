/* SPDX-License-Identifier: Apache-2.0 */
/* All streams of a daemon that may be carried on. */
#include "server/resumables.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/owner.h"
#include "server/resumable.h"

#define PART_OF_TOTAL 4 /* of the memory, for one stream */
#define TIMER_MIN_US  5000

static pyr__resumable *at(pyr__link *link)
{
	return PYR__OWNER(link, pyr__resumable, lingering);
}

/* Lock held. Until when the first of those in the list stays. */
static int64_t first_until(const pyr__link *list, int64_t until_us)
{
	for (pyr__link *l = list->next; l != list; l = l->next)
		if (at(l)->until_us < until_us)
			until_us = at(l)->until_us;
	return until_us;
}

static void arm(pyr__resumables *all)
{
	pthread_mutex_lock(&all->lock);
	int64_t until_us = first_until(&all->detached, INT64_MAX);
	if (!pyr__list_empty(&all->ended) && at(all->ended.next)->until_us < until_us)
		until_us = at(all->ended.next)->until_us;
	pthread_mutex_unlock(&all->lock);
	if (until_us == INT64_MAX)
		return;
	int64_t left_us = until_us - pyr__now_us();
	if (left_us < TIMER_MIN_US)
		left_us = TIMER_MIN_US;
	struct timeval left = {left_us / 1000000, left_us % 1000000};
	evtimer_add(&all->timer, &left);
}

static void run_arm(pyr__task *task)
{
	pyr__resumables *all = PYR__OWNER(task, pyr__resumables, timer_task);
	arm(all);
}

/* One that has stayed until then, out of its list, with a reference; NULL: there is none. */
static pyr__resumable *take_expired(pyr__resumables *all, pyr__link *list, int64_t now_us)
{
	pyr__resumable *found = NULL;
	pthread_mutex_lock(&all->lock);
	for (pyr__link *l = list->next; l != list && !found; l = l->next)
		if (at(l)->until_us <= now_us)
			found = pyr__resumable_ref(at(l));
	if (found)
		pyr__list_remove(&found->lingering);
	pthread_mutex_unlock(&all->lock);
	return found;
}

static void expire(pyr__resumables *all, pyr__link *list, int64_t now_us)
{
	pyr__resumable *expired;
	while ((expired = take_expired(all, list, now_us)) != NULL) {
		pyr__resumable_expire(expired, now_us);
		pyr__resumable_unref(expired);
	}
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__resumables *all = arg;
	pyr__loop_enter(all->loop);
	int64_t now_us = pyr__now_us();
	expire(all, &all->detached, now_us);
	expire(all, &all->ended, now_us);
	arm(all);
	pyr__loop_leave(all->loop);
}

void pyr__resumables_init(pyr__resumables *all, pyr__loop *loop, uint32_t linger_ms,
	uint64_t bytes_max, atomic_uint_fast64_t *queued_total)
{
	*all = (pyr__resumables){
		.loop = loop,
		.linger_ms = linger_ms,
		.bytes_max = bytes_max,
		.queued_total = queued_total,
		.began_us = pyr__now_us(),
		.timer_task.run = run_arm,
	};
	evtimer_assign(&all->timer, pyr__loop_base(loop), on_timer, all);
	pthread_mutex_init(&all->lock, NULL);
	pyr__map_init(&all->by_token);
	pyr__list_init(&all->detached);
	pyr__list_init(&all->ended);
}

void pyr__resumables_stop(pyr__resumables *all)
{
	pthread_mutex_lock(&all->lock);
	all->stopping = true;
	pthread_mutex_unlock(&all->lock);
	expire(all, &all->detached, INT64_MAX);
	expire(all, &all->ended, INT64_MAX);
	event_del(&all->timer);
}

void pyr__resumables_close(pyr__resumables *all)
{
	pthread_mutex_lock(&all->lock);
	all->closed = true;
	pthread_mutex_unlock(&all->lock);
}

void pyr__resumables_done(pyr__resumables *all)
{
	if (!all->loop)
		return;
	pyr__map_done(&all->by_token);
	pthread_mutex_destroy(&all->lock);
}

/* Lock held. The table's reference is the caller's afterwards. */
static bool take_out(pyr__resumables *all, pyr__resumable *resumable)
{
	if (!resumable->listed)
		return false;
	resumable->listed = false;
	pyr__list_remove(&resumable->lingering);
	pyr__map_remove(&all->by_token, resumable->token, sizeof resumable->token);
	return true;
}

/* Gives up the one that ended first, which may not have arrived; false: there is none. */
static bool evict(pyr__resumables *all)
{
	pyr__resumable *oldest = NULL;
	pthread_mutex_lock(&all->lock);
	if (!pyr__list_empty(&all->ended)) {
		oldest = at(all->ended.next);
		take_out(all, oldest);
		all->forgot_us = pyr__now_us();
	}
	pthread_mutex_unlock(&all->lock);
	pyr__resumable_unref(oldest);
	return oldest != NULL;
}

static pyr_status try_add(pyr__resumables *all, pyr__resumable *resumable, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&all->lock);
	if (all->by_token.count >= PYR__RESUMABLES_MAX)
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the daemon keeps %u streams already that may be carried on",
			PYR__RESUMABLES_MAX);
	else if (!pyr__map_insert(
			 &all->by_token, resumable->token, sizeof resumable->token, resumable))
		status = pyr_error_set(err, PYR_ALREADY_EXISTS,
			"there is a stream with this token already: a call that was late");
	else
		resumable->listed = true;
	pthread_mutex_unlock(&all->lock);
	return status;
}

pyr_status pyr__resumables_add(pyr__resumables *all, pyr__resumable *resumable, pyr_error *err)
{
	pyr__resumable_ref(resumable);
	pyr_status status = try_add(all, resumable, err);
	if (status == PYR_RESOURCE_EXHAUSTED && evict(all))
		status = try_add(all, resumable, err);
	if (status)
		pyr__resumable_unref(resumable);
	return status;
}

pyr__resumable *pyr__resumables_find(pyr__resumables *all, const char *token, size_t size)
{
	pthread_mutex_lock(&all->lock);
	pyr__resumable *found = pyr__map_find(&all->by_token, token, size);
	if (found)
		pyr__resumable_ref(found);
	pthread_mutex_unlock(&all->lock);
	return found;
}

void pyr__resumables_remove(pyr__resumables *all, pyr__resumable *resumable)
{
	pthread_mutex_lock(&all->lock);
	bool was_there = take_out(all, resumable);
	pthread_mutex_unlock(&all->lock);
	if (was_there)
		pyr__resumable_unref(resumable);
}

bool pyr__resumables_linger(
	pyr__resumables *all, pyr__resumable *resumable, int64_t until_us, bool ended)
{
	pthread_mutex_lock(&all->lock);
	bool stays = resumable->listed && !all->stopping;
	if (stays) {
		resumable->until_us = until_us;
		pyr__list_remove(&resumable->lingering);
		pyr__list_append(ended ? &all->ended : &all->detached, &resumable->lingering);
		if (!all->closed)
			pyr__loop_post(all->loop, &all->timer_task);
	}
	pthread_mutex_unlock(&all->lock);
	return stays;
}

void pyr__resumables_rejoin(pyr__resumables *all, pyr__resumable *resumable)
{
	pthread_mutex_lock(&all->lock);
	pyr__list_remove(&resumable->lingering);
	pthread_mutex_unlock(&all->lock);
}

bool pyr__resumables_reserve(pyr__resumables *all, uint64_t had, size_t bytes)
{
	if (had + bytes > all->bytes_max / PART_OF_TOTAL)
		return false;
	for (;;) {
		pthread_mutex_lock(&all->lock);
		bool fits = all->bytes + bytes <= all->bytes_max;
		if (fits)
			all->bytes += bytes;
		pthread_mutex_unlock(&all->lock);
		if (fits)
			break;
		if (!evict(all))
			return false;
	}
	atomic_fetch_add_explicit(all->queued_total, bytes, memory_order_relaxed);
	return true;
}

void pyr__resumables_release(pyr__resumables *all, uint64_t bytes)
{
	pthread_mutex_lock(&all->lock);
	all->bytes -= bytes;
	pthread_mutex_unlock(&all->lock);
	atomic_fetch_sub_explicit(all->queued_total, bytes, memory_order_relaxed);
}

void pyr__resumables_forget(pyr__resumables *all)
{
	pthread_mutex_lock(&all->lock);
	all->forgot_us = pyr__now_us();
	pthread_mutex_unlock(&all->lock);
}

bool pyr__resumables_remember(pyr__resumables *all, uint64_t age_ms)
{
	int64_t now_us = pyr__now_us();
	if (age_ms >= all->linger_ms || age_ms * 1000 >= (uint64_t)(now_us - all->began_us))
		return false;
	pthread_mutex_lock(&all->lock);
	bool all_known = all->forgot_us < now_us - (int64_t)age_ms * 1000;
	pthread_mutex_unlock(&all->lock);
	return all_known;
}

bool pyr__resumables_are_stopping(pyr__resumables *all)
{
	pthread_mutex_lock(&all->lock);
	bool stopping = all->stopping;
	pthread_mutex_unlock(&all->lock);
	return stopping;
}

bool pyr__resumables_post(pyr__resumables *all, pyr__task *task)
{
	pthread_mutex_lock(&all->lock);
	bool posted = !all->closed && pyr__loop_post(all->loop, task);
	pthread_mutex_unlock(&all->lock);
	return posted;
}
