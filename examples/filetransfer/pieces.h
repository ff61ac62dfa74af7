/* SPDX-License-Identifier: Apache-2.0 */
/* A file in pieces, as both sides send and receive it; never more than a piece is in memory. */
#ifndef PIECES_H
#define PIECES_H

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "crc32.h"
#include "filetransfer.pyr.h"

#define PIECE_MAX 65536

/* Hands on a piece: it waits while the other side does not read. */
typedef pyr_status (*send_fn)(void *ctx, const Demo__Piece *piece, pyr_error *err);

/* So much of the whole is done. */
typedef void (*progress_fn)(void *ctx, uint64_t done, uint64_t size);

static inline pyr_status send_head(
	FILE *file, char *name, uint64_t *ret_size, send_fn send, void *ctx, pyr_error *err)
{
	Demo__Piece piece = DEMO__PIECE__INIT;
	Demo__Head head = DEMO__HEAD__INIT;
	struct stat about;
	if (fstat(fileno(file), &about) || !S_ISREG(about.st_mode))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%s is no plain file", name);
	*ret_size = (uint64_t)about.st_size;
	head.name = name;
	head.size = *ret_size;
	piece.part_case = DEMO__PIECE__PART_HEAD;
	piece.head = &head;
	return send(ctx, &piece, err);
}

/* All of the file; progress may be NULL. */
static inline pyr_status send_file(
	FILE *file, char *name, send_fn send, progress_fn progress, void *ctx, pyr_error *err)
{
	uint8_t data[PIECE_MAX];
	Demo__Piece piece = DEMO__PIECE__INIT;
	uint64_t size = 0, done = 0;
	uint32_t checksum = 0;
	size_t got;
	pyr_status status = send_head(file, name, &size, send, ctx, err);
	piece.part_case = DEMO__PIECE__PART_DATA;
	while (status == PYR_OK && (got = fread(data, 1, sizeof data, file)) > 0) {
		checksum = crc32(checksum, data, got);
		piece.data = (ProtobufCBinaryData){got, data};
		status = send(ctx, &piece, err);
		done += got;
		if (progress)
			progress(ctx, done, size);
	}
	if (status)
		return status;
	if (ferror(file))
		return pyr_error_set(err, PYR_DATA_LOSS, "%s cannot be read", name);
	piece.part_case = DEMO__PIECE__PART_CHECKSUM;
	piece.checksum = checksum;
	return send(ctx, &piece, err);
}

/* What has come of a file. */
typedef struct arrival {
	FILE *file; /* where it goes */
	uint64_t size, done;
	uint32_t checksum;
	bool whole; /* the last piece has come, and all is well */
} arrival;

static inline pyr_status arrival_take(arrival *a, const Demo__Piece *piece, pyr_error *err)
{
	if (a->whole)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "there is more after the end");
	switch (piece->part_case) {
	case DEMO__PIECE__PART_HEAD:
		a->size = piece->head->size;
		return PYR_OK;
	case DEMO__PIECE__PART_DATA:
		a->checksum = crc32(a->checksum, piece->data.data, piece->data.len);
		a->done += piece->data.len;
		if (a->done > a->size)
			return pyr_error_set(err, PYR_DATA_LOSS, "there is more than was said");
		if (fwrite(piece->data.data, 1, piece->data.len, a->file) < piece->data.len)
			return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
				"the file cannot be written: %s", strerror(errno));
		return PYR_OK;
	case DEMO__PIECE__PART_CHECKSUM:
		a->whole = a->done == a->size && a->checksum == piece->checksum;
		if (!a->whole)
			return pyr_error_set(err, PYR_DATA_LOSS,
				"%llu of %llu bytes came, with checksum %08x, not %08x",
				(unsigned long long)a->done, (unsigned long long)a->size,
				a->checksum, piece->checksum);
		return PYR_OK;
	default:
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "an empty piece");
	}
}

/* After the last piece: gives the file its name if it is whole, else removes it. */
static inline pyr_status arrival_finish(
	arrival *a, const char *temporary, const char *path, pyr_error *err)
{
	bool written = fclose(a->file) == 0;
	if (a->whole && written && rename(temporary, path) == 0)
		return PYR_OK;
	int why = errno;
	remove(temporary);
	return a->whole ? pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s cannot be written: %s",
				  path, strerror(why))
			: pyr_error_set(err, PYR_DATA_LOSS, "the file has come in part");
}

#endif
