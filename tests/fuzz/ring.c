/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring whose other side does what it likes with the memory. The input is a list of steps,
 *
 *     | u8 step | u8 amount | four bytes of a value, where one is needed
 *
 * each of which is one of ours, as the writer of one ring and the reader of another, or one of the
 * peer's: a word of a state set, bytes scribbled. What we read or write stays within the ring, our
 * own positions are nobody else's, and a position that cannot be is told and harms nobody.
 */
#include <string.h>
#include "fuzz/fuzz.h"
#include "native/frame.h"
#include "native/ring.h"

#define SIZE   64u
#define GUARD  0xa5
#define GUARDS 32u

typedef struct side {
	pyr__ring_state state;
	uint8_t guarded[GUARDS + SIZE + GUARDS];
	pyr__ring ring;
	uint32_t position; /* where ours has to be */
} side;

static void begin(side *s)
{
	memset(s, 0, sizeof *s);
	memset(s->guarded, GUARD, sizeof s->guarded);
	pyr__ring_init(&s->ring, &s->state, s->guarded + GUARDS, SIZE);
}

static void check(const side *s)
{
	for (unsigned i = 0; i < GUARDS; i++)
		MUST(s->guarded[i] == GUARD && s->guarded[GUARDS + SIZE + i] == GUARD);
	MUST(s->ring.own == s->position && s->ring.size == SIZE);
}

static void write_some(side *out, unsigned amount)
{
	static uint8_t bytes[256];
	size_t wrote;
	bool wake;
	struct iovec vectors[3] = {{bytes, amount / 3}, {bytes, 0}, {bytes, amount - amount / 3}};
	if (pyr__ring_write(&out->ring, vectors, 3, &wrote, &wake) == PYR__RING_OK) {
		MUST(wrote <= amount && wrote <= 2 * SIZE);
		out->position += (uint32_t)wrote;
		MUST(wrote == 0 || atomic_load(&out->state.head) == out->position);
	} else {
		out->position = out->ring.own; /* some of it may have gone before */
	}
}

static void read_some(side *in, unsigned amount)
{
	uint8_t bytes[256];
	size_t got;
	bool wake;
	pyr__ring_result result = pyr__ring_read(&in->ring, bytes, amount, &got, &wake);
	MUST(got <= amount && got <= SIZE && (result == PYR__RING_OK || got == 0));
	in->position += (uint32_t)got;
	MUST(got == 0 || atomic_load(&in->state.tail) == in->position);
}

static void sleep_once(side *in)
{
	bool wake;
	if (pyr__ring_sleep(&in->ring, &wake))
		MUST(pyr__ring_readable(&in->ring) == 0);
	pyr__ring_awake(&in->ring);
	MUST(atomic_load(&in->state.reader_sleeps) == 0);
}

static void do_step(side *out, side *in, uint8_t step, unsigned amount, uint32_t value)
{
	switch (step % 10) {
	case 0:
		write_some(out, amount);
		break;
	case 1:
		read_some(in, amount);
		break;
	case 2:
		sleep_once(in);
		break;
	case 3: /* the peer's, from here on: near to what is right, or anywhere */
		atomic_store(&in->state.head, in->position + amount);
		break;
	case 4:
		atomic_store(&out->state.tail, out->position - amount);
		break;
	case 5:
		atomic_store(&in->state.head, value);
		break;
	case 6:
		atomic_store(&out->state.tail, value);
		break;
	case 7: /* what is ours in the shared memory */
		atomic_store(amount % 2 ? &in->state.tail : &out->state.head, value);
		break;
	case 8:
		atomic_store(
			amount % 2 ? &in->state.writer_waits : &out->state.reader_sleeps, value);
		break;
	default:
		memset(in->ring.data, (int)amount, SIZE);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	side out, in;
	begin(&out);
	begin(&in);
	for (; size >= 6; data += 6, size -= 6) {
		do_step(&out, &in, data[0], data[1], pyr__load32(data + 2));
		check(&out);
		check(&in);
	}
	return 0;
}
