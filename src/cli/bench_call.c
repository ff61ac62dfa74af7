/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pyrite bench call: measures calls to `pyrite bench serve`. One outstanding call is made
 * synchronously; several are kept going asynchronously on one loop, in one thread.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "bench.pyr.h"
#include "cli.h"
#include "histogram.h"

#define SIZE_MAX_BYTES  (1u << 30)
#define PROGRESS_NS     200000000u
#define CHECKED_REPLIES 100 /* replies whose every byte is compared; later ones by length */

static const cli_command command = {
	.name = "bench call",
	.usage = "--connect [grpc:]127.0.0.1:PORT|unix:PATH [--size BYTES] [--outstanding N] "
		 "[--seconds S] "
		 "[--warmup S]",
	.summary = "Measures calls that carry bytes there and back",
	.text = "One call at a time is made synchronously; several are kept going in one thread, "
		"on\n"
		"one connection. Every reply's length is checked, and every byte of the first "
		"100.\n"
		"Prints the lines 'begin' and 'end' around the measured time, then one line of "
		"JSON:\n"
		"calls, seconds, calls_per_second, p50_us and other percentiles of one call's "
		"time,\n"
		"client_cpu_us_per_call, errors. Ctrl-C prints what there is until then.",
	.examples =
		"pyrite bench serve --listen unix:/tmp/bench.sock &\n"
		"pyrite bench call --connect unix:/tmp/bench.sock\n"
		"pyrite bench call --connect unix:/tmp/bench.sock --outstanding 64 --seconds 5\n"
		"pyrite bench call --connect 127.0.0.1:4711 --size 65536 --outstanding 16",
};

typedef enum phase {
	WARMING_UP,
	MEASURING,
	OVER,
} phase;

typedef struct bench {
	pyrite_bench_bench *proxy;
	struct event_base *base;
	Pyrite__Bench__Payload payload;
	double seconds;
	phase phase;
	uint64_t phase_end_ns, began_ns, ended_ns;
	uint64_t progress_ns; /* when to tell how far it is; UINT64_MAX: never */
	struct rusage usage_begin, usage_end;
	uint64_t replies, errors;
	unsigned outstanding;
	pyr_error first_error;
	histogram times;
} bench;

typedef struct slot {
	bench *bench;
	uint64_t began_ns;
} slot;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void advance(bench *b, uint64_t now)
{
	if (b->phase == WARMING_UP) {
		say("begin");
		getrusage(RUSAGE_SELF, &b->usage_begin);
		b->began_ns = now_ns();
		b->phase_end_ns = b->began_ns + (uint64_t)(b->seconds * 1e9);
		b->phase = MEASURING;
	} else {
		b->ended_ns = now;
		getrusage(RUSAGE_SELF, &b->usage_end);
		say("end");
		b->phase = OVER;
		cli_progress("%s", "");
	}
}

static void note_error(bench *b, const pyr_error *err)
{
	if (b->errors++ == 0)
		b->first_error = *err;
	b->phase = OVER;
}

static void check_reply(bench *b, const Pyrite__Bench__Payload *reply)
{
	const ProtobufCBinaryData *sent = &b->payload.data, *got = &reply->data;
	bool wrong = got->len != sent->len;
	if (!wrong && b->replies < CHECKED_REPLIES && sent->len)
		wrong = memcmp(got->data, sent->data, sent->len) != 0;
	b->replies++;
	if (wrong) {
		pyr_error err;
		pyr_error_set(
			&err, PYR_DATA_LOSS, "a reply of %zu bytes is not what was sent", got->len);
		note_error(b, &err);
	}
}

/* The live line of a terminal. */
static void show_progress(bench *b, uint64_t now)
{
	b->progress_ns = now + PROGRESS_NS;
	if (b->phase == WARMING_UP) {
		cli_progress("warming up");
		return;
	}
	double seconds = (double)(now - b->began_ns) / 1e9;
	cli_progress("%.1f of %g s, %.0f calls/s, half of them within %.1f us", seconds, b->seconds,
		seconds > 0 ? (double)b->times.total / seconds : 0,
		histogram_quantile_us(&b->times, 0.5));
}

