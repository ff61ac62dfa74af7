/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of a gRPC call to who watches. */
#include "grpc/trace.h"

#include <stdio.h>
#include "base/alloc.h"

/* Core tells its connections apart and not to us: calls have numbers of ours, from 1 on. */
static atomic_uint last_number;

void pyr__grpc_trace_call(pyr__rpc *rpc, const char *peer, char direction, const pyr__head *head)
{
	char name[300];
	if (!pyr__services->trace_wanted())
		return;
	snprintf(name, sizeof name, "%s gRPC %u", peer, atomic_fetch_add(&last_number, 1) + 1);
	rpc->traced_as = pyr__strdup(name);
	pyr__services->trace_call(rpc->traced_as, direction, head);
}

void pyr__grpc_trace_message(const pyr__rpc *rpc, char direction, size_t size)
{
	if (rpc->traced_as)
		pyr__services->trace_message(rpc->traced_as, direction, size);
}

void pyr__grpc_trace_final(const pyr__rpc *rpc, char direction, const pyr__final *final)
{
	if (rpc->traced_as)
		pyr__services->trace_final(rpc->traced_as, direction, final);
}
