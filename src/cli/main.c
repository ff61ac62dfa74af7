/* SPDX-License-Identifier: Apache-2.0 */
/* The program `pyrite`: finds the command and runs it. */
#include <stdio.h>
#include <string.h>
#include "cli.h"

typedef struct entry {
	const char *group; /* NULL: a command of one word */
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} entry;

static const entry entries[] = {
	{NULL, "ns", cli_ns, "run the name server"},
	{"names", "list", cli_names_list, "list names by prefix, regex or tags"},
	{"names", "lookup", cli_names_lookup, "show what a name stands for"},
	{"names", "register", cli_names_register, "give a name to a reference"},
	{"names", "remove", cli_names_remove, "remove names"},
	{"names", "tag", cli_names_tag, "change the tags of a name"},
	{"names", "status", cli_names_status, "show how the name server is"},
	{"names", "watch", cli_names_watch, "print every change of names as it happens"},
	{NULL, "ping", cli_ping, "see whether the daemon behind a reference answers"},
	{NULL, "echo", cli_echo, "run a daemon with an object to try things with"},
	{"bench", "serve", cli_bench_serve, "serve the other side of a measurement"},
	{"bench", "call", cli_bench_call, "measure calls"},
	{NULL, "version", cli_version, "print the version"},
};

#define ENTRY_COUNT (sizeof entries / sizeof entries[0])

static void print_help(FILE *to)
{
	fputs("usage: pyrite COMMAND [OPTION...]\n\n"
	      "Remote objects for C: names, daemons and calls from the command line.\n\n",
		to);
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		char name[32];
		snprintf(name, sizeof name, "%s%s%s", entries[i].group ? entries[i].group : "",
			entries[i].group ? " " : "", entries[i].name);
		fprintf(to, "  %-16s %s\n", name, entries[i].summary);
	}
	fputs("\n'pyrite COMMAND --help' explains a command. PYRITE_NS=HOST:PORT says where the\n"
	      "name server is; without it, it is looked for on this machine.\n\n"
	      "exit status: 0 done, 1 the call failed, 2 wrong usage\n",
		to);
}

static bool is_group(const char *word)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++)
		if (entries[i].group && strcmp(entries[i].group, word) == 0)
			return true;
	return false;
}

static const entry *find(const char *group, const char *name)
{
	for (size_t i = 0; i < ENTRY_COUNT; i++) {
		const entry *e = &entries[i];
		bool same_group = group ? e->group && strcmp(e->group, group) == 0 : !e->group;
		if (same_group && strcmp(e->name, name) == 0)
			return e;
	}
	return NULL;
}

static bool is_help(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int unknown(const char *word)
{
	fprintf(stderr, "pyrite: there is no command '%s'; 'pyrite --help' lists them\n", word);
	return CLI_USAGE;
}

static int run_in_group(const char *group, int argc, char **argv)
{
	if (argc == 0 || is_help(argv[0])) {
		FILE *to = argc == 0 ? stderr : stdout;
		for (size_t i = 0; i < ENTRY_COUNT; i++)
			if (entries[i].group && strcmp(entries[i].group, group) == 0)
				fprintf(to, "  pyrite %s %-10s %s\n", group, entries[i].name,
					entries[i].summary);
		return argc == 0 ? CLI_USAGE : CLI_DONE;
	}
	const entry *e = find(group, argv[0]);
	if (e)
		return e->run(argc, argv);
	fprintf(stderr, "pyrite: there is no command '%s %s'; 'pyrite %s --help' lists them\n",
		group, argv[0], group);
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (is_help(argv[1])) {
		print_help(stdout);
		return CLI_DONE;
	}
	if (strcmp(argv[1], "--version") == 0)
		return cli_version(1, argv + 1);
	if (is_group(argv[1]))
		return run_in_group(argv[1], argc - 2, argv + 2);
	const entry *e = find(NULL, argv[1]);
	return e ? e->run(argc - 1, argv + 1) : unknown(argv[1]);
}
