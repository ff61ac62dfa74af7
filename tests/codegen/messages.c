/* SPDX-License-Identifier: Apache-2.0 */
/* Generated messages at run time: presence, oneofs, maps and defaults through protobuf-c. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>
#include "defaults2.pyr.h"
#include "leaks.h"
#include "presence3.pyr.h"

/* The message, packed and unpacked again; free it with presence3__paint__free_unpacked(). */
static Presence3__Paint *travel(const Presence3__Paint *paint, size_t *ret_size)
{
	uint8_t bytes[256];
	size_t size = presence3__paint__get_packed_size(paint);
	cr_assert_leq(size, sizeof(bytes));
	presence3__paint__pack(paint, bytes);
	*ret_size = size;
	Presence3__Paint *back = presence3__paint__unpack(NULL, size, bytes);
	cr_assert(back);
	return back;
}

Test(messages, an_optional_field_that_is_not_set_does_not_travel)
{
	Presence3__Paint paint = PRESENCE3__PAINT__INIT;
	size_t size;
	Presence3__Paint *back = travel(&paint, &size);
	cr_assert_eq(size, 0);
	cr_assert(!presence3__paint__has_colour(back) && !presence3__paint__has_name(back));
	cr_assert(!presence3__paint__has_texture(back) && !presence3__paint__has_int_(back));
	cr_assert(!presence3__paint__has_under(back));
	cr_assert_eq(back->finish_case, PRESENCE3__PAINT__FINISH__NOT_SET);
	presence3__paint__free_unpacked(back, NULL);
	CHECK_LEAKS();
}

Test(messages, an_optional_field_that_is_set_to_its_default_travels)
{
	static char empty[] = "";
	Presence3__Paint paint = PRESENCE3__PAINT__INIT, under = PRESENCE3__PAINT__INIT;
	size_t size;
	presence3__paint__set_colour(&paint, PRESENCE3__COLOUR__RED);
	presence3__paint__set_name(&paint, empty);
	presence3__paint__set_texture(&paint, (ProtobufCBinaryData){0, NULL});
	presence3__paint__set_int_(&paint, 0);
	presence3__paint__set_under(&paint, &under);
	Presence3__Paint *back = travel(&paint, &size);
	cr_assert_eq(size, 10); /* a tag and a zero each */
	cr_assert(presence3__paint__has_colour(back) && back->colour == PRESENCE3__COLOUR__RED);
	cr_assert(presence3__paint__has_name(back));
	cr_assert_str_empty(back->name);
	cr_assert(presence3__paint__has_texture(back) && back->texture.len == 0);
	cr_assert(presence3__paint__has_int_(back) && back->int_ == 0);
	cr_assert(presence3__paint__has_under(back) && back->under);
	presence3__paint__free_unpacked(back, NULL);
	CHECK_LEAKS();
}

Test(messages, a_field_that_was_cleared_does_not_travel)
{
	Presence3__Paint paint = PRESENCE3__PAINT__INIT;
	size_t size;
	presence3__paint__set_colour(&paint, PRESENCE3__COLOUR__GREEN);
	presence3__paint__set_int_(&paint, 7);
	presence3__paint__clear_colour(&paint);
	Presence3__Paint *back = travel(&paint, &size);
	cr_assert_eq(size, 2);
	cr_assert(!presence3__paint__has_colour(back));
	cr_assert(presence3__paint__has_int_(back) && back->int_ == 7);
	presence3__paint__free_unpacked(back, NULL);
	CHECK_LEAKS();
}

Test(messages, a_oneof_holds_the_member_that_was_set_last)
{
	static char stripes[] = "stripes";
	Presence3__Paint paint = PRESENCE3__PAINT__INIT;
	size_t size;
	paint.finish_case = PRESENCE3__PAINT__FINISH_BORDER;
	paint.border = PRESENCE3__COLOUR__GREEN;
	Presence3__Paint *back = travel(&paint, &size);
	cr_assert_eq(back->finish_case, PRESENCE3__PAINT__FINISH_BORDER);
	cr_assert_eq(back->border, PRESENCE3__COLOUR__GREEN);
	presence3__paint__free_unpacked(back, NULL);

	paint.finish_case = PRESENCE3__PAINT__FINISH_PATTERN;
	paint.pattern = stripes;
	back = travel(&paint, &size);
	cr_assert_eq(back->finish_case, PRESENCE3__PAINT__FINISH_PATTERN);
	cr_assert_str_eq(back->pattern, "stripes");
	presence3__paint__free_unpacked(back, NULL);
	CHECK_LEAKS();
}

Test(messages, a_map_is_a_list_of_its_entries)
{
	static char red[] = "red";
	Presence3__Paint paint = PRESENCE3__PAINT__INIT;
	Presence3__Paint__StockEntry entry = PRESENCE3__PAINT__STOCK_ENTRY__INIT;
	Presence3__Paint__StockEntry *entries[] = {&entry};
	size_t size;
	entry.key = red;
	entry.value = 12;
	paint.n_stock = 1;
	paint.stock = entries;
	Presence3__Paint *back = travel(&paint, &size);
	cr_assert_eq(back->n_stock, 1);
	cr_assert_str_eq(back->stock[0]->key, "red");
	cr_assert_eq(back->stock[0]->value, 12);
	presence3__paint__free_unpacked(back, NULL);
	CHECK_LEAKS();
}

static void check_defaults(const Defaults2__Values *values)
{
	cr_assert_eq(values->least, INT64_MIN);
	cr_assert(isinf(values->infinite) && values->infinite < 0);
	cr_assert(isnan(values->nothing));
	cr_assert(values->tenth == 0.1);
	cr_assert_str_eq(values->text, "?\?=\"\\");
	cr_assert_eq(values->data.len, 2);
	cr_assert_arr_eq(values->data.data, "\0\377", 2);
	cr_assert_eq(values->nullptr_, 7);
	cr_assert(values->zero == 0 && signbit(values->zero));
}

Test(messages, defaults_are_exact_in_an_initializer_and_after_unpacking)
{
	Defaults2__Values values = DEFAULTS2__VALUES__INIT;
	check_defaults(&values);
	cr_assert_eq(defaults2__values__get_packed_size(&values), 0);
	Defaults2__Values *back = defaults2__values__unpack(NULL, 0, NULL);
	cr_assert(back);
	check_defaults(back);
	cr_assert(!back->has_least && !back->has_data && !back->has_nullptr_);
	defaults2__values__free_unpacked(back, NULL);
	CHECK_LEAKS();
}
