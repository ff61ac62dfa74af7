/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections that core's server was given. Core tells neither where a call comes from nor when
 * a connection ends, so a duplicate of each descriptor is watched, and nothing ever read from it.
 */
#ifndef PYR_GRPC_PEER_H
#define PYR_GRPC_PEER_H

#include "grpc/server.h"

struct pyr__peer {
	atomic_uint refs;            /* while it is connected, and one for each call */
	int fd;                      /* core's number */
	int watched_fd;              /* the duplicate */
	atomic_uint_fast64_t unsent; /* bytes of answers that it has not taken */
	uint64_t number;
	struct sockaddr_storage reached; /* our own address on the connection */
	socklen_t reached_size;          /* 0: not known */
	char text[128];
};

/* Hands a connected descriptor to core. Loop thread only. */
void pyr__peer_adopt(pyr__grpc_server *server, int fd, const char *text);

/* Forgets connections that have ended. Loop thread only. */
void pyr__peers_reap(pyr__grpc_server *server);
void pyr__peers_free(pyr__grpc_server *server);

/* Whose call it is, with a reference; NULL if that is not known any more. */
pyr__peer *pyr__peer_of(pyr__grpc_server *server, grpc_call *call);
void pyr__peer_unref(pyr__peer *peer);

#endif