/* One reply has come; false when it is time to stop. */
static bool note_reply(bench *b, uint64_t began_ns, const Pyrite__Bench__Payload *reply)
{
	check_reply(b, reply);
	uint64_t now = now_ns();
	if (b->phase == MEASURING)
		histogram_add(&b->times, now - began_ns);
	bool stopped = cli_signal_noted() != 0;
	if (now >= b->progress_ns && b->phase != OVER)
		show_progress(b, now);
	while (b->phase != OVER && (stopped || now >= b->phase_end_ns)) {
		advance(b, now);
		now = stopped ? now_ns() : now;
	}
	return b->phase != OVER;
}

/* One at a time */

static void run_sync(bench *b)
{
	for (bool go = true; go;) {
		pyr_error err;
		Pyrite__Bench__Payload *reply;
		uint64_t began_ns = now_ns();
		if (pyrite_bench_bench_echo(b->proxy, &b->payload, &reply, &err)) {
			note_error(b, &err);
			return;
		}
		go = note_reply(b, began_ns, reply);
		pyrite__bench__payload__free_unpacked(reply, NULL);
	}
}

/* Several at a time */

static void send_next(slot *s);

static void on_reply(
	void *ctx, pyr_status status, const Pyrite__Bench__Payload *reply, const pyr_error *err)
{
	slot *s = ctx;
	bench *b = s->bench;
	b->outstanding--;
	if (status)
		note_error(b, err);
	else if (note_reply(b, s->began_ns, reply))
		send_next(s);
	if (b->outstanding == 0)
		event_base_loopbreak(b->base);
}

static void send_next(slot *s)
{
	bench *b = s->bench;
	pyr_error err;
	s->began_ns = now_ns();
	if (pyrite_bench_bench_echo__invoke(b->proxy, &b->payload, on_reply, s, NULL, &err))
		note_error(b, &err);
	else
		b->outstanding++;
}

static void run_async(bench *b, unsigned outstanding)
{
	slot *slots = calloc(outstanding, sizeof *slots);
	if (!slots)
		return;
	for (unsigned i = 0; i < outstanding && b->phase != OVER; i++) {
		slots[i].bench = b;
		send_next(&slots[i]);
	}
	if (b->outstanding)
		event_base_loop(b->base, EVLOOP_NO_EXIT_ON_EMPTY);
	free(slots);
}

/* Around it */

