/* SPDX-License-Identifier: Apache-2.0 */
/* A libevent base, its thread, and a queue of tasks from other threads. */
#include "base/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/error.h"

typedef struct queue {
	pyr__task *first;
	pyr__task **last;
} queue;

struct pyr__loop {
	struct event_base *base;
	bool owns_base;
	int wake_fd;
	struct event wake;
	struct event
		end_of_turn; /* made active, never added: libevent runs it after this turn's I/O */
	queue deferred;      /* loop thread only, as the next */
	unsigned looking;

	pthread_mutex_t lock; /* guards what follows */
	queue posted;
	bool has_thread;
	bool ended;  /* no thread is started any more */
	bool closed; /* the base has been left: nothing is posted any more */
	pthread_t thread;

	atomic_bool stopping;
	_Atomic(pthread_t) dispatcher; /* who dispatches now, valid while `dispatching` */
	atomic_bool dispatching;
	atomic_int
		dispatcher_id; /* the kernel's; of a user's base, to see whether it is there yet */
};

/* The loop whose callback this thread is in, and how deep. */
static _Thread_local const pyr__loop *current_loop;
static _Thread_local unsigned current_depth;

static _Thread_local int thread_id;

static int own_thread_id(void)
{
	if (!thread_id)
		thread_id = (int)syscall(SYS_gettid);
	return thread_id;
}

static void queue_init(queue *q)
{
	q->first = NULL;
	q->last = &q->first;
}

static void queue_push(queue *q, pyr__task *task)
{
	task->next = NULL;
	*q->last = task;
	q->last = &task->next;
}

static pyr__task *queue_take(queue *q)
{
	pyr__task *all = q->first;
	queue_init(q);
	return all;
}

void pyr__loop_enter(pyr__loop *loop)
{
	if (current_depth++ == 0) {
		current_loop = loop;
		if (!loop->owns_base) {
			atomic_store_explicit(
				&loop->dispatcher, pthread_self(), memory_order_relaxed);
			atomic_store_explicit(
				&loop->dispatcher_id, own_thread_id(), memory_order_relaxed);
			atomic_store_explicit(&loop->dispatching, true, memory_order_release);
		}
	}
}

void pyr__loop_leave(pyr__loop *loop)
{
	(void)loop;
	if (--current_depth == 0)
		current_loop = NULL;
}

bool pyr__loop_in_callback(void)
{
	return current_depth > 0;
}

bool pyr__loop_is_inside(const pyr__loop *loop)
{
	return current_loop == loop;
}

bool pyr__loop_is_current(const pyr__loop *loop)
{
	if (current_loop == loop)
		return true;
	return atomic_load_explicit(&loop->dispatching, memory_order_acquire) &&
	       pthread_equal(atomic_load_explicit(&loop->dispatcher, memory_order_relaxed),
		       pthread_self());
}

bool pyr__loop_is_dispatched(const pyr__loop *loop)
{
	if (!atomic_load_explicit(&loop->dispatching, memory_order_acquire))
		return false;
	/* nobody tells when a user's thread stops dispatching, but when it has ended it does */
	int id = atomic_load_explicit(&loop->dispatcher_id, memory_order_relaxed);
	return loop->owns_base || syscall(SYS_tgkill, getpid(), id, 0) == 0;
}

bool pyr__loop_is_running(const pyr__loop *loop)
{
	return loop->owns_base && pyr__loop_is_dispatched(loop);
}

static void run_posted(pyr__loop *loop)
{
	pthread_mutex_lock(&loop->lock);
	pyr__task *task = queue_take(&loop->posted);
	/* a task may be posted again, or freed, as soon as it runs: unlink it first */
	while (task) {
		pyr__task *next = task->next;
		task->posted = false;
		pthread_mutex_unlock(&loop->lock);
		task->run(task);
		task = next;
		pthread_mutex_lock(&loop->lock);
	}
	pthread_mutex_unlock(&loop->lock);
}

static void on_wake(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	pyr__loop *loop = arg;
	uint64_t count;
	pyr__loop_enter(loop);
	if (read(fd, &count, sizeof count) == sizeof count) {
		run_posted(loop);
		if (atomic_load(&loop->stopping))
			event_base_loopbreak(loop->base);
	}
	pyr__loop_leave(loop);
}

