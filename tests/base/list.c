/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive lists. */
#include <criterion/criterion.h>
#include "base/list.h"

typedef struct item {
	pyr__link link;
	char name;
} item;

/* The names in list, which must be consistent in both directions. */
static const char *names(const pyr__link *list)
{
	static char text[16];
	size_t size = 0;
	for (const pyr__link *l = list->next; l != list; l = l->next) {
		cr_assert(l->next->prev == l && l->prev->next == l);
		text[size++] = ((const item *)l)->name;
	}
	text[size] = '\0';
	return text;
}

static void fill(pyr__link *list, item *items, const char *text)
{
	pyr__list_init(list);
	for (size_t i = 0; text[i]; i++) {
		items[i].name = text[i];
		pyr__list_append(list, &items[i].link);
	}
}

Test(list, is_empty_at_first)
{
	pyr__link list;
	pyr__list_init(&list);
	cr_assert(pyr__list_empty(&list));
}

Test(list, keeps_the_order_of_appending)
{
	pyr__link list;
	item items[3];
	fill(&list, items, "abc");
	cr_assert(!pyr__list_empty(&list));
	cr_assert_str_eq(names(&list), "abc");
}

Test(list, removes_from_any_place_and_twice)
{
	pyr__link list;
	item items[4];
	fill(&list, items, "abcd");
	pyr__list_remove(&items[1].link);
	pyr__list_remove(&items[1].link);
	cr_assert_str_eq(names(&list), "acd");
	pyr__list_remove(&items[0].link);
	pyr__list_remove(&items[3].link);
	cr_assert_str_eq(names(&list), "c");
	pyr__list_append(&list, &items[1].link);
	cr_assert_str_eq(names(&list), "cb");
}

Test(list, moves_everything_to_the_end_of_another)
{
	pyr__link to, from;
	item left[2], right[2];
	fill(&to, left, "ab");
	fill(&from, right, "cd");
	pyr__list_move(&to, &from);
	cr_assert_str_eq(names(&to), "abcd");
	cr_assert(pyr__list_empty(&from));
	pyr__list_move(&to, &from);
	cr_assert_str_eq(names(&to), "abcd");
}
