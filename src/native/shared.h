/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory that a connection's two ends share: a ring for each direction, in one memfd.
 *
 *   0           512         4,096                    4,096 + size          4,096 + 2 size
 *   | state up  | state down | ... | bytes up ......  | bytes down ........ |
 *
 * "up" is from the side that dialed to the side that accepted. Who dialed makes it; the other one
 * maps it only if nothing that its maker can do later takes the pages away from under it:
 *
 *   - it is a memfd in ordinary memory (tmpfs): one of huge pages could lack a page when it is
 *     touched, and a file of another file system could be cut short, or be slow for ever
 *   - it is sealed against shrinking, growing and other seals, and then has just the size it must
 *
 * What lies in it is not trusted: see ring.h. Both ends close the descriptor once it is mapped.
 */
#ifndef PYR_NATIVE_SHARED_H
#define PYR_NATIVE_SHARED_H

#include <pyrite/status.h>
#include "native/ring.h"

#define PYR__SHARED_RING_MIN (4u << 10) /* bytes of a ring, a power of two */
#define PYR__SHARED_RING_MAX (1u << 20)
#define PYR__SHARED_RING     (1u << 20) /* what we make: as much as a long message, or nearly */
#define PYR__SHARED_MOST     64u /* of these at once in a process; then sockets stay what they are */

typedef struct pyr__shared {
	void *memory;
	size_t bytes;
	pyr__ring in, out;
} pyr__shared;

/* Makes one for who dialed. *ret_fd is the caller's to pass on, and to close. */
pyr_status pyr__shared_make(pyr__shared *ret_shared, int *ret_fd, pyr_error *err);

/* Maps what has been passed to who accepted; does not close it. */
pyr_status pyr__shared_take(int fd, uint32_t ring_bytes, pyr__shared *ret_shared, pyr_error *err);

void pyr__shared_done(pyr__shared *shared);

/* How many there are in the process just now. */
unsigned pyr__shared_count(void);

#endif
