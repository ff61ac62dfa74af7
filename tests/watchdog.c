/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends a test that does not end by itself, having shown where each of its threads is, and each of a
 * child's that it waits for. (Criterion 2.4.1 reads --timeout, and does nothing about it.)
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEST_SECONDS   120 /* on a busy machine, with a sanitizer */
#define STACKS_SECONDS 20

static pid_t test;

static void show_stacks(pid_t of)
{
	char number[16];
	snprintf(number, sizeof number, "%ld", (long)of);
	pid_t child = fork();
	if (child == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		execlp("eu-stack", "eu-stack", "-p", number, (char *)NULL);
		_exit(127);
	}
	if (child > 0)
		waitpid(child, NULL, 0);
}

static void show_children(void)
{
	char path[64];
	int child;
	snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
	FILE *file = fopen(path, "r");
	while (file && fscanf(file, "%d", &child) == 1)
		show_stacks(child);
	if (file)
		fclose(file);
}

/* What it calls need not be safe here: a second signal ends the test in any case. */
static void on_alarm(int number)
{
	signal(number, SIG_DFL);
	if (getpid() == test) { /* and not a child with an alarm of its own, which just ends */
		alarm(STACKS_SECONDS);
		fprintf(stderr, "%s::%s has not ended after %d s:\n",
			criterion_current_test->category, criterion_current_test->name,
			TEST_SECONDS);
		prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		show_stacks(test);
		show_children();
	}
	raise(number);
}

/* In a process that runs one test, and not in the one that starts those. */
__attribute__((constructor)) static void watch(void)
{
	if (strcmp(program_invocation_short_name, "boxfort-worker") != 0)
		return;
	test = getpid();
	signal(SIGALRM, on_alarm);
	alarm(TEST_SECONDS);
}
