/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access rules as text, one a line:
 *
 *     # who        object   method
 *     allow ?*     calc     demo.Calculator*
 *     deny  ""     *        *
 *
 * A word is what has no blanks in it, or what is between two double quotes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/alloc.h"
#include "server/daemon_private.h"

#define BLANKS         " \t\r"
#define FILE_BYTES_MAX (4u << 20)
#define FORM           "it is not of the form allow|deny PRINCIPAL OBJECT METHOD"

typedef struct list {
	pyr_rule *rules; /* their texts are in the text that is read */
	size_t count;
} list;

/* The next word of a line, made a text of its own; NULL at its end, or with *ret_fault. */
static const char *next_word(char **at, const char **ret_fault)
{
	char *word = *at + strspn(*at, BLANKS);
	if (*word == '\0' || *word == '#')
		return NULL;
	bool quoted = *word == '"';
	char *end = quoted ? strchr(word + 1, '"') : word + strcspn(word, BLANKS "\"");
	if (!end) {
		*ret_fault = "a quote is not closed";
		return NULL;
	}
	char *next = quoted ? end + 1 : end;
	if (*next && !strchr(BLANKS, *next)) {
		*ret_fault = "a quote is beside something else than a blank";
		return NULL;
	}
	*at = *next ? next + 1 : next;
	*end = '\0';
	return quoted ? word + 1 : word;
}

/* What is wrong with a line, or NULL; *ret_empty: there is no rule in it. */
static const char *parse_line(char *at, pyr_rule *ret_rule, bool *ret_empty)
{
	const char *fault = NULL;
	const char *verb = next_word(&at, &fault);
	*ret_empty = !verb;
	if (fault || !verb)
		return fault;
	bool allow = strcmp(verb, "allow") == 0;
	if (!allow && strcmp(verb, "deny") != 0)
		return "it begins with neither allow nor deny";
	pyr_rule rule = {.allow = allow};
	rule.principal = next_word(&at, &fault);
	rule.object = rule.principal ? next_word(&at, &fault) : NULL;
	rule.method = rule.object ? next_word(&at, &fault) : NULL;
	if (fault)
		return fault;
	if (!rule.method || next_word(&at, &fault) || fault)
		return fault ? fault : FORM;
	*ret_rule = rule;
	return pyr__rule_fault(&rule);
}

static const char *add_line(list *l, char *line)
{
	pyr_rule rule;
	bool empty;
	const char *fault = parse_line(line, &rule, &empty);
	if (fault || empty)
		return fault;
	if (l->count == PYR_RULES_MAX)
		return "there are more than 10,000 rules";
	if (l->count % 64 == 0)
		l->rules = pyr__realloc(l->rules, (l->count + 64) * sizeof *l->rules);
	l->rules[l->count++] = rule;
	return NULL;
}

/* Takes the text apart in place; it ends with a NUL. */
static pyr_status parse(list *l, char *text, size_t size, const char *name, pyr_error *err)
{
	char *end = text + size;
	for (unsigned number = 1; text < end; number++) {
		char *line = text;
		char *feed = memchr(line, '\n', (size_t)(end - line));
		text = feed ? feed + 1 : end;
		if (feed)
			*feed = '\0';
		bool whole = strlen(line) == (size_t)((feed ? feed : end) - line);
		const char *fault = whole ? add_line(l, line) : "it has a NUL byte";
		if (fault)
			return pyr_error_set(
				err, PYR_INVALID_ARGUMENT, "%s, line %u: %s", name, number, fault);
	}
	return PYR_OK;
}

pyr_status pyr__rules_parse(
	const char *text, size_t size, const char *name, pyr__rules **ret_rules, pyr_error *err)
{
	list l = {NULL, 0};
	char *copy = pyr__strndup(text, size);
	pyr_status status = parse(&l, copy, size, name, err);
	if (status == PYR_OK)
		*ret_rules = pyr__rules_new(l.rules, l.count);
	free(l.rules);
	free(copy);
	return status;
}

/* Files */

static pyr_status unreadable(const char *path, int why, pyr_error *err)
{
	return pyr_error_set(
		err, PYR_FAILED_PRECONDITION, "cannot read %s: %s", path, strerror(why));
}

static pyr_status check_file(int fd, const char *path, size_t *ret_size, pyr_error *err)
{
	struct stat is;
	if (fstat(fd, &is))
		return unreadable(path, errno, err);
	if (!S_ISREG(is.st_mode))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION, "%s is not a file", path);
	if (is.st_mode & (S_IWGRP | S_IWOTH))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"%s says who may call, and its mode %03o lets others write it: chmod go-w "
			"it",
			path, (unsigned)is.st_mode & 0777);
	if (is.st_size > (off_t)FILE_BYTES_MAX)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s is larger than 4 MiB, the most for rules", path);
	*ret_size = (size_t)is.st_size;
	return PYR_OK;
}

/* A file of this size, and not a piece of one that is being written. */
static pyr_status read_all(int fd, const char *path, char *to, size_t wanted, pyr_error *err)
{
	size_t size = 0;
	while (size <= wanted) { /* there is room for a byte too many */
		ssize_t more = read(fd, to + size, wanted + 1 - size);
		if (more < 0 && errno == EINTR)
			continue;
		if (more < 0)
			return unreadable(path, errno, err);
		if (more == 0)
			break;
		size += (size_t)more;
	}
	if (size != wanted)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "%s changes while it is read", path);
	return PYR_OK;
}

static pyr_status load(int fd, const char *path, pyr__rules **ret_rules, pyr_error *err)
{
	size_t size = 0;
	pyr_status status = check_file(fd, path, &size, err);
	if (status)
		return status;
	char *text = pyr__alloc(size + 1);
	status = read_all(fd, path, text, size, err);
	if (status == PYR_OK)
		status = pyr__rules_parse(text, size, path, ret_rules, err);
	free(text);
	return status;
}

pyr_status pyr_daemon_load_rules(pyr_daemon *daemon, const char *path, pyr_error *err)
{
	pyr__rules *rules;
	pyr_status status = pyr__daemon_check_process(daemon, err);
	if (status)
		return status;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return unreadable(path, errno, err);
	status = load(fd, path, &rules, err);
	close(fd);
	if (status == PYR_OK)
		pyr__rules_slot_put(&daemon->rules, rules);
	return status;
}
