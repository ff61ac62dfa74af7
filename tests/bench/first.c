/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long it takes from the start of a process to the answer of its first call by a name, beside
 * how long it takes to start a process that calls nobody.
 *
 *   usage: bench_first --connect name:NAME      the name server is that of PYRITE_NS
 *
 * It starts itself again and again, once with and once without a call. "p50_us" is with the call,
 * "start_us" without, "first_call_us" the difference of the medians.
 */
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "load.h"

#define STARTS_MAX 100000

extern char **environ;

/* The process that is started. */
static int call_once(const char *reference)
{
	pyr_error err;
	load_load *proxy;
	Load__Payload *reply, payload = LOAD__PAYLOAD__INIT;
	pyr_context *context = load_context(NULL);
	load_check(load_load__open(context, reference, NULL, &proxy, &err), &err);
	load_check(load_load_echo(proxy, &payload, &reply, &err), &err);
	load__payload__free_unpacked(reply, NULL);
	load_load__close(proxy);
	pyr_context_free(context);
	return 0;
}

/* Until it has ended; false if it did not end well. */
static bool start(char *reference)
{
	char program[] = "/proc/self/exe", name[] = "bench_first", nothing[] = "-";
	char *argv[] = {name, reference ? reference : nothing, NULL};
	pid_t child;
	int status;
	if (posix_spawn(&child, program, NULL, NULL, argv, environ))
		meter_die("a process cannot be started");
	return waitpid(child, &status, 0) == child && status == 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *values, unsigned count)
{
	qsort(values, count, sizeof *values, compare);
	return values[count / 2];
}

static void measure(meter *m, char *reference)
{
	static double with[STARTS_MAX], without[STARTS_MAX];
	unsigned count = 0;
	bool go = true;
	while (go && count < STARTS_MAX) {
		uint64_t began_ns = meter_now_ns();
		bool good = start(NULL);
		uint64_t middle_ns = meter_now_ns();
		if (!good || !start(reference)) {
			meter_error(m, 0, "a process has not ended well");
			return;
		}
		go = meter_note_done(m, 0, middle_ns);
		without[count] = (double)(middle_ns - began_ns) / 1000;
		with[count++] = (double)(meter_now_ns() - middle_ns) / 1000;
	}
	double alone = median(without, count);
	meter_extra(m, "start_us", alone);
	meter_extra(m, "first_call_us", median(with, count) - alone);
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return strcmp(argv[1], "-") == 0 ? 0 : call_once(argv[1]);
	meter_options o = meter_parse(argc, argv, "bench_first --connect name:NAME");
	if (!o.endpoint)
		meter_die("--connect is needed");
	char *reference = strdup(o.endpoint);
	meter *m = meter_new(&o, 1);
	meter_start(m);
	measure(m, reference);
	free(reference);
	return meter_finish(m);
}
