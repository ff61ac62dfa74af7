/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libpyrite and libpyrite-grpc know of each other. The latter is loaded at the first use of
 * gRPC, so that a program without it neither needs nor starts libgrpc.
 *
 *   libpyrite  --loads, lends pyr__grpc_services-->  libpyrite-grpc
 *              <--------- pyr__grpc_library ---------
 *
 * Both tables are of one version of Pyrite: another one is refused, not adapted to.
 */
#ifndef PYR_TRANSPORT_GRPC_H
#define PYR_TRANSPORT_GRPC_H

#include <pyrite/reference.h>
#include "base/log.h"
#include "base/loop.h"
#include "transport/credentials.h"
#include "transport/transport.h"

typedef struct pyr__grpc_client pyr__grpc_client;
typedef struct pyr__grpc_server pyr__grpc_server;

/* Functions with a state that must exist once in the process: libpyrite's. */
typedef struct pyr__grpc_services {
	const char *version;
	bool (*loop_post)(pyr__loop *loop, pyr__task *task);
	void (*loop_cancel)(pyr__loop *loop, pyr__task *task);
	pyr_status (*loop_start)(pyr__loop *loop, pyr_error *err);
	bool (*loop_is_current)(const pyr__loop *loop);
	uint64_t (*next_connection)(void);
	bool (*credentials_pem)(pyr_credentials *credentials, uint64_t *seen, pyr__pem *ret_pem);
	void (*log_of_core)(
		pyr_log_level level, const char *line); /* not too often, unless all is traced */
	bool (*trace_wanted)(void);
	void (*trace_call)(const char *who, char direction, const pyr__head *head);
	void (*trace_message)(const char *who, char direction, size_t size);
	void (*trace_final)(const char *who, char direction, const pyr__final *final);
} pyr__grpc_services;

typedef struct pyr__grpc_client_options {
	pyr__loop *loop; /* where `ready` is called; outlives the client */
	uint32_t connect_timeout_ms;
	uint32_t message_max; /* bytes of the largest message taken */
	uint32_t metadata_max;
	uint32_t compress_from; /* bytes of the smallest message that is compressed; 0: none is */
} pyr__grpc_client_options;

typedef struct pyr__grpc_server_options {
	pyr__loop *loop; /* where calls are worked on; outlives the server */
	const pyr__host_ops *host;
	void *host_arg;
	uint32_t message_max;
	uint32_t metadata_max;
	uint32_t compress_from; /* bytes, for callers that take it; 0: nothing is compressed */
	uint32_t streams_max;   /* calls at once on one connection */
	uint64_t bytes_max;     /* of requests and answers that wait, of all connections; more calls
				   are refused until it is less */
	uint64_t peer_bytes_max; /* of answers that one connection does not take */
	uint32_t stall_timeout_ms;
	uint32_t handshake_timeout_ms;
	/*
	 * For TLS, which core does only on connections that it has accepted: "127.0.0.1:0" to
	 * listen on, with credentials, which outlive the server and may be reloaded; *ret_port is
	 * the port. NULL: none.
	 */
	const char *listen;
	pyr_credentials *credentials;
	int *ret_port;
	/* A connection that was adopted is gone. On the thread that calls server_reap. */
	void (*closed)(void *arg);
	void *closed_arg;
} pyr__grpc_server_options;

/* What libpyrite-grpc does. */
typedef struct pyr__grpc_library {
	const char *version;

	/* What the gRPC channels of one context share. No I/O happens here. */
	pyr__grpc_client *(*client_new)(const pyr__grpc_client_options *options);
	/* Its channels are freed already. Waits for core to be done with what was cancelled. */
	void (*client_free)(pyr__grpc_client *client);
	/*
	 * One reference; name is for errors. authorization goes with each call; copied, or NULL.
	 * credentials: for TLS, used until the channel is shut; or NULL.
	 */
	pyr__channel *(*channel_new)(pyr__grpc_client *client, const pyr_reference *endpoint,
		const char *name, const char *authorization, pyr_credentials *credentials);

	pyr_status (*server_new)(const pyr__grpc_server_options *options,
		pyr__grpc_server **ret_server, pyr_error *err);
	/* Takes a connected descriptor over, from which nothing has been read. Loop thread only. */
	void (*server_adopt)(pyr__grpc_server *server, int fd, const char *peer);
	/* A descriptor that becomes readable when server_reap has something to do. */
	int (*server_watch_fd)(const pyr__grpc_server *server);
	void (*server_reap)(pyr__grpc_server *server);
	/* Tells the peers that no more calls are taken; running ones go on. Loop thread only. */
	void (*server_drain)(pyr__grpc_server *server);
	/* True while answers wait to be sent. */
	bool (*server_busy)(pyr__grpc_server *server);
	/* Cancels all calls and closes the connections, without waiting. Loop thread only. */
	void (*server_shut)(pyr__grpc_server *server);
	/* After shut, with nobody dispatching the loop: waits until core is done. */
	void (*server_free)(pyr__grpc_server *server);
} pyr__grpc_library;

/* What libpyrite-grpc exports; NULL if services are of another version. */
#define PYR__GRPC_ENTRY "pyr_grpc_library"
typedef const pyr__grpc_library *pyr__grpc_entry_fn(const pyr__grpc_services *services);

/*
 * The library, loaded at the first call. UNIMPLEMENTED, saying what to install, if there is none.
 * PYRITE_GRPC_LIBRARY in the environment names another file. Any thread.
 */
pyr_status pyr__grpc_load(const pyr__grpc_library **ret_library, pyr_error *err);

#endif
