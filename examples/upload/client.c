/* SPDX-License-Identifier: Apache-2.0 */
/* Uploads 32 MiB, which never are in memory at once: neither here, nor there, nor on the way. */
#include <stdio.h>
#include "checksum.h"
#include "upload.pyr.h"

#define PIECES     512
#define PIECE_SIZE 65536

/* What a file would hold. */
static void fill(uint8_t *data, uint32_t number)
{
	for (uint32_t i = 0; i < PIECE_SIZE; i++)
		data[i] = (uint8_t)(number + i * 7);
}

static pyr_status send_all(pyr_stream *stream, uint32_t *sum, pyr_error *err)
{
	static uint8_t data[PIECE_SIZE];
	Demo__Piece piece = DEMO__PIECE__INIT;
	pyr_status status = PYR_OK;
	piece.data = (ProtobufCBinaryData){sizeof data, data};
	for (uint32_t i = 0; i < PIECES && status == PYR_OK; i++) {
		fill(data, i);
		*sum = checksum(*sum, data, sizeof data);
		/* waits while the other side does not read */
		status = demo_archive_upload__send(stream, &piece, err);
	}
	return status;
}

static pyr_status upload(pyr_stream *stream, pyr_error *err)
{
	const Demo__Receipt *receipt;
	uint32_t sum = CHECKSUM_START;
	pyr_status status = send_all(stream, &sum, err);
	if (status == PYR_OK)
		status = pyr_stream_end(stream, err);
	if (status)
		pyr_stream_cancel(stream); /* unless the other side has ended it: next tells why */
	status = demo_archive_upload__next(stream, &receipt, err);
	if (status == PYR_OK && receipt)
		printf("%llu bytes arrived %s\n", (unsigned long long)receipt->size,
			receipt->checksum == sum ? "unchanged" : "changed");
	return status;
}

int main(void)
{
	demo_archive *archive;
	pyr_stream *stream;
	pyr_error err;
	pyr_status status = demo_archive__open(NULL, "example.archive", NULL, &archive, &err);
	if (status == PYR_OK) {
		status = demo_archive_upload(archive, &stream, &err);
		if (status == PYR_OK) {
			status = upload(stream, &err);
			pyr_stream_close(stream);
		}
		demo_archive__close(archive);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
