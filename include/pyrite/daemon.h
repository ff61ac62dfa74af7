/* SPDX-License-Identifier: Apache-2.0 */
/* A daemon: listens on endpoints and hosts objects. */
#ifndef PYRITE_DAEMON_H
#define PYRITE_DAEMON_H

#include <pyrite/call.h>
#include <pyrite/context.h>
#include <pyrite/credentials.h>
#include <pyrite/proxy.h>
#include <pyrite/reference.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

/*
 * All functions may be used from any thread unless they say otherwise. In a child after fork() a
 * daemon stays the parent's: see pyrite/context.h.
 */
typedef struct pyr_daemon pyr_daemon;

typedef struct pyr_daemon_options {
	size_t size; /* sizeof(pyr_daemon_options) */
	/*
	 * Where servants run: 0 on the loop's thread (fastest; a servant must not block), else in a
	 * pool of this many threads.
	 */
	uint32_t workers;
	uint32_t worker_queue_max; /* calls waiting for a worker; 0: 1,024; more: RESOURCE_EXHAUSTED
				    */
	struct event_base *base;   /* the user's own loop, borrowed; NULL: one of the daemon */
	/*
	 * For publishing and for local calls; NULL: the default one. The name server is shown the
	 * credentials and tokens that the context has when the daemon first publishes something.
	 */
	pyr_context *context;
	uint32_t message_bytes_max;     /* largest request accepted; 0: 4 MiB */
	uint32_t decoded_bytes_max;     /* largest memory of one decoded request; 0: 32 MiB */
	uint32_t connections_max;       /* 0: 10,000 */
	uint32_t streams_max;           /* calls at once on one connection; 0: 16,384 */
	uint32_t queue_bytes_max;       /* bytes waiting to be sent to one peer; 0: 16 MiB */
	uint64_t queue_bytes_total_max; /* the same for all peers together; 0: 256 MiB */
	uint32_t handshake_timeout_ms;  /* 0: 5,000 */
	uint32_t stall_timeout_ms;      /* a peer that takes nothing of what is sent; 0: 30,000 */
	/*
	 * Finds out whose token a caller has shown (RFC 6750), and writes the principal's name. Any
	 * failure is the answer to the call, usually UNAUTHENTICATED. Called before the first call
	 * of a connection is run, over gRPC before each, by the thread that is to run the servant.
	 * NULL: tokens mean nothing, and callers are who they are without.
	 */
	pyr_status (*authenticate)(void *access_ctx, const char *token,
		char principal[PYR_PRINCIPAL_MAX], pyr_error *err);
	/*
	 * Sees every call before its servant does, object and method and principal and metadata;
	 * any failure is the answer, usually PERMISSION_DENIED, and the servant hears nothing of
	 * the call. By the thread that is to run the servant. NULL: everybody may call everything.
	 */
	pyr_status (*intercept)(void *access_ctx, pyr_call *call, pyr_error *err);
	void *access_ctx;
	/*
	 * Every daemon answers gRPC's reflection (grpc.reflection.v1 and v1alpha: which interfaces
	 * there are, and their .proto files) and health checking (grpc.health.v1), over every
	 * transport and under any object id. These turn them off.
	 */
	bool no_reflection;
	bool no_health;
	uint32_t compress_from; /* as in pyr_context_options, for answers; 0: never */
	/*
	 * Every daemon also has an object `pyr.daemon`, which tells what it is, hosts and counts
	 * (pyrite/daemon.proto; stubs in <pyrite/daemon.pyr.h>), under any object id. This turns it
	 * off; counting goes on.
	 */
	bool no_daemon_object;
	/*
	 * Sees the first call of each connection before it is run: who is there, with what
	 * metadata. Any failure is the answer to it and to every other call of the connection, with
	 * the same words, and no servant hears of them. Called after `authenticate`, by the thread
	 * that is to run the servant; calls that come meanwhile wait for it, so it must not call
	 * this daemon. Over grpcs:, where connections cannot be told apart, before each call, and
	 * so for oneway calls that are run when their connection has ended. NULL: all are let in.
	 */
	pyr_status (*admit)(void *access_ctx, pyr_call *call, pyr_error *err);
	/*
	 * How long the servant of a stream goes on for a caller whose connection is lost and who
	 * asks for that (`resume_ms` in pyr_proxy_options); 0: 30,000; UINT32_MAX: not at all. What
	 * such a caller may have missed is kept: a window (256 KiB) and one item for each stream,
	 * at most a quarter of queue_bytes_total_max in all, and at most for 10,000 streams. A
	 * stream beyond that ends with its connection, as it does over gRPC. The servant sees the
	 * call as that of the first connection, also after the caller has come back on another;
	 * `authenticate`, `admit` and `intercept` see each of those calls.
	 */
	uint32_t stream_linger_ms;
	pyr_shared_memory shared_memory; /* as in pyr_context_options; who calls asks for it */
	/*
	 * Connections of Pyrite's protocol are spread over so many loops, of which the daemon's own
	 * is one, and each other has a thread; 0: 1, or what PYRITE_LOOPS says; at most 256. For
	 * many connections on many processors. There calls are read and checked, and answers
	 * written. A call runs on its connection's loop if its object may run on any thread
	 * (`any_thread` in pyr_object_options) and there are no workers, and then so do the
	 * callbacks of that call. All others run where they would with one loop: those of other
	 * objects, of objects that a locator makes, of streams that may be resumed; and callbacks
	 * of calls back to a caller run on the daemon's own.
	 *
	 * On one of the other loops a synchronous call of an object of this daemon that may not run
	 * there, and what has to wait for the daemon's own loop (pyr_daemon_listen,
	 * pyr_daemon_adopt, pyr_daemon_make_discoverable, __locate), is FAILED_PRECONDITION.
	 */
	uint32_t loops;
} pyr_daemon_options;

