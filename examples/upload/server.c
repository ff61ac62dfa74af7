/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes what is uploaded, piece by piece. Each call has one of the pool's workers to itself, so it
 * may simply wait for the next piece; it never holds more than one. While it does not ask, the
 * caller's sends wait.
 */
#include <stdio.h>
#include "checksum.h"
#include "upload.pyr.h"

static void upload(void *self, pyr_call *call)
{
	const Demo__Piece *piece; /* the call's, until the next one */
	Demo__Receipt receipt = DEMO__RECEIPT__INIT;
	pyr_error err;
	pyr_status status;
	(void)self;
	receipt.checksum = CHECKSUM_START;
	while ((status = demo_archive_upload__next_request(call, &piece, &err)) == PYR_OK &&
		piece) {
		receipt.size += piece->data.len;
		receipt.checksum = checksum(receipt.checksum, piece->data.data, piece->data.len);
	}
	if (status) /* the caller is gone, or its deadline has passed */
		pyr_call_fail_error(call, &err, NULL, 0);
	else
		demo_archive_upload__reply(call, &receipt);
}

int main(void)
{
	static const demo_archive_ops ops = {.upload = upload};
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	pyr_daemon *daemon = NULL;
	pyr_error err;
	options.workers = 4; /* so many uploads at once; others wait for their turn */
	bool failed = pyr_daemon_new(&options, &daemon, &err) ||
		      pyr_daemon_stop_on_signals(daemon, 1000, &err) ||
		      pyr_daemon_listen(daemon, "127.0.0.1:0", NULL, &err) ||
		      demo_archive__serve(daemon, "archive", &ops, NULL, &err) ||
		      pyr_daemon_publish(daemon, "archive", "example.archive", NULL, &err) ||
		      pyr_daemon_run(daemon, &err);
	if (failed)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	pyr_daemon_free(daemon);
	return failed;
}
