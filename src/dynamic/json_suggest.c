/* SPDX-License-Identifier: Apache-2.0 */
/* For a name that a message does not have: the most similar one that it has. */
#include <stdio.h>
#include <string.h>
#include "dynamic/json.h"

#define NAME_BYTES_MAX 48 /* longer names are not compared */
#define FIELDS_MAX     500

/* How many characters have to be changed, added or removed (Levenshtein); both are short. */
static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned row[NAME_BYTES_MAX + 1];
	for (unsigned j = 0; j <= b_size; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_size; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (unsigned j = 1; j <= b_size; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			diagonal = row[j];
			unsigned one = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
			row[j] = change < one ? change : one;
		}
	}
	return row[b_size];
}

void pyr__json_suggest(const pyr__json_type *type, const char *name, char *to, size_t room)
{
	const char *best = NULL;
	size_t size = strlen(name);
	unsigned limit = (unsigned)size / 3 + 1, least = limit + 1;
	unsigned count = type->layout->n_fields < FIELDS_MAX ? type->layout->n_fields : FIELDS_MAX;
	to[0] = '\0';
	for (unsigned i = 0; size <= NAME_BYTES_MAX && i < count; i++) {
		const char *own = type->info->json_names[i];
		size_t own_size = strlen(own);
		if (own_size > NAME_BYTES_MAX)
			continue;
		unsigned d = distance(name, size, own, own_size);
		if (d < least) {
			least = d;
			best = own;
		}
	}
	if (best)
		snprintf(to, room, ": did you mean '%s'?", best);
}
