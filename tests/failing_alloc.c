/* SPDX-License-Identifier: Apache-2.0 */
/* Stands before pyr__try_alloc(), by the linker's --wrap. */
#include "failing_alloc.h"

#include <stddef.h>

static unsigned tried, failing;

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

void *__wrap_pyr__try_alloc(size_t size)
{
	return ++tried == failing ? NULL : __real_pyr__try_alloc(size);
}
