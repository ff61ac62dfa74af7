/* SPDX-License-Identifier: Apache-2.0 */
/* A context: the loop, the connections, the name cache and the defaults that proxies share. */
#ifndef PYRITE_CONTEXT_H
#define PYRITE_CONTEXT_H

#include <pyrite/credentials.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

struct event_base;

/*
 * NULL stands for the process's default context in every function that takes one. A context may be
 * used from any thread.
 *
 * In a child after fork() a context, and all that was made with it (proxies, streams, pending
 * calls), and daemons with their calls, stay the parent's, whose sockets they have: what can fail
 * fails with FAILED_PRECONDITION, and what gives back, cancels, stops or frees does nothing. The
 * child makes a context of its own. gRPC's core does not survive a fork at all: where it has been
 * used, the child can use the native transport only.
 */
typedef struct pyr_context pyr_context;

/* In the options of contexts and daemons: see pyr_context_options. */
typedef enum pyr_shared_memory {
	PYR_SHARED_MEMORY_DEFAULT = 0,
	PYR_SHARED_MEMORY_OFF = 1,
	PYR_SHARED_MEMORY_ON = 2,      /* for a connection that has carried some calls */
	PYR_SHARED_MEMORY_AT_ONCE = 3, /* for every one, from the beginning */
} pyr_shared_memory;

typedef struct pyr_context_options {
	size_t size; /* sizeof(pyr_context_options) */
	/*
	 * The loop that callbacks run on, borrowed until pyr_context_free(). NULL: a thread of the
	 * context, started with the first call that needs it. To use the context from other threads
	 * than the loop's, call evthread_use_pthreads() before making the base.
	 */
	struct event_base *base;
	/*
	 * HOST:PORT or unix:PATH, with "pyrs:" before it over TLS; NULL: PYRITE_NS, else
	 * 127.0.0.1:9790. "discover[:[GROUP@][ADDRESS:PORT]]": the one that answers in the network,
	 * asked for when it is first needed and when it does not answer any more; UNAVAILABLE if
	 * there is none within a second, FAILED_PRECONDITION if there are several. See
	 * docs/names.md.
	 */
	const char *name_server;
	uint32_t connect_timeout_ms; /* 0: PYRITE_CONNECT_TIMEOUT, else 10,000 */
	uint32_t message_bytes_max;  /* largest message accepted; 0: 4 MiB */
	uint32_t
		decoded_bytes_max; /* largest memory that one decoded message may take; 0: 32 MiB */
	uint32_t queue_bytes_max;  /* most bytes waiting to be sent on a connection; 0: 16 MiB */
	/*
	 * For every reference over TLS; referenced as long as the context lives. NULL: the system's
	 * authorities, and no certificate of our own.
	 */
	pyr_credentials *credentials;
	/*
	 * Requests and messages of streams of at least so many bytes are compressed, if that makes
	 * them smaller: over the native transport by zlib, once the peer has said that it takes
	 * that (what is sent before its first words is not compressed), over gRPC with gzip, which
	 * most servers take, and never in one process. 0: never. Compressing 64 KiB takes about a
	 * millisecond of the thread that sends. Do not compress what is secret together with what
	 * a stranger chooses: the size tells of both.
	 */
	uint32_t compress_from;
	/*
	 * How long a proxy goes by what it has been told of a name. A call after that has the name
	 * server asked again, in the background, and does not wait; if the name stands for another
	 * place by then, or for none, the calls that follow go there, or fail with NOT_FOUND. While
	 * the name server is away what is known goes on working. 0: 10,000
	 */
	uint32_t name_age_max_ms;
	/*
	 * When a connection over a Unix socket (pyr:, without TLS) to a process of the same user
	 * goes over to shared memory, which is faster, if the daemon does so too. It costs up to
	 * 2 MiB for a connection, of 64 at once; the others stay with their sockets. 0: what
	 * PYRITE_SHARED_MEMORY says
	 */
	pyr_shared_memory shared_memory;
} pyr_context_options;

#define PYR_CONTEXT_OPTIONS_INIT                                                                   \
	{                                                                                          \
		sizeof(pyr_context_options), NULL, NULL, 0, 0, 0, 0, NULL, 0, 0,                   \
			PYR_SHARED_MEMORY_DEFAULT                                                  \
	}

/*
 * options may be NULL. INVALID_ARGUMENT for a malformed name_server, and for a variable PYRITE_* of
 * the environment that is unknown or has a bad value. What an option leaves open is what such a
 * variable says, before the defaults given here: see pyrite/config.h and docs/configuration.md.
 *
 * The environment variable PYRITE_TOKEN, if it is set and not empty, holds a token that the context
 * shows to its name server, and to nobody else: as if it had been set for that endpoint with
 * pyr_context_set_token(), without allow_cleartext. A name server that is discovered has to speak
 * TLS then.
 */
PYR_API PYR_MUST_USE pyr_status pyr_context_new(
	const pyr_context_options *options, pyr_context **ret_context, pyr_error *err);

/*
 * Shows a token (RFC 6750) to the daemons at this endpoint, "HOST:PORT" or "unix:PATH" as
 * references have it, on connections that are made from now on; endpoint "*": to every one, but
 * only over TLS. token NULL takes it back. No token goes over cleartext TCP to another machine,
 * where calls then fail with FAILED_PRECONDITION, unless allow_cleartext. At most 4,000 bytes of
 * printable ASCII without spaces, copied.
 */
PYR_API PYR_MUST_USE pyr_status pyr_context_set_token(pyr_context *context, const char *endpoint,
	const char *token, bool allow_cleartext, pyr_error *err);

/*
 * Takes over a connected stream socket, one end of a socketpair(2) say, unless it fails: from now
 * on the references of this context that have this endpoint, which need not exist ("child:1",
 * "unix:@child"), lead over that connection. It speaks Pyrite's protocol; who has the other end
 * hands it to pyr_daemon_adopt(). When it ends calls fail with UNAVAILABLE, until another
 * one is handed in. INVALID_ARGUMENT for what is no such socket, ALREADY_EXISTS if the context has
 * a connection to this endpoint.
 */
PYR_API PYR_MUST_USE pyr_status pyr_context_adopt(
	pyr_context *context, int fd, const char *endpoint, pyr_error *err);

/*
 * Waits until oneway calls that were accepted are at their peers, 1 s at most (over gRPC it does
 * not wait), finishes every running call with CANCELLED, closes the connections and ends the
 * context's thread. Proxies of the context may be freed afterwards, and only that. NULL is ignored.
 * Must not be called from a callback of this context.
 */
PYR_API void pyr_context_free(pyr_context *context);

PYR_END_DECLS

#endif
