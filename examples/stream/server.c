/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ticks for everyone who watches. The servant's function returns at once; a timer on the daemon's
 * own loop goes on with the call, for which it holds a reference.
 */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include "stream.pyr.h"

typedef struct watcher {
	pyr_call *call;
	struct event *timer;
	uint64_t number;
} watcher;

static void end_watching(watcher *w)
{
	event_free(w->timer);
	pyr_call_unref(w->call);
	free(w);
}

/*
 * The client has closed the stream, or is gone. The call may be in the middle of something, so the
 * timer does the rest.
 */
static void on_cancel(void *ctx)
{
	watcher *w = ctx;
	event_active(w->timer, EV_TIMEOUT, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
	watcher *w = ctx;
	Demo__Tick tick = DEMO__TICK__INIT;
	pyr_error err;
	(void)fd;
	(void)what;
	if (pyr_call_cancelled(w->call)) {
		end_watching(w);
		return;
	}
	tick.number = ++w->number;
	/* a reader that is too slow misses ticks; it never makes us hoard them */
	if (demo_ticker_watch__send_reply(w->call, &tick, &err) && !err.would_block)
		end_watching(w);
}

static void watch(void *self, pyr_call *call, const Demo__WatchRequest *request)
{
	struct event_base *base = self;
	watcher *w = calloc(1, sizeof *w);
	if (w)
		w->timer = event_new(base, -1, EV_PERSIST, on_timer, w);
	if (!w || !w->timer) {
		free(w);
		pyr_call_fail(call, PYR_RESOURCE_EXHAUSTED, "out of memory");
		return;
	}
	uint32_t ms = request->interval_ms < 1 ? 1 : request->interval_ms;
	struct timeval interval = {ms / 1000, ms % 1000 * 1000};
	w->call = pyr_call_ref(call);
	event_add(w->timer, &interval);
	pyr_call_on_cancel(call, on_cancel, w);
}

int main(void)
{
	static const demo_ticker_ops ops = {.watch = watch};
	pyr_daemon *daemon = NULL;
	pyr_error err;
	bool failed = pyr_daemon_new(NULL, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_ticker__serve(daemon, "ticker", &ops, pyr_daemon_base(daemon), &err) ||
		      pyr_daemon_publish(daemon, "ticker", "example.ticker", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
