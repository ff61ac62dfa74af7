/* SPDX-License-Identifier: Apache-2.0 */
/* The codec of messages that travel deflated: zlib streams (RFC 1950) of a size that is known. */
#ifndef PYR_NATIVE_DEFLATE_H
#define PYR_NATIVE_DEFLATE_H

#include "transport/body.h"

/* A message that has been deflated. */
typedef struct pyr__deflated {
	pyr__body body;  /* to be sent instead */
	uint8_t *memory; /* what body.raw is in; to be freed */
} pyr__deflated;

/*
 * Encodes and deflates a message. False, with nothing to be freed, if that makes it no shorter on
 * the wire, or there is no memory for it: it is then sent as it is.
 */
bool pyr__deflate(const pyr__body *body, pyr__deflated *ret_deflated);

typedef enum pyr__inflated {
	PYR__INFLATED,
	PYR__INFLATED_MALFORMED, /* it is no zlib stream, or not one of just that size */
	PYR__INFLATED_NO_MEMORY,
} pyr__inflated;

/* Fills to with exactly to_size bytes, out of the stream that is all of data. */
pyr__inflated pyr__inflate(const uint8_t *data, size_t size, uint8_t *to, size_t to_size);

#endif
