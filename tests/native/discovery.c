/* SPDX-License-Identifier: Apache-2.0 */
/* The datagrams by which a name server is found, hostile ones included. */
#include "native/discovery.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "native/frame.h"

static const uint8_t nonce[PYR__DISCOVERY_NONCE_SIZE] = "0123456789abcdef";

static pyr__answer an_answer(const char *reference)
{
	pyr__answer answer = {.group = "blue", .id = {7}};
	memcpy(answer.nonce, nonce, sizeof nonce);
	cr_assert(pyr_reference_parse(reference, &answer.reference, NULL) == PYR_OK);
	return answer;
}

static pyr__query a_query(const char *group)
{
	pyr__query query = {.any_group = !group};
	memcpy(query.nonce, nonce, sizeof nonce);
	if (group)
		snprintf(query.group, sizeof query.group, "%s", group);
	return query;
}

Test(discovery, N10_a_query_comes_back_as_it_was)
{
	const char *const groups[] = {NULL, "", "blue",
		"a-group.with_63_bytes...........................................63x"};
	for (size_t i = 0; i < 4; i++) {
		uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
		pyr__query query = a_query(groups[i]), loaded;
		pyr__query_store(&query, buf);
		cr_assert(pyr__query_load(&loaded, buf, sizeof buf));
		cr_assert(memcmp(&loaded, &query, sizeof query) == 0);
	}
}

Test(discovery, N10_an_answer_comes_back_and_is_no_longer_than_the_query)
{
	uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
	pyr__answer loaded, answer = an_answer("pyrs:pyrite.nameserver@255.255.255.255:65535");
	memset(answer.group, 'g', PYR__GROUP_MAX);
	cr_assert(pyr__answer_store(&answer, buf) <= sizeof buf);
	answer = an_answer("pyrs:pyrite.nameserver@10.0.0.7:9790");
	size_t size = pyr__answer_store(&answer, buf);
	cr_assert(size > 0 && pyr__answer_load(&loaded, nonce, buf, size));
	cr_assert(loaded.reference.scheme == PYR_SCHEME_PYRS && loaded.reference.port == 9790);
	cr_assert_str_eq(loaded.reference.host, "10.0.0.7");
	cr_assert_str_eq(loaded.group, "blue");
	cr_assert(memcmp(loaded.id, answer.id, sizeof answer.id) == 0);
}

Test(discovery, N10_what_does_not_fit_is_not_stored)
{
	uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
	pyr__answer answer = an_answer("pyr:pyrite.nameserver@10.0.0.7:9790");
	memset(answer.reference.target, 'x', PYR_OBJECT_ID_MAX);
	cr_assert_eq(pyr__answer_store(&answer, buf), 0);
}

/* The one whose query it answers, and nobody else, takes it. */
Test(discovery, N10_an_answer_to_another_query_is_refused)
{
	uint8_t buf[PYR__DISCOVERY_QUERY_SIZE], other[PYR__DISCOVERY_NONCE_SIZE];
	pyr__answer loaded, answer = an_answer("pyr:pyrite.nameserver@10.0.0.7:9790");
	size_t size = pyr__answer_store(&answer, buf);
	for (size_t i = 0; i < sizeof other; i++) {
		memcpy(other, nonce, sizeof other);
		other[i] ^= 1;
		cr_assert(!pyr__answer_load(&loaded, other, buf, size));
	}
}

Test(discovery, N10_a_reference_that_leads_nowhere_or_to_many_is_refused)
{
	const char *const bad[] = {"pyr:pyrite.nameserver@localhost:9790",
		"pyr:pyrite.nameserver@ns.example:9790", "pyr:pyrite.nameserver@0.0.0.0:9790",
		"pyr:pyrite.nameserver@0.1.2.3:9790", "pyr:pyrite.nameserver@255.255.255.255:9790",
		"pyr:pyrite.nameserver@224.0.0.1:9790", "pyr:pyrite.nameserver@[::1]:9790",
		"pyr:pyrite.nameserver@unix:/run/ns", "pyr:something.else@10.0.0.7:9790",
		"grpc:pyrite.nameserver@10.0.0.7:9790", "name:pyrite.nameserver"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
		pyr__answer loaded, answer = an_answer(bad[i]);
		size_t size = pyr__answer_store(&answer, buf);
		cr_assert(size > 0);
		cr_assert(!pyr__answer_load(&loaded, nonce, buf, size), "%s", bad[i]);
	}
}

