/* SPDX-License-Identifier: Apache-2.0 */
/* One stream, from leg to leg. */
#include "server/resumable.h"

#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/metadata.h"
#include "base/refs.h"

#define AHEAD_COST_MAX (256u << 10) /* of what is kept for nobody: as much as a window admits */

static const pyr__incall_ops stream_ops;

pyr__resumable *pyr__resumable_ref(pyr__resumable *r)
{
	pyr__refs_take(&r->refs);
	return r;
}

void pyr__resumable_unref(pyr__resumable *r)
{
	if (!r || !pyr__refs_drop(&r->refs))
		return;
	pyr__replay_clear(&r->replay);
	pyr__resumables_release(r->of, r->reserved);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r->final);
	free(r->object);
	free(r->peer);
	free(r->principal);
	free(r);
}

static int64_t linger_until(const pyr__resumable *r)
{
	int64_t until_us = pyr__now_us() + r->of->linger_ms * 1000ll;
	return until_us < r->deadline_us ? until_us : r->deadline_us;
}

/* With the lock held, but where it says otherwise */

static bool reserve(pyr__resumable *r, size_t bytes)
{
	if (!pyr__resumables_reserve(r->of, r->reserved, bytes))
		return false;
	r->reserved += bytes;
	return true;
}

/* Gives back what is reserved and not used any more. */
static void settle(pyr__resumable *r)
{
	uint64_t used = r->replay.bytes + r->request_bytes;
	if (r->reserved > used)
		pyr__resumables_release(r->of, r->reserved - used);
	r->reserved = used;
}

static void part(pyr__resumable *r, pyr_call *leg)
{
	r->parted[r->parted[0] ? 1 : 0] = leg;
}

/* A leg's last reference may have others' locks taken. */
static void unlock(pyr__resumable *r)
{
	pyr_call *parted[2] = {r->parted[0], r->parted[1]};
	r->parted[0] = r->parted[1] = NULL;
	pthread_mutex_unlock(&r->lock);
	pyr_call_unref(parted[0]);
	pyr_call_unref(parted[1]);
}

static void end_leg(pyr_call *leg, const pyr__final *final)
{
	if (pyr__flag_set(&leg->answered) && leg->statistics)
		pyr__statistics_end(leg->statistics, final->status, pyr__now_us() - leg->began_us);
	pyr_status status = pyr__incall_finish(&leg->incall, final, NULL, NULL);
	(void)status; /* CANCELLED if it is lost, which the caller will come back for */
}

/* The servant is told by the loop. */
static void add_news(pyr__resumable *r, unsigned news)
{
	r->news |= news;
	pthread_cond_broadcast(&r->changed);
}

/* Without a leg: whether the servant may go on. */
static bool has_room(const pyr__resumable *r)
{
	return r->replay.cost < AHEAD_COST_MAX;
}

static void let_write(pyr__resumable *r)
{
	if (r->writable)
		return;
	r->writable = true;
	add_news(r, PYR__WORK_WRITABLE);
}

/* Whoever asks for it from now on is told that it is not there. */
static void drop(pyr__resumable *r)
{
	pyr__resumables_remove(r->of, r);
	pyr__replay_clear(&r->replay);
	settle(r);
}

static void cancel(pyr__resumable *r)
{
	if (r->cancelled)
		return;
	r->cancelled = true;
	drop(r);
	if (r->stream)
		atomic_store_explicit(&r->stream->incall.cancelled, true, memory_order_release);
	add_news(r, PYR__WORK_CANCEL);
}

/* More than is allowed would have to be kept: from now on it is a stream like any other. */
static void forget(pyr__resumable *r)
{
	r->forgotten = true;
	pyr__resumables_forget(r->of);
	drop(r);
}

/* There is no leg, or none that anything can still be said to. */
static void linger(pyr__resumable *r)
{
	bool ended = r->final != NULL;
	if (pyr__resumables_linger(r->of, r, linger_until(r), ended))
		return;
	if (ended)
		drop(r);
	else
		cancel(r);
}

/* All is sent, and the servant has ended it: so is that. It may not arrive. */
static void try_end(pyr__resumable *r)
{
	if (!r->final || !r->leg || r->replay.unsent)
		return;
	end_leg(r->leg, r->final);
	part(r, r->leg);
	r->leg = NULL;
	linger(r);
}

