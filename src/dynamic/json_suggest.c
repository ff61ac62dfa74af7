/* SPDX-License-Identifier: Apache-2.0 */
/* For a name that a message does not have: the most similar one that it has. */
#include <stdio.h>
#include <string.h>
#include "base/distance.h"
#include "dynamic/json.h"

#define FIELDS_MAX 500

void pyr__json_suggest(const pyr__json_type *type, const char *name, char *to, size_t room)
{
	const char *best = NULL;
	size_t size = strlen(name);
	unsigned limit = (unsigned)size / 3 + 1, least = limit + 1;
	unsigned count = type->layout->n_fields < FIELDS_MAX ? type->layout->n_fields : FIELDS_MAX;
	to[0] = '\0';
	for (unsigned i = 0; size <= PYR__DISTANCE_BYTES_MAX && i < count; i++) {
		const char *own = type->info->json_names[i];
		size_t own_size = strlen(own);
		if (own_size > PYR__DISTANCE_BYTES_MAX)
			continue;
		unsigned d = pyr__distance(name, size, own, own_size);
		if (d < least) {
			least = d;
			best = own;
		}
	}
	if (best)
		snprintf(to, room, ": did you mean '%s'?", best);
}
