/* SPDX-License-Identifier: Apache-2.0 */
/* Stands before pyr__try_alloc(), by the linker's --wrap. */
#include "failing_alloc.h"

#include <stdatomic.h>

static atomic_uint tried, failing;
static atomic_size_t failing_bytes;

void *__real_pyr__try_alloc(size_t size);
void *__wrap_pyr__try_alloc(size_t size);

void failing_alloc_at(unsigned nth)
{
	tried = 0;
	failing = nth;
}

unsigned failing_alloc_count(void)
{
	return tried;
}

void failing_alloc_of(size_t bytes)
{
	atomic_store(&failing_bytes, bytes);
}

void *__wrap_pyr__try_alloc(size_t size)
{
	size_t bytes = atomic_load(&failing_bytes);
	if (bytes && size >= bytes)
		return NULL;
	return ++tried == failing ? NULL : __real_pyr__try_alloc(size);
}
