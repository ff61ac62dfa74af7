/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: soak_server ENDPOINT WORKERS LOG
 * One of several replicas under one name. It appends a line to LOG for each execution, before the
 * answer: "PROCESS KIND CLIENT NUMBER". SOAK_BREAK makes it wrong in one way, so that the test can
 * show that it would find out.
 */
#include <fcntl.h>
#include <pyrite/pyrite.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "answer.h"
#include "soak.pyr.h"

#define PUBLISH_TRIES    300
#define PUBLISH_PAUSE_MS 100
#define GRACE_MS         3000
#define BREAK_EVERY      50 /* the how many-th execution is broken */
#define GROWTH           (256 * 1024)

typedef struct servant {
	int log;
	const char *broken; /* never NULL */
	bool sleep_ok;      /* whether work may take time: there are workers */
} servant;

static void pause_us(uint64_t us)
{
	struct timespec time = {(time_t)(us / 1000000), (long)(us % 1000000 * 1000)};
	nanosleep(&time, NULL);
}

static bool is_broken(const servant *s, const char *how, const Soak__Token *token)
{
	return token->number % BREAK_EVERY == 0 && strcmp(s->broken, how) == 0;
}

static void leak_descriptor(const servant *s)
{
	if (dup(s->log) < 0)
		perror("soak_server: dup");
}

/* Kept in a chain, or the compiler would leave it all out. */
static void leak_memory(void)
{
	static void *_Atomic kept;
	void **block = malloc(GROWTH);
	if (!block)
		return;
	memset(block, 1, GROWTH);
	*block = atomic_exchange(&kept, block);
}

/* One write, so that a kill leaves a whole line or none, and lines of several processes whole. */
static void write_line(const servant *s, char kind, const Soak__Token *token)
{
	char line[80];
	int size = snprintf(line, sizeof line, "%d %c %u %llu\n", (int)getpid(), kind,
		token->client, (unsigned long long)token->number);
	if (write(s->log, line, (size_t)size) != size) {
		perror("soak_server: the log");
		abort();
	}
}

static void execute(const servant *s, char kind, const Soak__Token *token)
{
	if (!is_broken(s, "unlogged", token))
		write_line(s, kind, token);
	if (is_broken(s, "twice", token) && kind != 'L')
		write_line(s, kind, token);
	if (is_broken(s, "descriptors", token))
		leak_descriptor(s);
	if (is_broken(s, "memory", token))
		leak_memory();
	if (s->sleep_ok && token->work_us)
		pause_us(token->work_us);
}

static Soak__Answer answer_to(const servant *s, const Soak__Token *token, uint32_t index)
{
	Soak__Answer answer = SOAK__ANSWER__INIT;
	answer.value = soak_answer(token->client, token->number, index);
	answer.value += is_broken(s, "wrong", token);
	return answer;
}

static void look(void *self, pyr_call *call, const Soak__Token *token)
{
	const servant *s = self;
	execute(s, 'L', token);
	Soak__Answer answer = answer_to(s, token, 0);
	if (is_broken(s, "unanswered", token))
		pyr_call_ref(call); /* held for ever */
	else
		soak_servant_look__reply(call, &answer);
}

static void add(void *self, pyr_call *call, const Soak__Token *token)
{
	const servant *s = self;
	execute(s, 'A', token);
	Soak__Answer answer = answer_to(s, token, 0);
	soak_servant_add__reply(call, &answer);
}

static void note(void *self, pyr_call *call, const Soak__Token *token)
{
	(void)call;
	execute(self, 'N', token);
}

static void list(void *self, pyr_call *call, const Soak__Token *token)
{
	const servant *s = self;
	pyr_error err;
	execute(s, 'S', token);
	for (uint32_t i = 0; i < token->count; i++) {
		Soak__Answer answer = answer_to(s, token, i);
		if (soak_servant_list__send_reply(call, &answer, &err)) {
			pyr_call_fail(call, err.status, "%s", err.message);
			return;
		}
	}
	pyr_call_end(call);
}

static void on_token(void *ctx, pyr_call *call, pyr_status status, const Soak__Token *token)
{
	const servant *s = ctx;
	pyr_error err;
	if (token) {
		execute(s, 'T', token);
		Soak__Answer answer = answer_to(s, token, 0);
		if (soak_servant_talk__send_reply(call, &answer, &err))
			pyr_call_fail(call, err.status, "%s", err.message);
		return;
	}
	if (status)
		pyr_call_fail(call, status, "the stream of tokens broke off");
	else
		pyr_call_end(call);
	pyr_call_unref(call);
}

static void talk(void *self, pyr_call *call)
{
	pyr_error err;
	pyr_call_ref(call);
	if (soak_servant_talk__observe_requests(call, on_token, self, &err)) {
		pyr_call_fail(call, err.status, "%s", err.message);
		pyr_call_unref(call);
	}
}

/* The name server may be away for a moment. */
static pyr_status publish(pyr_daemon *daemon, pyr_error *err)
{
	pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
	pyr_status status = PYR_OK;
	options.replica = true;
	for (int i = 0; i < PUBLISH_TRIES; i++) {
		status = pyr_daemon_publish(daemon, "servant", "soak.servant", &options, err);
		if (status != PYR_UNAVAILABLE && status != PYR_DEADLINE_EXCEEDED)
			break;
		pause_us(PUBLISH_PAUSE_MS * 1000);
	}
	return status;
}

static pyr_status say_ready(void)
{
	puts("ready");
	fflush(stdout);
	return PYR_OK;
}

int main(int argc, char **argv)
{
	static const soak_servant_ops ops = {look, add, note, list, talk};
	static servant s;
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	if (argc != 4)
		return fprintf(stderr, "usage: soak_server ENDPOINT WORKERS LOG\n"), 2;
	options.workers = (uint32_t)atoi(argv[2]);
	s.broken = getenv("SOAK_BREAK") ? getenv("SOAK_BREAK") : "";
	s.sleep_ok = options.workers > 0;
	s.log = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (s.log < 0)
		return perror(argv[3]), 1;
	bool failed = pyr_daemon_new(&options, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, GRACE_MS, &err) ||
		      pyr_daemon_listen(daemon, argv[1], NULL, &err) ||
		      soak_servant__serve(daemon, "servant", &ops, &s, &err) ||
		      publish(daemon, &err) || say_ready() || pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "soak_server: %s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	close(s.log);
	return failed;
}
