/* SPDX-License-Identifier: Apache-2.0 */
/* Status codes and the error that a caller owns. */
#include <criterion/criterion.h>
#include <string.h>
#include "base/error.h"

/* From gRPC's statuscodes.md, not from our own table. */
static const char *const names[] = {"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT",
	"DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
	"INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"};

Test(status, has_grpcs_numbers_and_names)
{
	for (int i = 0; i <= 16; i++) {
		cr_assert_str_eq(pyr_status_name((pyr_status)i), names[i]);
		cr_assert(pyr_status_parse(names[i]) == (pyr_status)i);
	}
}

Test(status, has_a_text_for_each_number)
{
	for (int i = 0; i <= 16; i++) {
		cr_assert(strlen(pyr_status_text((pyr_status)i)) > 0);
		for (int k = 0; k < i; k++)
			cr_assert_str_neq(
				pyr_status_text((pyr_status)i), pyr_status_text((pyr_status)k));
	}
}

Test(status, takes_any_other_number_for_unknown)
{
	cr_assert_str_eq(pyr_status_name((pyr_status)17), "UNKNOWN");
	cr_assert_str_eq(pyr_status_name((pyr_status)-1), "UNKNOWN");
	cr_assert_str_eq(pyr_status_text((pyr_status)17), pyr_status_text(PYR_UNKNOWN));
	cr_assert_str_eq(pyr_status_text((pyr_status)-1), pyr_status_text(PYR_UNKNOWN));
}

Test(status, takes_any_other_word_for_unknown)
{
	const char *const words[] = {"", "ok", "NOT_FOUND ", "NOT_FOUN", "PYR_NOT_FOUND", "5"};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		cr_assert(pyr_status_parse(words[i]) == PYR_UNKNOWN);
}

/* An error full of what an earlier use left behind. */
static pyr_error used_error(void)
{
	pyr_error err;
	memset(&err, 0xa5, sizeof err);
	return err;
}

Test(error, returns_the_status_with_and_without_an_error_to_fill)
{
	pyr_error err;
	cr_assert(pyr_error_set(NULL, PYR_ABORTED, "%d", 1) == PYR_ABORTED);
	cr_assert(pyr_error_set(&err, PYR_ABORTED, "%d", 1) == PYR_ABORTED);
	pyr__error_where(NULL, "nowhere");
	cr_assert(pyr__error_copy(NULL, &err) == PYR_ABORTED);
}

Test(error, is_filled_whatever_it_held_before)
{
	pyr_error err = used_error();
	pyr_error_set(&err, PYR_NOT_FOUND, "no object '%s'", "calc");
	cr_assert(err.status == PYR_NOT_FOUND);
	cr_assert(err.executed == PYR_EXECUTED_MAYBE);
	cr_assert(!err.would_block && !err.truncated);
	cr_assert_str_eq(err.message, "no object 'calc'");
	cr_assert_str_eq(err.where, "");
	cr_assert(err.details_size == 0);
}

Test(error, keeps_the_message_when_where_is_set)
{
	pyr_error err = used_error();
	pyr_error_set(&err, PYR_UNAVAILABLE, "refused");
	pyr__error_where(&err, "%s:%d", "127.0.0.1", 9790);
	cr_assert_str_eq(err.message, "refused");
	cr_assert_str_eq(err.where, "127.0.0.1:9790");
	cr_assert(!err.truncated);
}

/* `ascii` letters and then one character of several bytes, again and again. */
static const char *long_text(size_t ascii, const char *character)
{
	static char text[3000];
	memset(text, 'x', ascii);
	size_t size = ascii;
	while (size + 8 < sizeof text) {
		memcpy(text + size, character, strlen(character));
		size += strlen(character);
	}
	text[size] = '\0';
	return text;
}

static void check_cut(const char *cut, size_t room, const char *text, size_t ascii, size_t width)
{
	size_t size = strlen(cut);
	cr_assert(size < room && size + width >= room, "%zu of %zu", size, room);
	cr_assert((size - ascii) % width == 0, "cut inside a character");
	cr_assert(memcmp(cut, text, size) == 0);
}

Test(error, cuts_a_long_message_at_a_whole_character)
{
	const char *const characters[] = {"y", "é", "€", "😀"};
	for (size_t width = 1; width <= 4; width++)
		for (size_t ascii = 0; ascii < 4; ascii++) {
			pyr_error err = used_error();
			const char *text = long_text(ascii, characters[width - 1]);
			pyr_error_set(&err, PYR_INTERNAL, "%s", text);
			cr_assert(err.truncated);
			check_cut(err.message, sizeof err.message, text, ascii, width);
			pyr_error_set(&err, PYR_INTERNAL, "short");
			cr_assert(!err.truncated);
			pyr__error_where(&err, "%s", text);
			cr_assert(err.truncated);
			check_cut(err.where, sizeof err.where, text, ascii, width);
		}
}

Test(error, takes_a_message_that_just_fits)
{
	char text[PYR_ERROR_MESSAGE_MAX];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	pyr_error err = used_error();
	pyr_error_set(&err, PYR_INTERNAL, "%s", text);
	cr_assert(!err.truncated);
	cr_assert_str_eq(err.message, text);
}

Test(error, is_copied_whole)
{
	pyr_error from = used_error(), to = used_error();
	pyr_error_set(&from, PYR_DATA_LOSS, "torn");
	pyr__error_where(&from, "here");
	from.executed = PYR_EXECUTED_YES;
	from.would_block = true;
	from.truncated = true;
	from.details_size = PYR_ERROR_DETAILS_MAX;
	memset(from.details, 7, sizeof from.details);
	memset(&to, 0, sizeof to);
	cr_assert(pyr__error_copy(&to, &from) == PYR_DATA_LOSS);
	cr_assert(to.status == PYR_DATA_LOSS && to.executed == PYR_EXECUTED_YES);
	cr_assert(to.would_block && to.truncated && to.details_size == PYR_ERROR_DETAILS_MAX);
	cr_assert_str_eq(to.message, "torn");
	cr_assert_str_eq(to.where, "here");
	cr_assert(memcmp(to.details, from.details, sizeof to.details) == 0);
	cr_assert(pyr__error_copy(&to, &to) == PYR_DATA_LOSS);
}

Test(text, is_copied_up_to_the_last_whole_character)
{
	char to[8];
	cr_assert(!pyr__copy_text(to, sizeof to, "1234567", 7));
	cr_assert_str_eq(to, "1234567");
	cr_assert(pyr__copy_text(to, sizeof to, "12345678", 8));
	cr_assert_str_eq(to, "1234567");
	cr_assert(pyr__copy_text(to, sizeof to, "123456é", 8));
	cr_assert_str_eq(to, "123456");
	cr_assert(!pyr__copy_text(to, sizeof to, "12345é", 7));
	cr_assert_str_eq(to, "12345é");
	cr_assert(!pyr__copy_text(to, sizeof to, "", 0));
	cr_assert_str_eq(to, "");
}

Test(text, of_a_reason_is_replaced_and_an_empty_one_is_none)
{
	char much[2 * PYR_ERROR_MESSAGE_MAX];
	char *reason = NULL;
	pyr__keep_reason(&reason, "because", 7);
	cr_assert_str_eq(reason, "because");
	pyr__keep_reason(&reason, reason + 2, 5);
	cr_assert_str_eq(reason, "cause");
	memset(much, 'x', sizeof much);
	pyr__keep_reason(&reason, much, sizeof much);
	cr_assert_eq(strlen(reason), PYR_ERROR_MESSAGE_MAX - 1);
	pyr__keep_reason(&reason, "", 0);
	cr_assert_null(reason);
}