/* Sends what can be sent. A failure is that of the first item that is not sent, and will not be. */
static pyr_status pump(pyr__resumable *r, pyr_error *err)
{
	while (r->leg && r->replay.unsent) {
		pyr__body body = {.raw = r->replay.unsent->data, .size = r->replay.unsent->size};
		pyr_error own;
		pyr_status status = pyr__incall_send(&r->leg->incall, &body, &own);
		if (status == PYR_CANCELLED || (status && own.would_block))
			return PYR_OK; /* work will come of it */
		if (status) {
			pyr__error_copy(err, &own);
			return status;
		}
		pyr__replay_advance(&r->replay);
	}
	return PYR_OK;
}

/* The servant has been told that the item is sent: all it can be told is that the stream is over.
 */
static void end_badly(pyr__resumable *r, const pyr_error *err)
{
	pyr__final final = {
		.status = err->status,
		.executed = PYR_EXECUTED_YES,
		.message = {err->message, strlen(err->message)},
	};
	pyr__replay_cut(&r->replay);
	free(r->final);
	r->final = pyr__final_copy(&final);
	if (r->stream)
		atomic_store_explicit(&r->stream->incall.cancelled, true, memory_order_release);
	add_news(r, PYR__WORK_CANCEL);
}

static void go_on(pyr__resumable *r)
{
	pyr_error err;
	if (r->leg && !r->forgotten)
		pyr__replay_consumed(&r->replay, pyr__incall_consumed(&r->leg->incall));
	if (pump(r, &err))
		end_badly(r, &err);
	settle(r);
	if (r->leg && !r->replay.unsent && !r->final)
		let_write(r);
	try_end(r);
}

/* Without the lock; loop thread. */
static void tell(pyr__resumable *r)
{
	pthread_mutex_lock(&r->lock);
	unsigned news = r->news;
	r->news = 0;
	pyr_call *stream = r->stream && pyr__call_ref_if_used(r->stream) ? r->stream : NULL;
	unlock(r);
	if (!stream)
		return;
	if (news & PYR__WORK_CANCEL)
		pyr__call_cancelled(stream);
	if (news & PYR__WORK_WRITABLE)
		pyr__call_writable(stream);
	pyr_call_unref(stream);
}

static void run_task(pyr__task *task)
{
	pyr__resumable *r = PYR__OWNER(task, pyr__resumable, task);
	pthread_mutex_lock(&r->lock);
	go_on(r);
	unlock(r);
	tell(r);
	pyr__resumable_unref(r);
}

static void go_on_soon(pyr__resumable *r)
{
	if (!pyr__resumables_post(r->of, &pyr__resumable_ref(r)->task))
		pyr__resumable_unref(r);
}

/* The operations of the servant's call */

static pyr__resumable *carrier_of(const pyr__incall *incall)
{
	return incall->carrier;
}

static pyr_status gone(pyr_error *err)
{
	return pyr_error_set(err, PYR_CANCELLED, "the caller no longer waits for an answer");
}

static pyr_status would_block(const pyr__resumable *r, pyr_error *err)
{
	pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
		r->leg ? "the peer does not keep up"
		       : "the caller's connection is lost, and it has not come back yet");
	if (err)
		err->would_block = true;
	return PYR_RESOURCE_EXHAUSTED;
}

/* Whether the item goes to the leg at once, behind nothing. */
static bool is_direct(const pyr__resumable *r)
{
	return r->leg && !r->replay.unsent;
}

static pyr_status send_kept(pyr__resumable *r, const pyr__body *body, pyr_error *err)
{
	bool direct = is_direct(r);
	if (!pyr__replay_put(&r->replay, body))
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "there is no memory for the message");
	pyr_status status = direct ? pump(r, err) : PYR_OK;
	if (status)
		pyr__replay_cut(&r->replay);
	return status;
}

static pyr_status send_item(pyr__resumable *r, const pyr__body *body, pyr_error *err)
{
	size_t bytes = pyr__replay_memory(body->size);
	r->writable = false;
	if (r->cancelled || r->final || (r->forgotten && !r->leg))
		return gone(err);
	if (is_direct(r) && !r->forgotten) {
		pyr__replay_consumed(&r->replay, pyr__incall_consumed(&r->leg->incall));
		settle(r);
		if (!reserve(r, bytes))
			forget(r);
	} else if (!r->forgotten && (r->leg || !has_room(r) || !reserve(r, bytes))) {
		return would_block(r, err);
	}
	if (r->forgotten)
		return pyr__incall_send(&r->leg->incall, body, err);
	pyr_status status = send_kept(r, body, err);
	settle(r);
	return status;
}

