/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses which word was meant by a mistyped one. */
#include <string.h>
#include "cli.h"

#define WORD_MAX 32

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/*
 * How many letters have to be added, taken away, changed or swapped with their neighbour to get
 * from one word to the other (the "optimal string alignment" distance). Row i of the table is about
 * the first i letters of `from`; only three rows are needed at a time.
 */
static unsigned distance(const char *from, size_t from_size, const char *to, size_t to_size)
{
	unsigned rows[3][WORD_MAX + 1];
	for (unsigned j = 0; j <= to_size; j++)
		rows[0][j] = j;
	for (unsigned i = 1; i <= from_size; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
		row[0] = i;
		for (unsigned j = 1; j <= to_size; j++) {
			unsigned changed = above[j - 1] + (from[i - 1] != to[j - 1]);
			row[j] = least(changed, least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[from_size % 3][to_size];
}

const char *cli_nearest(const char *typed, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	size_t typed_size = strlen(typed);
	unsigned best = typed_size < 4 ? 2 : 3; /* so many mistakes are too many */
	if (typed_size == 0 || typed_size > WORD_MAX)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t size = strlen(words[i]);
		if (size > WORD_MAX)
			continue;
		unsigned mistakes = distance(typed, typed_size, words[i], size);
		if (mistakes < best && mistakes < size) {
			best = mistakes;
			nearest = words[i];
		}
	}
	return nearest;
}
