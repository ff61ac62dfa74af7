/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gRPC transport's client side: one endpoint, and core's channel to it.
 *
 * Core's channel waits longer and longer between its attempts to connect, and fails calls at once
 * meanwhile. Ours tries at each call, as the native one does; so core's channel is replaced once it
 * has failed to connect, and lives on only for the calls that have it.
 */
#ifndef PYR_GRPC_CHANNEL_H
#define PYR_GRPC_CHANNEL_H

#include "grpc/client.h"

#define PYR__LINE_METHODS 64

typedef struct pyr__grpc_channel pyr__grpc_channel;

/*
 * When a call may be sent. Core keeps calls that wait for the connection, and then sends them in
 * any order; but what follows a oneway call must arrive after it.
 */
typedef enum pyr__turn {
	PYR__TURN_NOW,
	PYR__TURN_FIRST, /* a oneway call without a connection: it is sent, and keeps others back */
	PYR__TURN_LATER, /* once that one is on its way */
} pyr__turn;

/* A channel of core. */
typedef struct pyr__line {
	atomic_uint refs; /* the channel's, and one for each call */
	grpc_channel *core;
	int64_t made_us;
	pyr__grpc_channel *home;
	struct {
		const void *key;
		void *handle;
	} methods[PYR__LINE_METHODS]; /* open addressing by key; guarded by the home's lock */
	/* guarded by the home's lock as well */
	bool keeps_back;
	pyr__link kept_back;
} pyr__line;

struct pyr__grpc_channel {
	pyr__channel base;
	pyr__grpc_client *client;
	char *target;                 /* as core wants it */
	char *authorization;          /* what each call shows; or NULL */
	pyr_credentials *credentials; /* for TLS; NULL: cleartext */
	atomic_uint lines;            /* and one for whoever has the channel */
	pthread_mutex_t lock;         /* guards what follows */
	pyr__line *line;              /* NULL: to be made by the next call */
	pyr__link calls;              /* that run */
	bool shut;
};

pyr__channel *pyr__grpc_channel_new(pyr__grpc_client *client, const pyr_reference *endpoint,
	const char *name, const char *authorization, pyr_credentials *credentials);

/* The line to use, with a reference; CANCELLED once the channel is shut. */
pyr_status pyr__channel_line(pyr__grpc_channel *channel, pyr__line **ret_line, pyr_error *err);
void pyr__line_unref(pyr__line *line);

/* The line could not connect: the next call takes another. */
void pyr__line_failed(pyr__line *line);

/* Core's handle of a method, by which a call costs less; NULL if there are too many. */
void *pyr__line_method(pyr__line *line, const void *key, pyr__text method);

/* Says when a new call may be sent; LATER: link has been appended to the line's kept_back. */
pyr__turn pyr__line_turn(pyr__line *line, bool oneway, pyr__link *link);

/* After FIRST was sent: the next call to send, until there is none and the line keeps back no more.
 */
pyr__link *pyr__line_next(pyr__line *line);

/* outcall.c */
pyr_status pyr__outcall_start(pyr__grpc_channel *channel, pyr__outcall *call, const pyr__head *head,
	const pyr__body *body, bool end, pyr_error *err);
void pyr__outcall_shut_all(pyr__grpc_channel *channel);

#endif
