/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: crash PYRITE SQLITE3 ROUNDS
 * N6: `pyrite ns` with an SQLite store is killed with -9 at ROUNDS random moments while 64 clients
 * register and remove names. No acknowledged change is lost and nothing appears that nobody asked
 * for: every key is compared, as the name server lists it and as the sqlite3 program finds it in
 * the file. Daemons that have published go on, and publish again by themselves when the file is
 * gone.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <pyrite/names.pyr.h>
#include <pyrite/pyrite.h>

#define CLIENTS   64
#define DAEMONS   4
#define NAMES_MAX 200000 /* of one client */

/*
 * A server is killed at a random moment after a random number of acknowledgements, so that a slow
 * machine sees as many kinds of moments as a fast one.
 */
#define LIFE_CHANGES_MAX 150
#define LIFE_US_MAX      5000
#define PATIENCE_MS      10000 /* for those acknowledgements */

extern char **environ;

static char directory[] = "/tmp/pyrite-crash-XXXXXX";
static char endpoint[96], store[96];
static const char *pyrite, *sqlite3;
static atomic_bool stopping;
static atomic_size_t acknowledged; /* registrations and removals */

static void fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fprintf(stderr, "crash: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n  the files are in %s\n", directory);
	va_end(args);
	_exit(1);
}

static void check(pyr_status status, const pyr_error *err, const char *what)
{
	if (status)
		fail("%s: %s: %s", what, pyr_status_name(status), err->message);
}

static void pause_us(long us)
{
	struct timespec pause = {us / 1000000, us % 1000000 * 1000};
	nanosleep(&pause, NULL);
}

/* Clients */

typedef enum fate {
	UNTOLD, /* asked for, and the answer never came: either is right */
	THERE,
	GONE,
} fate;

typedef struct client {
	pthread_t thread;
	int number;
	size_t count; /* names that were asked for */
	uint8_t fates[NAMES_MAX];
} client;

static client clients[CLIENTS];

static void make_name(int number, size_t at, char *name, size_t size)
{
	snprintf(name, size, "client%02d.%06zu", number, at);
}

static void make_reference(const char *name, char *reference, size_t size)
{
	snprintf(reference, size, "pyr:%s@127.0.0.1:1", name);
}

static pyrite_names *open_names(pyr_context *context)
{
	char reference[PYR_REFERENCE_MAX];
	pyrite_names *names;
	pyr_error err;
	snprintf(reference, sizeof reference, "pyr:pyrite.nameserver@%s", endpoint);
	check(pyrite_names__open(context, reference, NULL, &names, &err), &err, "open");
	return names;
}

static pyr_status register_one(client *c, pyrite_names *names, size_t at, pyr_error *err)
{
	char name[32], reference[64], *references[] = {reference};
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	make_name(c->number, at, name, sizeof name);
	make_reference(name, reference, sizeof reference);
	request.name = name;
	request.references = references;
	request.n_references = 1;
	pyr_status status = pyrite_names_register(names, &request, &reply, err);
	if (status == PYR_OK)
		pyrite__register_reply__free_unpacked(reply, NULL);
	return status;
}

static pyr_status remove_one(client *c, pyrite_names *names, size_t at, pyr_error *err)
{
	char name[32];
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	make_name(c->number, at, name, sizeof name);
	request.name = name;
	pyr_status status = pyrite_names_remove(names, &request, &reply, err);
	if (status == PYR_OK)
		pyrite__remove_reply__free_unpacked(reply, NULL);
	return status;
}

/* What one change has come to; false if the server was away. */
static bool note(client *c, size_t at, pyr_status status, const pyr_error *err, fate wanted)
{
	if (status == PYR_OK) {
		c->fates[at] = (uint8_t)wanted;
		atomic_fetch_add(&acknowledged, 1);
		return true;
	}
	if (status != PYR_UNAVAILABLE)
		fail("client %d, name %zu: %s: %s", c->number, at, pyr_status_name(status),
			err->message);
	if (wanted == GONE && err->executed == PYR_EXECUTED_NO)
		c->fates[at] = THERE; /* as before */
	return false;
}

/* Registers one name after the other, and removes every fifth again. */
static void *run_client(void *arg)
{
	client *c = arg;
	pyr_context *context;
	pyr_error err;
	check(pyr_context_new(NULL, &context, &err), &err, "context");
	pyrite_names *names = open_names(context);
	while (!atomic_load(&stopping) && c->count < NAMES_MAX) {
		size_t at = c->count++;
		bool there = note(c, at, register_one(c, names, at, &err), &err, THERE);
		if (there && at % 5 == 4) {
			c->fates[at] = UNTOLD;
			there = note(c, at, remove_one(c, names, at, &err), &err, GONE);
		}
		if (!there)
			pause_us(5000);
	}
	pyrite_names__close(names);
	pyr_context_free(context);
	return NULL;
}