#define PYR_DAEMON_OPTIONS_INIT                                                                    \
	{                                                                                          \
		sizeof(pyr_daemon_options), 0, 0, NULL, NULL, 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL,  \
			NULL, false, false, 0, false, NULL, 0, PYR_SHARED_MEMORY_DEFAULT, 0        \
	}

/*
 * options may be NULL. What they leave open is what the environment says, before the defaults given
 * above: see pyrite/config.h, also for INVALID_ARGUMENT.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_new(
	const pyr_daemon_options *options, pyr_daemon **ret_daemon, pyr_error *err);

typedef struct pyr_listen_options {
	size_t size; /* sizeof(pyr_listen_options) */
	/* HOST:PORT or unix:PATH to put into references instead of what is bound; NULL: that. */
	const char *advertise;
	/*
	 * For TLS on this endpoint, whose references then are pyrs:. They need a certificate, and
	 * may be reloaded at any time; referenced as long as the daemon lives. NULL: cleartext.
	 */
	pyr_credentials *credentials;
} pyr_listen_options;

#define PYR_LISTEN_OPTIONS_INIT                                                                    \
	{                                                                                          \
		sizeof(pyr_listen_options), NULL, NULL                                             \
	}

/*
 * Adds an endpoint: "HOST:PORT" (port 0: any free one), "[V6]:PORT", "unix:PATH" or "unix:@NAME".
 * It speaks Pyrite's protocol, and without credentials gRPC as well. "grpcs:HOST:PORT" is for gRPC
 * over TLS; there connections_max does not apply.
 * "fd:N" is a socket that this process was started with, bound and listening, which the daemon
 * takes over; "systemd:" stands for all those that a service manager has passed on, and
 * "systemd:NAME" for those with that name (sd_listen_fds(3)). Each is an endpoint of its own. If
 * one fails those before it stay. A Unix socket is made with mode 0600; a stale one is removed only
 * if it is ours and refuses. options may be NULL. FAILED_PRECONDITION once the daemon has stopped.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_listen(pyr_daemon *daemon, const char *endpoint,
	const pyr_listen_options *options, pyr_error *err);

#define PYR_RULES_MAX     10000 /* in a table */
#define PYR_RULE_TEXT_MAX 1024  /* bytes of a pattern, with the NUL */

/*
 * An access rule. Each text is a pattern for the whole of what is asked for: `*` stands for any
 * characters, also none, and `?` for one; NULL for anything.
 */
