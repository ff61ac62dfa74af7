/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: soak_client FIRST COUNT SEED RECORD
 * COUNT clients, threads of one process and context, with ids from FIRST on, call what is named
 * soak.servant until SIGTERM comes. RECORD gets the outcome of each call: see calls.h.
 */
#include <malloc.h>
#include <pthread.h>
#include <pyrite/pyrite.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "calls.h"

#define CLIENTS_MAX  64
#define TIMEOUT_MS   30000
#define RETRIES_MAX  100
#define PAUSE_US_MAX 80000
#define LEAK_EVERY   50
#define TRIM_EVERY   50

static volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	(void)number;
	stopping = 1;
}

static void (*const kinds[])(caller *) = {
	soak_look, soak_add, soak_note, soak_list, soak_talk, soak_batch, soak_many};

/* A load that two processors can carry; nothing is waited for. */
static void rest(caller *c)
{
	struct timespec time = {0, (long)soak_random(c, PAUSE_US_MAX) * 1000};
	nanosleep(&time, NULL);
}

/*
 * What is compared is what is used: glibc keeps what was freed, in an arena for each thread, and a
 * moment in which many answers wait together would look like a leak ever after.
 */
static void trim(unsigned round)
{
	if (round % TRIM_EVERY == 0)
		malloc_trim(0);
}

static void *run(void *ctx)
{
	caller *c = ctx;
	bool leaks = getenv("SOAK_BREAK") && strcmp(getenv("SOAK_BREAK"), "client") == 0;
	for (unsigned round = 1; !stopping; round++) {
		kinds[soak_random(c, sizeof kinds / sizeof *kinds)](c);
		if (leaks && round % LEAK_EVERY == 0 && dup(0) < 0)
			perror("soak_client: dup");
		trim(round);
		rest(c);
	}
	return NULL;
}

static pyr_status open_servant(caller *c, pyr_error *err)
{
	static const struct {
		const char *name;
		pyr_balance balance;
	} balances[] = {{"none", PYR_BALANCE_NONE}, {"round-robin", PYR_BALANCE_ROUND_ROBIN},
		{"least-running", PYR_BALANCE_LEAST_RUNNING}};
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.timeout_ms = TIMEOUT_MS;
	options.retries_max = RETRIES_MAX;
	options.wait_for_ready = true;
	options.balance = balances[c->id % 3].balance;
	c->balance = balances[c->id % 3].name;
	return soak_servant__open(NULL, "soak.servant", &options, &c->servant, err);
}

static int run_all(caller *clients, int count)
{
	pthread_t threads[CLIENTS_MAX];
	int failed = 0, started = 0;
	pyr_error err;
	for (; started < count && !failed; started++) {
		failed = open_servant(&clients[started], &err) != PYR_OK;
		if (failed)
			fprintf(stderr, "soak_client: %s\n", err.message);
		if (failed || pthread_create(&threads[started], NULL, run, &clients[started]))
			break;
	}
	for (int i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < count; i++)
		soak_servant__close(clients[i].servant);
	return started == count ? 0 : 1;
}

int main(int argc, char **argv)
{
	caller clients[CLIENTS_MAX] = {{0}};
	struct sigaction action = {.sa_handler = on_signal};
	if (argc != 5 || atoi(argv[2]) < 1 || atoi(argv[2]) > CLIENTS_MAX)
		return fprintf(stderr, "usage: soak_client FIRST COUNT SEED RECORD\n"), 2;
	FILE *record = fopen(argv[4], "w");
	if (!record)
		return perror(argv[4]), 1;
	setvbuf(record, NULL, _IOLBF, BUFSIZ); /* the supervisor reads along */
	sigaction(SIGTERM, &action, NULL);
	for (int i = 0; i < atoi(argv[2]); i++) {
		clients[i].id = (uint32_t)(atoi(argv[1]) + i);
		clients[i].random = (unsigned)atoi(argv[3]) * 1000u + clients[i].id;
		clients[i].record = record;
	}
	int failed = run_all(clients, atoi(argv[2]));
	return fclose(record) || failed;
}
