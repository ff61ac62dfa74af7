/* SPDX-License-Identifier: Apache-2.0 */
/* Unpacking messages into a pool. */
#include "unpack.h"

static void *allocate(void *pool, size_t size)
{
	return gen_pool_alloc(pool, size);
}

static void release(void *pool, void *memory)
{
}

ProtobufCAllocator gen_unpack_allocator(gen_pool *pool)
{
	return (ProtobufCAllocator){allocate, release, pool};
}
