/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads that write one variable: shows that a race is reported. */
#include <pthread.h>
#include "tsan/tsan.h"

static int shared;

static void *write_it(void *unused)
{
	for (int i = 0; i < 1000; i++)
		shared++;
	return unused;
}

int main(void)
{
	pthread_t threads[2];
	for (int i = 0; i < 2; i++)
		MUST(pthread_create(&threads[i], NULL, write_it, NULL) == 0);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	printf("%d\n", shared);
	return 0;
}
