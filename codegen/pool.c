/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that lives as long as one run of the generator and is freed all at once. */
#include "pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

struct gen_pool_block {
	struct gen_pool_block *next;
	alignas(max_align_t) unsigned char data[];
};

void *gen_pool_alloc(gen_pool *pool, size_t size)
{
	struct gen_pool_block *block = pyr__zalloc(sizeof(*block) + size);

	block->next = pool->blocks;
	pool->blocks = block;
	return block->data;
}

void *gen_pool_array(gen_pool *pool, size_t count, size_t size)
{
	if (count > SIZE_MAX / 2 / size)
		abort(); /* more than there is memory for */
	return gen_pool_alloc(pool, count * size);
}

char *gen_pool_strndup(gen_pool *pool, const char *text, size_t size)
{
	char *copy = gen_pool_alloc(pool, size + 1);

	memcpy(copy, text, size);
	return copy;
}

char *gen_pool_vprintf(gen_pool *pool, const char *format, va_list args)
{
	va_list again;

	va_copy(again, args);
	int size = vsnprintf(NULL, 0, format, again);
	va_end(again);

	char *text = gen_pool_alloc(pool, (size_t)size + 1);
	vsnprintf(text, (size_t)size + 1, format, args);
	return text;
}

char *gen_pool_printf(gen_pool *pool, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	char *text = gen_pool_vprintf(pool, format, args);
	va_end(args);
	return text;
}

void gen_pool_done(gen_pool *pool)
{
	while (pool->blocks) {
		struct gen_pool_block *block = pool->blocks;

		pool->blocks = block->next;
		free(block);
	}
}
