/* SPDX-License-Identifier: Apache-2.0 */
/* A ring between its two sides: what goes in comes out, who sleeps is woken, who lies is caught. */
#include "native/ring.h"

#include <criterion/criterion.h>
#include <string.h>

#define SIZE 64u

typedef struct pair {
	pyr__ring_state state;
	uint8_t data[SIZE];
	pyr__ring writer, reader;
} pair;

/* As if so many bytes had gone through it: positions count on for ever. */
static pair pair_at(uint32_t position)
{
	return (pair){.state = {.head = position, .tail = position},
		.writer = {.size = SIZE, .own = position, .other = position},
		.reader = {.size = SIZE, .own = position, .other = position}};
}

static void bind(pair *p)
{
	p->writer.state = p->reader.state = &p->state;
	p->writer.data = p->reader.data = p->data;
}

static size_t put(pair *p, const char *bytes, size_t size, bool *ret_wake)
{
	size_t wrote;
	struct iovec vector = {(void *)bytes, size};
	cr_assert_eq(pyr__ring_write(&p->writer, &vector, 1, &wrote, ret_wake), PYR__RING_OK);
	return wrote;
}

static size_t get(pair *p, void *to, size_t room, bool *ret_wake)
{
	size_t got;
	cr_assert_eq(pyr__ring_read(&p->reader, to, room, &got, ret_wake), PYR__RING_OK);
	return got;
}

Test(ring, what_is_written_is_read_wherever_the_ring_begins)
{
	static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	for (uint32_t at = UINT32_MAX - 2 * SIZE; at != 2 * SIZE; at++) {
		pair p = pair_at(at);
		bool wake;
		char back[sizeof text] = "";
		bind(&p);
		cr_assert_eq(put(&p, text, sizeof text, &wake), sizeof text);
		cr_assert_not(wake);
		cr_assert_eq(get(&p, back, 10, &wake), 10);
		cr_assert_eq(get(&p, back + 10, sizeof back, &wake), sizeof text - 10);
		cr_assert_eq(get(&p, back, 1, &wake), 0);
		cr_assert_str_eq(back, text);
	}
}

Test(ring, several_pieces_are_one_write)
{
	pair p = pair_at(SIZE - 2);
	struct iovec vectors[] = {{"ab", 2}, {"", 0}, {"cdef", 4}, {"g", 1}};
	char back[8] = "";
	size_t wrote;
	bool wake;
	bind(&p);
	cr_assert_eq(pyr__ring_write(&p.writer, vectors, 4, &wrote, &wake), PYR__RING_OK);
	cr_assert_eq(wrote, 7);
	cr_assert_eq(get(&p, back, sizeof back, &wake), 7);
	cr_assert_str_eq(back, "abcdefg");
}

Test(ring, a_full_ring_takes_what_there_is_room_for)
{
	pair p = pair_at(7);
	char bytes[2 * SIZE], back[SIZE];
	bool wake;
	bind(&p);
	memset(bytes, 'x', sizeof bytes);
	cr_assert_eq(put(&p, bytes, sizeof bytes, &wake), SIZE);
	cr_assert_eq(put(&p, bytes, 1, &wake), 0);
	cr_assert_eq(get(&p, back, 3, &wake), 3);
	cr_assert_eq(put(&p, bytes, sizeof bytes, &wake), 3);
}

Test(ring, a_reader_that_sleeps_is_woken_once)
{
	pair p = pair_at(0);
	bool wake;
	bind(&p);
	cr_assert(pyr__ring_sleep(&p.reader, &wake));
	put(&p, "a", 1, &wake);
	cr_assert(wake);
	put(&p, "b", 1, &wake);
	cr_assert_not(wake);
	pyr__ring_awake(&p.reader);
}

Test(ring, a_reader_does_not_sleep_on_what_is_there)
{
	pair p = pair_at(0);
	bool wake;
	bind(&p);
	put(&p, "a", 1, &wake);
	cr_assert_not(pyr__ring_sleep(&p.reader, &wake));
	put(&p, "b", 1, &wake);
	cr_assert_not(wake, "it is awake");
}

