/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring between two threads that sleep as the two ends of a connection do. Every byte arrives, in
 * order, and nobody sleeps for ever: a bell that is not rung ends the program.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>
#include "native/ring.h"
#include "tsan/tsan.h"

#define SIZE       256u
#define BYTES      (8u << 20)
#define PATIENCE_S 60

static pyr__ring_state state;
static uint8_t data[SIZE];
static sem_t reader_bell, writer_bell;

static void await_bell(sem_t *bell)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	int failed;
	do
		failed = sem_timedwait(bell, &until);
	while (failed && errno == EINTR);
	MUST(!failed);
}

/* Pieces of every size, some of them longer than the ring. */
static void *write_all(void *arg)
{
	pyr__ring ring;
	(void)arg;
	pyr__ring_init(&ring, &state, data, SIZE);
	for (uint32_t at = 0, piece = 1; at < BYTES; piece = piece % 300 + 1) {
		uint8_t bytes[300];
		uint32_t size = piece < BYTES - at ? piece : BYTES - at;
		struct iovec vectors[2] = {{bytes, size / 3}, {bytes + size / 3, size - size / 3}};
		bool wake;
		size_t wrote;
		for (uint32_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)((at + i) * 31 >> 3);
		MUST(pyr__ring_write(&ring, vectors, 2, &wrote, &wake) == PYR__RING_OK);
		if (wake)
			sem_post(&reader_bell);
		at += (uint32_t)wrote;
		if (wrote < size)
			await_bell(&writer_bell);
	}
	return NULL;
}

static void sleep_on(pyr__ring *ring)
{
	bool wake;
	bool sleeps = pyr__ring_sleep(ring, &wake);
	if (wake)
		sem_post(&writer_bell);
	if (sleeps)
		await_bell(&reader_bell);
	pyr__ring_awake(ring);
}

static void *read_all(void *arg)
{
	pyr__ring ring;
	(void)arg;
	pyr__ring_init(&ring, &state, data, SIZE);
	for (uint32_t at = 0, room = 1; at < BYTES; room = room % 97 + 1) {
		uint8_t bytes[97];
		bool wake;
		size_t got;
		MUST(pyr__ring_read(&ring, bytes, room, &got, &wake) == PYR__RING_OK);
		if (wake)
			sem_post(&writer_bell);
		for (uint32_t i = 0; i < got; i++)
			MUST(bytes[i] == (uint8_t)((at + i) * 31 >> 3));
		at += (uint32_t)got;
		if (got == 0)
			sleep_on(&ring);
	}
	return NULL;
}

int main(void)
{
	pthread_t threads[2];
	MUST(sem_init(&reader_bell, 0, 0) == 0 && sem_init(&writer_bell, 0, 0) == 0);
	MUST(pthread_create(&threads[0], NULL, write_all, NULL) == 0);
	MUST(pthread_create(&threads[1], NULL, read_all, NULL) == 0);
	pthread_join(threads[0], NULL);
	pthread_join(threads[1], NULL);
	return 0;
}
