/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: scale PYRITE NAMES WATCHERS CEILINGS
 * N13: `pyrite ns` with so many names and watchers, as a process of its own, so that what it takes
 * can be told from what its clients take. CEILINGS is yes or no: whether the memory that it takes
 * is compared with what is promised.
 */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <pyrite/names.pyr.h>
#include <pyrite/pyrite.h>

#define PREFIXES      100  /* of names, as many under each */
#define PAGE_NAMES    1000 /* the most in one page */
#define AT_ONCE       5000 /* calls */
#define CONTEXTS      4    /* and as many connections, that the watchers share */
#define ROUNDS        3    /* changes of each name that is watched */
#define WATCHING_ALL  8
#define PATIENCE_S    60
#define NAME_BYTES    500   /* at most, in the server */
#define WATCHER_BYTES 4096  /* the same */
#define PAGE_GROWTH   10    /* with 170 times the names; store_scale.c counts, and is exact */
#define PAGE_SAMPLES  10000 /* far more than the steps of a process's clock, which are ms */

extern char **environ;

static char directory[] = "/tmp/pyrite-scale-XXXXXX";
static char endpoint[96];
static pid_t server;
static bool ceilings;

static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "scale: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	if (server)
		kill(server, SIGKILL);
	_exit(1);
}

static void check(pyr_status status, const pyr_error *err, const char *what)
{
	if (status)
		fail("%s: %s: %s", what, pyr_status_name(status), err->message);
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* The server's process */

static void start_server(const char *pyrite)
{
	char *words[] = {(char *)pyrite, "ns", "--listen", endpoint, NULL}, line[300];
	posix_spawn_file_actions_t actions;
	int out[2];
	if (!mkdtemp(directory) || pipe(out))
		fail("cannot make a folder and a pipe");
	snprintf(endpoint, sizeof endpoint, "unix:%s/socket", directory);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, out[1], 1);
	posix_spawn_file_actions_addclose(&actions, out[0]);
	if (posix_spawn(&server, pyrite, &actions, NULL, words, environ))
		fail("cannot start %s", pyrite);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	FILE *lines = fdopen(out[0], "r");
	do {
		if (!fgets(line, sizeof line, lines))
			fail("%s is not ready", pyrite);
	} while (strcmp(line, "ready\n") != 0);
	fclose(lines);
}

static void stop_server(void)
{
	int status;
	kill(server, SIGTERM);
	if (waitpid(server, &status, 0) != server || status)
		fail("the server ended with %x", status);
	server = 0;
	rmdir(directory);
}

static long long server_bytes(void)
{
	char path[64], line[200];
	long long kib = 0;
	snprintf(path, sizeof path, "/proc/%d/status", (int)server);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "RssAnon: %lld", &kib) == 1)
			break;
	if (!file || !kib)
		fail("%s does not say how much memory is used", path);
	fclose(file);
	return kib * 1024;
}

/* Time that the server has run, of all its threads. */
static double server_s(void)
{
	clockid_t clock;
	struct timespec ran;
	if (clock_getcpuclockid(server, &clock) || clock_gettime(clock, &ran))
		fail("cannot tell how long the server has run");
	return (double)ran.tv_sec + (double)ran.tv_nsec / 1e9;
}

static pyr_context *new_context(pyrite_names **ret_names)
{
	char reference[PYR_REFERENCE_MAX];
	pyr_context *context;
	pyr_error err;
	check(pyr_context_new(NULL, &context, &err), &err, "context");
	snprintf(reference, sizeof reference, "pyr:pyrite.nameserver@%s", endpoint);
	check(pyrite_names__open(context, reference, NULL, ret_names, &err), &err, "open");
	return context;
}

/* What is awaited, by the main thread */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t less = PTHREAD_COND_INITIALIZER;
static size_t awaited;

static void expect(size_t count)
{
	pthread_mutex_lock(&lock);
	awaited += count;
	pthread_mutex_unlock(&lock);
}

static void arrived(size_t count)
{
	pthread_mutex_lock(&lock);
	awaited -= count;
	pthread_cond_signal(&less);
	pthread_mutex_unlock(&lock);
}

static void await(size_t at_most, const char *what)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&lock);
	while (awaited > at_most)
		if (pthread_cond_timedwait(&less, &lock, &until))
			fail("%s: %zu did not come in %d s", what, awaited, PATIENCE_S);
	pthread_mutex_unlock(&lock);
}

/* Registering */

static void on_registered(
	void *ctx, pyr_status status, const Pyrite__RegisterReply *reply, const pyr_error *err)
{
	(void)ctx;
	(void)reply;
	check(status, err, "register");
	arrived(1);
}

static void register_one(pyrite_names *names, char *name, unsigned port)
{
	char reference[40], *references[] = {reference};
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	pyr_error err;
	snprintf(reference, sizeof reference, "pyr:x@127.0.0.1:%u", port);
	request.name = name;
	request.references = references;
	request.n_references = 1;
	request.replace = true;
	expect(1);
	check(pyrite_names_register__invoke(names, &request, on_registered, NULL, NULL, &err), &err,
		"register");
	await(AT_ONCE, "answers to registrations");
}

