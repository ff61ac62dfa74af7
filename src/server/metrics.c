/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a daemon counts, as Prometheus reads it (text format 0.0.4): libevent's HTTP server, on a
 * loop and thread of its own, so that who scrapes, slow or hostile, holds no call up.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/http.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pyrite/version.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include "base/alloc.h"
#include "server/daemon_private.h"
#include "server/snapshot.h"

#define HEADERS_BYTES_MAX 8192
#define BODY_BYTES_MAX    1024
#define TIMEOUT_S         10

struct pyr__metrics {
	pyr_daemon *daemon;
	pyr__loop *loop;
	struct evhttp *http;
};

/* Writing */

static void head(struct evbuffer *to, const char *name, const char *type, const char *help)
{
	evbuffer_add_printf(
		to, "# HELP pyrite_%s %s\n# TYPE pyrite_%s %s\n", name, help, name, type);
}

static void single(
	struct evbuffer *to, const char *name, const char *type, uint64_t value, const char *help)
{
	head(to, name, type, help);
	evbuffer_add_printf(to, "pyrite_%s %" PRIu64 "\n", name, value);
}

static void write_daemon(struct evbuffer *to, const Pyrite__GetStatisticsReply *all)
{
	head(to, "info", "gauge", "Of what version the library is.");
	evbuffer_add_printf(to, "pyrite_info{version=\"%s\"} 1\n", PYR_VERSION);
	head(to, "uptime_seconds", "gauge", "How long the daemon is there.");
	evbuffer_add_printf(to, "pyrite_uptime_seconds %.6f\n", (double)all->uptime_us / 1e6);
	single(to, "calls_running", "gauge", all->running, "Calls that run now.");
	single(to, "calls_waiting", "gauge", all->waiting, "Calls that wait for a worker.");
	single(to, "calls_unknown_total", "counter", all->unknown_methods,
		"Calls of methods that no object has.");
	single(to, "connections", "gauge", all->connections, "Connections now.");
	single(to, "connections_accepted_total", "counter", all->connections_accepted,
		"Connections that were taken.");
	single(to, "connections_refused_total", "counter", all->connections_refused,
		"Connections that were refused because there were too many.");
	single(to, "queued_bytes", "gauge", all->queued_bytes, "Bytes that wait to be sent.");
}

static void write_counts(struct evbuffer *to, const Pyrite__GetStatisticsReply *all)
{
	head(to, "calls_begun_total", "counter", "Calls that have come, by method.");
	for (size_t i = 0; i < all->n_methods; i++)
		evbuffer_add_printf(to, "pyrite_calls_begun_total{method=\"%s\"} %" PRIu64 "\n",
			all->methods[i]->method, all->methods[i]->began);
	head(to, "calls_ended_total", "counter", "Calls that are over, by method and status.");
	for (size_t i = 0; i < all->n_methods; i++) {
		const Pyrite__MethodStatistics *m = all->methods[i];
		for (size_t code = 0; code < m->n_ended; code++)
			if (m->ended[code])
				evbuffer_add_printf(to,
					"pyrite_calls_ended_total{method=\"%s\",status=\"%s\"} "
					"%" PRIu64 "\n",
					m->method, pyr_status_name((pyr_status)code),
					m->ended[code]);
	}
}

/* Prometheus wants of each bucket how many took no longer than its bound. */
static void write_latency(struct evbuffer *to, const Pyrite__MethodStatistics *m)
{
	static const char bucket[] = "pyrite_call_seconds_bucket{method=\"%s\",le=\"";
	uint64_t count = 0;
	for (size_t i = 0; i + 1 < PYR__LATENCY_SLOTS; i++) {
		count += i < m->n_latency ? m->latency[i] : 0;
		evbuffer_add_printf(to, bucket, m->method);
		evbuffer_add_printf(to, "%.6f\"} %" PRIu64 "\n", (double)(1ull << i) / 1e6, count);
	}
	if (m->n_latency == PYR__LATENCY_SLOTS)
		count += m->latency[PYR__LATENCY_SLOTS - 1];
	evbuffer_add_printf(to, bucket, m->method);
	evbuffer_add_printf(to, "+Inf\"} %" PRIu64 "\n", count);
	evbuffer_add_printf(to, "pyrite_call_seconds_sum{method=\"%s\"} %.6f\n", m->method,
		(double)m->total_us / 1e6);
	evbuffer_add_printf(
		to, "pyrite_call_seconds_count{method=\"%s\"} %" PRIu64 "\n", m->method, count);
}

