/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: mandelbrot-server NAME [CALLS]
 * A worker, published as example.mandelbrot.NAME with the tag "mandelbrot". There may be any number
 * of them, on any machines. With CALLS it crashes in that call, to show what its clients do then.
 */
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "mandelbrot.pyr.h"

#define POINTS_MAX (1 << 20)

static uint8_t steps_at(double x, double y)
{
	double a = 0, b = 0;
	for (int n = 1; n < 256; n++) {
		double next = a * a - b * b + x;
		b = 2 * a * b + y;
		a = next;
		if (a * a + b * b > 4)
			return (uint8_t)n;
	}
	return 0;
}

static void compute(void *self, pyr_call *call, const Demo__Area *area)
{
	atomic_int *calls_left = self; /* several of these run at once */
	Demo__Points points = DEMO__POINTS__INIT;
	size_t count = (size_t)area->width * area->height, i = 0;
	if (atomic_fetch_sub(calls_left, 1) <= 1)
		_exit(3);
	uint8_t *steps = count <= POINTS_MAX ? malloc(count) : NULL;
	if (!steps) {
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "%zu points are too many", count);
		return;
	}
	for (uint32_t row = 0; row < area->height && !pyr_call_cancelled(call); row++)
		for (uint32_t column = 0; column < area->width; column++)
			steps[i++] =
				steps_at(area->x + column * area->step, area->y + row * area->step);
	points.steps = (ProtobufCBinaryData){i, steps};
	demo_mandelbrot_compute__reply(call, &points); /* packed before it returns */
	free(steps);
}

int main(int argc, char **argv)
{
	static const demo_mandelbrot_ops ops = {.compute = compute};
	static const char *const tags[] = {"mandelbrot"};
	static atomic_int calls_left;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_publish_options publish = PYR_PUBLISH_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	char name[64];
	if (argc < 2)
		return fprintf(stderr, "usage: mandelbrot-server NAME [CALLS]\n"), 2;
	snprintf(name, sizeof name, "example.mandelbrot.%s", argv[1]);
	atomic_init(&calls_left, argc > 2 ? atoi(argv[2]) : INT_MAX);
	options.workers = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
	publish.tags = tags;
	publish.tag_count = 1;
	bool failed = pyr_daemon_new(&options, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_mandelbrot__serve(daemon, "worker", &ops, &calls_left, &err) ||
		      pyr_daemon_publish(daemon, "worker", name, &publish, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