typedef struct pyr_rule {
	const char *principal; /* "" nobody is proved, "?*" somebody is; "uid:1000", "alice" */
	const char *object;    /* "calc" */
	const char *method;    /* "demo.Calculator/Add" */
	bool allow;
} pyr_rule;

/*
 * Says who may call what. The first rule that matches a call decides; what none allows is answered
 * PERMISSION_DENIED, or UNAUTHENTICATED if the caller has proved nothing, and no servant hears of
 * it. Before this is called, everybody may call everything; with 0 rules nobody may call anything.
 *
 * The table is copied, and replaces the one before for every call whose turn comes from now on;
 * calls that run are not ended. Each call looks at the rules in their order, so put those first
 * that are met most. They are asked after `authenticate` and `admit` and before `intercept`, for
 * every call over every transport, those from this process included. Those are made by "uid:N" if
 * they go to a reference local:; otherwise, once there are rules, over a connection, like others.
 *
 * The object is the one that answers, also if the caller has named none. The daemon's own
 * interfaces, which tell of it, reflection and health checking, are methods of "pyr.daemon",
 * whatever id they are called under, and need a rule like all others. A batch needs none: each call
 * in it is asked for by itself.
 *
 * INVALID_ARGUMENT for more than PYR_RULES_MAX, for a text that is too long or not printable UTF-8,
 * and for a method that no call can have. The table is as it was then.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_set_rules(
	pyr_daemon *daemon, const pyr_rule *rules, size_t count, pyr_error *err);

/*
 * The same, from a file with a rule a line, "allow|deny PRINCIPAL OBJECT METHOD":
 *
 *     # who may do what
 *     allow ?*         calc        demo.Calculator*
 *     allow uid:0      *           *
 *     allow ""         pyr.daemon  grpc.health.v1.Health*
 *
 * Words in double quotes may have blanks, or nothing, in them; there is no other quoting. What is
 * behind a word that begins with # is a comment. FAILED_PRECONDITION if the file cannot be read, or
 * others than its owner may write it; INVALID_ARGUMENT with the line and what is wrong with it. The
 * file is read once: call this again when it has changed.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_load_rules(
	pyr_daemon *daemon, const char *path, pyr_error *err);

/* No rules any more: everybody may call everything. */
PYR_API void pyr_daemon_drop_rules(pyr_daemon *daemon);

/*
 * Takes over a connected stream socket, one end of a socketpair(2) say, unless it fails, as if it
 * had come to an endpoint without credentials. INVALID_ARGUMENT for what is no such socket,
 * RESOURCE_EXHAUSTED past connections_max, FAILED_PRECONDITION once the daemon stops.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_adopt(pyr_daemon *daemon, int fd, pyr_error *err);

/*
 * The daemon's own loop, which servants run on unless something else is said of them, for events of
 * one's own. Its functions may only be used on the loop's thread, or while it does not run.
 */
PYR_API struct event_base *pyr_daemon_base(pyr_daemon *daemon);

/* Takes calls on a thread of the daemon. Not with an own base: dispatch that one yourself. */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_start(pyr_daemon *daemon, pyr_error *err);

/* Takes calls on this thread until pyr_daemon_stop(). Not with an own base. */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_run(pyr_daemon *daemon, pyr_error *err);

/*
 * Withdraws the names, takes no new calls, lets running ones finish for grace_ms, then cancels them
 * and closes the connections. Returns at once when called on a loop of the daemon, else when it is
 * done. Idempotent.
 *
 * The name servers' answers are waited for as long as running calls are, but for 200 ms at least,
 * with grace_ms 0 too. Names whose server has not answered by then go when their leases end, as
 * they do when the daemon dies, or stops while nobody dispatches its loop.
 */
PYR_API void pyr_daemon_stop(pyr_daemon *daemon, uint32_t grace_ms);

/* For signal handlers: the same as pyr_daemon_stop(), async-signal-safe, and never waits. */
PYR_API void pyr_daemon_stop_from_signal(pyr_daemon *daemon, uint32_t grace_ms);

