/* SPDX-License-Identifier: Apache-2.0 */
/* Reads five ticks, then closes the stream, which the server notices. */
#include <stdio.h>
#include "stream.pyr.h"

static pyr_status read_five(pyr_stream *stream, pyr_error *err)
{
	const Demo__Tick *tick; /* the stream's, until the next one */
	for (int i = 0; i < 5; i++) {
		pyr_status status = demo_ticker_watch__next(stream, &tick, err);
		if (status)
			return status;
		if (!tick)
			break; /* the server has ended the stream */
		printf("tick %llu\n", (unsigned long long)tick->number);
	}
	return PYR_OK;
}

int main(void)
{
	demo_ticker *ticker;
	pyr_stream *stream;
	Demo__WatchRequest request = DEMO__WATCH_REQUEST__INIT;
	pyr_error err;
	request.interval_ms = 50;
	pyr_status status = demo_ticker__open(NULL, "example.ticker", NULL, &ticker, &err);
	if (status == PYR_OK) {
		status = demo_ticker_watch(ticker, &request, &stream, &err);
		if (status == PYR_OK) {
			status = read_five(stream, &err);
			pyr_stream_close(stream);
		}
		demo_ticker__close(ticker);
	}
	if (status)
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
	return status != PYR_OK;
}
