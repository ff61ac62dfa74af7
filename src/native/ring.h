/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring of bytes in memory that two processes share: one writes, the other reads.
 *
 *   state   | head, the writer's | tail, the reader's | reader_sleeps | writer_waits |
 *   data    | ......[tail .......................... head[............................ |
 *
 * Positions count bytes for ever, modulo 2^32; a place in the data is a position modulo its size,
 * which is a power of two. Each word has cache lines of its own, so that a side which only looks
 * does not slow the other one down.
 *
 * Nobody is woken who is awake. Who is about to sleep says so first and then looks once more; who
 * has moved something looks for that afterwards. Both are sequentially consistent, so one of the
 * two sees the other (Dekker):
 *
 *   reader   reader_sleeps = 1; look at head        writer   head = ...; look at reader_sleeps
 *   writer   writer_waits = 1;  look at tail        reader   tail = ...; look at writer_waits
 *
 * How the other side is woken is the caller's affair. The reader of a ring that was not half full
 * looks at writer_waits only before it sleeps: until then it goes on reading anyway.
 *
 * The other side is not trusted. Our own position is never read back from the shared memory; the
 * other's is copied once, and then compared with ours. The bytes are copied out before anybody
 * looks at them, so that they cannot change afterwards.
 */
#ifndef PYR_NATIVE_RING_H
#define PYR_NATIVE_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define PYR__RING_LINE 128u /* processors fetch two lines of 64 at a time */

typedef struct pyr__ring_state {
	_Alignas(PYR__RING_LINE) atomic_uint_least32_t head;
	atomic_uint_least32_t writer_cpu; /* the processor it wrote on, and 1; a hint, 0: unknown */
	_Alignas(PYR__RING_LINE) atomic_uint_least32_t tail;
	_Alignas(PYR__RING_LINE) atomic_uint_least32_t reader_sleeps;
	_Alignas(PYR__RING_LINE) atomic_uint_least32_t writer_waits;
} pyr__ring_state;

/* One side's view of it. */
typedef struct pyr__ring {
	pyr__ring_state *state;
	uint8_t *data;
	uint32_t size;
	uint32_t own;   /* our position: head if we write, tail if we read */
	uint32_t other; /* the other's, as it was last seen, and checked */
} pyr__ring;

typedef enum pyr__ring_result {
	PYR__RING_OK,
	PYR__RING_BROKEN, /* the other's position cannot be: nothing can be said of the ring */
} pyr__ring_result;

/* An empty ring; size is a power of two. */
void pyr__ring_init(pyr__ring *ring, pyr__ring_state *state, uint8_t *data, uint32_t size);

/*
 * Writes as much as there is room for. When that is not all the other side will wake us once there
 * is more room. *ret_wake: the other side is to be woken.
 */
pyr__ring_result pyr__ring_write(
	pyr__ring *ring, const struct iovec *vectors, int count, size_t *ret_wrote, bool *ret_wake);

/* Reads what there is, at most `room` bytes. *ret_wake: the other side is to be woken. */
pyr__ring_result pyr__ring_read(
	pyr__ring *ring, void *to, size_t room, size_t *ret_got, bool *ret_wake);

/* How much there is to read: a look that costs little. It may be more than can be. */
static inline uint32_t pyr__ring_readable(const pyr__ring *ring)
{
	return (uint32_t)atomic_load_explicit(&ring->state->head, memory_order_acquire) - ring->own;
}

/* The writer ran, when it last wrote, where the caller does: nothing comes while the caller looks.
 */
bool pyr__ring_is_here(const pyr__ring *ring);

/* Before the reader sleeps: false if it must not, since there is something to read. */
bool pyr__ring_sleep(pyr__ring *ring, bool *ret_wake);

/* It does not sleep any more. */
void pyr__ring_awake(pyr__ring *ring);

#endif
