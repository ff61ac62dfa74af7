/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: filetransfer-server FOLDER
 * Files to get and to put. Each call has one of the pool's workers to itself, so it may wait: for
 * the disk, for the client to read, for the next piece.
 */
#include <stdlib.h>
#include <unistd.h>
#include "pieces.h"

#define PATH_BYTES 4096

/* A client names a file of the folder, and nothing else of the machine. */
static bool path_of(const char *folder, const char *name, char *path)
{
	return *name && *name != '.' && !strchr(name, '/') && strlen(name) < 200 &&
	       snprintf(path, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES;
}

static pyr_status bad_name(const char *name, pyr_error *err)
{
	return pyr_error_set(err, PYR_INVALID_ARGUMENT,
		"'%s' is no name of a file here: no slash, no dot in front", name);
}

static pyr_status send_piece(void *ctx, const Demo__Piece *piece, pyr_error *err)
{
	return demo_files_get__send_reply(ctx, piece, err); /* a worker waits for the client */
}

static void get(void *self, pyr_call *call, const Demo__GetRequest *request)
{
	char path[PATH_BYTES];
	pyr_error err;
	if (!path_of(self, request->name, path)) {
		bad_name(request->name, &err);
		pyr_call_fail_error(call, &err, NULL, 0);
		return;
	}
	FILE *file = fopen(path, "rb");
	if (!file) {
		pyr_call_fail(call, PYR_NOT_FOUND, "there is no file %s", request->name);
		return;
	}
	if (send_file(file, request->name, send_piece, NULL, call, &err))
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		pyr_call_end(call);
	fclose(file);
}

/* Takes all that follows the head into a temporary file, which then gets the file's name. */
static pyr_status receive(
	pyr_call *call, const char *folder, const char *path, arrival *a, pyr_error *err)
{
	char temporary[PATH_BYTES];
	const Demo__Piece *piece; /* the call's, until the next one */
	pyr_status status = PYR_OK;
	snprintf(temporary, sizeof temporary, "%s/.put-XXXXXX", folder);
	int fd = mkstemp(temporary);
	a->file = fd < 0 ? NULL : fdopen(fd, "wb");
	if (!a->file)
		return pyr_error_set(err, PYR_INTERNAL, "%s: %s", folder, strerror(errno));
	while (status == PYR_OK) {
		status = demo_files_put__next_request(call, &piece, err);
		if (status || !piece)
			break;
		status = arrival_take(a, piece, err);
	}
	a->whole = a->whole && status == PYR_OK;
	pyr_status finished = arrival_finish(a, temporary, path, status ? NULL : err);
	return status ? status : finished;
}

static void put(void *self, pyr_call *call)
{
	char path[PATH_BYTES];
	const Demo__Piece *first;
	Demo__Receipt receipt = DEMO__RECEIPT__INIT;
	arrival a = {.file = NULL};
	pyr_error err;
	pyr_status status = demo_files_put__next_request(call, &first, &err);
	if (status == PYR_OK && (!first || first->part_case != DEMO__PIECE__PART_HEAD))
		status = pyr_error_set(&err, PYR_INVALID_ARGUMENT, "the first piece is no head");
	if (status == PYR_OK && !path_of(self, first->head->name, path))
		status = bad_name(first->head->name, &err);
	if (status == PYR_OK)
		status = arrival_take(&a, first, &err);
	if (status == PYR_OK)
		status = receive(call, self, path, &a, &err);
	if (status) {
		pyr_call_fail_error(call, &err, NULL, 0);
		return;
	}
	receipt.size = a.done;
	demo_files_put__reply(call, &receipt);
}

int main(int argc, char **argv)
{
	static const demo_files_ops ops = {.get = get, .put = put};
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	if (argc != 2)
		return fprintf(stderr, "usage: filetransfer-server FOLDER\n"), 2;
	options.workers = 4; /* so many transfers at once; others wait for their turn */
	bool failed = pyr_daemon_new(&options, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_files__serve(daemon, "files", &ops, argv[1], &err) ||
		      pyr_daemon_publish(daemon, "files", "example.files", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
