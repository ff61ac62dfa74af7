/* SPDX-License-Identifier: Apache-2.0 */
/* Which gRPC calls are traced: those that begin while a trace is wanted, from then to their end. */
#ifndef PYR_GRPC_TRACE_H
#define PYR_GRPC_TRACE_H

#include "grpc/rpc.h"

/* peer is copied when it is needed. Lock held, as for all here. */
void pyr__grpc_trace_call(pyr__rpc *rpc, const char *peer, char direction, const pyr__head *head);
void pyr__grpc_trace_message(const pyr__rpc *rpc, char direction, size_t size);
void pyr__grpc_trace_final(const pyr__rpc *rpc, char direction, const pyr__final *final);

#endif
