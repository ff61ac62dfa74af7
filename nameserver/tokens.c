/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a token is. */
#include "tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "alloc.h"
#include "check.h"

#define BLANKS " \t\r\n"

typedef struct line {
	char *text; /* what the others point into */
	const char *principal;
	const char *token;
	size_t token_size;
	bool administrator;
} line;

struct ns_tokens {
	line *lines;
	size_t count;
};

/* The next word of a line, made a text of its own; NULL at its end or at a comment. */
static char *next_word(char **at)
{
	char *word = *at + strspn(*at, BLANKS);
	if (*word == '\0' || *word == '#')
		return NULL;
	char *end = word + strcspn(word, BLANKS);
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static const char *wrong_with_token(const ns_tokens *tokens, const line *l)
{
	if (l->token_size > NS_TOKEN_MAX)
		return "the token is longer than 4,000 bytes";
	for (size_t i = 0; i < l->token_size; i++)
		if (l->token[i] <= ' ' || l->token[i] > '~')
			return "the token is not printable ASCII";
	for (size_t i = 0; i < tokens->count; i++)
		if (strcmp(tokens->lines[i].token, l->token) == 0)
			return "the token is there already";
	return NULL;
}

/* What is wrong with a line, or NULL; one without a principal is empty or a comment. */
static const char *parse(const ns_tokens *tokens, char *text, line *ret_line)
{
	line l = {.text = text};
	l.principal = next_word(&text);
	*ret_line = l;
	if (!l.principal)
		return NULL;
	l.token = next_word(&text);
	const char *more = l.token ? next_word(&text) : NULL;
	if (!l.token || (more && strcmp(more, "admin") != 0) || (more && next_word(&text)))
		return "it is not of the form PRINCIPAL TOKEN [admin]";
	if (ns_check_principal(l.principal, NULL))
		return "the principal is longer than 255 bytes or not UTF-8";
	if (strncmp(l.principal, "uid:", 4) == 0)
		return "a principal 'uid:...' is who the kernel says, on a Unix socket";
	l.token_size = strlen(l.token);
	l.administrator = more != NULL;
	*ret_line = l;
	return wrong_with_token(tokens, &l);
}

static void add(ns_tokens *tokens, const line *l)
{
	tokens->lines = ns_realloc(tokens->lines, (tokens->count + 1) * sizeof *tokens->lines);
	tokens->lines[tokens->count++] = *l;
}

static pyr_status read_lines(ns_tokens *tokens, FILE *file, const char *path, pyr_error *err)
{
	char *text = NULL;
	size_t room = 0;
	ssize_t size;
	for (unsigned number = 1; (size = getline(&text, &room, file)) >= 0; number++) {
		line l;
		const char *wrong =
			strlen(text) < (size_t)size ? "it has a NUL byte" : parse(tokens, text, &l);
		if (wrong) {
			free(text);
			return pyr_error_set(
				err, PYR_INVALID_ARGUMENT, "%s, line %u: %s", path, number, wrong);
		}
		if (!l.principal)
			continue;
		add(tokens, &l);
		text = NULL; /* the line's from now on */
		room = 0;
	}
	free(text);
	if (ferror(file))
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "cannot read %s: %s", path, strerror(errno));
	return PYR_OK;
}

static pyr_status check_file(int fd, const char *path, pyr_error *err)
{
	struct stat is;
	if (fstat(fd, &is))
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(is.st_mode))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION, "%s is not a file", path);
	if (is.st_mode & (S_IRWXO | S_IWGRP))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"%s holds tokens, and its mode %03o lets others at them: chmod 600 it",
			path, (unsigned)is.st_mode & 0777);
	return PYR_OK;
}

pyr_status ns_tokens_load(const char *path, ns_tokens **ret_tokens, pyr_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "cannot read %s: %s", path, strerror(errno));
	pyr_status status = check_file(fd, path, err);
	FILE *file = status == PYR_OK ? fdopen(fd, "r") : NULL;
	if (!file) {
		if (status == PYR_OK)
			status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "no memory for a file");
		close(fd);
		return status;
	}
	ns_tokens *tokens = ns_zalloc(sizeof *tokens);
	status = read_lines(tokens, file, path, err);
	fclose(file);
	if (status)
		ns_tokens_free(tokens);
	else
		*ret_tokens = tokens;
	return status;
}

void ns_tokens_free(ns_tokens *tokens)
{
	if (!tokens)
		return;
	for (size_t i = 0; i < tokens->count; i++)
		free(tokens->lines[i].text);
	free(tokens->lines);
	free(tokens);
}

/* Takes as long for a token that is nearly right as for any other of its length. */
static bool same_token(const line *known, const char *shown, size_t size)
{
	unsigned differ = known->token_size != size;
	for (size_t i = 0; i < size; i++)
		differ |= (unsigned)(known->token[i < known->token_size ? i : 0] ^ shown[i]);
	return differ == 0;
}

pyr_status ns_tokens_authenticate(
	void *ctx, const char *token, char principal[PYR_PRINCIPAL_MAX], pyr_error *err)
{
	const ns_tokens *tokens = ctx;
	const line *found = NULL;
	size_t size = strlen(token);
	for (size_t i = 0; i < tokens->count; i++)
		if (same_token(&tokens->lines[i], token, size))
			found = &tokens->lines[i];
	if (!found)
		return pyr_error_set(
			err, PYR_UNAUTHENTICATED, "the name server does not know this token");
	snprintf(principal, PYR_PRINCIPAL_MAX, "%s", found->principal);
	return PYR_OK;
}

bool ns_tokens_administrator(const ns_tokens *tokens, const char *principal)
{
	for (size_t i = 0; i < tokens->count; i++)
		if (tokens->lines[i].administrator &&
			strcmp(tokens->lines[i].principal, principal) == 0)
			return true;
	return false;
}
