/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects in messages. A servant that returns an object, or a client that passes one of its own,
 * puts a pyrite.Object (pyrite/object.proto) into the message; the receiver makes a proxy of it.
 *
 *     sender                                          receiver
 *     demo_account__lend(), __lend_to()  --message-->  demo_account__accept(), __accept_from()
 *       an object that lives as long                     a proxy; as long as it lives, its object
 *       as somebody holds it                             is held: by a lease, renewed meanwhile
 *
 * An object that is lent goes after the last of its proxies, wherever they are. It goes a lease
 * later if the receiver crashes, cannot be reached, or never makes a proxy of it. If the
 * owner goes, calls fail with UNAVAILABLE or NOT_FOUND, never at another object.
 */
#ifndef PYRITE_OBJECT_H
#define PYRITE_OBJECT_H

#include <pyrite/call.h>
#include <pyrite/daemon.h>
#include <pyrite/proxy.h>

PYR_BEGIN_DECLS

/* The message: <pyrite/object.pb-c.h>. */
typedef struct Pyrite__Object Pyrite__Object;

typedef struct pyr_lend_options {
	size_t size; /* sizeof(pyr_lend_options) */
	/* So long an object stays that nobody renews. 0: 60,000; from 100 to 86,400,000. */
	uint32_t lease_ms;
	bool any_thread; /* as in pyr_object_options, as the next */
	/* Once, with the servant's self, when the object has gone. May be NULL. */
	void (*release)(void *self);
} pyr_lend_options;

#define PYR_LEND_OPTIONS_INIT                                                                      \
	{                                                                                          \
		sizeof(pyr_lend_options), 0, false, NULL                                           \
	}

/*
 * Lending is in generated code:
 *
 * X__lend(call, &ops, self, options, &object, &err) makes an object, under a new id, for whoever
 * makes the call. The reference is that of the endpoint on which the call has come, as
 * its `advertise` says, so that the caller may pass it on. *ret_object lives as long as the call.
 *
 * X__lend_to(daemon, proxy, &ops, self, options, &object, &err) makes one in the daemon for the
 * daemon behind the proxy. Over Pyrite's own protocol that calls it on the connection that the
 * proxy uses, so this daemon need not listen, and a firewall between them does not matter. The
 * connection then stays until this daemon is freed, only what was handed to its other end can be
 * called there, and only one daemon of the program can ever be called on it. Over gRPC, where calls
 * go one way, this daemon must have an endpoint that the other end can reach: else
 * FAILED_PRECONDITION. *ret_object is the caller's: pyrite__object__free_unpacked(object, NULL).
 *
 * RESOURCE_EXHAUSTED if 10,000 objects that were lent to one caller are held still, or 1,000,000 in
 * all. If lending fails `release` is not called.
 */

/*
 * The same for an object that the daemon has: one that is registered, which then stays, or one that
 * is lent already and goes to one more receiver. NOT_FOUND if it is not there, or not any more.
 */
PYR_API PYR_MUST_USE pyr_status pyr_call_hand(
	pyr_call *call, const char *id, Pyrite__Object **ret_object, pyr_error *err);
PYR_API PYR_MUST_USE pyr_status pyr_daemon_hand(pyr_daemon *daemon, pyr_proxy *to, const char *id,
	Pyrite__Object **ret_object, pyr_error *err);

/*
 * Accepting, too: X__accept(from, object, options, &proxy, &err) of what came in an answer of the
 * proxy `from`, and X__accept_from(call, object, options, &proxy, &err) of what came in a request.
 * The proxy is the caller's; options may be NULL.
 *
 * What a peer says is not believed blindly. An object may be where the peer itself is: at the other
 * end of its connection, or at its host, and on this host only if the peer is on it as well; any
 * other place has to be allowed with pyr_context_allow(), else PERMISSION_DENIED.
 * FAILED_PRECONDITION for an object of another interface, INVALID_ARGUMENT for no reference.
 *
 * A lease begins with a call to the object's daemon that is not waited for; but for an object of a
 * third place it is, except on a loop's thread: who has passed it on may give it up then, and
 * NOT_FOUND says that it has gone.
 *
 * A proxy of X__accept_from() for an object at the other end of the connection runs its callbacks
 * on the daemon's loop, and can be used as long as that connection and the daemon last: UNAVAILABLE
 * afterwards. It does not follow an object that moves: NOT_FOUND.
 */

/*
 * What passes the proxy's object on to a third place, which has to accept it before this proxy is
 * given back. *ret_object is the caller's: pyrite__object__free_unpacked(). FAILED_PRECONDITION for
 * an object at the other end of a connection, which nobody else can reach.
 */
PYR_API PYR_MUST_USE pyr_status pyr_proxy_object(
	pyr_proxy *proxy, Pyrite__Object **ret_object, pyr_error *err);

/*
 * Objects that come in messages, and objects that have moved, may also be at these hosts:
 * "10.1.2.3", "10.0.0.0/8", "db.example", "*.example", or "*" for everywhere but this host. A name
 * is taken for what it says, wherever it leads, so allow only those of domains that you trust. They
 * add up; RESOURCE_EXHAUSTED past 1,000. INVALID_ARGUMENT if it is none of that. PYRITE_ALLOW has a
 * list of them, separated by commas.
 */
PYR_API PYR_MUST_USE pyr_status pyr_context_allow(
	pyr_context *context, const char *hosts, pyr_error *err);

PYR_END_DECLS

#endif
