/* SPDX-License-Identifier: Apache-2.0 */
/* Copy-on-write arrays. */
#include "base/cow_array.h"

#include <criterion/criterion.h>

typedef struct pair {
	int a, b;
} pair;

static const pair *pairs(const pyr__cow_array *array)
{
	return (const pair *)(const void *)array->items;
}

Test(cow_array, is_empty_at_first)
{
	pyr__cow_head head = NULL;
	cr_assert_null(pyr__cow_read(&head));
	pyr__cow_done(&head);
	cr_assert_null(pyr__cow_read(&head));
}

Test(cow_array, keeps_what_was_read_as_it_was)
{
	pyr__cow_head head = NULL;
	pyr__cow_append(&head, sizeof(pair), &(pair){1, 2}, sizeof(pair));
	const pyr__cow_array *one = pyr__cow_read(&head);
	pyr__cow_append(&head, sizeof(pair), &(pair){3, 4}, sizeof(pair));
	const pyr__cow_array *two = pyr__cow_read(&head);
	cr_assert_eq(one->count, 1);
	cr_assert_eq(two->count, 2);
	cr_assert(pairs(one)[0].a == 1 && pairs(one)[0].b == 2);
	cr_assert(pairs(two)[0].a == 1 && pairs(two)[0].b == 2);
	cr_assert(pairs(two)[1].a == 3 && pairs(two)[1].b == 4);
	pyr__cow_done(&head);
	cr_assert_null(pyr__cow_read(&head));
}

Test(cow_array, clears_what_is_not_given_and_takes_no_more_than_an_item)
{
	pyr__cow_head head = NULL;
	int three[3] = {5, 6, 7};
	pyr__cow_append(&head, sizeof(pair), &(pair){1, 2}, sizeof(int));
	pyr__cow_append(&head, sizeof(pair), three, sizeof three);
	const pair *items = pairs(pyr__cow_read(&head));
	cr_assert(items[0].a == 1 && items[0].b == 0);
	cr_assert(items[1].a == 5 && items[1].b == 6);
	pyr__cow_done(&head);
}