/* "p42.0000017": names come to all prefixes in turn. */
static void register_names(pyrite_names *names, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++) {
		char name[40];
		snprintf(name, sizeof name, "p%02zu.%07zu", i % PREFIXES, i / PREFIXES);
		register_one(names, name, 1);
	}
	await(0, "answers to registrations");
}

/* Pages */

/* All pages of a prefix; returns how many names they have, which must be in order. */
static size_t list_prefix(pyrite_names *names, char *prefix, size_t *ret_pages)
{
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	char *token = strdup(""), last[40] = "";
	size_t count = 0;
	request.prefix = prefix;
	request.page_size = PAGE_NAMES;
	do {
		Pyrite__ListReply *reply;
		pyr_error err;
		request.page_token = token;
		check(pyrite_names_list(names, &request, &reply, &err), &err, "list");
		for (size_t i = 0; i < reply->n_names; i++) {
			const char *name = reply->names[i]->name;
			if (strcmp(name, last) <= 0 || strncmp(name, prefix, strlen(prefix)) != 0)
				fail("%s follows %s in %s", name, last, prefix);
			snprintf(last, sizeof last, "%s", name);
		}
		count += reply->n_names;
		++*ret_pages;
		free(token);
		token = strdup(reply->next_page_token);
		pyrite__list_reply__free_unpacked(reply, NULL);
	} while (*token);
	free(token);
	return count;
}

/*
 * What the server spends on 50 names of one page in the middle, and on waiting for the next call:
 * as long as it looks for that it runs, and another process sees its clock step. A page ends early
 * when its slice of time is over, so those that came are counted.
 */
static double page_s(pyrite_names *names)
{
	size_t count = 0;
	double before = server_s();
	for (unsigned i = 0; i < PAGE_SAMPLES; i++) {
		Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
		Pyrite__ListReply *reply;
		pyr_error err;
		char prefix[8];
		snprintf(prefix, sizeof prefix, "p%02u.", (i * 37 + 13) % PREFIXES);
		request.prefix = prefix;
		request.page_size = 50;
		check(pyrite_names_list(names, &request, &reply, &err), &err, "list");
		count += reply->n_names;
		if (reply->n_names < 1 || reply->n_names > 50)
			fail("a page of 50 has %zu names", reply->n_names);
		pyrite__list_reply__free_unpacked(reply, NULL);
	}
	return (server_s() - before) * 50 / (double)count;
}

static void try_names(pyrite_names *names, size_t count)
{
	size_t few = PREFIXES * 60, pages = 0;
	long long before = server_bytes();
	register_names(names, 0, few);
	double page_of_few = page_s(names), began = now_s();
	register_names(names, few, count);
	double took = now_s() - began, page_of_all = page_s(names);
	long long each = (server_bytes() - before) / (long long)count;
	printf("%zu names: registered in %.1f s, %lld bytes each\n", count, took, each);
	printf("a page: %.0f us among %zu names, %.0f us among %zu\n", page_of_few * 1e6, few,
		page_of_all * 1e6, count);
	fflush(stdout);
	if (list_prefix(names, "p42.", &pages) != count / PREFIXES)
		fail("p42. does not have the names that it should");
	printf("%zu names under a prefix came in %zu pages\n", count / PREFIXES, pages);
	if (ceilings && each > NAME_BYTES)
		fail("a name takes %lld bytes, more than %d", each, NAME_BYTES);
	if (ceilings && page_of_all > page_of_few * PAGE_GROWTH)
		fail("a page costs more among many names");
}

/* Watchers */

typedef struct watcher {
	pyr_stream *stream;
	size_t expected, seen; /* changes */
	uint64_t revision;     /* of the last one */
	uint8_t *rounds;       /* of each name that it watches */
	size_t first;          /* the number of the first of those */
	bool ready, closing;
} watcher;

static void make_watched(size_t number, char *name, size_t size)
{
	snprintf(name, size, "w.%06zu", number);
}

/* Each change once, and those of a name in order. */
static void take_event(watcher *w, const Pyrite__Event *event)
{
	size_t number = strtoul(event->name->name + 2, NULL, 10);
	unsigned round = (unsigned)strtoul(
		strrchr(event->name->holders[0]->references[0], ':') + 1, NULL, 10);
	if (event->kind != PYRITE__EVENT__KIND__SET || event->revision <= w->revision)
		fail("revision %llu follows %llu", (unsigned long long)event->revision,
			(unsigned long long)w->revision);
	if (round != w->rounds[number - w->first] + 1u)
		fail("%s: change %u follows %u", event->name->name, round,
			w->rounds[number - w->first]);
	w->rounds[number - w->first]++;
	w->revision = event->revision;
	if (++w->seen > w->expected)
		fail("%s: a change too many", event->name->name);
}

