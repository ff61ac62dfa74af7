/* SPDX-License-Identifier: Apache-2.0 */
/* Which token is shown to whom. */
#include "client/tokens.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

typedef struct pyr__token {
	struct pyr__token *next;
	char *endpoint;
	char *authorization;
	bool allow_cleartext;
} pyr__token;

static void free_token(pyr__token *token)
{
	free(token->endpoint);
	free(token->authorization);
	free(token);
}

static void drop(pyr__tokens *tokens, const char *endpoint)
{
	for (pyr__token **at = &tokens->first; *at; at = &(*at)->next) {
		pyr__token *token = *at;
		if (strcmp(token->endpoint, endpoint) != 0)
			continue;
		*at = token->next;
		free_token(token);
		return;
	}
}

/* Takes the authorization over. */
static void add(
	pyr__tokens *tokens, const char *endpoint, char *authorization, bool allow_cleartext)
{
	pyr__token *fresh = pyr__zalloc(sizeof *fresh);
	fresh->endpoint = pyr__strdup(endpoint);
	fresh->authorization = authorization;
	fresh->allow_cleartext = allow_cleartext;
	fresh->next = tokens->first;
	tokens->first = fresh;
}

void pyr__tokens_set(
	pyr__tokens *tokens, const char *endpoint, const char *token, bool allow_cleartext)
{
	drop(tokens, endpoint);
	if (!token)
		return;
	size_t size = strlen("Bearer ") + strlen(token) + 1;
	char *authorization = pyr__alloc(size);
	snprintf(authorization, size, "Bearer %s", token);
	add(tokens, endpoint, authorization, allow_cleartext);
}

void pyr__tokens_copy(pyr__tokens *tokens, const pyr__tokens *from)
{
	for (const pyr__token *token = from->first; token; token = token->next)
		add(tokens, token->endpoint, pyr__strdup(token->authorization),
			token->allow_cleartext);
}

void pyr__tokens_done(pyr__tokens *tokens)
{
	while (tokens->first) {
		pyr__token *token = tokens->first;
		tokens->first = token->next;
		free_token(token);
	}
}

static const pyr__token *find(const pyr__tokens *tokens, const char *endpoint)
{
	for (const pyr__token *token = tokens->first; token; token = token->next)
		if (strcmp(token->endpoint, endpoint) == 0)
			return token;
	return NULL;
}

/* Bytes to this host do not leave the machine. */
static bool is_loopback(const char *host)
{
	struct in_addr four;
	struct in6_addr six;
	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	if (inet_pton(AF_INET6, host, &six) == 1)
		return IN6_IS_ADDR_LOOPBACK(&six);
	return strcmp(host, "localhost") == 0;
}

pyr_status pyr__tokens_find(const pyr__tokens *tokens, const pyr_reference *reference,
	const char *name, const char **ret_authorization, pyr_error *err)
{
	bool secure = reference->scheme == PYR_SCHEME_PYRS || reference->scheme == PYR_SCHEME_GRPCS;
	const pyr__token *token = find(tokens, name);
	*ret_authorization = NULL;
	if (!token && secure)
		token = find(tokens, "*");
	if (!token)
		return PYR_OK;
	if (!secure && !reference->is_unix && !token->allow_cleartext &&
		!is_loopback(reference->host))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the token for %s would travel in cleartext: use a pyrs: or grpcs: "
			"reference, or allow it where the token is set",
			name);
	*ret_authorization = token->authorization;
	return PYR_OK;
}
