/* SPDX-License-Identifier: Apache-2.0 */
/* A process killed with -9 at any moment loses nothing that it has acknowledged. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "leaks.h"
#include "nameserver/index.h"
#include "nameserver/store.h"

#define ROUNDS 30

extern char **environ;

/* A name that a writer has told about. */
typedef struct told {
	ns_leaf leaf;
	enum { THERE, GONE, EITHER } state;
	char name[];
} told;

static told *told_of(ns_index *index, const char *name)
{
	told *t = (told *)ns_index_find(index, name);
	if (!t) {
		t = malloc(sizeof *t + strlen(name) + 1);
		strcpy(t->name, name);
		t->leaf.key = t->name;
		ns_index_add(index, &t->leaf);
	}
	return t;
}

static void free_told(ns_leaf *leaf, void *ctx)
{
	(void)ctx;
	free(leaf);
}

/* Starts the writer with its output on a pipe, whose reading end is returned. */
static int start_writer(const char *path, int round, pid_t *ret_pid)
{
	int ends[2];
	char number[16];
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	snprintf(number, sizeof number, "%d", round);
	char *const argv[] = {(char *)STORE_WRITER, (char *)path, number, NULL};
	posix_spawn_file_actions_t actions;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	cr_assert_eq(posix_spawn(ret_pid, STORE_WRITER, &actions, NULL, argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	fcntl(ends[0], F_SETPIPE_SZ, 1 << 20); /* so that the writer rarely waits for us */
	return ends[0];
}

/* Takes what the writer tells, and kills it `delay_us` after its first word. */
static size_t listen_and_kill(int fd, pid_t pid, long delay_us, ns_index *index)
{
	FILE *output = fdopen(fd, "r");
	char line[64];
	size_t count = 0;
	while (fgets(line, sizeof line, output)) {
		if (count++ == 0) {
			struct timespec delay = {0, delay_us * 1000};
			nanosleep(&delay, NULL);
			kill(pid, SIGKILL);
		}
		if (!strchr(line, '\n'))
			break; /* cut by the kill: not acknowledged */
		*strchr(line, '\n') = '\0';
		if (*line == '?')
			told_of(index, line + 1)->state = EITHER;
		else if (*line == '-')
			told_of(index, line + 1)->state = GONE;
		else
			told_of(index, line)->state = THERE;
	}
	fclose(output);
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the writer failed");
	return count;
}

/* What the sqlite3 program finds in the file. */
static size_t ask_sqlite3(const char *path, ns_index *found)
{
	char command[256], line[256];
	snprintf(command, sizeof command, "%s -readonly %s \"SELECT name, holders FROM names\"",
		SQLITE3_PROGRAM, path);
	FILE *output = popen(command, "r");
	cr_assert(output);
	while (fgets(line, sizeof line, output)) {
		char *bar = strchr(line, '|'), wanted[300];
		if (!bar)
			continue; /* the end of the holders' line */
		*bar = '\0';
		snprintf(wanted, sizeof wanted, "0\t\tpyr:%s@127.0.0.1:1\n", line);
		cr_assert_str_eq(bar + 1, wanted);
		told_of(found, line);
	}
	cr_assert_eq(pclose(output), 0);
	return found->count;
}

static void compare(const char *path, const ns_index *index)
{
	ns_store *store;
	pyr_error err;
	cr_assert_eq(ns_store_open_sqlite(path, NULL, 0, &store, &err), PYR_OK, "%s", err.message);
	size_t names = ns_store_names(store);
	for (ns_leaf *leaf = ns_index_from(index, ""); leaf;
		leaf = ns_index_after(index, leaf->key)) {
		const told *t = (const told *)leaf;
		const ns_record *record = ns_store_lookup(store, t->name);
		if (t->state == EITHER)
			continue;
		cr_assert_eq(record != NULL, t->state == THERE, "%s is %s", t->name,
			record ? "there again" : "lost");
		char reference[64];
		snprintf(reference, sizeof reference, "pyr:%s@127.0.0.1:1", t->name);
		if (record)
			cr_assert_str_eq(record->holders[0].references[0], reference);
	}
	ns_store_close(store);
	ns_index found = {0};
	cr_assert_eq(ask_sqlite3(path, &found), names);
	for (ns_leaf *leaf = ns_index_from(index, ""); leaf;
		leaf = ns_index_after(index, leaf->key))
		if (((const told *)leaf)->state == THERE)
			cr_assert(ns_index_find(&found, leaf->key), "sqlite3 lacks %s", leaf->key);
	ns_index_clear(&found, free_told, NULL);
}

Test(store_crash, loses_nothing_that_was_acknowledged)
{
	char directory[] = "/tmp/pyrite-crash-XXXXXX", path[64], file[80];
	cr_assert(mkdtemp(directory));
	snprintf(path, sizeof path, "%s/names.db", directory);
	ns_index index = {0};
	size_t told_in_all = 0;
	srand(11);
	for (int round = 0; round < ROUNDS; round++) {
		pid_t pid;
		int fd = start_writer(path, round, &pid);
		told_in_all += listen_and_kill(fd, pid, rand() % 20000, &index);
		compare(path, &index);
	}
	cr_log_info("%zu acknowledgements, %zu names", told_in_all, index.count);
	cr_assert(told_in_all > ROUNDS * 10, "only %zu acknowledgements", told_in_all);
	ns_index_clear(&index, free_told, NULL);
	const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		snprintf(file, sizeof file, "%s%s", path, ends[i]);
		unlink(file);
	}
	cr_assert_eq(rmdir(directory), 0);
	CHECK_LEAKS();
}
