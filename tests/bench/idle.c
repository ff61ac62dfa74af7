/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Many connections that do nothing, what each costs the server's process, and how long a call takes
 * on one that wakes up.
 *
 *   usage: bench_idle --connect ENDPOINT --server PROCESS --count N
 */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "load.h"

#define COUNT_MAX   65000 /* each gets a port number of its own in its proxy's reference */
#define DESCRIPTORS 64    /* for what else the two sides have open */
#define STRIDE      7919  /* a prime: one connection after the other, in no order that helps */

typedef struct idle {
	meter *meter;
	pyr_context *context;
	struct sockaddr_in server;
	load_load **proxies;
	unsigned count;
} idle;

static void echo(const idle *x, load_load *proxy)
{
	pyr_error err;
	Load__Payload *reply, payload = load_payload(x->meter, 16);
	load_check(load_load_echo(proxy, &payload, &reply, &err), &err);
	load__payload__free_unpacked(reply, NULL);
}

static struct sockaddr_in parse_endpoint(const char *text)
{
	pyr_error err;
	pyr_reference r = {.scheme = PYR_SCHEME_PYR};
	struct sockaddr_in address = {.sin_family = AF_INET};
	load_check(pyr_endpoint_parse(text ? text : "", &r, &err), &err);
	if (r.is_unix || inet_pton(AF_INET, r.host, &address.sin_addr) != 1)
		meter_die("%s is no IPv4 address with a port", text);
	address.sin_port = htons(r.port);
	return address;
}

/* A context has one connection to an endpoint, so each is handed in as that of another one. */
static load_load *connect_one(idle *x, unsigned number)
{
	pyr_error err;
	char endpoint[32];
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&x->server, sizeof x->server))
		meter_die("connection number %u: %s", number, strerror(errno));
	snprintf(endpoint, sizeof endpoint, "idle:%u", number + 1);
	load_check(pyr_context_adopt(x->context, fd, endpoint, &err), &err);
	load_load *proxy = load_open(x->context, endpoint);
	echo(x, proxy);
	return proxy;
}

static void connect_all(idle *x, long server)
{
	double before = meter_memory(server);
	for (unsigned i = 0; i < x->count; i++)
		x->proxies[i] = connect_one(x, i);
	meter_extra(x->meter, "connections", x->count);
	meter_extra(x->meter, "bytes_each", (meter_memory(server) - before) / x->count);
}

static void wake_up(const idle *x)
{
	uint64_t began_ns;
	unsigned next = 0;
	do {
		next = (next + STRIDE) % x->count;
		began_ns = meter_now_ns();
		echo(x, x->proxies[next]);
	} while (meter_note_done(x->meter, 0, began_ns));
}

int main(int argc, char **argv)
{
	meter_options o =
		meter_parse(argc, argv, "bench_idle --connect ENDPOINT --server PROCESS --count N");
	idle x = {.meter = meter_new(&o, 1), .count = o.count ? o.count : 1000};
	struct event_base *base = event_base_new();
	x.proxies = calloc(x.count, sizeof *x.proxies);
	if (!base || !x.proxies || x.count > COUNT_MAX)
		meter_die("there is no room for %u connections", x.count);
	meter_raise_descriptors(x.count + DESCRIPTORS);
	x.context = load_context(base);
	x.server = parse_endpoint(o.endpoint);
	load_load *first = connect_one(&x, x.count); /* what happens once does not count */
	connect_all(&x, o.server);
	meter_start(x.meter);
	wake_up(&x);
	for (unsigned i = 0; i < x.count; i++)
		load_load__close(x.proxies[i]);
	load_load__close(first);
	pyr_context_free(x.context);
	event_base_free(base);
	free(x.proxies);
	return meter_finish(x.meter);
}
