/* SPDX-License-Identifier: Apache-2.0 */
/* Where a place that a peer has told us of may be: see pyr_context_allow(). */
#ifndef PYR_CLIENT_ALLOWED_H
#define PYR_CLIENT_ALLOWED_H

#include <stddef.h>
#include <pyrite/reference.h>

/* Zeroed at first; locking is the owner's. */
typedef struct pyr__allowed {
	char **patterns;
	size_t count;
} pyr__allowed;

void pyr__allowed_done(pyr__allowed *allowed);

/* A pattern, or several with commas between them. */
pyr_status pyr__allowed_add(pyr__allowed *allowed, const char *patterns, pyr_error *err);

/*
 * Whether a place may be reached that a peer has told of, who is there itself. peer is its address,
 * "127.0.0.1:4711", "unix:" or "local". PERMISSION_DENIED says what would allow it.
 */
pyr_status pyr__allowed_check(
	const pyr__allowed *allowed, const pyr_reference *place, const char *peer, pyr_error *err);

#endif
