/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tokens that a name server knows, and whose they are. Read once from a file:
 *
 *   # who      what they show                      may change everybody's names
 *   robots     oNnqvV1mSdZ4vQ0JDaXGkg
 *   anna       g1iRr4cM0o9YQf6bHnE2Tw              admin
 *
 * A principal may have several tokens, so that one can be replaced without haste.
 */
#ifndef NS_TOKENS_H
#define NS_TOKENS_H

#include <stdbool.h>
#include <pyrite/call.h>

#define NS_TOKEN_MAX 4000 /* bytes */

/* Never changes, so any thread may ask. */
typedef struct ns_tokens ns_tokens;

/*
 * FAILED_PRECONDITION if the file cannot be read, or can be read or written by others than its
 * owner and group; INVALID_ARGUMENT names the line that is wrong, but no token.
 */
PYR_MUST_USE pyr_status ns_tokens_load(const char *path, ns_tokens **ret_tokens, pyr_error *err);
void ns_tokens_free(ns_tokens *tokens); /* NULL is ignored */

/* As pyr_daemon_options' authenticate; tokens is an ns_tokens. UNAUTHENTICATED: nobody's. */
pyr_status ns_tokens_authenticate(
	void *tokens, const char *token, char principal[PYR_PRINCIPAL_MAX], pyr_error *err);

/* Whether some line says so of this principal. */
bool ns_tokens_administrator(const ns_tokens *tokens, const char *principal);

#endif
