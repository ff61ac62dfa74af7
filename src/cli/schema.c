/* SPDX-License-Identifier: Apache-2.0 */
/* Getting descriptors, from a server or through protoc, and options for calls. */
#include "schema.h"

#include <errno.h>
#include <libgen.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SET_BYTES_MAX (16u << 20)

extern char **environ;

static void cannot(const char *what, pyr_error *err)
{
	pyr_error_set(err, PYR_FAILED_PRECONDITION, "%s: %s", what, strerror(errno));
}

/* protoc's arguments: its name, -I..., where the set goes, the files. */
static char **protoc_arguments(const schema_options *options, const char *out)
{
	size_t count = 0;
	char **argv = calloc(options->protos.count * 2 + options->imports.count + 5, sizeof *argv);
	if (!argv)
		return NULL;
	argv[count++] = strdup("protoc");
	argv[count++] = strdup("--include_imports");
	if (asprintf(&argv[count++], "--descriptor_set_out=%s", out) < 0)
		abort();
	for (size_t i = 0; i < options->imports.count; i++)
		if (asprintf(&argv[count++], "-I%s", options->imports.texts[i]) < 0)
			abort();
	for (size_t i = 0; i < options->protos.count && !options->imports.count; i++) {
		char *path = strdup(options->protos.texts[i]);
		if (!path || asprintf(&argv[count++], "-I%s", dirname(path)) < 0)
			abort();
		free(path);
	}
	for (size_t i = 0; i < options->protos.count; i++)
		argv[count++] = strdup(options->protos.texts[i]);
	return argv;
}

/* protoc's own complaints go to stderr. */
static pyr_status run_protoc(char **argv, pyr_error *err)
{
	pid_t pid;
	int state;
	errno = posix_spawnp(&pid, "protoc", NULL, NULL, argv, environ);
	if (errno) {
		cannot("cannot run protoc (package protobuf-compiler)", err);
		return PYR_FAILED_PRECONDITION;
	}
	while (waitpid(pid, &state, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(state) && WEXITSTATUS(state) == 0)
		return PYR_OK;
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "protoc did not take the .proto files");
}

static pyr_status add_set_file(pyr_pool *pool, const char *path, pyr_error *err)
{
	FILE *file = fopen(path, "rb");
	char *data = malloc(SET_BYTES_MAX);
	pyr_status status = PYR_FAILED_PRECONDITION;
	if (!file || !data) {
		cannot("cannot read what protoc wrote", err);
	} else {
		size_t size = fread(data, 1, SET_BYTES_MAX, file);
		status = pyr_pool_add_set(pool, data, size, err);
	}
	free(data);
	if (file)
		fclose(file);
	return status;
}

static pyr_status compile(pyr_pool *pool, const schema_options *options, pyr_error *err)
{
	char path[] = "/tmp/pyrite-set-XXXXXX";
	int fd = mkstemp(path);
	if (fd < 0) {
		cannot("cannot make a file in /tmp", err);
		return PYR_FAILED_PRECONDITION;
	}
	close(fd);
	char **argv = protoc_arguments(options, path);
	pyr_status status = argv ? run_protoc(argv, err) : PYR_RESOURCE_EXHAUSTED;
	if (status == PYR_OK)
		status = add_set_file(pool, path, err);
	for (size_t i = 0; argv && argv[i]; i++)
		free(argv[i]);
	free(argv);
	unlink(path);
	return status;
}

static int add_metadata(schema *s, const cli_command *command, const option_texts *pairs)
{
	pyr_error err;
	s->metadata = pyr_metadata_new();
	for (size_t i = 0; i < pairs->count; i++) {
		const char *pair = pairs->texts[i], *equals = strchr(pair, '=');
		if (!equals)
			return cli_usage(command, "--metadata takes K=V, not '%s'", pair);
		char *key = strndup(pair, (size_t)(equals - pair));
		size_t size = key ? strlen(key) : 0;
		bool binary = size > 4 && strcmp(key + size - 4, "-bin") == 0;
		pyr_status status = binary ? pyr_metadata_add_bytes(s->metadata, key, equals + 1,
						     strlen(equals + 1), &err)
					   : pyr_metadata_add(s->metadata, key, equals + 1, &err);
		free(key);
		if (status)
			return cli_usage(command, "--metadata %s: %s", pair, err.message);
	}
	return CLI_DONE;
}

int schema_get(schema *s, const cli_command *command, const schema_options *options,
	const char *reference, const char *symbol)
{
	pyr_error err;
	memset(s, 0, sizeof *s);
	int result = add_metadata(s, command, &options->metadata);
	if (result != CLI_DONE)
		return result;
	s->options = (pyr_proxy_options)PYR_PROXY_OPTIONS_INIT;
	s->options.metadata = s->metadata;
	if (options->timeout > 0)
		s->options.timeout_ms = options->timeout < 0.001 ? 1
					: options->timeout > 4e6
						? PYR_TIMEOUT_NONE
						: (uint32_t)(options->timeout * 1000);
	s->pool = pyr_pool_new(NULL);
	if (pyr_context_new(NULL, &s->context, &err))
		return cli_fail(&err);
	if (options->protos.count)
		return compile(s->pool, options, &err) ? cli_fail(&err) : CLI_DONE;
	pyr_proxy_options asking = s->options;
	if (!asking.timeout_ms)
		asking.timeout_ms = PYR_TIMEOUT_DEFAULT_MS;
	if (pyr_pool_ask(s->pool, s->context, reference, &asking, symbol, &s->interfaces, &err) ==
		PYR_OK)
		return CLI_DONE;
	cli_fail(&err);
	if (err.status == PYR_UNIMPLEMENTED)
		fprintf(stderr, "  the server has no reflection: give its .proto files with "
				"--proto\n");
	return CLI_FAILED;
}

void schema_done(schema *s)
{
	pyr_context_free(s->context);
	pyr_pool_free(s->pool);
	pyr_metadata_free(s->metadata);
	free(s->interfaces);
}

void schema_options_done(schema_options *options)
{
	free(options->protos.texts);
	free(options->imports.texts);
	free(options->metadata.texts);
}

bool schema_is_common(const pyr_interface *interface)
{
	return strncmp(interface->name, "grpc.", 5) == 0 ||
	       strcmp(interface->name, "pyrite.Daemon") == 0 ||
	       strcmp(interface->name, "pyrite.Batch") == 0;
}