static void on_scrape(struct evhttp_request *request, void *arg)
{
	struct pyr__metrics *metrics = arg;
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	pyr__snapshot *snapshot = pyr__snapshot_take(metrics->daemon, "");
	evhttp_add_header(headers, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	write_daemon(body, &snapshot->all);
	write_counts(body, &snapshot->all);
	head(body, "call_seconds", "histogram", "How long calls took, from arrival to answer.");
	for (size_t i = 0; i < snapshot->all.n_methods; i++)
		write_latency(body, snapshot->methods[i]);
	pyr__snapshot_free(snapshot);
	evhttp_send_reply(request, HTTP_OK, "OK", NULL);
}

/* Beginning and end */

typedef struct begin_task {
	pyr__task task;
	struct pyr__metrics *metrics;
	const pyr_reference *where;
	uint16_t *ret_port;
	pyr_status status;
	pyr_error *err;
} begin_task;

static uint16_t port_of(struct evhttp_bound_socket *bound)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	socklen_t size = sizeof at;
	if (getsockname(evhttp_bound_socket_get_fd(bound), &at.any, &size) != 0)
		return 0;
	return ntohs(at.any.sa_family == AF_INET6 ? at.v6.sin6_port : at.v4.sin_port);
}

/* On the loop of its own. */
static void begin(pyr__task *task)
{
	begin_task *b = (begin_task *)task;
	struct pyr__metrics *metrics = b->metrics;
	sigset_t pipe;
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE); /* libevent writes to peers that may have gone */
	pthread_sigmask(SIG_BLOCK, &pipe, NULL);
	metrics->http = evhttp_new(pyr__loop_base(metrics->loop));
	evhttp_set_max_headers_size(metrics->http, HEADERS_BYTES_MAX);
	evhttp_set_max_body_size(metrics->http, BODY_BYTES_MAX);
	evhttp_set_timeout(metrics->http, TIMEOUT_S);
	evhttp_set_allowed_methods(metrics->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_cb(metrics->http, "/metrics", on_scrape, metrics);
	struct evhttp_bound_socket *bound =
		evhttp_bind_socket_with_handle(metrics->http, b->where->host, b->where->port);
	if (!bound)
		b->status = pyr_error_set(b->err, PYR_UNAVAILABLE,
			"cannot listen for HTTP on %s port %u: %s", b->where->host, b->where->port,
			strerror(errno));
	else if (b->ret_port)
		*b->ret_port = port_of(bound);
}

static void end(pyr__task *task)
{
	struct pyr__metrics *metrics = ((begin_task *)task)->metrics;
	evhttp_free(metrics->http);
}

void pyr__metrics_free(struct pyr__metrics *metrics)
{
	if (!metrics)
		return;
	begin_task task = {.task.run = end, .metrics = metrics};
	pyr__loop_call(metrics->loop, &task.task);
	pyr__loop_stop(metrics->loop);
	pyr__loop_free(metrics->loop);
	free(metrics);
}

static pyr_status parse(const char *address, pyr_reference *ret_where, pyr_error *err)
{
	memset(ret_where, 0, sizeof *ret_where);
	pyr_status status = pyr_endpoint_parse(address, ret_where, err);
	if (status == PYR_OK && ret_where->is_unix)
		status = pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"metrics are served over HTTP on HOST:PORT, not on '%.200s'", address);
	return status;
}

static pyr_status start(pyr_daemon *daemon, const pyr_reference *where, uint16_t *ret_port,
	struct pyr__metrics **ret_metrics, pyr_error *err)
{
	struct pyr__metrics *metrics = pyr__zalloc(sizeof *metrics);
	metrics->daemon = daemon;
	pyr_status status = pyr__loop_new(NULL, &metrics->loop, err);
	if (status == PYR_OK)
		status = pyr__loop_start(metrics->loop, err);
	if (status) {
		pyr__loop_free(metrics->loop);
		free(metrics);
		return status;
	}
	begin_task task = {{.run = begin}, metrics, where, ret_port, PYR_OK, err};
	pyr__loop_call(metrics->loop, &task.task);
	if (task.status)
		pyr__metrics_free(metrics);
	else
		*ret_metrics = metrics;
	return task.status;
}

pyr_status pyr_daemon_serve_metrics(
	pyr_daemon *daemon, const char *address, uint16_t *ret_port, pyr_error *err)
{
	pyr_reference where;
	struct pyr__metrics *metrics = NULL;
	pyr_status status = pyr__daemon_check_serving(daemon, err);
	if (status == PYR_OK)
		status = parse(address, &where, err);
	if (status == PYR_OK)
		status = start(daemon, &where, ret_port, &metrics, err);
	if (status)
		return status;
	pthread_mutex_lock(&daemon->lock);
	bool first = !daemon->metrics;
	if (first)
		daemon->metrics = metrics;
	pthread_mutex_unlock(&daemon->lock);
	if (first)
		return PYR_OK;
	pyr__metrics_free(metrics);
	return pyr_error_set(
		err, PYR_FAILED_PRECONDITION, "this daemon serves its metrics somewhere already");
}
