/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a context. */
#ifndef PYR_CLIENT_CONTEXT_H
#define PYR_CLIENT_CONTEXT_H

#include <pthread.h>
#include <pyrite/context.h>
#include <pyrite/reference.h>
#include "base/cow_array.h"
#include "base/list.h"
#include "base/loop.h"
#include "client/allowed.h"
#include "client/tokens.h"
#include "local/host.h"
#include "native/conns.h"
#include "native/session.h"
#include "transport/grpc.h"
#include "transport/transport.h"

/* reference is NULL if status is not PYR_OK, and err if it is. */
typedef void (*pyr__found_fn)(
	void *ctx, pyr_status status, const pyr_reference *reference, const pyr_error *err);

/*
 * How a context finds names: filled in by names.c, which lies above the proxy and therefore cannot
 * be called by name from here.
 */
typedef struct pyr__finder {
	/*
	 * A reference behind a name: or tag: reference. failed: one that was given before and does
	 * not answer, so that the cache is not believed and another is preferred; or NULL. Blocks.
	 */
	pyr_status (*find)(struct pyr__finder *finder, const pyr_reference *name,
		int64_t deadline_us, const pyr_reference *failed, pyr_reference *ret_reference,
		pyr_error *err);
	/*
	 * The same without blocking: found runs once on the context's loop, unless an error is
	 * returned.
	 */
	pyr_status (*find_async)(struct pyr__finder *finder, const pyr_reference *name,
		int64_t deadline_us, const pyr_reference *failed, pyr__found_fn found, void *ctx,
		pyr_error *err);
	/* Every place that is kept of a name, those of one holder in a row. */
	void (*each_place)(struct pyr__finder *finder, const pyr_reference *name,
		void (*visit)(void *ctx, const char *reference, uint32_t holder), void *ctx);
	/* Whether what is kept of a name still leads to this reference, perhaps beside others. */
	bool (*leads_to)(struct pyr__finder *finder, const pyr_reference *name,
		const pyr_reference *reference);
	void (*free)(struct pyr__finder *finder);
} pyr__finder;

/*
 * What a context has to tell others when it is freed: filled in by holdings.c, which lies above the
 * proxy.
 */
typedef struct pyr__keeper {
	void (*say_farewell)(struct pyr__keeper *keeper); /* while calls can be sent */
	void (*close)(struct pyr__keeper *keeper);        /* with the loop stopped */
	void (*free)(struct pyr__keeper *keeper);         /* no proxy is left */
} pyr__keeper;

/* A daemon of this context: calls to its objects skip the sockets. */
typedef struct pyr__neighbour {
	pyr__link link;
	pyr__local_host *host;
} pyr__neighbour;

/* A call that waits until it may be tried again. The loop thread's. */
typedef struct pyr__paused {
	pyr__link link;
	void (*end)(struct pyr__paused *paused); /* the context is being freed */
} pyr__paused;

struct pyr_context {
	pyr__loop *loop;
	pyr_reference name_server; /* its endpoint, and whether over TLS; empty with a discoverer */
	struct pyr__discoverer *discoverer; /* finds the name server; NULL: it is given */
	uint32_t connect_timeout_ms;
	uint32_t timeout_ms; /* of calls with one answer whose proxy says nothing */
	int64_t name_age_max_us;
	size_t decoded_bytes_max;
	uint32_t compress_from; /* bytes; 0: nothing is compressed */
	pyr_shared_memory shared_memory;
	unsigned spin_us, socket_spin_us; /* see pyr__conn_options */
	pyr__session_config session;
	unsigned fork_count;
	atomic_uint refs; /* the user's, and one for each proxy */
	atomic_bool shut;
	pyr__cow_head interceptors;   /* of pyr_client_interceptor */
	pyr__link paused;             /* pyr__paused; the loop thread's */
	pthread_mutex_t lock;         /* guards what follows */
	pyr_credentials *credentials; /* the user's, or made at the first need */
	pyr__tokens tokens;
	pyr__link channels;
	pyr__channel **adopted; /* kept until the context is freed */
	size_t adopted_count;
	pyr__conns conns; /* of all channels that are or were; has its own lock */
	pyr__link neighbours;
	pyr__finder *finder; /* made at the first name */
	pyr__keeper *keeper; /* made at the first object that is held; or NULL */
	pyr__allowed allowed;
	const pyr__grpc_library *grpc_library;
	pyr__grpc_client *grpc; /* made at the first reference to gRPC */
};

/* context, or the default one for NULL, with a reference; FAILED_PRECONDITION after fork. */
pyr_status pyr__context_get(pyr_context *context, pyr_context **ret_context, pyr_error *err);
void pyr__context_unref(pyr_context *context);
pyr_status pyr__context_check(const pyr_context *context, pyr_error *err);

/* True in a child: nothing of the context may be touched, since the parent has its sockets too. */
bool pyr__context_is_forked(const pyr_context *context);

/*
 * Where a name server is: an endpoint, over TLS if "pyrs:" stands before it. Only scheme, host and
 * port of the reference are filled in. INVALID_ARGUMENT for one that is to be discovered, too.
 */
pyr_status pyr__name_server_parse(const char *text, pyr_reference *ret_reference, pyr_error *err);

/* Makes a fresh context one like another: the same name server, credentials and tokens. */
void pyr__context_inherit(pyr_context *context, pyr_context *from);

/* A name server that was discovered is shown this token, over TLS only. */
void pyr__context_show_token(
	pyr_context *context, const pyr_reference *name_server, const char *token);

/* The channel to a reference's endpoint, shared; give it back with release. */
pyr_status pyr__context_channel(pyr_context *context, const pyr_reference *reference,
	pyr__channel **ret_channel, pyr_error *err);
void pyr__context_release(pyr_context *context, pyr__channel *channel);

/* The same to the daemon of this context that has this incarnation: NOT_FOUND. */
pyr_status pyr__context_neighbour(pyr_context *context, const uint8_t id[PYR__PEER_ID_SIZE],
	pyr__channel **ret_channel, pyr_error *err);

/* Whether a place may be gone to that a peer at this address has told of: PERMISSION_DENIED. */
pyr_status pyr__context_check_place(
	pyr_context *context, const pyr_reference *place, const char *peer, pyr_error *err);

/* The name server's finder, made if need be. */
pyr__finder *pyr__context_finder(pyr_context *context);

void pyr__context_add_neighbour(pyr_context *context, pyr__neighbour *neighbour);
void pyr__context_remove_neighbour(pyr_context *context, pyr__neighbour *neighbour);

#endif