/* Puts a field behind those of the query for any group. */
static bool load_with(uint8_t number, const char *data, size_t size)
{
	uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
	pyr__query query = a_query(NULL), loaded;
	pyr__query_store(&query, buf);
	pyr__put_field(buf + PYR__DISCOVERY_HEADER, number, data, size);
	return pyr__query_load(&loaded, buf, sizeof buf);
}

Test(discovery, N10_unknown_fields_are_skipped_unless_they_are_critical)
{
	cr_assert(load_with(9, "later", 5));
	cr_assert(load_with(99, NULL, 0));
	cr_assert(!load_with(9 | PYR__CRITICAL, "later", 5));
	cr_assert(load_with(1, "blue", 4) && load_with(1 | PYR__CRITICAL, "blue", 4));
	cr_assert(!load_with(1, "b\0ue", 4) && !load_with(1, "b ue", 4));
	char group[PYR__GROUP_MAX + 1];
	memset(group, 'g', sizeof group);
	cr_assert(load_with(1, group, PYR__GROUP_MAX) && !load_with(1, group, sizeof group));
}

/* In memory of just its size, so that AddressSanitizer sees what is read behind it. */
static bool load_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	pyr__query query;
	pyr__answer answer;
	memcpy(copy, data, size);
	bool loaded =
		pyr__query_load(&query, copy, size) || pyr__answer_load(&answer, nonce, copy, size);
	free(copy);
	return loaded;
}

Test(discovery, N10_what_is_cut_short_or_longer_than_it_says_is_refused)
{
	uint8_t buf[PYR__DISCOVERY_SIZE_MAX + 1] = {0};
	pyr__query query = a_query("blue");
	pyr__query_store(&query, buf);
	for (size_t size = 0; size <= sizeof buf; size++)
		cr_assert_eq(load_copy(buf, size), size == PYR__DISCOVERY_QUERY_SIZE, "%zu", size);
	for (size_t size = 0; size <= sizeof buf; size++) { /* a short one would be amplified */
		pyr__store16(buf + 6, (uint16_t)size);
		cr_assert_eq(load_copy(buf, size),
			size >= PYR__DISCOVERY_QUERY_SIZE && size <= PYR__DISCOVERY_SIZE_MAX, "%zu",
			size);
	}
	pyr__answer answer = an_answer("pyr:pyrite.nameserver@10.0.0.7:9790");
	size_t whole = pyr__answer_store(&answer, buf);
	for (size_t size = 0; size < whole; size++) {
		cr_assert(!load_copy(buf, size));
		pyr__store16(buf + 6, (uint16_t)size);
		/* the group comes last, and need not be there */
		cr_assert(!load_copy(buf, size) || size == whole - 4 - PYR__FIELD_HEADER, "%zu",
			size);
	}
}

Test(discovery, N10_no_change_of_a_byte_makes_it_read_too_far_or_take_what_is_no_group)
{
	uint8_t buf[PYR__DISCOVERY_QUERY_SIZE];
	pyr__answer answer = an_answer("pyr:pyrite.nameserver@10.0.0.7:9790");
	for (int kind = 0; kind < 2; kind++) {
		pyr__query query = a_query("blue");
		size_t size = sizeof buf;
		if (kind)
			size = pyr__answer_store(&answer, buf);
		else
			pyr__query_store(&query, buf);
		for (size_t i = 0; i < size; i++) {
			uint8_t before = buf[i];
			for (int value = 0; value < 256; value++) {
				buf[i] = (uint8_t)value;
				bool loaded = load_copy(buf, size);
				cr_assert(!loaded || i >= 8 || value == before);
			}
			buf[i] = before;
		}
	}
}
