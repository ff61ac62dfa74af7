/* SPDX-License-Identifier: Apache-2.0 */
/* Records: everything that a name stands for, in one block of memory. */
#include "record.h"

#include <stdlib.h>
#include <string.h>
#include "alloc.h"

/* The record is first, then its arrays, then the texts. */
typedef struct block {
	ns_record record;
	size_t refs;
	size_t size;
} block;

static size_t texts_size(const char *const *texts, size_t count)
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += strlen(texts[i]) + 1;
	return size;
}

static size_t block_size(const ns_record *draft)
{
	size_t size = sizeof(block) + draft->holder_count * sizeof(ns_holder) +
		      draft->tag_count * sizeof(char *) + strlen(draft->name) + 1 +
		      texts_size(draft->tags, draft->tag_count);
	for (size_t i = 0; i < draft->holder_count; i++) {
		const ns_holder *holder = &draft->holders[i];
		size += holder->reference_count * sizeof(char *) + strlen(holder->owner) + 1 +
			texts_size(holder->references, holder->reference_count);
	}
	return size;
}

static const char *put_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memcpy(*at, text, size);
	*at += size;
	return copy;
}

static const char *const *put_texts(
	const char ***array, char **at, const char *const *texts, size_t count)
{
	const char **copy = *array;
	for (size_t i = 0; i < count; i++)
		copy[i] = put_text(at, texts[i]);
	*array += count;
	return copy;
}

ns_record *ns_record_new(const ns_record *draft)
{
	size_t size = block_size(draft);
	block *b = ns_alloc(size);
	ns_holder *holders = (ns_holder *)(b + 1);
	const char **pointers = (const char **)(holders + draft->holder_count);
	size_t pointer_count = draft->tag_count;
	for (size_t i = 0; i < draft->holder_count; i++)
		pointer_count += draft->holders[i].reference_count;
	char *text = (char *)(pointers + pointer_count);

	b->refs = 1;
	b->size = size;
	b->record = *draft;
	b->record.name = put_text(&text, draft->name);
	b->record.holders = holders;
	b->record.tags = put_texts(&pointers, &text, draft->tags, draft->tag_count);
	for (size_t i = 0; i < draft->holder_count; i++) {
		const ns_holder *from = &draft->holders[i];
		holders[i] = *from;
		holders[i].owner = put_text(&text, from->owner);
		holders[i].references =
			put_texts(&pointers, &text, from->references, from->reference_count);
	}
	return &b->record;
}

ns_record *ns_record_ref(const ns_record *record)
{
	if (record)
		((block *)record)->refs++;
	return (ns_record *)record;
}

void ns_record_unref(const ns_record *record)
{
	block *b = (block *)record;
	if (b && --b->refs == 0)
		free(b);
}

size_t ns_record_size(const ns_record *record)
{
	return ((const block *)record)->size;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool ns_record_has_tag(const ns_record *record, const char *tag)
{
	return record->tag_count &&
	       bsearch(&tag, record->tags, record->tag_count, sizeof tag, compare_texts) != NULL;
}

bool ns_holder_same_references(const ns_holder *a, const ns_holder *b)
{
	if (a->reference_count != b->reference_count)
		return false;
	for (size_t i = 0; i < a->reference_count; i++)
		if (strcmp(a->references[i], b->references[i]) != 0)
			return false;
	return true;
}

size_t ns_sort_unique(const char **texts, size_t count)
{
	if (count < 2)
		return count;
	qsort(texts, count, sizeof *texts, compare_texts);
	size_t kept = 1;
	for (size_t i = 1; i < count; i++)
		if (strcmp(texts[i], texts[kept - 1]) != 0)
			texts[kept++] = texts[i];
	return kept;
}
