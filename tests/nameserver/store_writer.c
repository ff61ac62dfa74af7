/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: store_writer FILE ROUND. Registers names in an SQLite store, in commits of one to 64,
 * until it is killed, and prints each name once it is acknowledged. Every fifth commit also removes
 * an acknowledged name, and prints it with a '-' in front; a removal that was under way when the
 * process was killed was announced by a '?' before.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>
#include "nameserver/store.h"

static const ns_caller anybody = {"", false, false};

static void check(pyr_status status, const pyr_error *err)
{
	if (status) {
		fprintf(stderr, "store_writer: %s\n", err->message);
		exit(1);
	}
}

/* At once, or not at all: a pipe takes up to 4,096 bytes in one piece. */
static void print(const char *text)
{
	size_t size = strlen(text);
	if (write(STDOUT_FILENO, text, size) != (ssize_t)size)
		exit(1);
}

static void register_one(ns_store *store, const char *name)
{
	char reference[64];
	pyr_error err;
	uint64_t revision;
	snprintf(reference, sizeof reference, "pyr:%s@127.0.0.1:1", name);
	const char *const references[] = {reference};
	ns_registration r = {.name = name, .references = references, .reference_count = 1};
	check(ns_store_register(store, &r, &anybody, &revision, &err), &err);
}

static void remove_one(ns_store *store, const char *name)
{
	char line[64];
	pyr_error err;
	ns_removal removal = {.name = name};
	snprintf(line, sizeof line, "?%s\n", name);
	print(line);
	check(ns_store_remove(store, &removal, &anybody, &err), &err);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	pyr_error err;
	ns_store *store;
	check(ns_store_open_sqlite(argv[1], NULL, 0, &store, &err), &err);
	unsigned made = 0;
	srand((unsigned)atoi(argv[2]));
	for (unsigned turn = 1;; turn++) {
		char lines[64 * 40] = "", victim[40] = "";
		unsigned count = 1 + (unsigned)rand() % 64;
		if (turn % 5 == 0 && made > 200) {
			snprintf(victim, sizeof victim, "r%s.n%u", argv[2], turn / 5);
			remove_one(store, victim);
		}
		for (unsigned i = 0; i < count; i++) {
			char name[40];
			snprintf(name, sizeof name, "r%s.n%u", argv[2], made++);
			register_one(store, name);
			strcat(strcat(lines, name), "\n");
		}
		check(ns_store_commit(store, &err), &err);
		if (*victim)
			strcat(strcat(strcat(lines, "-"), victim), "\n");
		print(lines);
	}
}
