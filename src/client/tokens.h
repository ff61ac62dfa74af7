/* SPDX-License-Identifier: Apache-2.0 */
/* Which token is shown to whom. Guarded by its context's lock. */
#ifndef PYR_CLIENT_TOKENS_H
#define PYR_CLIENT_TOKENS_H

#include <stdbool.h>
#include <pyrite/reference.h>

#define PYR__TOKEN_MAX 4000 /* bytes */

typedef struct pyr__tokens {
	struct pyr__token *first;
} pyr__tokens;

/* token NULL: none any more. */
void pyr__tokens_set(
	pyr__tokens *tokens, const char *endpoint, const char *token, bool allow_cleartext);
/* Copies all that from has; tokens is empty. */
void pyr__tokens_copy(pyr__tokens *tokens, const pyr__tokens *from);
void pyr__tokens_done(pyr__tokens *tokens);

/*
 * What goes to the endpoint that reference leads to and that is called name: "Bearer TOKEN",
 * borrowed until the next set, or NULL. FAILED_PRECONDITION where it would travel in the clear.
 */
pyr_status pyr__tokens_find(const pyr__tokens *tokens, const pyr_reference *reference,
	const char *name, const char **ret_authorization, pyr_error *err);

#endif
