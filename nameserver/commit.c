/* SPDX-License-Identifier: Apache-2.0 */
/* Stages changes, commits them together, and tells those who asked for them. */
#include "commit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "alloc.h"
#include "service_internal.h"

static void free_answer(ns_service *service, ns_answer *answer)
{
	service->commit.count--;
	pyr_call_unref(answer->call);
	ns_record_unref(answer->record);
	free(answer->failure);
	free(answer);
}

/* commit_err: what the commit failed with, or NULL. */
static void tell(ns_service *service, ns_answer *answer, const pyr_error *commit_err)
{
	pyr_error copy;
	if (commit_err) {
		copy = *commit_err;
		ns_fail(answer->call, &copy);
	} else if (answer->failure) {
		ns_fail(answer->call, answer->failure);
	} else {
		answer->tell(service, answer);
	}
	free_answer(service, answer);
}

/*
 * An answer that rests on nothing but what is durable already is told at once; else it waits for
 * the commit, for a failure too may have been decided by something that is only staged.
 */
static void stage(ns_service *service, ns_answer *answer)
{
	pyr_error err;
	if (answer->stage(service, answer->request, answer, &err)) {
		answer->failure = ns_alloc(sizeof err);
		*answer->failure = err;
	}
	if (!ns_store_staged(service->store)) {
		tell(service, answer, NULL);
		return;
	}
	ns_link_append(&service->commit.staged, &answer->link);
	ns_commit_soon(service);
}

void ns_change(ns_service *service, pyr_call *call, const void *request, ns_stage_fn stage_fn,
	ns_tell_fn tell_fn)
{
	ns_commit *commit = &service->commit;
	pyr_error err;
	if (ns_may_ask_for_change(service, call, &err)) {
		ns_fail(call, &err);
		return;
	}
	if (commit->count >= service->options.changes_max) {
		pyr_error_set(&err, PYR_RESOURCE_EXHAUSTED, "%u changes wait to be stored already",
			commit->count);
		err.executed = PYR_EXECUTED_NO;
		ns_fail(call, &err);
		return;
	}
	ns_answer *answer = ns_zalloc(sizeof *answer);
	ns_link_init(&answer->link);
	answer->call = pyr_call_ref(call);
	answer->request = request;
	answer->stage = stage_fn;
	answer->tell = tell_fn;
	commit->count++;
	if (commit->writing)
		ns_link_append(&commit->waiting, &answer->link);
	else
		stage(service, answer);
}

bool ns_commit_under_way(const ns_service *service)
{
	return service->commit.writing;
}

void ns_commit_soon(ns_service *service)
{
	ns_commit *commit = &service->commit;
	if (!commit->soon && !commit->writing) {
		commit->soon = true;
		event_active(commit->event, EV_TIMEOUT, 0); /* after what is ready in this turn */
	}
}

static void stage_waiting(ns_service *service)
{
	ns_link waiting;
	ns_link_init(&waiting);
	ns_link_move_all(&waiting, &service->commit.waiting);
	for (ns_link *link; (link = ns_link_take(&waiting));)
		stage(service, NS_OWNER(link, ns_answer, link));
}

/* The store is written, or has not been: tells everybody and goes on with what waited. */
static void finish(ns_service *service, pyr_status status, const pyr_error *err)
{
	ns_commit *commit = &service->commit;
	uint64_t before = ns_store_revision(service->store);
	ns_link answers;
	ns_link_init(&answers);
	ns_link_move_all(&answers, &commit->staged);
	ns_store_finish(service->store, status);
	commit->writing = false;
	for (ns_link *link; (link = ns_link_take(&answers));)
		tell(service, NS_OWNER(link, ns_answer, link), status ? err : NULL);
	ns_tell_news(service, before + 1, ns_store_revision(service->store));
	ns_walks_committed(service, status ? err : NULL);
	stage_waiting(service);
	ns_expiry_committed(service, status != PYR_OK);
}

static void on_commit(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ns_service *service = arg;
	ns_commit *commit = &service->commit;
	commit->soon = false;
	if (commit->writing || !ns_store_staged(service->store))
		return;
	ns_store_seal(service->store);
	commit->writing = true;
	if (!commit->has_thread) {
		pyr_error err;
		pyr_status status = ns_store_write(service->store, &err);
		finish(service, status, &err);
		return;
	}
	pthread_mutex_lock(&commit->lock);
	commit->go = true;
	pthread_cond_signal(&commit->cond);
	pthread_mutex_unlock(&commit->lock);
}

