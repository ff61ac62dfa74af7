/* SPDX-License-Identifier: Apache-2.0 */
/* A peer that goes over to shared memory, and does its part of it well, badly, or not at all. */
#ifndef PYR_TESTS_NATIVE_FAR_SHARE_H
#define PYR_TESTS_NATIVE_FAR_SHARE_H

#include <fcntl.h>
#include "far.h"
#include "near.h"

#define RING       4096u
#define PING_BYTES (PYR__FRAME_HEADER + 8u)
#define ALL_SEALS  (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* A side under test that shares at once. */
setup *begin_sharing(bool server);

/* The peer of s->conn. */
far far_connected(setup *s);

void far_exchange_pings(far *f, unsigned count);

int memfd(off_t size, int seals);
off_t bytes_for(uint32_t ring);

/* The offer, with these descriptors, which are closed then. */
void far_offer(far *f, uint32_t ring, const int *fds, size_t count);

/* Has been greeted, and offers good memory. */
void far_begin_sharing(far *f, uint32_t ring);

/* From here on it writes to its ring. */
void far_switch(far *f);

/* All of it. */
far far_shared(setup *s);

void expect_closed(const char *reason);

#endif
