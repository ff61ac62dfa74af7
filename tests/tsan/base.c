/* SPDX-License-Identifier: Apache-2.0 */
/* What the base layer says any thread may use at once: blocks, the clock, fork counts, ids. */
#include <pthread.h>
#include <string.h>
#include "base/block.h"
#include "base/clock.h"
#include "base/fork.h"
#include "base/random.h"
#include "tsan/tsan.h"

#define THREADS 8
#define ROUNDS  2000

static void *use(void *arg)
{
	pyr__block *block = arg;
	int64_t last = pyr__now_us();
	for (int i = 0; i < ROUNDS; i++) {
		pyr__block_ref(block);
		MUST(block->data[i % 16] == 7);
		pyr__block_unref(block);
		int64_t now = pyr__now_us();
		MUST(now >= last && pyr__fork_count() == 0);
		last = now;
	}
	char id[PYR__RANDOM_ID_SIZE];
	pyr__random_id(id);
	MUST(strlen(id) == 32);
	pyr__block_unref(block); /* the last thread frees it */
	return NULL;
}

int main(void)
{
	pyr__block *block = pyr__block_new(16);
	MUST(block);
	memset(block->data, 7, 16);
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		MUST(pthread_create(&threads[i], NULL, use, pyr__block_ref(block)) == 0);
	pyr__block_unref(block);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
