/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a proxy, and what every kind of call has in common. */
#ifndef PYR_CLIENT_PROXY_H
#define PYR_CLIENT_PROXY_H

#include <pyrite/stub.h>
#include "client/target.h"

struct pyr_proxy {
	atomic_uint refs;
	pyr__target *target;
	uint32_t timeout_ms;
	uint32_t retries_max;
	bool wait_for_ready;
	pyr_balance balance;
	uint32_t resume_ms;
	bool hidden;            /* the library's own: interceptors do not see its calls */
	pyr_metadata *metadata; /* NULL: none */
	pyr_metadata *reply_metadata;
	char *correlation; /* NULL: the scope's */
};

/* A proxy of another interface of the same object, which goes where this one goes, as it does. */
pyr_status pyr__proxy_sibling(const pyr_proxy *proxy, const pyr_interface *interface,
	pyr_proxy **ret_proxy, pyr_error *err);

/* One of the same reference that keeps nothing of this one, with options of its own. */
pyr_status pyr__proxy_open_apart(const pyr_proxy *proxy, const pyr_interface *interface,
	const pyr_proxy_options *options, pyr_proxy **ret_proxy, pyr_error *err);

/*
 * A proxy that is bound to a channel, whose reference it takes over in any case. At the other end
 * of a connection that is for good, and its calls are not tried again: there is no other way.
 */
pyr_status pyr__proxy_open_at(pyr_context *context, const pyr_interface *interface,
	pyr__channel *channel, const pyr_reference *reference, const pyr_proxy_options *options,
	pyr_proxy **ret_proxy, pyr_error *err);

/* The method at this index, for errors too. */
const pyr_method *pyr__proxy_method(const pyr_proxy *proxy, uint32_t method);

/*
 * The time that a unary call's deadline is reckoned from: now, or, where the call has ten seconds
 * and more, now or a tick of the clock earlier, for a third of the price.
 */
int64_t pyr__proxy_about_now_us(const pyr_proxy *proxy);

/* The absolute time by which a call that starts now must be done. */
int64_t pyr__proxy_deadline(const pyr_proxy *proxy, bool unary, int64_t now_us);

/* Fills what opens a call of this method on that route; head borrows from both. */
void pyr__proxy_head(const pyr_proxy *proxy, uint32_t method, const pyr__route *route,
	int64_t deadline_us, int64_t now_us, pyr__head *ret_head);

/* As pyr__body_init(), saying whose the request is if it cannot be encoded. */
pyr_status pyr__proxy_body(const pyr_proxy *proxy, uint32_t method, const ProtobufCMessage *request,
	uint8_t *space, pyr__body *ret_body, pyr_error *err);

/* Turns what became of a call into *err and its status. Nothing is freed. */
pyr_status pyr__proxy_outcome(const pyr_proxy *proxy, uint32_t method, const char *endpoint,
	const pyr__outcome *outcome, pyr_error *err);

/* So often in a row a call follows an object that has moved. */
#define PYR__MOVES_MAX 4

/*
 * True if the call has found out that its object has moved, and the proxy leads there now: the call
 * may be made again at once. If it may not go there err says so.
 */
bool pyr__proxy_follow(
	pyr_proxy *proxy, const pyr__route *route, const pyr__outcome *outcome, pyr_error *err);

/* Whether a failed call may be made again: it did not run, or running it twice does no harm. */
bool pyr__proxy_may_retry(
	const pyr_proxy *proxy, uint32_t method, const pyr_error *err, uint32_t tried);

/* Whether a call on this route may end there and be made again on another replica. */
bool pyr__proxy_may_move(const pyr_proxy *proxy, uint32_t method, const pyr__route *route);

/*
 * err is of the last of several tries, and before of the one before it, or NULL: where the time was
 * over before the last one came to anything, what it was that time ran out for says more.
 */
pyr_status pyr__proxy_explain(const pyr_error *before, pyr_error *err);

/* How long to wait before trying again, after so many tries, where nothing else is to be tried. */
int64_t pyr__proxy_backoff_us(uint32_t tried);

/* How long to wait before trying again, after so many tries; false: longer than there is time. */
bool pyr__proxy_pause(
	const pyr_proxy *proxy, uint32_t tried, int64_t deadline_us, int64_t *ret_pause_us);

/* Waits so long; false, at once, if that is longer than there is time. */
bool pyr__proxy_sleep(const pyr_proxy *proxy, uint32_t tried, int64_t deadline_us);

/*
 * The way for a call that is made only once, the caller's to release. If the proxy is to wait for
 * its server, that has answered a ping; this blocks, and therefore is not done on a loop's thread.
 */
pyr_status pyr__proxy_route(
	pyr_proxy *proxy, int64_t deadline_us, pyr__route *ret_route, pyr_error *err);

/* Refuses what would block on a loop's thread. */
pyr_status pyr__proxy_may_block(const pyr_proxy *proxy, uint32_t method, pyr_error *err);

#endif
