/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon that is attacked: a process of its own, so that its memory can be measured, with short
 * time-outs, so that they can be waited for. usage: target unix:PATH [connections]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include "hostile.pyr.h"
#include "hostile/target.h"

static void echo(void *self, pyr_call *call, const Hostile__Node *request)
{
	(void)self;
	Hostile__Node reply = HOSTILE__NODE__INIT;
	reply.data.len = request->answer_bytes;
	reply.data.data = calloc(1, reply.data.len ? reply.data.len : 1);
	reply.text = request->text;
	hostile_target_echo__reply(call, &reply);
	free(reply.data.data);
}

static void note(void *self, pyr_call *call, const Hostile__Node *request)
{
	(void)self;
	(void)call;
	(void)request;
}

/* Never reads: what the caller streams stays where it is. */
static void collect(void *self, pyr_call *call)
{
	(void)self;
	pyr_call_on_cancel(pyr_call_ref(call), (void (*)(void *))pyr_call_unref, call);
}

static const hostile_target_ops ops = {.echo = echo, .note = note, .collect = collect};

static void must(pyr_status status, const pyr_error *err)
{
	if (status == PYR_OK)
		return;
	fprintf(stderr, "target: %s: %s\n", pyr_status_name(status), err->message);
	exit(1);
}

int main(int argc, char **argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 2)
		return 2;
	pyr_error err;
	pyr_daemon *daemon;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.handshake_timeout_ms = TARGET_HANDSHAKE_MS;
	options.stall_timeout_ms = TARGET_STALL_MS;
	options.connections_max = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
	must(pyr_daemon_new(&options, &daemon, &err), &err);
	must(hostile_target__serve(daemon, "target", &ops, NULL, &err), &err);
	must(pyr_daemon_listen(daemon, argv[1], NULL, &err), &err);
	puts("ready");
	fflush(stdout);
	must(pyr_daemon_run(daemon, &err), &err);
	pyr_daemon_free(daemon);
	return 0;
}
