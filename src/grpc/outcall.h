/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls that we make.
 *
 * A unary call is one batch, a stream several:
 *
 *   unary    whole_op    headers, request, half-close; headers, reply, status
 *   stream   open_op     headers, and the request with the half-close if there is but one
 *            status_op   status
 *            and what rpc.c sends and receives
 *
 * While a line keeps calls back (see channel.h), a unary call's batch is two: open_op sends, and
 * whole_op receives, so that it can be cancelled, and its deadline can pass, before it is sent.
 *
 * A thread that waits for a unary call plucks its batch from a queue of its own. What ends in a
 * callback is completed on the loop, all others on the poller's thread.
 */
#ifndef PYR_GRPC_OUTCALL_H
#define PYR_GRPC_OUTCALL_H

#include "grpc/channel.h"
#include "grpc/headers.h"
#include "grpc/rpc.h"

/* A request that is to be sent. */
typedef struct pyr__request_body {
	grpc_byte_buffer *buffer; /* or NULL */
	uint32_t flags;
} pyr__request_body;

/* What a call that is kept back opens with. */
typedef struct pyr__opening {
	pyr__headers headers;
	pyr__request_body request;
	bool end;
} pyr__opening;

typedef struct pyr__out {
	pyr__rpc rpc;
	pyr__line *line;
	pyr__grpc_client *client;
	grpc_completion_queue *pluck; /* NULL: the poller's */
	bool plucked;                 /* the waiting thread's */
	bool waits;                   /* for a server that is not there yet */
	pyr__op whole_op, open_op, status_op;
	grpc_metadata_array initial, trailing;
	grpc_status_code code;
	grpc_slice details;
	size_t request_size; /* of a unary call */
	pyr__turn turn;

	/* guarded by the lock */
	pyr__outcall *outcall; /* NULL: nobody asks for the outcome any more */
	pyr__link link;        /* among the channel's calls, until it is over */
	pyr__link later; /* among those that its line keeps back; guarded by the home's lock */
	pyr__opening *opening; /* not NULL: it is kept back */
	bool opened;           /* open_op has been started */
	bool status_in;
	bool done; /* it is over, in whatever way */
} pyr__out;

extern const pyr__outcall_ops pyr__out_ops;

/* outcall.c: one reference, and one of line is taken over. */
pyr__out *pyr__out_new(pyr__line *line, pyr__grpc_client *client);

/* Ends the call from our side. Lock held, here and in what follows. */
void pyr__out_end(pyr__out *c, pyr_status status, const char *message);

/* Out of the channel's calls. */
void pyr__out_unlink(pyr__out *c);

/* What the first batch that receives begins with; of an rpc that is a call's. */
size_t pyr__out_begin_receiving(pyr__rpc *rpc, grpc_op *ops);

/* outstart.c: gives back what the call opens with, if it has not been sent. */
void pyr__out_drop_opening(pyr__out *c);

/* Sends the calls that a line has kept back. No lock held. */
void pyr__out_send_kept_back(pyr__line *line);

#endif
