/* SPDX-License-Identifier: Apache-2.0 */
/* The codec alone: what is deflated comes back, and nothing else does. */
#include "native/deflate.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "failing_alloc.h"
#include "leaks.h"

#define SIZE_MOST 300000u

/* Text of few words, or noise. */
static uint8_t *bytes_of(size_t size, bool noise)
{
	uint8_t *bytes = malloc(size + 1);
	uint32_t state = 1;
	for (size_t i = 0; i < size; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = noise ? (uint8_t)(state >> 24)
				 : (uint8_t) "remote objects "[i * i / 64 % 15];
	}
	return bytes;
}

static void expect_inflated(const pyr__body *deflated, const uint8_t *bytes, size_t size)
{
	uint8_t *back = malloc(size);
	cr_assert_eq(deflated->inflated_size, size);
	cr_assert_lt(deflated->size + 4, size);
	cr_assert_eq(pyr__inflate(deflated->raw, deflated->size, back, size), PYR__INFLATED);
	cr_assert_eq(memcmp(back, bytes, size), 0, "%zu bytes are not the same", size);
	free(back);
}

Test(deflate, what_is_deflated_comes_back)
{
	static const size_t sizes[] = {100, 511, 512, 513, 4096, 32768, 32769, 65536, SIZE_MOST};
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		pyr__deflated deflated;
		uint8_t *bytes = bytes_of(sizes[i], false);
		pyr__body body = {.raw = bytes, .size = sizes[i]};
		cr_assert(pyr__deflate(&body, &deflated), "%zu bytes", sizes[i]);
		expect_inflated(&deflated.body, bytes, sizes[i]);
		free(deflated.memory);
		free(bytes);
	}
	CHECK_LEAKS();
}

Test(deflate, what_gets_no_shorter_is_left_as_it_is)
{
	pyr__deflated deflated;
	uint8_t *noise = bytes_of(SIZE_MOST, true);
	for (size_t size = 0; size <= SIZE_MOST; size = size * 3 + 1) {
		pyr__body body = {.raw = noise, .size = size};
		cr_assert(!pyr__deflate(&body, &deflated), "%zu bytes", size);
	}
	free(noise);
	CHECK_LEAKS();
}

Test(deflate, without_memory_a_message_is_left_as_it_is)
{
	pyr__deflated deflated;
	uint8_t *bytes = bytes_of(1000, false);
	pyr__body body = {.raw = bytes, .size = 1000};
	unsigned nth = 1;
	for (; failing_alloc_at(nth), !pyr__deflate(&body, &deflated); nth++)
		;
	failing_alloc_at(0);
	cr_assert_gt(nth, 2, "zlib's allocations may fail too");
	expect_inflated(&deflated.body, bytes, 1000);
	free(deflated.memory);
	free(bytes);
	CHECK_LEAKS();
}

Test(deflate, a_stream_of_another_size_or_none_is_malformed)
{
	uint8_t *bytes = bytes_of(1000, false), stream[1200] = {0}, back[1100];
	uLongf size = sizeof stream;
	cr_assert_eq(compress2(stream, &size, bytes, 1000, 9), Z_OK);
	cr_assert_eq(pyr__inflate(stream, size, back, 1000), PYR__INFLATED);
	cr_assert_eq(pyr__inflate(stream, size, back, 999), PYR__INFLATED_MALFORMED);
	cr_assert_eq(pyr__inflate(stream, size, back, 1001), PYR__INFLATED_MALFORMED);
	cr_assert_eq(pyr__inflate(stream, size + 1, back, 1000), PYR__INFLATED_MALFORMED);
	for (size_t cut = 0; cut < size; cut++)
		cr_assert_eq(
			pyr__inflate(stream, cut, back, 1000), PYR__INFLATED_MALFORMED, "%zu", cut);
	for (size_t i = 0; i < size; i++) {
		stream[i] ^= 0x20;
		pyr__inflated result = pyr__inflate(stream, size, back, 1000);
		/* bits that fill up the last byte before the checksum mean nothing */
		cr_assert(result == PYR__INFLATED_MALFORMED || memcmp(back, bytes, 1000) == 0,
			"byte %zu", i);
		stream[i] ^= 0x20;
	}
	free(bytes);
	CHECK_LEAKS();
}

Test(deflate, a_stream_that_needs_a_dictionary_is_malformed)
{
	uint8_t stream[200], back[100];
	z_stream z = {0};
	cr_assert_eq(deflateInit(&z, 9), Z_OK);
	cr_assert_eq(deflateSetDictionary(&z, (const Bytef *)"remote", 6), Z_OK);
	z.next_in = (Bytef *)"remote objects";
	z.avail_in = 14;
	z.next_out = stream;
	z.avail_out = sizeof stream;
	cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
	cr_assert_eq(pyr__inflate(stream, z.total_out, back, 14), PYR__INFLATED_MALFORMED);
	deflateEnd(&z);
	CHECK_LEAKS();
}

Test(deflate, without_memory_nothing_is_inflated)
{
	uint8_t *bytes = bytes_of(1000, false), stream[1200], back[1000];
	uLongf size = sizeof stream;
	cr_assert_eq(compress2(stream, &size, bytes, 1000, 1), Z_OK);
	failing_alloc_at(1);
	cr_assert_eq(pyr__inflate(stream, size, back, 1000), PYR__INFLATED_NO_MEMORY);
	failing_alloc_at(0);
	free(bytes);
	CHECK_LEAKS();
}