static pyr_status stream_send(pyr__incall *incall, const pyr__body *body, pyr_error *err)
{
	pyr__resumable *r = carrier_of(incall);
	pthread_mutex_lock(&r->lock);
	pyr_status status = send_item(r, body, err);
	unlock(r);
	return status;
}

/* Nobody can come back for it. */
static pyr_status finish_leg(pyr__resumable *r, const pyr__final *final, pyr_error *err)
{
	pyr_call *leg = r->leg;
	if (!leg)
		return gone(err);
	r->leg = NULL;
	end_leg(leg, final);
	part(r, leg);
	return PYR_OK;
}

static pyr_status finish(pyr__resumable *r, const pyr__final *final, pyr_error *err)
{
	if (r->final)
		return gone(err);
	if (r->cancelled || r->forgotten)
		return finish_leg(r, final, err);
	r->final = pyr__final_copy(final);
	if (r->leg)
		go_on(r);
	else
		linger(r);
	return PYR_OK;
}

/* There is no body: a method with a stream of answers sends them before. */
static pyr_status stream_finish(
	pyr__incall *incall, const pyr__final *final, const pyr__body *body, pyr_error *err)
{
	(void)body;
	pyr__resumable *r = carrier_of(incall);
	pthread_mutex_lock(&r->lock);
	pyr_status status = finish(r, final, err);
	unlock(r);
	return status;
}

static pyr__message *stream_take(pyr__incall *incall)
{
	return pyr__inbox_take(&incall->inbox);
}

static void stream_release(pyr__incall *incall, pyr__message *message)
{
	pyr__message_free(&incall->inbox, message);
}

static void stream_wait(pyr__incall *incall, pyr__direction what, int64_t until_us)
{
	pyr__resumable *r = carrier_of(incall);
	if (what == PYR__READ)
		return; /* its only message was there from the beginning */
	struct timespec until = {until_us / 1000000, until_us % 1000000 * 1000};
	int failed = 0;
	pthread_mutex_lock(&r->lock);
	while (!r->writable && !r->cancelled && !r->final && !failed)
		failed = until_us == PYR__DEADLINE_NONE
				 ? pthread_cond_wait(&r->changed, &r->lock)
				 : pthread_cond_timedwait(&r->changed, &r->lock, &until);
	unlock(r);
}

static bool stream_at_end(pyr__incall *incall)
{
	return !incall->inbox.first;
}

static void stream_poke(pyr__incall *incall)
{
	pyr__resumable *r = carrier_of(incall);
	pthread_mutex_lock(&r->lock);
	bool now = r->writable || r->cancelled || r->final;
	if (now)
		add_news(r, PYR__WORK_WRITABLE);
	unlock(r);
	if (now)
		go_on_soon(r);
}

static void stream_done(pyr__incall *incall)
{
	static const char forgotten[] = "the servant gave the call back without an answer";
	static const char given_up[] = "the caller gave up before the servant answered";
	pyr__resumable *r = carrier_of(incall);
	pthread_mutex_lock(&r->lock);
	pyr__final final = {.status = PYR_INTERNAL, .executed = PYR_EXECUTED_YES};
	final.message = (pyr__text){forgotten, sizeof forgotten - 1};
	if (r->cancelled) {
		final.status = PYR_CANCELLED;
		final.message = (pyr__text){given_up, sizeof given_up - 1};
	}
	if (!r->final) {
		pyr_status status = finish(r, &final, NULL);
		(void)status; /* CANCELLED if there is nobody to hear of it */
	}
	pyr__inbox_clear(&incall->inbox);
	r->request_bytes = 0;
	settle(r);
	r->stream = NULL;
	unlock(r);
	pyr__resumable_unref(r);
}

static const char *stream_peer(pyr__incall *incall)
{
	return carrier_of(incall)->peer;
}

static const char *stream_principal(pyr__incall *incall)
{
	return carrier_of(incall)->principal;
}

/* Who calls has been found out with the leg. */
static const char *stream_authorization(pyr__incall *incall)
{
	(void)incall;
	return "";
}

static void stream_set_principal(pyr__incall *incall, const char *name)
{
	(void)incall;
	(void)name;
}

static uint64_t stream_connection(pyr__incall *incall)
{
	return carrier_of(incall)->connection;
}

