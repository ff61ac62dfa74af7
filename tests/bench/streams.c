/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many items of 16 bytes a stream carries in a second, beside how many calls: one line for each
 * transport, both ends in this process, on threads of their own.
 *
 *   usage: build/bench/bench_streams [SECONDS]     of each measurement; 1
 */
#include <pyrite/pyrite.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "transport/servant.h"

#define ITEM_BYTES  16
#define OUTSTANDING 64

typedef struct bench {
	pyr_context *host, *context;
	pyr_daemon *daemon;
	servant servant;
	suite_suite *proxy;
	Suite__Blob item;
	double seconds;
	/* of the asynchronous calls */
	tally over;
	unsigned under_way;
	uint64_t calls;
	double until;
} bench;

static void check(pyr_status status, const pyr_error *err)
{
	if (status == PYR_OK)
		return;
	fprintf(stderr, "%s: %s\n", pyr_status_name(status), err->message);
	exit(1);
}

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double call_one_by_one(bench *b)
{
	pyr_error err;
	Suite__Blob *reply;
	double began = now();
	uint64_t calls = 0;
	for (; now() < began + b->seconds; calls++) {
		check(suite_suite_echo(b->proxy, &b->item, &reply, &err), &err);
		suite__blob__free_unpacked(reply, NULL);
	}
	return (double)calls / (now() - began);
}

static void on_reply(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	bench *b = ctx;
	pyr_error why;
	(void)reply;
	check(status, err);
	b->calls++;
	if (now() < b->until)
		check(suite_suite_echo__invoke(b->proxy, &b->item, on_reply, b, NULL, &why), &why);
	else if (--b->under_way == 0)
		tally_add(&b->over, 1);
}

static void on_start(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err)
{
	bench *b = ctx;
	pyr_error why;
	(void)reply;
	check(status, err);
	b->under_way = OUTSTANDING;
	for (unsigned i = 0; i < OUTSTANDING; i++)
		check(suite_suite_echo__invoke(b->proxy, &b->item, on_reply, b, NULL, &why), &why);
}

static double call_many_at_once(bench *b)
{
	pyr_error err;
	double began = now();
	b->calls = 0;
	b->until = began + b->seconds;
	b->over = (tally)TALLY_INIT;
	check(suite_suite_echo__invoke(b->proxy, &b->item, on_start, b, NULL, &err), &err);
	if (!tally_await(&b->over, 1))
		exit(1);
	return (double)b->calls / (now() - began);
}

static double read_stream(bench *b)
{
	pyr_error err;
	pyr_stream *stream;
	const Suite__Blob *item;
	Suite__Flood request = SUITE__FLOOD__INIT;
	request.count = UINT32_MAX;
	request.size = ITEM_BYTES;
	check(suite_suite_down(b->proxy, &request, &stream, &err), &err);
	double began = now();
	uint64_t items = 0;
	for (; items % 256 || now() < began + b->seconds; items++)
		check(suite_suite_down__next(stream, &item, &err), &err);
	double rate = (double)items / (now() - began);
	pyr_stream_close(stream);
	return rate;
}

static double write_stream(bench *b)
{
	pyr_error err;
	pyr_stream *stream;
	const Suite__Number *reply;
	check(suite_suite_up(b->proxy, &stream, &err), &err);
	double began = now();
	uint64_t items = 0;
	for (; items % 256 || now() < began + b->seconds; items++)
		check(suite_suite_up__send(stream, &b->item, &err), &err);
	check(pyr_stream_end(stream, &err), &err);
	check(suite_suite_up__next(stream, &reply, &err), &err); /* it has come to the servant */
	double rate = (double)items / (now() - began);
	pyr_stream_close(stream);
	return rate;
}

static void measure(const char *name, const char *listen, const char *scheme, double seconds)
{
	pyr_error err;
	char native[PYR_REFERENCE_MAX] = "pyr:suite", reference[2 * PYR_REFERENCE_MAX];
	bench b = {.servant = SERVANT_INIT, .item = SUITE__BLOB__INIT, .seconds = seconds};
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	uint8_t data[ITEM_BYTES] = {0};
	b.item.data = (ProtobufCBinaryData){sizeof data, data};
	check(pyr_context_new(NULL, &b.host, &err), &err);
	if (listen)
		check(pyr_context_new(NULL, &b.context, &err), &err);
	options.context = b.host;
	check(pyr_daemon_new(&options, &b.daemon, &err), &err);
	check(suite_suite__serve(b.daemon, "suite", &servant_ops, &b.servant, &err), &err);
	if (listen) {
		check(pyr_daemon_listen(b.daemon, listen, NULL, &err), &err);
		check(pyr_daemon_reference(b.daemon, "suite", 0, native, sizeof native, &err),
			&err);
	}
	check(pyr_daemon_start(b.daemon, &err), &err);
	snprintf(reference, sizeof reference, "%s%s", scheme, strchr(native, ':'));
	check(suite_suite__open(listen ? b.context : b.host, reference, NULL, &b.proxy, &err),
		&err);
	double single = call_one_by_one(&b), many = call_many_at_once(&b), down = read_stream(&b),
	       up = write_stream(&b), best = single > many ? single : many;
	printf("%-10s %10.0f %10.0f %10.0f %10.0f %8.1f %8.1f\n", name, single, many, down, up,
		down / best, up / best);
	fflush(stdout);
	suite_suite__close(b.proxy);
	pyr_daemon_free(b.daemon);
	pyr_context_free(b.context);
	pyr_context_free(b.host);
}

int main(int argc, char **argv)
{
	double seconds = argc > 1 ? atof(argv[1]) : 1;
	printf("%-10s %10s %10s %10s %10s %8s %8s\n", "per second", "calls", "64 at once",
		"items down", "items up", "down/c", "up/c");
	measure("local", NULL, "local", seconds);
	measure("pyr-tcp", "127.0.0.1:0", "pyr", seconds);
	measure("pyr-unix", "unix:@pyrite-bench-streams", "pyr", seconds);
	measure("grpc-tcp", "127.0.0.1:0", "grpc", seconds);
	measure("grpc-unix", "unix:@pyrite-bench-streams", "grpc", seconds);
	return 0;
}
