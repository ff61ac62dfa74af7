/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ended: our final, and gRPC's status with its trailing headers. */
#ifndef PYR_GRPC_FINAL_H
#define PYR_GRPC_FINAL_H

#include "grpc/headers.h"

/* Adds what of a final does not fit gRPC's status. */
void pyr__final_headers(const pyr__final *final, pyr__headers *headers);

/*
 * What core says of a finished call. The texts point into the headers, details and block, which
 * the caller frees after use.
 */
void pyr__final_read(grpc_status_code code, const grpc_slice *details,
	const grpc_metadata_array *initial, const grpc_metadata_array *trailing,
	pyr__header_block *block, pyr__final *ret_final);

/*
 * Core's refusals of what is larger than a limit, of a unary call: finds out whether the peer has
 * refused the request, or we the answer. Where that can be told, `executed` says so.
 */
void pyr__final_judge_limit(pyr__final *final, size_t request_size, size_t own_max);

/* True for the failure of a call whose channel could not connect. */
bool pyr__final_is_unconnected(const pyr__final *final);

/* True for the failure of a call whose connection broke, or was breaking when it began. */
bool pyr__final_is_broken(const pyr__final *final);

#endif
