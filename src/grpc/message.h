/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as core has them: buffers of slices. */
#ifndef PYR_GRPC_MESSAGE_H
#define PYR_GRPC_MESSAGE_H

#include "grpc/core.h"

#define PYR__GRPC_COST_MIN 64u /* bytes of window that the smallest message costs */

/* Encodes a message for core to send. */
grpc_byte_buffer *pyr__message_encode(const pyr__body *body);

/*
 * Moves a received message into the inbox, adds what it costs to *held, unless that is NULL, and
 * destroys buffer. max is for what a compressed message holds; core sees to the others.
 */
pyr_status pyr__message_keep(
	grpc_byte_buffer *buffer, pyr__inbox *inbox, uint32_t max, uint64_t *held, pyr_error *err);

/* What a message of so many bytes costs. */
static inline uint32_t pyr__message_cost(size_t size)
{
	return size < PYR__GRPC_COST_MIN ? PYR__GRPC_COST_MIN : (uint32_t)size;
}

#endif
