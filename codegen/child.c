/* SPDX-License-Identifier: Apache-2.0 */
/* Running protoc-gen-c as a child process. */
#include "child.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/*
 * What to run: PYRITE_PROTOC_GEN_C if it is set, else protoc-gen-c in PATH, else where it was when
 * this program was built.
 */
static int start(pid_t *ret_pid, const posix_spawn_file_actions_t *actions, const char **ret_name)
{
	const char *chosen = getenv("PYRITE_PROTOC_GEN_C");
	char *argv[] = {"protoc-gen-c", NULL};

	*ret_name = chosen && *chosen ? chosen : "protoc-gen-c";
	int failed = posix_spawnp(ret_pid, *ret_name, actions, NULL, argv, environ);

	if (failed == ENOENT && *ret_name != chosen)
		failed = posix_spawnp(ret_pid, PYR_PROTOC_GEN_C, actions, NULL, argv, environ);
	return failed;
}

static bool read_all(int fd, gen_text *out)
{
	char buffer[65536];
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) != 0) {
		if (got > 0)
			gen_text_add(out, buffer, (size_t)got);
		else if (errno != EINTR)
			return false;
	}
	return true;
}

static bool wait_for(pid_t pid, gen_text *error)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR) {
			gen_text_printf(error, "waiting for protoc-gen-c: %s", strerror(errno));
			return false;
		}
	}
	if (WIFSIGNALED(status))
		gen_text_printf(error, "protoc-gen-c crashed with signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) != 0)
		gen_text_printf(error, "protoc-gen-c ended with status %d", WEXITSTATUS(status));
	else
		return true;
	return false;
}

/* input is a file that holds the request: no pipe, so nobody waits for the other to read. */
static bool run(int input, gen_text *response, gen_text *error)
{
	posix_spawn_file_actions_t actions;
	const char *name;
	int output[2];
	pid_t pid;

	if (pipe(output) < 0) {
		gen_text_printf(error, "making a pipe: %s", strerror(errno));
		return false;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
	posix_spawn_file_actions_addclose(&actions, output[0]);
	posix_spawn_file_actions_addclose(&actions, output[1]);
	int failed = start(&pid, &actions, &name);
	posix_spawn_file_actions_destroy(&actions);
	close(output[1]);

	bool good = false;
	if (failed) {
		gen_text_printf(error,
			"cannot run %s (%s): install protobuf-c's compiler (Debian: "
			"protobuf-c-compiler), or set PYRITE_PROTOC_GEN_C to its path",
			name, strerror(failed));
	} else {
		bool all = read_all(output[0], response);

		good = wait_for(pid, error) && all;
	}
	close(output[0]);
	return good;
}

bool gen_child_run(
	void *ctx, const uint8_t *request, size_t size, gen_text *response, gen_text *error)
{
	FILE *input = tmpfile();

	if (!input || (size && fwrite(request, 1, size, input) != size) || fflush(input) != 0) {
		gen_text_printf(error, "writing a temporary file: %s", strerror(errno));
		if (input)
			fclose(input);
		return false;
	}
	rewind(input);
	bool good = run(fileno(input), response, error);
	fclose(input);
	return good;
}
