/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that lives as long as one run of the generator and is freed all at once. */
#ifndef PYR_CODEGEN_POOL_H
#define PYR_CODEGEN_POOL_H

#include <stdarg.h>
#include <stddef.h>

struct gen_pool_block;

/* All zeros is an empty pool. */
typedef struct gen_pool {
	struct gen_pool_block *blocks;
} gen_pool;

/* Cleared memory for anything; never NULL. */
void *gen_pool_alloc(gen_pool *pool, size_t size);

/* Cleared memory for count things of `size` bytes; count may be 0. */
void *gen_pool_array(gen_pool *pool, size_t count, size_t size);

char *gen_pool_strndup(gen_pool *pool, const char *text, size_t size);
char *gen_pool_printf(gen_pool *pool, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *gen_pool_vprintf(gen_pool *pool, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

void gen_pool_done(gen_pool *pool);

#endif