/* Not at once, so that it can write more than a little then. */
Test(ring, a_writer_that_waits_is_woken_when_half_of_the_ring_is_free)
{
	pair p = pair_at(0);
	char bytes[SIZE + 1] = "", back[SIZE];
	bool wake;
	bind(&p);
	put(&p, bytes, sizeof bytes, &wake);
	get(&p, back, SIZE / 2, &wake);
	cr_assert_not(wake);
	get(&p, back, 1, &wake);
	cr_assert(wake);
	get(&p, back, 1, &wake);
	cr_assert_not(wake);
}

/* The reader had seen little in the ring, and the writer filled it behind its back. */
Test(ring, a_writer_that_waits_is_woken_before_the_reader_sleeps)
{
	pair p = pair_at(0);
	char bytes[SIZE] = "", back[SIZE];
	bool wake;
	bind(&p);
	put(&p, bytes, 10, &wake);
	get(&p, back, 1, &wake); /* has seen 10 */
	put(&p, bytes, sizeof bytes, &wake);
	get(&p, back, 9, &wake);
	cr_assert_not(wake);
	p.state.head = p.reader.own; /* as if that were all */
	cr_assert(pyr__ring_sleep(&p.reader, &wake));
	cr_assert(wake);
}

static pyr__ring_result try_write(pair *p, size_t size)
{
	static char bytes[2 * SIZE];
	struct iovec vector = {bytes, size};
	size_t wrote;
	bool wake;
	return pyr__ring_write(&p->writer, &vector, 1, &wrote, &wake);
}

Test(ring, a_reader_refuses_a_head_that_cannot_be)
{
	static const uint32_t heads[] = {SIZE + 1, UINT32_MAX, 1u << 31, 0u - SIZE};
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		pair p = pair_at(100);
		char back[4 * SIZE];
		size_t got = 1;
		bool wake;
		bind(&p);
		p.state.head = 100 + heads[i];
		cr_assert_neq(pyr__ring_readable(&p.reader), 0);
		cr_assert_eq(pyr__ring_read(&p.reader, back, sizeof back, &got, &wake),
			PYR__RING_BROKEN);
		cr_assert_eq(got, 0);
	}
}

Test(ring, a_writer_refuses_a_tail_that_cannot_be)
{
	static const uint32_t tails[] = {1, 0u - SIZE - 1, 1u << 31, SIZE};
	for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
		pair p = pair_at(100);
		bind(&p);
		p.state.tail = 100 + tails[i];
		cr_assert_eq(try_write(&p, SIZE + 1), PYR__RING_BROKEN);
	}
}

/* What a peer can do with positions that are possible: send rubbish, and have its own overwritten.
 */
Test(ring, positions_that_go_back_lead_nowhere_else)
{
	pair p = pair_at(100);
	char back[2 * SIZE];
	size_t got;
	bool wake;
	bind(&p);
	put(&p, "abc", 3, &wake);
	cr_assert_eq(get(&p, back, 2, &wake), 2);
	p.state.head = p.reader.own + SIZE;
	cr_assert_eq(get(&p, back, sizeof back, &wake), 1, "what was seen before comes first");
	got = get(&p, back, sizeof back, &wake);
	cr_assert_leq(got, SIZE);
	p.state.tail = p.writer.own - SIZE;
	cr_assert_eq(try_write(&p, SIZE), PYR__RING_BROKEN, "who reads only goes on");
}

Test(ring, our_own_position_is_never_read_back)
{
	pair p = pair_at(0);
	char back[SIZE];
	bool wake;
	bind(&p);
	put(&p, "abcd", 4, &wake);
	get(&p, back, 1, &wake);
	p.state.tail = 77; /* the peer writes where only we do */
	cr_assert_eq(get(&p, back, sizeof back, &wake), 3);
	cr_assert_eq(p.state.tail, 4);
	cr_assert(memcmp(back, "bcd", 3) == 0);
	p.state.head = 99;
	cr_assert_eq(try_write(&p, 1), PYR__RING_OK);
	cr_assert_eq(p.state.head, 5);
}

Test(ring, a_writer_says_where_it_runs)
{
	pair p = pair_at(0);
	bool wake;
	bind(&p);
	cr_assert_not(pyr__ring_is_here(&p.reader), "nobody knows yet");
	put(&p, "a", 1, &wake);
	cr_assert_neq(p.state.writer_cpu, 0);
}
