/* SPDX-License-Identifier: Apache-2.0 */
/* A context's name server, where that is what answers in the network. */
#ifndef PYR_CLIENT_DISCOVERY_H
#define PYR_CLIENT_DISCOVERY_H

#include "base/discovery.h"
#include "client/context.h"

typedef struct pyr__discoverer pyr__discoverer;

/*
 * context outlives it. token, or NULL: for the name server that is found, which then has to speak
 * TLS.
 */
pyr__discoverer *pyr__discoverer_new(
	pyr_context *context, const pyr__discovery *where, const char *token);

/* The same for another context. */
pyr__discoverer *pyr__discoverer_copy(pyr_context *context, pyr__discoverer *from);
void pyr__discoverer_free(pyr__discoverer *discoverer); /* or NULL */

/*
 * The reference of the name server, kept until it is said to have failed. failed: the one that
 * does not answer, or NULL. Blocks: FAILED_PRECONDITION on a loop's thread.
 */
pyr_status pyr__discoverer_find(pyr__discoverer *discoverer, int64_t deadline_us,
	const pyr_reference *failed, pyr_reference *ret_reference, pyr_error *err);

/* The same without blocking: found runs once on the context's loop, unless an error is returned. */
pyr_status pyr__discoverer_find_async(pyr__discoverer *discoverer, int64_t deadline_us,
	const pyr_reference *failed, pyr__found_fn found, void *ctx, pyr_error *err);

/* Whether this is what was found, and has not failed. */
bool pyr__discoverer_leads_to(pyr__discoverer *discoverer, const pyr_reference *reference);

/* It has not answered: the network is asked again before the next question. */
void pyr__discoverer_failed(pyr__discoverer *discoverer);

#endif