/* The server */

/* Starts it and waits until it is ready. */
static pid_t start_server(void)
{
	int ends[2];
	pid_t pid;
	char text[4096];
	size_t size = 0;
	char *const argv[] = {(char *)pyrite, "ns", "--listen", endpoint, "--store", store, NULL};
	posix_spawn_file_actions_t actions;
	if (pipe(ends))
		fail("pipe: %s", strerror(errno));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	if (posix_spawn(&pid, pyrite, &actions, NULL, argv, environ))
		fail("cannot start %s", pyrite);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	for (;;) {
		ssize_t got = read(ends[0], text + size, sizeof text - 1 - size);
		if (got <= 0)
			fail("the name server did not start");
		size += (size_t)got;
		text[size] = '\0';
		if (strstr(text, "ready\n"))
			break;
	}
	close(ends[0]);
	return pid;
}

static void kill_server(pid_t pid)
{
	int status;
	kill(pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid || !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail("the name server ended by itself, with %x", (unsigned)status);
}

static long random_below(long limit)
{
	uint32_t number;
	if (getrandom(&number, sizeof number, 0) != sizeof number)
		fail("getrandom");
	return (long)(number % (uint32_t)limit);
}

/* Daemons that publish */

static void tell_nothing(void *self, pyr_call *call, const Pyrite__CountRequest *request)
{
	(void)self;
	(void)request;
	pyr_call_fail(call, PYR_UNIMPLEMENTED, "it is for its name only");
}

static const pyrite_names_ops ops = {.count = tell_nothing};

static void on_lost(void *ctx, const char *name, const pyr_error *err)
{
	(void)ctx;
	fail("the daemon lost its name %s: %s", name, err->message);
}

static void start_daemons(pyr_daemon **daemons)
{
	for (int i = 0; i < DAEMONS; i++) {
		char name[32];
		pyr_error err;
		pyr_publish_options options = PYR_PUBLISH_OPTIONS_INIT;
		options.name_server = endpoint;
		options.ttl_ms = 2000;
		options.on_lost = on_lost;
		snprintf(name, sizeof name, "daemon%d", i);
		check(pyr_daemon_new(NULL, &daemons[i], &err), &err, "daemon");
		check(pyrite_names__serve(daemons[i], "object", &ops, NULL, &err), &err, "serve");
		check(pyr_daemon_listen(daemons[i], "127.0.0.1:0", NULL, &err), &err, "listen");
		check(pyr_daemon_start(daemons[i], &err), &err, "start");
		check(pyr_daemon_publish(daemons[i], "object", name, &options, &err), &err,
			"publish");
	}
}

static void await_daemons(pyrite_names *names)
{
	for (int i = 0; i < DAEMONS; i++) {
		char name[32];
		pyr_error err;
		Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
		Pyrite__LookupReply *reply;
		snprintf(name, sizeof name, "daemon%d", i);
		request.name = name;
		request.wait_ms = 10000;
		check(pyrite_names_lookup(names, &request, &reply, &err), &err, name);
		pyrite__lookup_reply__free_unpacked(reply, NULL);
	}
}

/* Comparing */

/* Who has been seen in a listing. */
static uint8_t seen[CLIENTS][NAMES_MAX];

static void see(const char *witness, const char *name, const char *reference)
{
	int number, end = 0;
	size_t at;
	char wanted[64];
	if (sscanf(name, "client%2d.%6zu%n", &number, &at, &end) != 2 || name[end])
		return; /* a daemon's, or the name server's own */
	make_reference(name, wanted, sizeof wanted);
	if (number >= CLIENTS || at >= clients[number].count)
		fail("%s: nobody has asked for %s", witness, name);
	if (strcmp(reference, wanted) != 0)
		fail("%s: %s leads to %s", witness, name, reference);
	if (seen[number][at]++)
		fail("%s: %s is there twice", witness, name);
}

static size_t compare_fates(const char *witness)
{
	size_t compared = 0;
	for (int number = 0; number < CLIENTS; number++) {
		const client *c = &clients[number];
		for (size_t at = 0; at < c->count; at++) {
			bool there = seen[number][at] != 0;
			if (c->fates[at] != UNTOLD && there != (c->fates[at] == THERE))
				fail("%s: client%02d.%06zu, which was acknowledged, is %s", witness,
					number, at, there ? "there again" : "lost");
			compared += c->fates[at] != UNTOLD;
		}
	}
	memset(seen, 0, sizeof seen);
	return compared;
}

static size_t compare_list(pyrite_names *names)
{
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	char *token = strdup("");
	do {
		Pyrite__ListReply *reply;
		pyr_error err;
		request.page_token = token;
		check(pyrite_names_list(names, &request, &reply, &err), &err, "list");
		for (size_t i = 0; i < reply->n_names; i++)
			see("the name server", reply->names[i]->name,
				reply->names[i]->holders[0]->references[0]);
		free(token);
		token = strdup(reply->next_page_token);
		pyrite__list_reply__free_unpacked(reply, NULL);
	} while (*token);
	free(token);
	return compare_fates("the name server");
}

/* A line is NAME|LEASE <tab> OWNER <tab> REFERENCE, and the newline within ends it too early. */
static void compare_file(void)
{
	char command[400], line[400];
	snprintf(command, sizeof command,
		"%s -readonly %s \"PRAGMA integrity_check; SELECT name, holders FROM names\"",
		sqlite3, store);
	FILE *output = popen(command, "r");
	if (!output || !fgets(line, sizeof line, output) || strcmp(line, "ok\n") != 0)
		fail("sqlite3: the file is damaged: %s", line);
	while (fgets(line, sizeof line, output)) {
		char *bar = strchr(line, '|'), *last = strrchr(line, '\t');
		if (!bar || !last)
			continue;
		*bar = '\0';
		last[strcspn(last, "\n")] = '\0';
		see("sqlite3", line, last + 1);
	}
	if (pclose(output) != 0)
		fail("sqlite3 failed");
	compare_fates("sqlite3");
}

static void remove_files(void)
{
	static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		char file[128];
		snprintf(file, sizeof file, "%s%s", store, ends[i]);
		unlink(file);
	}
}

