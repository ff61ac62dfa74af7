/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of tags and holders as texts, and back. */
#include "store_sqlite_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "alloc.h"

void ns_scratch_done(ns_scratch *scratch)
{
	free(scratch->text);
	free(scratch->holders);
	free(scratch->pointers);
	*scratch = (ns_scratch){0};
}

static void put(ns_scratch *scratch, const char *text, char end)
{
	size_t size = strlen(text);
	if (scratch->room - scratch->size < size + 1) {
		scratch->room = (scratch->size + size + 1) * 2;
		scratch->text = ns_realloc(scratch->text, scratch->room);
	}
	memcpy(scratch->text + scratch->size, text, size);
	scratch->size += size;
	scratch->text[scratch->size++] = end;
}

void ns_write_tags(ns_scratch *scratch, const ns_record *record)
{
	scratch->size = 0;
	for (size_t i = 0; i < record->tag_count; i++)
		put(scratch, record->tags[i], ',');
	if (scratch->size)
		scratch->size--; /* the last ',' */
}

void ns_write_holders(ns_scratch *scratch, const ns_record *record)
{
	scratch->size = 0;
	for (size_t i = 0; i < record->holder_count; i++) {
		const ns_holder *holder = &record->holders[i];
		char lease[24];
		snprintf(lease, sizeof lease, "%" PRIu64, holder->lease_id);
		put(scratch, lease, '\t');
		put(scratch, holder->owner, '\t');
		for (size_t k = 0; k < holder->reference_count; k++)
			put(scratch, holder->references[k],
				k + 1 < holder->reference_count ? '\t' : '\n');
	}
}

static size_t count_of(const char *text, char wanted)
{
	size_t count = 0;
	for (; *text; text++)
		count += *text == wanted;
	return count;
}

static void make_room(ns_scratch *scratch, size_t size, size_t holders, size_t pointers)
{
	if (scratch->room < size)
		scratch->text = ns_realloc(scratch->text, scratch->room = size * 2);
	if (scratch->holder_room < holders)
		scratch->holders = ns_realloc(scratch->holders,
			(scratch->holder_room = holders * 2) * sizeof *scratch->holders);
	if (scratch->pointer_room < pointers)
		scratch->pointers = ns_realloc(scratch->pointers,
			(scratch->pointer_room = pointers * 2) * sizeof *scratch->pointers);
}

/* Cuts the text at the next separator and moves on behind it; NULL when there is none. */
static char *cut(char **text, char separator)
{
	char *begin = *text, *end = strchr(begin, separator);
	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return begin;
}

/* The pointers to the pieces go to *pointers, which moves on. */
static size_t cut_all(char *text, char separator, const char ***pointers)
{
	size_t count = 0;
	for (char *piece; (piece = cut(&text, separator)) != NULL; count++)
		*(*pointers)++ = piece;
	*(*pointers)++ = text;
	return count + 1;
}

static bool read_holder(char *line, const char ***pointers, ns_holder *holder)
{
	char *lease = cut(&line, '\t'), *owner = lease ? cut(&line, '\t') : NULL, *end;
	if (!owner || !*lease)
		return false;
	holder->lease_id = strtoull(lease, &end, 10);
	holder->owner = owner;
	holder->references = *pointers;
	holder->reference_count = cut_all(line, '\t', pointers);
	return *end == '\0';
}

bool ns_read_lists(ns_scratch *scratch, const char *tags, const char *holders, ns_record *draft)
{
	size_t tags_size = strlen(tags) + 1, holders_size = strlen(holders) + 1;
	draft->holder_count = count_of(holders, '\n');
	make_room(scratch, tags_size + holders_size, draft->holder_count,
		count_of(tags, ',') + count_of(holders, '\t') + 2);
	const char **pointers = scratch->pointers;
	char *tags_at = memcpy(scratch->text, tags, tags_size);
	char *at = memcpy(scratch->text + tags_size, holders, holders_size);

	draft->tags = pointers;
	draft->tag_count = *tags ? cut_all(tags_at, ',', &pointers) : 0;
	draft->holders = scratch->holders;
	for (size_t i = 0; i < draft->holder_count; i++)
		if (!read_holder(cut(&at, '\n'), &pointers, &scratch->holders[i]))
			return false;
	return *at == '\0';
}
