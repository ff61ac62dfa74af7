/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that have been accepted, and have not said yet which protocol they speak.
 *
 *   first byte   0xe9  native                         handed on at once
 *                'P'   the preface of HTTP/2: gRPC    handed on once it is there in whole
 *                else  neither: closed
 *
 * They are looked at and never read. One that says too little, for too long, is closed.
 */
#ifndef PYR_SERVER_NEWCOMER_H
#define PYR_SERVER_NEWCOMER_H

#include "base/list.h"
#include "base/loop.h"
#include "native/socket.h"

typedef enum pyr__protocol {
	PYR__PROTOCOL_NONE, /* closed: said nothing, or what is no protocol of ours */
	PYR__PROTOCOL_PYR,
	PYR__PROTOCOL_GRPC,
} pyr__protocol;

/* All loop thread only. */
typedef struct pyr__newcomers {
	pyr__loop *loop;
	uint32_t timeout_ms;
	/* Takes fd over; -1 with PYR__PROTOCOL_NONE. */
	void (*sorted)(void *arg, pyr__protocol protocol, int fd, const pyr__address *peer);
	void *arg;
	pyr__link list;
} pyr__newcomers;

void pyr__newcomers_init(pyr__newcomers *newcomers);

/* Takes a connected descriptor over; sorted is called once, perhaps before this returns. */
void pyr__newcomers_add(pyr__newcomers *newcomers, int fd, const pyr__address *peer);

/* Closes all; sorted is called for each. */
void pyr__newcomers_close(pyr__newcomers *newcomers);

#endif