static void let_live(void)
{
	size_t until = atomic_load(&acknowledged) + (size_t)random_below(LIFE_CHANGES_MAX);
	for (int waited_ms = 0; atomic_load(&acknowledged) < until; waited_ms++) {
		if (waited_ms == PATIENCE_MS)
			fail("nothing goes on");
		pause_us(1000);
	}
	pause_us(random_below(LIFE_US_MAX));
}

static void run_rounds(int rounds)
{
	for (int i = 0; i < CLIENTS; i++) {
		clients[i].number = i;
		if (pthread_create(&clients[i].thread, NULL, run_client, &clients[i]))
			fail("cannot start a thread");
	}
	for (int round = 0; round < rounds; round++) {
		pid_t pid = start_server();
		let_live();
		kill_server(pid);
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "\r%d of %d", round + 1, rounds);
	}
	atomic_store(&stopping, true);
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(clients[i].thread, NULL);
}

int main(int argc, char **argv)
{
	if (argc != 4 || !mkdtemp(directory))
		fail("usage: crash PYRITE SQLITE3 ROUNDS");
	pyrite = argv[1];
	sqlite3 = argv[2];
	int rounds = atoi(argv[3]);
	snprintf(endpoint, sizeof endpoint, "unix:%s/socket", directory);
	snprintf(store, sizeof store, "%s/names.db", directory);

	pyr_daemon *daemons[DAEMONS];
	pid_t pid = start_server();
	start_daemons(daemons);
	kill_server(pid);
	run_rounds(rounds);
	compare_file();

	pyrite_names *names = open_names(NULL);
	pid = start_server();
	size_t compared = compare_list(names), asked = 0;
	await_daemons(names);
	kill_server(pid);
	remove_files(); /* all is forgotten, but by the daemons */
	pid = start_server();
	await_daemons(names);
	for (int i = 0; i < DAEMONS; i++)
		pyr_daemon_free(daemons[i]);
	pyrite_names__close(names);
	kill_server(pid);

	for (int i = 0; i < CLIENTS; i++)
		asked += clients[i].count;
	printf("%d kills; %zu changes acknowledged; %zu of %zu keys compared twice\n", rounds,
		atomic_load(&acknowledged), compared, asked);
	fflush(stdout);
	if (atomic_load(&acknowledged) < (size_t)rounds * LIFE_CHANGES_MAX / 4)
		fail("too few to mean much");
	remove_files();
	unlink(endpoint + strlen("unix:"));
	rmdir(directory);
	return 0;
}