static pyr_scheme stream_reached(
	pyr__incall *incall, struct sockaddr_storage *ret_address, socklen_t *ret_size)
{
	const pyr__resumable *r = carrier_of(incall);
	*ret_size = r->reached_size;
	if (r->reached_size)
		*ret_address = r->reached;
	return r->scheme;
}

/* On the connection that there is now. */
static pyr__channel *stream_back(pyr__incall *incall, void (*release)(void *arg), void *arg)
{
	pyr__resumable *r = carrier_of(incall);
	pthread_mutex_lock(&r->lock);
	pyr_call *leg = r->leg ? pyr_call_ref(r->leg) : NULL;
	pthread_mutex_unlock(&r->lock);
	pyr__channel *channel = leg ? pyr__incall_back(&leg->incall, release, arg) : NULL;
	pyr_call_unref(leg);
	return channel;
}

static const pyr__incall_ops stream_ops = {
	.send = stream_send,
	.finish = stream_finish,
	.take = stream_take,
	.release = stream_release,
	.wait = stream_wait,
	.at_end = stream_at_end,
	.poke = stream_poke,
	.done = stream_done,
	.peer = stream_peer,
	.principal = stream_principal,
	.authorization = stream_authorization,
	.set_principal = stream_set_principal,
	.connection = stream_connection,
	.reached = stream_reached,
	.back = stream_back,
};

/* Legs */

/* It is one from here on, though not the one that is used. */
static void make_leg(pyr__resumable *r, pyr_call *call)
{
	pyr__mutex_lock(&call->lock);
	call->resumable = pyr__resumable_ref(r);
	pyr__mutex_unlock(&call->lock);
}

/* Lock held. */
static void lose_leg(pyr__resumable *r)
{
	part(r, r->leg);
	r->leg = NULL;
	if (r->cancelled || r->forgotten) {
		cancel(r);
		return;
	}
	linger(r);
	if (!r->cancelled && !r->final && has_room(r))
		let_write(r);
}

/* Lock held. The leg is answered with what the servant says to that, or has said before. */
static void give_up(pyr__resumable *r)
{
	cancel(r);
	if (!r->final)
		return;
	pyr_status status = finish_leg(r, r->final, NULL);
	(void)status; /* there is one */
}

/* Its caller has given it up, or is gone. */
static void end_of_leg(pyr__resumable *r, pyr_call *leg)
{
	pthread_mutex_lock(&r->lock);
	if (r->leg == leg) {
		if (leg->incall.lost)
			lose_leg(r);
		else
			give_up(r);
	}
	unlock(r);
}

static pyr__resumable *of_leg(pyr_call *leg)
{
	pyr__mutex_lock(&leg->lock);
	pyr__resumable *r = leg->resumable;
	pyr__mutex_unlock(&leg->lock);
	return r;
}

PYR__APART void pyr__resumable_on_work(pyr_call *leg, unsigned work)
{
	pyr__resumable *r = of_leg(leg);
	if (!r)
		return;
	if (work & PYR__WORK_CANCEL)
		end_of_leg(r, leg);
	if (work & PYR__WORK_WRITABLE) {
		pthread_mutex_lock(&r->lock);
		if (r->leg == leg)
			go_on(r);
		unlock(r);
	}
	tell(r);
}

void pyr__resumable_expire(pyr__resumable *r, int64_t now_us)
{
	pthread_mutex_lock(&r->lock);
	if (!r->leg && r->until_us <= now_us) {
		if (r->final)
			drop(r);
		else
			cancel(r);
	}
	unlock(r);
	tell(r);
}

/* The leg may have been lost before anybody knew that it was one. */
static void check_leg(pyr__resumable *r, pyr_call *leg)
{
	if (atomic_load_explicit(&leg->incall.cancelled, memory_order_acquire))
		end_of_leg(r, leg);
	go_on_soon(r);
}

/* Making one */

static char *copy(pyr__text text)
{
	return pyr__strndup(text.data, text.size);
}

static pyr__resumable *new_resumable(pyr__resumables *all, const char *token, pyr_call *call)
{
	pthread_condattr_t attributes;
	pyr__resumable *r = pyr__zalloc(sizeof *r);
	atomic_init(&r->refs, 1);
	r->of = all;
	memcpy(r->token, token, sizeof r->token);
	r->bound = call->bound;
	r->object = copy(call->object_id);
	r->peer = pyr__strdup(pyr_call_peer(call));
	r->principal = pyr__strdup(pyr_call_principal(call));
	r->connection = pyr_call_connection(call);
	r->scheme = pyr__incall_reached(&call->incall, &r->reached, &r->reached_size);
	r->deadline_us = call->incall.deadline_us;
	r->task.run = run_task;
	pyr__list_init(&r->lingering);
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&r->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	pyr__replay_init(&r->replay);
	return r;
}

