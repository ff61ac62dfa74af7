/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the allocations fail that may fail, those by pyr__try_alloc(), one after the other:
 *
 *     for (unsigned nth = 1; failing_alloc_at(nth), !try_it(); nth++)
 *             ... what must hold after a failure ...
 *     failing_alloc_at(0);
 *
 * A test that uses it lists `failing_alloc` among its LIBS. One thread only, but where it says so.
 */
#ifndef TESTS_FAILING_ALLOC_H
#define TESTS_FAILING_ALLOC_H

#include <stddef.h>

/* From now on the allocation number nth, the next being 1, fails; 0: none. */
void failing_alloc_at(unsigned nth);

/* From now on those of so many bytes and more fail; 0: none. Any thread's. */
void failing_alloc_of(size_t bytes);

/* How many have been tried since failing_alloc_at(), failed ones included. */
unsigned failing_alloc_count(void);

#endif
