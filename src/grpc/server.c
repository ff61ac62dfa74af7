/* SPDX-License-Identifier: Apache-2.0 */
/* Core's server: its requests, the work they make, and its end. */
#include "grpc/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <grpc/grpc_security.h>
#include "base/alloc.h"
#include "base/refs.h"
#include "grpc/args.h"
#include "grpc/peer.h"
#include "grpc/secure.h"

/* Requests */

static void on_request(pyr__op *op, bool ok);

static void ask(pyr__request *request)
{
	pyr__grpc_server *server = request->server;
	grpc_call_details_init(&request->details);
	grpc_metadata_array_init(&request->headers);
	request->call = NULL;
	request->op.done = on_request;
	grpc_server_request_call(server->core, &request->call, &request->details, &request->headers,
		server->poller.queue, server->poller.queue, &request->op);
}

static void on_request(pyr__op *op, bool ok)
{
	pyr__request *request = PYR__OWNER(op, pyr__request, op);
	if (ok)
		pyr__incall_arrived(request);
	grpc_call_details_destroy(&request->details);
	grpc_metadata_array_destroy(&request->headers);
	if (ok)
		ask(request);
}

/* Work */

static void post_work(pyr__grpc_server *server)
{
	pyr__refs_take(&server->refs);
	if (!pyr__services->loop_post(server->options.loop, &server->work_task))
		pyr__server_unref(server); /* it is posted, and has its reference, already */
}

void pyr__server_add_work(pyr__grpc_server *server, pyr__incall *call, unsigned work, bool first)
{
	bool post = false;
	pthread_mutex_lock(&server->lock);
	bool listed = call->work != 0;
	if (!listed && !server->freed && (first || server->options.host->ref(call))) {
		call->next_work = NULL;
		*server->work_last = call;
		server->work_last = &call->next_work;
		atomic_store_explicit(&server->has_work, true, memory_order_release);
		listed = true;
		post = !pyr__poller_is_current(&server->poller);
	}
	if (listed)
		call->work |= work;
	pthread_mutex_unlock(&server->lock);
	if (post)
		post_work(server);
}

/* The next call to work on, which then is on no list; NULL when there is none. */
static pyr__incall *take_work(pyr__grpc_server *server, unsigned *ret_work)
{
	if (!atomic_load_explicit(&server->has_work, memory_order_acquire))
		return NULL;
	pthread_mutex_lock(&server->lock);
	pyr__incall *call = server->work_first;
	if (call) {
		*ret_work = call->work;
		call->work = 0;
		server->work_first = call->next_work;
		if (!server->work_first) {
			server->work_last = &server->work_first;
			atomic_store_explicit(&server->has_work, false, memory_order_relaxed);
		}
		/* nothing new is begun any more: the reference is given back, no more */
		if (server->shut)
			*ret_work &= ~(unsigned)PYR__WORK_RUN;
	}
	pthread_mutex_unlock(&server->lock);
	return call;
}

/* On the loop. */
static void do_work(void *arg)
{
	pyr__grpc_server *server = arg;
	pyr__incall *call;
	unsigned work;
	while ((call = take_work(server, &work)) != NULL) {
		void *carrier = pyr__incall_hold(call);
		server->options.host->work(server->options.host_arg, call, work);
		pyr__incall_worked(carrier);
	}
}

static void run_work(pyr__task *task)
{
	pyr__grpc_server *server = PYR__OWNER(task, pyr__grpc_server, work_task);
	do_work(server);
	pyr__server_unref(server);
}

static void on_drained(void *arg)
{
	pyr__grpc_server *server = arg;
	if (pyr__services->loop_is_current(server->options.loop)) {
		do_work(server);
		return;
	}
	/* the poller has been released: what is left to do is done when the loop is finished */
	if (atomic_load_explicit(&server->has_work, memory_order_acquire))
		post_work(server);
}

/* The end */

static void on_shutdown(pyr__op *op, bool ok)
{
	(void)ok;
	pyr__grpc_server *server = PYR__OWNER(op, pyr__grpc_server, shutdown_op);
	pthread_mutex_lock(&server->lock);
	server->stopped = true;
	pthread_cond_signal(&server->stopped_cond);
	pthread_mutex_unlock(&server->lock);
}