static void run_deferred(pyr__loop *loop)
{
	pyr__task *task = queue_take(&loop->deferred);
	while (task) {
		pyr__task *next = task->next;
		task->posted = false;
		task->run(task);
		task = next;
	}
}

static void on_end_of_turn(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pyr__loop *loop = arg;
	pyr__loop_enter(loop);
	run_deferred(loop);
	pyr__loop_leave(loop);
}

bool pyr__loop_finish(pyr__loop *loop)
{
	bool ran = false;
	atomic_store_explicit(&loop->dispatcher, pthread_self(), memory_order_relaxed);
	atomic_store_explicit(&loop->dispatcher_id, own_thread_id(), memory_order_relaxed);
	atomic_store_explicit(&loop->dispatching, true, memory_order_release);
	for (;;) {
		pthread_mutex_lock(&loop->lock);
		bool more = loop->posted.first || loop->deferred.first;
		pthread_mutex_unlock(&loop->lock);
		if (!more)
			return ran;
		run_posted(loop);
		run_deferred(loop);
		ran = true;
	}
}

static void wake_up(pyr__loop *loop)
{
	uint64_t one = 1;
	ssize_t wrote;
	do
		wrote = write(loop->wake_fd, &one, sizeof one);
	while (wrote < 0 && errno == EINTR);
	/* EAGAIN: the counter is full, so the loop is awake anyway */
}

pyr_status pyr__loop_new(struct event_base *base, pyr__loop **ret_loop, pyr_error *err)
{
	pyr__loop *loop = pyr__zalloc(sizeof *loop);
	loop->owns_base = base == NULL;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		free(loop);
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "cannot make an eventfd: %s", strerror(errno));
	}
	if (!base) {
		struct event_config *config = event_config_new();
		if (config) {
			event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
			/* it would read the time in each turn, which timers alone ask for */
			event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
		}
		base = config ? event_base_new_with_config(config) : NULL;
		if (config)
			event_config_free(config);
	}
	if (!base) {
		close(loop->wake_fd);
		free(loop);
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "cannot make an event loop");
	}
	loop->base = base;
	pthread_mutex_init(&loop->lock, NULL);
	queue_init(&loop->posted);
	queue_init(&loop->deferred);
	event_assign(&loop->wake, base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
	event_assign(&loop->end_of_turn, base, -1, 0, on_end_of_turn, loop);
	event_add(&loop->wake, NULL);
	*ret_loop = loop;
	return PYR_OK;
}

void pyr__loop_close(pyr__loop *loop)
{
	pyr__loop_stop(loop);
	pthread_mutex_lock(&loop->lock);
	loop->closed = true;
	queue_init(&loop->posted);
	pthread_mutex_unlock(&loop->lock);
	atomic_store_explicit(&loop->dispatching, false, memory_order_release);
	event_del(&loop->wake);
	event_del(&loop->end_of_turn);
	if (loop->owns_base)
		event_base_free(loop->base);
	loop->base = NULL;
}

void pyr__loop_free(pyr__loop *loop)
{
	if (!loop)
		return;
	if (!loop->closed)
		pyr__loop_close(loop);
	close(loop->wake_fd); /* until now, since who posts may be about to write to it */
	pthread_mutex_destroy(&loop->lock);
	free(loop);
}

static void dispatch(pyr__loop *loop)
{
	atomic_store_explicit(&loop->dispatcher, pthread_self(), memory_order_relaxed);
	atomic_store_explicit(&loop->dispatching, true, memory_order_release);
	/* whatever runs from here is a callback, events of the user's own on our base included */
	pyr__loop_enter(loop);
	if (!atomic_load(&loop->stopping))
		event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
	pyr__loop_leave(loop);
	atomic_store_explicit(&loop->dispatching, false, memory_order_release);
}

static void *thread_main(void *arg)
{
	dispatch(arg);
	return NULL;
}

/*
 * The loop counts as dispatched before its thread has got so far. Else whoever comes first would
 * take it for one that nobody dispatches: run a task in its stead, or stop it without a turn.
 */
static pyr_status start_thread(pyr__loop *loop, pyr_error *err)
{
	atomic_store_explicit(&loop->dispatcher, pthread_self(), memory_order_relaxed);
	atomic_store_explicit(&loop->dispatching, true, memory_order_release);
	int failed = pthread_create(&loop->thread, NULL, thread_main, loop);
	if (failed) {
		atomic_store_explicit(&loop->dispatching, false, memory_order_release);
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "cannot start a thread: %s", strerror(failed));
	}
	atomic_store_explicit(&loop->dispatcher, loop->thread, memory_order_relaxed);
	loop->has_thread = true;
	return PYR_OK;
}

