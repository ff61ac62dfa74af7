/* SPDX-License-Identifier: Apache-2.0 */
/* How far two words are apart. */
#include "base/distance.h"

unsigned pyr__distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned row[PYR__DISTANCE_BYTES_MAX + 1];
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
