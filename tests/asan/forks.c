/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forks while threads allocate as much as they can: every child can allocate too. Without fork.c
 * the first mostly cannot.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS       3
#define FORKS         20
#define CHUNKS        100
#define CHILD_SECONDS 20

#define SIZES 5

static const size_t sizes[SIZES] = {48, 6000, 9000, 13500, 15500};

/* Of few sizes, and so many that a thread's own store of them does not last. */
static void allocate(void)
{
	void *chunks[CHUNKS];
	for (int i = 0; i < CHUNKS; i++)
		chunks[i] = malloc(sizes[i % SIZES]);
	for (int i = 0; i < CHUNKS; i++)
		free(chunks[i]);
}

/* What is taken into a thread's own store comes in several: the next of its size needs no lock. */
static void fill_store(void)
{
	for (int i = 0; i < SIZES; i++) {
		void *volatile chunk = malloc(sizes[i]);
		free(chunk);
	}
}

static void *allocate_on(void *arg)
{
	for (;;)
		allocate();
	return arg;
}

int main(void)
{
	pthread_t thread;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread, NULL, allocate_on, NULL))
			_exit(1);
	for (int i = 0; i < FORKS; i++) {
		int status;
		fill_store();
		pid_t child = fork();
		if (child == 0) {
			alarm(CHILD_SECONDS);
			allocate();
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
			fprintf(stderr, "child %d of %d could not allocate\n", i + 1, FORKS);
			_exit(1);
		}
	}
	_exit(0); /* the threads go on */
}