pyr_status pyr__loop_start(pyr__loop *loop, pyr_error *err)
{
	if (!loop->owns_base)
		return PYR_OK;
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&loop->lock);
	if (!loop->has_thread && !loop->ended && !atomic_load(&loop->dispatching)) {
		atomic_store(&loop->stopping, false);
		status = start_thread(loop, err);
	}
	pthread_mutex_unlock(&loop->lock);
	return status;
}

pyr_status pyr__loop_run(pyr__loop *loop, pyr_error *err)
{
	if (!loop->owns_base)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the event base is yours: dispatch it yourself");
	pthread_mutex_lock(&loop->lock);
	bool taken = loop->has_thread || atomic_load(&loop->dispatching);
	pthread_mutex_unlock(&loop->lock);
	if (taken)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "the loop runs on a thread already");
	dispatch(loop);
	atomic_store(&loop->stopping, false);
	return PYR_OK;
}

void pyr__loop_break(pyr__loop *loop)
{
	atomic_store(&loop->stopping, true);
	event_base_loopbreak(loop->base);
}

void pyr__loop_stop(pyr__loop *loop)
{
	if (!loop->owns_base)
		return;
	pthread_mutex_lock(&loop->lock);
	bool join = loop->has_thread;
	loop->has_thread = false;
	loop->ended = true;
	pthread_mutex_unlock(&loop->lock);
	if (join || (atomic_load(&loop->dispatching) && !pyr__loop_is_current(loop))) {
		atomic_store(&loop->stopping, true);
		wake_up(loop);
	}
	if (join) {
		pthread_join(loop->thread, NULL);
		atomic_store(&loop->stopping, false);
	}
}

bool pyr__loop_post(pyr__loop *loop, pyr__task *task)
{
	pthread_mutex_lock(&loop->lock);
	bool fresh = !task->posted && !loop->closed;
	bool was_empty = loop->posted.first == NULL;
	if (fresh) {
		task->posted = true;
		queue_push(&loop->posted, task);
	}
	pthread_mutex_unlock(&loop->lock);
	if (fresh && was_empty)
		wake_up(loop);
	return fresh;
}

void pyr__loop_cancel(pyr__loop *loop, pyr__task *task)
{
	pthread_mutex_lock(&loop->lock);
	pyr__task **at = &loop->posted.first;
	while (*at && *at != task)
		at = &(*at)->next;
	if (*at) {
		*at = task->next;
		if (!*at)
			loop->posted.last = at;
		task->posted = false;
	}
	pthread_mutex_unlock(&loop->lock);
}

PYR__APART void pyr__loop_defer(pyr__loop *loop, pyr__task *task)
{
	if (task->posted)
		return;
	task->posted = true;
	bool was_empty = loop->deferred.first == NULL;
	queue_push(&loop->deferred, task);
	if (was_empty)
		event_active(&loop->end_of_turn, EV_TIMEOUT, 0);
}

typedef struct waiter {
	pyr__task task;
	pyr__task *inner;
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
} waiter;

static void run_waiter(pyr__task *task)
{
	waiter *w = (waiter *)task;
	w->inner->run(w->inner);
	pthread_mutex_lock(&w->lock);
	w->done = true;
	pthread_cond_signal(&w->done_cond);
	pthread_mutex_unlock(&w->lock);
}

void pyr__loop_call(pyr__loop *loop, pyr__task *task)
{
	if (pyr__loop_is_current(loop) || !pyr__loop_is_dispatched(loop)) {
		task->run(task);
		return;
	}
	waiter w = {.task = {.run = run_waiter}, .inner = task};
	pthread_mutex_init(&w.lock, NULL);
	pthread_cond_init(&w.done_cond, NULL);
	pyr__loop_post(loop, &w.task);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		pthread_cond_wait(&w.done_cond, &w.lock);
	pthread_mutex_unlock(&w.lock);
	pthread_cond_destroy(&w.done_cond);
	pthread_mutex_destroy(&w.lock);
}

unsigned *pyr__loop_looking(pyr__loop *loop)
{
	return &loop->looking;
}

struct event_base *pyr__loop_base(const pyr__loop *loop)
{
	return loop->base;
}
