/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: filetransfer-client get NAME FILE, or put FILE NAME
 * Transfers a file, and shows how far it is, if somebody sits at a terminal.
 */
#include <unistd.h>
#include "pieces.h"

#define PATH_BYTES 4096

/* In place, on stderr; nothing into a pipe or a file. */
static void show_progress(void *ctx, uint64_t done, uint64_t size)
{
	static int shown = -1;
	int percent = size ? (int)(done * 100 / size) : 100;
	(void)ctx;
	if (percent == shown || !isatty(STDERR_FILENO))
		return;
	shown = percent;
	fprintf(stderr, "\r%3d %%%s", percent, done == size ? "\n" : "");
}

/* Getting */

static pyr_status receive(pyr_stream *stream, arrival *a, pyr_error *err)
{
	const Demo__Piece *piece; /* the stream's, until the next one */
	for (;;) {
		pyr_status status = demo_files_get__next(stream, &piece, err);
		if (status || !piece)
			return status;
		status = arrival_take(a, piece, err);
		if (status)
			return status;
		show_progress(NULL, a->done, a->size);
	}
}

static pyr_status get(demo_files *files, char *name, const char *path, pyr_error *err)
{
	char temporary[PATH_BYTES];
	Demo__GetRequest request = DEMO__GET_REQUEST__INIT;
	arrival a = {.file = NULL};
	pyr_stream *stream;
	request.name = name;
	snprintf(temporary, sizeof temporary, "%.4000s.part", path);
	a.file = fopen(temporary, "wb");
	if (!a.file)
		return pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "%s: %s", temporary, strerror(errno));
	pyr_status status = demo_files_get(files, &request, &stream, err);
	if (status == PYR_OK) {
		status = receive(stream, &a, err);
		pyr_stream_close(stream); /* which stops the server, if it is not done */
	}
	a.whole = a.whole && status == PYR_OK;
	pyr_status finished = arrival_finish(&a, temporary, path, status ? NULL : err);
	if (status == PYR_OK && finished == PYR_OK)
		printf("got %s: %llu bytes, checksum %08x\n", name, (unsigned long long)a.done,
			a.checksum);
	return status ? status : finished;
}

/* Putting */

static pyr_status send_piece(void *ctx, const Demo__Piece *piece, pyr_error *err)
{
	return demo_files_put__send(ctx, piece, err); /* waits while the server does not read */
}

static pyr_status put(demo_files *files, const char *path, char *name, pyr_error *err)
{
	const Demo__Receipt *receipt;
	pyr_stream *stream;
	FILE *file = fopen(path, "rb");
	if (!file)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
	pyr_status status = demo_files_put(files, &stream, err);
	if (status) {
		fclose(file);
		return status;
	}
	status = send_file(file, name, send_piece, show_progress, stream, err);
	if (status == PYR_OK)
		status = pyr_stream_end(stream, err);
	/* a server that has ended the stream says why here, and that is what to report */
	if (status)
		pyr_stream_cancel(stream);
	pyr_error ended;
	pyr_status answered = demo_files_put__next(stream, &receipt, &ended);
	if (answered && (status == PYR_OK || ended.status != PYR_CANCELLED)) {
		status = answered;
		*err = ended;
	}
	if (status == PYR_OK && receipt)
		printf("put %s: %llu bytes\n", name, (unsigned long long)receipt->size);
	pyr_stream_close(stream);
	fclose(file);
	return status;
}

int main(int argc, char **argv)
{
	demo_files *files;
	pyr_error err;
	bool gets = argc == 4 && strcmp(argv[1], "get") == 0;
	if (!gets && (argc != 4 || strcmp(argv[1], "put") != 0))
		return fprintf(stderr,
			       "usage: filetransfer-client get NAME FILE | put FILE NAME\n"),
		       2;
	pyr_status status = demo_files__open(NULL, "example.files", NULL, &files, &err);
	if (status == PYR_OK) {
		status = gets ? get(files, argv[2], argv[3], &err)
			      : put(files, argv[2], argv[3], &err);
		demo_files__close(files);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