static void on_message(
	void *ctx, pyr_status status, const Pyrite__WatchReply *message, const pyr_error *err)
{
	watcher *w = ctx;
	if (!message) {
		if (!w->closing)
			check(status ? status : PYR_UNKNOWN, err, "a watch has ended");
		return;
	}
	for (size_t i = 0; i < message->n_events; i++)
		take_event(w, message->events[i]);
	if (message->n_events)
		arrived(message->n_events);
	if (!w->ready) {
		w->ready = true;
		arrived(1);
	}
}

static void open_watch(watcher *w, pyrite_names *names, char *name, char *prefix, size_t count)
{
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	pyr_error err;
	request.name = name;
	request.prefix = prefix;
	w->rounds = calloc(count, 1);
	w->expected = count * ROUNDS;
	expect(1);
	check(pyrite_names_watch(names, &request, &w->stream, &err), &err, "watch");
	check(pyrite_names_watch__observe(w->stream, on_message, w, &err), &err, "observe");
}

static uint64_t count_watches(pyrite_names *names)
{
	Pyrite__StatusRequest request = PYRITE__STATUS_REQUEST__INIT;
	Pyrite__StatusReply *reply;
	pyr_error err;
	check(pyrite_names_status(names, &request, &reply, &err), &err, "status");
	uint64_t count = reply->watches;
	pyrite__status_reply__free_unpacked(reply, NULL);
	return count;
}

/* Half of the watchers watch a name, the others a prefix, and some everything that is watched. */
static watcher *open_watches(pyrite_names *names[CONTEXTS], size_t count)
{
	watcher *watchers = calloc(count + WATCHING_ALL, sizeof *watchers);
	long long before = server_bytes();
	for (size_t i = 0; i < count; i++) {
		char name[32];
		make_watched(i, name, sizeof name);
		watchers[i].first = i;
		open_watch(
			&watchers[i], names[i % CONTEXTS], i % 2 ? name : "", i % 2 ? "" : name, 1);
	}
	await(0, "beginnings of watches");
	long long each = (server_bytes() - before) / (long long)count;
	printf("%zu watchers: %lld bytes each\n", count, each);
	if (ceilings && each > WATCHER_BYTES)
		fail("a watcher takes %lld bytes, more than %d", each, WATCHER_BYTES);
	for (size_t i = count; i < count + WATCHING_ALL; i++)
		open_watch(&watchers[i], names[i % CONTEXTS], "", "w.", count);
	await(0, "beginnings of watches");
	return watchers;
}

static void try_watchers(pyrite_names *names, size_t count)
{
	pyr_context *contexts[CONTEXTS];
	pyrite_names *watching[CONTEXTS];
	for (int i = 0; i < CONTEXTS; i++)
		contexts[i] = new_context(&watching[i]);
	watcher *watchers = open_watches(watching, count);
	if (count_watches(names) != count + WATCHING_ALL)
		fail("the server has %llu watches", (unsigned long long)count_watches(names));
	double began = now_s(), ran = server_s();
	for (unsigned round = 1; round <= ROUNDS; round++) {
		for (size_t i = 0; i < count; i++) {
			char name[32];
			make_watched(i, name, sizeof name);
			expect(1 + WATCHING_ALL);
			register_one(names, name, round);
		}
		await(0, "changes");
	}
	printf("%zu changes, of which each came to %d: in %.1f s, of which the server ran %.1f s\n",
		count * ROUNDS, 1 + WATCHING_ALL, now_s() - began, server_s() - ran);
	for (size_t i = 0; i < count + WATCHING_ALL; i++) {
		if (watchers[i].seen != watchers[i].expected)
			fail("watcher %zu has seen %zu changes", i, watchers[i].seen);
		watchers[i].closing = true;
	}
	for (size_t i = 0; i < count + WATCHING_ALL; i++)
		pyr_stream_close(watchers[i].stream);
	for (int i = 0; i < CONTEXTS; i++) {
		pyrite_names__close(watching[i]);
		pyr_context_free(contexts[i]);
	}
	for (double until = now_s() + PATIENCE_S; count_watches(names) > 0;)
		if (now_s() > until)
			fail("watches are left");
	for (size_t i = 0; i < count + WATCHING_ALL; i++)
		free(watchers[i].rounds);
	free(watchers);
}

static void N13_a_million_names_and_ten_thousand_watchers(size_t names, size_t watchers)
{
	pyrite_names *proxy;
	pyr_context *context = new_context(&proxy);
	try_names(proxy, names);
	try_watchers(proxy, watchers);
	pyrite_names__close(proxy);
	pyr_context_free(context);
}

int main(int argc, char **argv)
{
	if (argc != 5) {
		fprintf(stderr, "usage: scale PYRITE NAMES WATCHERS yes|no\n");
		return 2;
	}
	ceilings = strcmp(argv[4], "yes") == 0;
	start_server(argv[1]);
	N13_a_million_names_and_ten_thousand_watchers(
		strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	stop_server();
	return 0;
}