/*
 * SIGINT and SIGTERM stop this daemon from now on until it is freed: the first signal with this
 * grace, a second one without, and a third ends the process as it would have without this. Makes
 * pyr_daemon_run() the whole life of a server: it returns, and the names are withdrawn. The
 * handlers are the process's: one daemon at a time, FAILED_PRECONDITION for another. Programs with
 * signal handling of their own call pyr_daemon_stop_from_signal() instead.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_stop_on_signals(
	pyr_daemon *daemon, uint32_t grace_ms, pyr_error *err);

/* Stops without grace (see there) if that has not been done, and frees. NULL is ignored. */
PYR_API void pyr_daemon_free(pyr_daemon *daemon);

/* Whose servant answers a call of an object. A session is a connection of a caller. */
typedef enum pyr_instances {
	PYR_INSTANCES_ONE,     /* the one that was registered */
	PYR_INSTANCES_SESSION, /* one for each session, made at its first call */
	PYR_INSTANCES_CALL,    /* one for each call */
} pyr_instances;

typedef struct pyr_object_options {
	size_t size; /* sizeof(pyr_object_options) */
	/*
	 * The servant's functions may run on any thread, on several at once, and never block. A
	 * call that waits for its answer and a oneway call then run on the thread that makes them,
	 * if that is one of this process and context; one that comes over a connection of a daemon
	 * with several `loops` and no workers on that connection's loop, with the callbacks that
	 * belong to it; all others where they always do.
	 */
	bool any_thread;
	/*
	 * With other than PYR_INSTANCES_ONE the servant's functions get as their self what `make`
	 * has made, and what the object was registered with is the self of make and destroy. It
	 * can be said once for an object.
	 *
	 * make runs before the servant's function, on its thread; calls of one session wait for it,
	 * so it must not call objects that are made for the same session. Its failure is the answer
	 * to the call, and the next call tries again. destroy runs once for each instance: when the
	 * call, or when the session and its last call are over, on whatever thread that is; before
	 * pyr_daemon_free() returns, unless calls are held longer. It may be NULL, must not block,
	 * and must not use the call.
	 *
	 * Sessions are those of Pyrite's protocol, of gRPC in cleartext, and of the contexts of the
	 * same process. Over grpcs: nobody tells when a connection ends: FAILED_PRECONDITION.
	 */
	pyr_instances instances;
	pyr_status (*make)(void *self, pyr_call *call, void **ret_instance, pyr_error *err);
	void (*destroy)(void *self, void *instance);
	/*
	 * Called once when nothing uses the object any more: it was unregistered or replaced, or
	 * the daemon freed, and the last call of it is over. On whatever thread that is; it must
	 * not block. self is what the object was registered with. May be NULL.
	 */
	void (*release)(void *self);
} pyr_object_options;

#define PYR_OBJECT_ID_NEW 33

/*
 * Writes an id for an object that nobody can guess and no other object has: 128 random bits, as 32
 * hexadecimal digits and a NUL. It is not registered by that.
 */
PYR_API void pyr_object_id_new(char id[PYR_OBJECT_ID_NEW]);

#define PYR_OBJECT_OPTIONS_INIT                                                                    \
	{                                                                                          \
		sizeof(pyr_object_options), false, PYR_INSTANCES_ONE, NULL, NULL, NULL             \
	}