/* The call that the servant is given, in the place of the one that has come. */
static pyr_call *new_stream(pyr__resumable *r, pyr_call *call, const pyr_metadata *metadata)
{
	const char *correlation = pyr_call_correlation(call);
	pyr__head head = {
		.method = call->method_name,
		.object = call->object_id,
		.correlation = {correlation, strlen(correlation)},
		.metadata = pyr__metadata_text(metadata),
		.timeout_us = PYR__TIMEOUT_NONE,
	};
	pyr__daemon_begin_call(call->daemon);
	pyr_call *stream = pyr__call_new(call->daemon, call->bound, NULL, &head, call->began_us);
	/* it is counted as the call that came, which is not from here on */
	stream->statistics = call->statistics;
	call->statistics = NULL;
	stream->incall.ops = &stream_ops;
	stream->incall.carrier = pyr__resumable_ref(r);
	stream->incall.deadline_us = call->incall.deadline_us;
	stream->incall.single = stream->incall.ended = true;
	return stream;
}

/* The request becomes the servant's call's, which may need it longer than there is this leg. */
static void move_request(pyr__resumable *r, pyr_call *stream, pyr_call *call)
{
	pyr__message *message = pyr__incall_take(&call->incall);
	if (!message)
		return;
	r->request_bytes = message->payload.size;
	pyr__inbox_put(&stream->incall.inbox, &message->payload, 0);
	pyr__incall_release(&call->incall, message);
}

pyr_status pyr__resumable_begin(pyr__resumables *all, const char *token, pyr_call *call,
	const pyr_metadata *metadata, pyr_call **ret_stream, pyr_error *err)
{
	pyr__resumable *r = new_resumable(all, token, call);
	/* who finds it in the table waits until it has its first leg, and takes over from that */
	pthread_mutex_lock(&r->lock);
	pyr_status status = pyr__resumables_add(all, r, err);
	if (status) {
		unlock(r);
		pyr__resumable_unref(r);
		return status;
	}
	pyr_call *stream = new_stream(r, call, metadata);
	move_request(r, stream, call);
	r->stream = stream;
	r->leg = pyr_call_ref(call);
	if (reserve(r, r->request_bytes))
		pyr__incall_greet(&call->incall);
	else
		forget(r);
	unlock(r);
	make_leg(r, call);
	check_leg(r, call);
	pyr__resumable_unref(r);
	*ret_stream = stream;
	return PYR_OK;
}

/* Carrying one on */

static bool is_its_callers(const pyr__resumable *r, const pyr_call *call)
{
	return r->bound == call->bound && strlen(r->object) == call->object_id.size &&
	       memcmp(r->object, call->object_id.data, call->object_id.size) == 0 &&
	       strcmp(r->principal, pyr_call_principal(call)) == 0;
}

/* Lock held. Whoever carries it is behind the times. */
static void replace_leg(pyr__resumable *r, pyr_call *call)
{
	static const uint8_t replaced[] = "\x0d\x08\x00" PYR__RESUME_KEY PYR__RESUME_REPLACED;
	static const char message[] = "the stream is carried on by another call";
	pyr__final final = {
		.status = PYR_UNAVAILABLE,
		.message = {message, sizeof message - 1},
		.metadata = {(const char *)replaced, sizeof replaced - 1},
	};
	pyr_call *old = r->leg;
	r->leg = pyr_call_ref(call);
	pyr__resumables_rejoin(r->of, r);
	pyr__incall_greet(&call->incall);
	if (!old)
		return;
	end_leg(old, &final);
	part(r, old);
}

bool pyr__resumable_carry_on(pyr__resumable *r, pyr_call *call, uint64_t taken)
{
	if (!is_its_callers(r, call))
		return false;
	make_leg(r, call);
	pthread_mutex_lock(&r->lock);
	bool kept = !r->cancelled && !r->forgotten && pyr__replay_rewind(&r->replay, taken);
	if (kept)
		replace_leg(r, call);
	unlock(r);
	if (kept)
		check_leg(r, call);
	return kept;
}