static double seconds_of(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double cpu_seconds(const struct rusage *u)
{
	return seconds_of(u->ru_utime) + seconds_of(u->ru_stime);
}

static void report(const bench *b)
{
	const histogram *h = &b->times;
	double calls = h->total ? (double)h->total : 1;
	double cpu = cpu_seconds(&b->usage_end) - cpu_seconds(&b->usage_begin);
	double seconds = (double)(b->ended_ns - b->began_ns) / 1e9;
	printf("{\"calls\": %llu, \"seconds\": %.6f, \"calls_per_second\": %.0f, \"p50_us\": %.2f, "
	       "\"p99_us\": %.2f, \"p999_us\": %.2f, \"mean_us\": %.2f, \"max_us\": %.2f, "
	       "\"client_cpu_us_per_call\": %.3f, \"errors\": %llu}\n",
		(unsigned long long)h->total, seconds, seconds > 0 ? (double)h->total / seconds : 0,
		histogram_quantile_us(h, 0.5), histogram_quantile_us(h, 0.99),
		histogram_quantile_us(h, 0.999), h->sum_ns / calls / 1000, (double)h->max_ns / 1000,
		cpu * 1e6 / calls, (unsigned long long)b->errors);
	fflush(stdout);
}

static bool fill_payload(bench *b, size_t size)
{
	pyrite__bench__payload__init(&b->payload);
	b->payload.data.len = size;
	b->payload.data.data = malloc(size ? size : 1);
	if (!b->payload.data.data)
		return false;
	uint32_t x = 2463534242u; /* xorshift: every byte differs from its neighbours */
	for (size_t i = 0; i < size; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		b->payload.data.data[i] = (uint8_t)x;
	}
	return true;
}

/* Over gRPC as any gRPC program would ask for the service's only object: without naming it. */
static pyr_status make_reference(const char *endpoint, char *buf, size_t size, pyr_error *err)
{
	bool grpc = strncmp(endpoint, "grpc:", 5) == 0;
	pyr_reference reference = {.scheme = grpc ? PYR_SCHEME_GRPC : PYR_SCHEME_PYR};
	if (!grpc)
		strcpy(reference.target, "bench");
	pyr_status status = pyr_endpoint_parse(endpoint + (grpc ? 5 : 0), &reference, err);
	return status ? status : pyr_reference_format(&reference, buf, size, err);
}

static int measure(bench *b, const char *endpoint, unsigned outstanding, double warmup)
{
	pyr_error err;
	pyr_context *context;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	char reference[PYR_REFERENCE_MAX];
	options.base = b->base;
	if (make_reference(endpoint, reference, sizeof reference, &err) ||
		pyr_context_new(&options, &context, &err))
		return cli_fail(&err);
	int result = CLI_DONE;
	if (pyrite_bench_bench__open(context, reference, NULL, &b->proxy, &err)) {
		result = cli_fail(&err);
	} else {
		cli_signals_note();
		b->progress_ns = cli_shows_progress() ? 0 : UINT64_MAX;
		b->phase_end_ns = now_ns() + (uint64_t)(warmup * 1e9);
		if (outstanding == 1)
			run_sync(b);
		else
			run_async(b, outstanding);
		report(b);
		pyrite_bench_bench__close(b->proxy);
	}
	pyr_context_free(context);
	if (b->errors)
		result = cli_fail(&b->first_error);
	else if (cli_signal_noted())
		result = 128 + cli_signal_noted();
	return result;
}

static int run(
	const char *endpoint, size_t size, unsigned outstanding, double seconds, double warmup)
{
	bench *b = calloc(1, sizeof *b);
	if (!b)
		return CLI_FAILED;
	b->seconds = seconds;
	b->base = event_base_new();
	int result = CLI_FAILED;
	if (b->base && fill_payload(b, size))
		result = measure(b, endpoint, outstanding, warmup);
	else
		fprintf(stderr, "pyrite: there is not enough memory\n");
	if (b->base)
		event_base_free(b->base);
	free(b->payload.data.data);
	free(b);
	return result;
}

int cli_bench_call(int argc, char **argv)
{
	const char *endpoint = NULL;
	uint64_t size = 16, outstanding = 1;
	double seconds = 2, warmup = 0.5;
	const cli_option options[] = {
		{"connect", "ENDPOINT",
			"where 'pyrite bench serve' listens; grpc: in front for that transport",
			OPTION_TEXT, &endpoint},
		{"size", "BYTES", "bytes there and back (16)", OPTION_NUMBER, &size},
		{"outstanding", "N", "calls at once, on one connection (1)", OPTION_NUMBER,
			&outstanding},
		{"seconds", "S", "how long to measure (2)", OPTION_SECONDS, &seconds},
		{"warmup", "S", "how long to call before that (0.5)", OPTION_SECONDS, &warmup},
		{0},
	};
	char **arguments;
	size_t count;
	int result = cli_parse(&command, options, argc, argv, &arguments, &count);
	if (result != CLI_DONE || count == SIZE_MAX)
		return result;
	if (!endpoint)
		return cli_usage(&command, "--connect is needed");
	if (size > SIZE_MAX_BYTES)
		return cli_usage(&command, "--size takes 0 to %u", SIZE_MAX_BYTES);
	if (outstanding < 1 || outstanding > 16384)
		return cli_usage(&command, "--outstanding takes 1 to 16384");
	return run(endpoint, (size_t)size, (unsigned)outstanding, seconds, warmup);
}
