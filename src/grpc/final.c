/* SPDX-License-Identifier: Apache-2.0 */
/* How a call ended. */
#include "grpc/final.h"

#include <stdio.h>
#include <string.h>
#include "base/metadata.h"

static pyr__text text_of(const char *text)
{
	return (pyr__text){text, strlen(text)};
}

void pyr__final_headers(const pyr__final *final, pyr__headers *headers)
{
	if (final->status == PYR_OK)
		return;
	if (final->details.size)
		pyr__headers_add(headers, PYR__HEADER_DETAILS, final->details);
	if (final->where.size)
		pyr__headers_add(headers, PYR__HEADER_WHERE, final->where);
	if (final->moved.size)
		pyr__headers_add(headers, PYR__HEADER_MOVED, final->moved);
	if (final->executed != PYR_EXECUTED_MAYBE)
		pyr__headers_add(headers, PYR__HEADER_EXECUTED,
			text_of(final->executed == PYR_EXECUTED_NO ? "no" : "yes"));
}

/* Core has no codes for what follows, only words that a message begins with. */
static bool begins_with_any(const pyr__final *final, const char *const *words, size_t count)
{
	if (final->status != PYR_UNAVAILABLE)
		return false;
	for (size_t i = 0; i < count; i++)
		if (final->message.size >= strlen(words[i]) &&
			memcmp(final->message.data, words[i], strlen(words[i])) == 0)
			return true;
	return false;
}

bool pyr__final_is_unconnected(const pyr__final *final)
{
	static const char *const words[] = {
		"failed to connect to", "DNS resolution failed", "empty address list"};
	return begins_with_any(final, words, sizeof words / sizeof words[0]);
}

/* The connection was closed already, so that nothing of the call has been sent. */
static bool is_unsent(const pyr__final *final)
{
	static const char *const words[] = {"Transport closed"};
	return begins_with_any(final, words, 1);
}

/*
 * The server has not looked at it: REFUSED_STREAM, or GOAWAY (RFC 9113, 8.7). One that sends these
 * words itself says the same of its own call.
 */
static bool is_refused(const pyr__final *final)
{
	static const char *const words[] = {
		"Received RST_STREAM with error code 7", "GOAWAY received"};
	return begins_with_any(final, words, sizeof words / sizeof words[0]);
}

bool pyr__final_is_broken(const pyr__final *final)
{
	static const char *const words[] = {"Socket closed",
		"recvmsg:", "sendmsg:", "Connection reset", "Broken pipe", "keepalive watchdog",
		"GOAWAY received"};
	return is_unsent(final) || begins_with_any(final, words, sizeof words / sizeof words[0]);
}

/* "Received message larger than max (SIZE vs. LIMIT)" is said by both ends. */
static bool read_sizes(const pyr__final *final, size_t *ret_size, size_t *ret_limit)
{
	char text[128];
	if (final->message.size >= sizeof text)
		return false;
	memcpy(text, final->message.data, final->message.size);
	text[final->message.size] = '\0';
	return sscanf(text, "Received message larger than max (%zu vs. %zu)", ret_size,
		       ret_limit) == 2;
}

void pyr__final_judge_limit(pyr__final *final, size_t request_size, size_t own_max)
{
	size_t size, limit;
	if (final->executed != PYR_EXECUTED_MAYBE)
		return;
	if (read_sizes(final, &size, &limit) && size != request_size && limit == own_max)
		final->executed = PYR_EXECUTED_YES;
	else if (read_sizes(final, &size, &limit) && size == request_size && limit != own_max)
		final->executed = PYR_EXECUTED_NO;
}

static pyr_executed read_executed(const grpc_metadata_array *trailing, const pyr__final *final)
{
	pyr__text value;
	if (pyr__final_is_unconnected(final) || is_unsent(final) || is_refused(final))
		return PYR_EXECUTED_NO;
	if (!pyr__headers_find(trailing, PYR__HEADER_EXECUTED, &value))
		return PYR_EXECUTED_MAYBE;
	if (value.size == 2 && memcmp(value.data, "no", 2) == 0)
		return PYR_EXECUTED_NO;
	if (value.size == 3 && memcmp(value.data, "yes", 3) == 0)
		return PYR_EXECUTED_YES;
	return PYR_EXECUTED_MAYBE;
}

void pyr__final_read(grpc_status_code code, const grpc_slice *details,
	const grpc_metadata_array *initial, const grpc_metadata_array *trailing,
	pyr__header_block *block, pyr__final *ret_final)
{
	memset(ret_final, 0, sizeof *ret_final);
	memset(block, 0, sizeof *block);
	pyr__header_block_append(block, initial);
	pyr__header_block_append(block, trailing);
	ret_final->metadata = (pyr__text){block->data, block->size};
	ret_final->status = (unsigned)code <= PYR_UNAUTHENTICATED ? (pyr_status)code : PYR_UNKNOWN;
	if (ret_final->status == PYR_OK)
		return;
	ret_final->message = pyr__slice_text(details);
	pyr__headers_find(trailing, PYR__HEADER_WHERE, &ret_final->where);
	pyr__headers_find(trailing, PYR__HEADER_MOVED, &ret_final->moved);
	pyr__headers_find(trailing, PYR__HEADER_DETAILS, &ret_final->details);
	ret_final->executed = read_executed(trailing, ret_final);
}
