/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop: a libevent base, the thread that dispatches it, and tasks that other threads hand
 * to it.
 *
 * Only the loop's own thread touches libevent. Everybody else posts a task, which is a write to an
 * eventfd at most; so a base needs no locking, and a loop costs no locks inside libevent.
 */
#ifndef PYR_BASE_LOOP_H
#define PYR_BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pyrite/status.h>

typedef struct pyr__loop pyr__loop;

/* Something to do on the loop's thread. Part of what it is about; posted at most once at a time. */
typedef struct pyr__task {
	struct pyr__task *next;
	void (*run)(struct pyr__task *task);
	bool posted; /* the loop's; guarded by its lock */
} pyr__task;

/* base NULL: the loop makes its own. Any thread. */
pyr_status pyr__loop_new(struct event_base *base, pyr__loop **ret_loop, pyr_error *err);

/*
 * Ends the loop's own thread, if there is one, drops tasks that have not run, and leaves the base.
 * Who still has the loop may post to it, and ask about it: nothing will run there any more.
 */
void pyr__loop_close(pyr__loop *loop);

/* Closes it if that has not been done. */
void pyr__loop_free(pyr__loop *loop);

/* Dispatches on a thread of the loop's own. Does nothing if it already does, or the base is the
 * user's. Any thread. */
pyr_status pyr__loop_start(pyr__loop *loop, pyr_error *err);

/* Dispatches on this thread until pyr__loop_stop(). */
pyr_status pyr__loop_run(pyr__loop *loop, pyr_error *err);

/* Makes run return, and ends the own thread, for good, and waits for it. Any thread but the loop's.
 */
void pyr__loop_stop(pyr__loop *loop);

/* As stop, for a loop in pyr__loop_run(), from its own thread: run returns after this turn. */
void pyr__loop_break(pyr__loop *loop);

/* Runs the task on the loop's thread soon; false if it is waiting already, or the loop is closed.
 * Any thread. */
bool pyr__loop_post(pyr__loop *loop, pyr__task *task);

/* Forgets a posted task that has not run. Where nobody dispatches the loop, or on its thread
 * outside of tasks. */
void pyr__loop_cancel(pyr__loop *loop, pyr__task *task);

/* Runs the task at the end of this turn, before the loop waits again. Loop thread only. */
void pyr__loop_defer(pyr__loop *loop, pyr__task *task);

/* Posts the task and waits until it has run; runs it at once on the loop's own thread. */
void pyr__loop_call(pyr__loop *loop, pyr__task *task);

/* True on the thread that dispatches the loop. */
bool pyr__loop_is_current(const pyr__loop *loop);

/* True in its callbacks: nobody else dispatches it meanwhile. */
bool pyr__loop_is_inside(const pyr__loop *loop);

/* True while some thread dispatches it; for a user's base, once that has been seen of a thread that
 * still is there. */
bool pyr__loop_is_dispatched(const pyr__loop *loop);

/* True while what is posted is sure to run; never for a user's base, whose user may stop. */
bool pyr__loop_is_running(const pyr__loop *loop);

/* True on a thread that is inside any loop's callback; a call that blocks must be refused there. */
bool pyr__loop_in_callback(void);

/* Around what runs in an event's callback: marks the thread as the loop's. */
void pyr__loop_enter(pyr__loop *loop);
void pyr__loop_leave(pyr__loop *loop);

/*
 * For taking a stopped loop apart: makes this thread the loop's, and runs what is posted or
 * deferred until nothing is left. False: there was nothing.
 */
bool pyr__loop_finish(pyr__loop *loop);

/* Loop thread only: how many keep it awake just now, to look for more themselves. */
unsigned *pyr__loop_looking(pyr__loop *loop);

struct event_base *pyr__loop_base(const pyr__loop *loop);

#endif