/* The thread that writes */

static void wake_loop(const ns_commit *commit)
{
	uint64_t one = 1;
	ssize_t wrote;
	do
		wrote = write(commit->done_fd, &one, sizeof one);
	while (wrote < 0 && errno == EINTR);
}

static void *write_on_thread(void *arg)
{
	ns_service *service = arg;
	ns_commit *commit = &service->commit;
	pthread_mutex_lock(&commit->lock);
	for (;;) {
		while (!commit->go && !commit->quit)
			pthread_cond_wait(&commit->cond, &commit->lock);
		if (!commit->go)
			break;
		commit->go = false;
		pthread_mutex_unlock(&commit->lock);
		pyr_error err;
		pyr_status status = ns_store_write(service->store, &err);
		pthread_mutex_lock(&commit->lock);
		commit->status = status;
		if (status)
			commit->err = err;
		commit->done = true;
		wake_loop(commit);
	}
	pthread_mutex_unlock(&commit->lock);
	return NULL;
}

/* True if a write has ended since it was asked last. */
static bool take_done(ns_commit *commit, pyr_status *ret_status, pyr_error *err)
{
	pthread_mutex_lock(&commit->lock);
	bool done = commit->done;
	commit->done = false;
	*ret_status = commit->status;
	if (done && commit->status)
		*err = commit->err;
	pthread_mutex_unlock(&commit->lock);
	return done;
}

static void on_written(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	ns_service *service = arg;
	uint64_t count;
	ssize_t got = read(fd, &count, sizeof count);
	(void)got; /* what counts is in commit->done */
	pyr_status status;
	pyr_error err;
	if (take_done(&service->commit, &status, &err))
		finish(service, status, &err);
}

static pyr_status start_thread(ns_service *service, pyr_error *err)
{
	ns_commit *commit = &service->commit;
	commit->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (commit->done_fd < 0)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "cannot make an eventfd: %s", strerror(errno));
	int failed = pthread_create(&commit->thread, NULL, write_on_thread, service);
	if (failed)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "cannot start a thread: %s", strerror(failed));
	commit->has_thread = true;
	commit->done_event =
		ns_new_event(service, commit->done_fd, EV_READ | EV_PERSIST, on_written, service);
	event_add(commit->done_event, NULL);
	return PYR_OK;
}

pyr_status ns_commit_init(ns_service *service, pyr_error *err)
{
	ns_commit *commit = &service->commit;
	ns_link_init(&commit->waiting);
	ns_link_init(&commit->staged);
	pthread_mutex_init(&commit->lock, NULL);
	pthread_cond_init(&commit->cond, NULL);
	commit->done_fd = -1;
	commit->event = ns_new_event(service, -1, 0, on_commit, service);
	bool on_disk = strcmp(ns_store_kind(service->store), "memory") != 0;
	return on_disk ? start_thread(service, err) : PYR_OK;
}

static void stop_thread(ns_commit *commit)
{
	pthread_mutex_lock(&commit->lock);
	commit->quit = true;
	pthread_cond_signal(&commit->cond);
	pthread_mutex_unlock(&commit->lock);
	pthread_join(commit->thread, NULL);
	commit->has_thread = false;
}

void ns_commit_done(ns_service *service)
{
	ns_commit *commit = &service->commit;
	pyr_status status;
	pyr_error err;
	if (commit->has_thread)
		stop_thread(commit);
	if (take_done(commit, &status, &err))
		finish(service, status, &err);
	if (ns_store_staged(service->store)) {
		ns_store_seal(service->store);
		commit->writing = true;
		status = ns_store_write(service->store, &err);
		finish(service, status, &err);
	}
	if (commit->done_event)
		event_free(commit->done_event);
	if (commit->done_fd >= 0)
		close(commit->done_fd);
	if (commit->event)
		event_free(commit->event);
	pthread_cond_destroy(&commit->cond);
	pthread_mutex_destroy(&commit->lock);
}