void pyr__server_drain(pyr__grpc_server *server)
{
	pthread_mutex_lock(&server->lock);
	bool first = !server->draining;
	server->draining = true;
	pthread_mutex_unlock(&server->lock);
	if (first)
		grpc_server_shutdown_and_notify(
			server->core, server->poller.queue, &server->shutdown_op);
}

bool pyr__server_busy(pyr__grpc_server *server)
{
	pthread_mutex_lock(&server->lock);
	bool busy = !pyr__list_empty(&server->calls);
	pthread_mutex_unlock(&server->lock);
	return busy;
}

void pyr__server_shut(pyr__grpc_server *server)
{
	pyr__server_drain(server);
	pthread_mutex_lock(&server->lock);
	server->shut = true;
	pthread_mutex_unlock(&server->lock);
	grpc_server_cancel_all_calls(server->core);
	pyr__incall_shut_all(server);
}

void pyr__server_unref(pyr__grpc_server *server)
{
	if (!pyr__refs_drop(&server->refs))
		return;
	pthread_cond_destroy(&server->stopped_cond);
	pthread_mutex_destroy(&server->lock);
	free(server);
	grpc_shutdown();
}

/*
 * The order matters: core's server is destroyed when it says that it has shut down, its queue is
 * shut down after that, and destroyed when it is empty.
 */
void pyr__server_free(pyr__grpc_server *server)
{
	pyr__poller_release(&server->poller);
	pthread_mutex_lock(&server->lock);
	while (!server->stopped)
		pthread_cond_wait(&server->stopped_cond, &server->lock);
	pthread_mutex_unlock(&server->lock);
	grpc_server_destroy(server->core);
	pyr__poller_stop(&server->poller);
	grpc_server_credentials_release(server->insecure);
	pyr__peers_free(server);
	pthread_mutex_lock(&server->lock);
	server->freed = true;
	pthread_mutex_unlock(&server->lock);
	pyr__server_unref(server);
}

/* False if the address is taken, or the certificate is none. */
static bool listen_securely(pyr__grpc_server *server)
{
	const pyr__grpc_server_options *options = &server->options;
	server->certificates.source = options->credentials;
	grpc_server_credentials *credentials =
		pyr__secure_server_credentials(&server->certificates);
	if (!credentials)
		return false;
	*options->ret_port = grpc_server_add_http2_port(server->core, options->listen, credentials);
	grpc_server_credentials_release(credentials);
	return *options->ret_port > 0;
}

pyr_status pyr__server_new(
	const pyr__grpc_server_options *options, pyr__grpc_server **ret_server, pyr_error *err)
{
	int watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch_fd < 0)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "cannot make an epoll: %s", strerror(errno));
	grpc_init();
	pyr__grpc_server *server = pyr__zalloc(sizeof *server);
	atomic_init(&server->refs, 1);
	server->options = *options;
	server->watch_fd = watch_fd;
	pyr__list_init(&server->calls);
	server->work_last = &server->work_first;
	server->work_task.run = run_work;
	server->shutdown_op.done = on_shutdown;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->stopped_cond, NULL);
	pyr_status status =
		pyr__poller_start(&server->poller, options->loop, on_drained, server, err);
	if (status) {
		close(watch_fd);
		pyr__server_unref(server);
		return status;
	}
	pyr__args args;
	pyr__args_server(&args, options);
	server->core = grpc_server_create(&args.core, NULL);
	pyr__args_done(&args);
	server->secure = options->listen != NULL;
	server->insecure = grpc_insecure_server_credentials_create();
	bool listens = !server->secure || listen_securely(server);
	grpc_server_register_completion_queue(server->core, server->poller.queue, NULL);
	grpc_server_start(server->core);
	for (size_t i = 0; i < PYR__REQUESTS; i++) {
		server->requests[i].server = server;
		ask(&server->requests[i]);
	}
	if (!listens) {
		pyr__server_shut(server);
		pyr__server_free(server);
		return pyr_error_set(
			err, PYR_UNAVAILABLE, "cannot listen on %s with TLS", options->listen);
	}
	*ret_server = server;
	return PYR_OK;
}
