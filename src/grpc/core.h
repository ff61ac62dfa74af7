/* SPDX-License-Identifier: Apache-2.0 */
/* gRPC's C core, and the time as it wants it. */
#ifndef PYR_GRPC_CORE_H
#define PYR_GRPC_CORE_H

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>
#include "transport/grpc.h"

/* What libpyrite has lent us. */
extern const pyr__grpc_services *pyr__services;

/* An absolute time in microseconds of CLOCK_MONOTONIC; PYR__DEADLINE_NONE is never. */
static inline gpr_timespec pyr__core_time(int64_t us)
{
	if (us == PYR__DEADLINE_NONE)
		return gpr_inf_future(GPR_CLOCK_MONOTONIC);
	return (gpr_timespec){
		.tv_sec = us / 1000000,
		.tv_nsec = (int32_t)(us % 1000000 * 1000),
		.clock_type = GPR_CLOCK_MONOTONIC,
	};
}

#endif
