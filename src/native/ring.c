/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of bytes in memory that two processes share. */
#include "native/ring.h"

#include <sched.h>
#include <string.h>

void pyr__ring_init(pyr__ring *ring, pyr__ring_state *state, uint8_t *data, uint32_t size)
{
	*ring = (pyr__ring){.state = state, .data = data, .size = size};
}

/* Takes a "wake me" of the other side's back, if there is one. */
static bool take(atomic_uint_least32_t *flag)
{
	return atomic_load(flag) && atomic_exchange(flag, 0);
}

static uint32_t this_cpu(void)
{
	return (uint32_t)(sched_getcpu() + 1);
}

/* The writer */

static uint32_t free_bytes(const pyr__ring *ring)
{
	return ring->size - (ring->own - ring->other);
}

/* Looks where the reader is; false if it cannot be there: it only goes on, to where we are. */
static bool look_at_tail(pyr__ring *ring)
{
	uint32_t tail = (uint32_t)atomic_load(&ring->state->tail);
	if (tail - ring->other > ring->own - ring->other)
		return false;
	ring->other = tail;
	return true;
}

static void put(pyr__ring *ring, const uint8_t *from, uint32_t size)
{
	uint32_t at = ring->own & (ring->size - 1);
	uint32_t first = size < ring->size - at ? size : ring->size - at;
	memcpy(ring->data + at, from, first);
	if (first < size)
		memcpy(ring->data, from + first, size - first);
	ring->own += size;
}

/* Goes on `at` bytes behind the vectors' beginning; false if the reader's position is bad. */
static bool put_vectors(
	pyr__ring *ring, const struct iovec *vectors, int count, size_t at, size_t *ret_wrote)
{
	size_t wrote = 0;
	for (int i = 0; i < count; i++) {
		size_t size = vectors[i].iov_len;
		if (at >= size) {
			at -= size;
			continue;
		}
		const uint8_t *from = (const uint8_t *)vectors[i].iov_base + at;
		size -= at;
		at = 0;
		if (size > free_bytes(ring) && !look_at_tail(ring))
			return false;
		uint32_t part = size < free_bytes(ring) ? (uint32_t)size : free_bytes(ring);
		put(ring, from, part);
		wrote += part;
		if (part < size)
			break;
	}
	*ret_wrote = wrote;
	return true;
}

pyr__ring_result pyr__ring_write(
	pyr__ring *ring, const struct iovec *vectors, int count, size_t *ret_wrote, bool *ret_wake)
{
	size_t wrote = 0, more, total = 0;
	*ret_wrote = 0;
	*ret_wake = false;
	for (int i = 0; i < count; i++)
		total += vectors[i].iov_len;
	for (;;) {
		if (!put_vectors(ring, vectors, count, wrote, &more))
			return PYR__RING_BROKEN;
		wrote += more;
		if (more) {
			atomic_store_explicit(
				&ring->state->writer_cpu, this_cpu(), memory_order_relaxed);
			atomic_store(&ring->state->head, ring->own);
			if (take(&ring->state->reader_sleeps))
				*ret_wake = true;
		}
		if (wrote == total)
			break;
		atomic_store(&ring->state->writer_waits, 1);
		if (!look_at_tail(ring))
			return PYR__RING_BROKEN;
		if (free_bytes(ring) == 0)
			break;
		atomic_store(&ring->state->writer_waits, 0);
	}
	*ret_wrote = wrote;
	return PYR__RING_OK;
}

/* The reader */

pyr__ring_result pyr__ring_read(
	pyr__ring *ring, void *to, size_t room, size_t *ret_got, bool *ret_wake)
{
	uint32_t used = ring->other - ring->own;
	*ret_got = 0;
	*ret_wake = false;
	if (used == 0) {
		used = pyr__ring_readable(ring);
		if (used > ring->size)
			return PYR__RING_BROKEN;
		ring->other = ring->own + used;
	}
	uint32_t size = room < used ? (uint32_t)room : used;
	if (size == 0)
		return PYR__RING_OK;
	uint32_t at = ring->own & (ring->size - 1);
	uint32_t first = size < ring->size - at ? size : ring->size - at;
	memcpy(to, ring->data + at, first);
	if (first < size)
		memcpy((uint8_t *)to + first, ring->data, size - first);
	ring->own += size;
	*ret_got = size;
	if (used < ring->size / 2) {
		atomic_store_explicit(&ring->state->tail, ring->own, memory_order_release);
		return PYR__RING_OK;
	}
	atomic_store(&ring->state->tail, ring->own);
	*ret_wake = used - size < ring->size / 2 && take(&ring->state->writer_waits);
	return PYR__RING_OK;
}

bool pyr__ring_is_here(const pyr__ring *ring)
{
	return (uint32_t)atomic_load_explicit(&ring->state->writer_cpu, memory_order_relaxed) ==
	       this_cpu();
}

bool pyr__ring_sleep(pyr__ring *ring, bool *ret_wake)
{
	pyr__ring_state *state = ring->state;
	atomic_store(&state->tail, ring->own); /* again, in the order of those below */
	*ret_wake = take(&state->writer_waits);
	atomic_store(&state->reader_sleeps, 1);
	if ((uint32_t)atomic_load(&state->head) == ring->own)
		return true;
	atomic_store_explicit(&state->reader_sleeps, 0, memory_order_relaxed);
	return false;
}

void pyr__ring_awake(pyr__ring *ring)
{
	atomic_store_explicit(&ring->state->reader_sleeps, 0, memory_order_relaxed);
}
