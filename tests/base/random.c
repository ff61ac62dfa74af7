/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes and generated ids. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/random.h"

Test(random, fills_all_of_the_buffer_and_nothing_else)
{
	/* a byte that stays 0 in 64 fills is one that is not filled (1 in 256^64) */
	unsigned char seen[1000] = {0};
	for (int i = 0; i < 64; i++) {
		unsigned char buf[1002] = {0};
		pyr__random_bytes(buf + 1, 1000);
		cr_assert(buf[0] == 0 && buf[1001] == 0);
		for (int k = 0; k < 1000; k++)
			seen[k] |= buf[k + 1];
	}
	cr_assert(memchr(seen, 0, sizeof seen) == NULL);
}

Test(random, makes_ids_of_32_hexadecimal_digits)
{
	char id[PYR__RANDOM_ID_SIZE];
	pyr__random_id(id);
	cr_assert(strlen(id) == 32);
	cr_assert(strspn(id, "0123456789abcdef") == 32);
}

Test(random, makes_no_id_twice)
{
	char ids[200][PYR__RANDOM_ID_SIZE];
	for (int i = 0; i < 200; i++) {
		pyr__random_id(ids[i]);
		for (int k = 0; k < i; k++)
			cr_assert_str_neq(ids[i], ids[k]);
	}
}