/*
 * Says how an object that is registered is served, from the next call on. interface NULL: all
 * interfaces under this id. NOT_FOUND if there is none.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_configure(pyr_daemon *daemon, const char *object,
	const pyr_interface *interface, const pyr_object_options *options, pyr_error *err);

/*
 * Ends the service of one object: NOT_FOUND for every call from now on; running ones finish.
 * interface NULL: all interfaces under this id.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_unregister(
	pyr_daemon *daemon, const char *object, const pyr_interface *interface, pyr_error *err);

/*
 * The object is elsewhere from now on, under the reference, pyr:, pyrs:, grpc: or grpcs:. It is
 * unregistered here if it was, calls that run finish, and who calls it is told where it is: proxies
 * follow by themselves if their context allows the place (pyrite/object.h). What is not kept cannot
 * be sent again and fails this once, not executed: a stream of requests, and a request of more than
 * 4 KiB that is not waited for (__invoke) or opens a stream. Others than Pyrite's proxies see
 * NOT_FOUND, with the reference in its text. Oneway calls, whose callers hear nothing, are passed
 * on, 4 times at most, with what this daemon's context shows of itself there. It holds until an
 * object is served under this id again, or with reference NULL, NOT_FOUND if it is not forwarded.
 * RESOURCE_EXHAUSTED past 1,000,000.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_forward(
	pyr_daemon *daemon, const char *object, const char *reference, pyr_error *err);

/*
 * Writes the reference of an object at the daemon's endpoint number `endpoint` (0 the first) into
 * buf, "pyr:calc@127.0.0.1:4711". OUT_OF_RANGE without such an endpoint or room; PYR_REFERENCE_MAX
 * bytes always suffice.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_reference(pyr_daemon *daemon, const char *object,
	size_t endpoint, char *buf, size_t size, pyr_error *err);

/*
 * What health checking answers about an interface, "demo.Calculator", or with "" about the daemon
 * as a whole. Until it is told, everything that is registered serves; a daemon that stops does not.
 * RESOURCE_EXHAUSTED past 1,024 interfaces, FAILED_PRECONDITION with no_health.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_set_serving(
	pyr_daemon *daemon, const char *interface, bool serving, pyr_error *err);

/*
 * Serves what the daemon counts as text for Prometheus (format 0.0.4), at http://ADDRESS/metrics,
 * until it is freed. address is "HOST:PORT"; with port 0 it is any free one, which ret_port, if not
 * NULL, is told. It is served by a thread of its own, so that no call waits for who reads it, and
 * to everybody who reaches the address, so bind it where only the monitoring does. UNAVAILABLE if
 * the address cannot be bound, FAILED_PRECONDITION the second time.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_serve_metrics(
	pyr_daemon *daemon, const char *address, uint16_t *ret_port, pyr_error *err);

typedef struct pyr_publish_options {
	size_t size;             /* sizeof(pyr_publish_options) */
	const char *name_server; /* HOST:PORT, unix:PATH, pyrs:...; NULL: the context's */
	const char *const *tags; /* tag_count of them; copied */
	size_t tag_count;
	uint32_t ttl_ms; /* of the lease, renewed every third of it; 0: 10,000 */
	bool replica;    /* one of several daemons under this name; else the name must be free */
	bool replace;    /* take the name over from whoever holds it */
	/*
	 * Called once, on the daemon's loop, when the name is lost: somebody took it over with
	 * `replace`, or while the daemon was stopped or cut off for longer than the lease
	 * (ALREADY_EXISTS, which says for what; PERMISSION_DENIED if it is another principal's), or
	 * removed it (NOT_FOUND). Found out with the renewals of the lease, so within ttl_ms. The
	 * name is not published any more then. Must not block. May be NULL.
	 */
	void (*on_lost)(void *lost_ctx, const char *name, const pyr_error *err);
	void *lost_ctx;
} pyr_publish_options;

#define PYR_PUBLISH_OPTIONS_INIT                                                                   \
	{                                                                                          \
		sizeof(pyr_publish_options), NULL, NULL, 0, 0, false, false, NULL, NULL            \
	}

/*
 * Names an object in the name server, under a lease that the daemon renews until it stops. Waits
 * for the name server's answer: ALREADY_EXISTS if somebody else holds the name, UNAVAILABLE without
 * a name server. If the name server restarts, the daemon publishes again by itself, but never takes
 * the name from somebody who has it by then: see on_lost.
 *
 * The name stands for all endpoints that the daemon has now. For one that is bound to every address
 * of the machine (0.0.0.0, [::]) and has no advertised one, it is the address from which the name
 * server is reached. Publishing a name again replaces what it stands for. FAILED_PRECONDITION on
 * the daemon's loop, where it would block.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_publish(pyr_daemon *daemon, const char *object,
	const char *name, const pyr_publish_options *options, pyr_error *err);

/*
 * Takes the name back; NOT_FOUND if this daemon has not published it. After another error it is
 * still published. FAILED_PRECONDITION on the daemon's loop, where it would block.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_withdraw(
	pyr_daemon *daemon, const char *name, pyr_error *err);

PYR_END_DECLS

#endif
