/* SPDX-License-Identifier: Apache-2.0 */
/* What a session sends: frames into one flat buffer, which the owner takes bytes from. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "codec/encode.h"
#include "native/session_private.h"

#define METHOD_TABLE_SIZE 2048u /* twice the methods a peer can be sent by number */
#define METHODS_SENT_MAX  1024u
#define QUEUE_SLACK       (64u << 10) /* what ends calls, and the connection, always has room */

uint8_t *pyr__session_room(pyr__session *s, size_t size)
{
	if (s->out_at == s->out_size)
		s->out_at = s->out_size = 0;
	if (s->out_room - s->out_size < size && s->out_at > s->out_size / 2) {
		memmove(s->out, s->out + s->out_at, s->out_size - s->out_at);
		s->out_size -= s->out_at;
		s->out_at = 0;
	}
	if (s->out_room - s->out_size < size) {
		size_t room = s->out_room ? s->out_room : 512;
		while (room - s->out_size < size)
			room *= 2;
		s->out = pyr__realloc(s->out, room);
		s->out_room = room;
	}
	uint8_t *at = s->out + s->out_size;
	s->out_size += size;
	return at;
}

int pyr__session_output(pyr__session *s, struct iovec *vectors, int max)
{
	if (s->out_at == s->out_size || max < 1)
		return 0;
	vectors[0].iov_base = s->out + s->out_at;
	vectors[0].iov_len = s->out_size - s->out_at;
	return 1;
}

void pyr__session_sent(pyr__session *s, size_t size)
{
	s->out_at += size;
	s->out_sent += size;
	if (s->out_at == s->out_size) {
		s->out_at = s->out_size = 0;
		if (s->out_room > 2 * QUEUE_SLACK && s->out_room > 8u << 20) {
			free(s->out);
			s->out = NULL;
			s->out_room = 0;
		}
	}
}

size_t pyr__session_queued(const pyr__session *s)
{
	return s->out_size - s->out_at;
}

void pyr__session_put_frame(pyr__session *s, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *fields, size_t size)
{
	uint8_t *at = pyr__session_room(s, PYR__FRAME_HEADER + size);
	pyr__frame_store(at, (uint32_t)size, type, flags, stream);
	if (size)
		memcpy(at + PYR__FRAME_HEADER, fields, size);
}

void pyr__session_put_hello(pyr__session *s)
{
	uint8_t fields[128], *at = fields;
	const pyr__session_config *c = &s->config;
	at = pyr__put_u32(
		at, PYR__HELLO_VERSIONS | PYR__CRITICAL, PYR__VERSION_MIN | PYR__VERSION_MAX << 16);
	at = pyr__put_field(at, PYR__HELLO_ID, c->id, sizeof c->id);
	at = pyr__put_u32(at, PYR__HELLO_MESSAGE_MAX, c->message_max);
	at = pyr__put_u32(at, PYR__HELLO_METADATA_MAX, c->metadata_max);
	at = pyr__put_u32(at, PYR__HELLO_STREAMS_MAX, c->streams_max);
	at = pyr__put_u32(at, PYR__HELLO_METHODS_MAX, c->methods_max);
	pyr__session_put_frame(s, PYR__FRAME_HELLO, 0, 0, fields, (size_t)(at - fields));
	s->hello_sent = true;
}

void pyr__session_put_goaway(pyr__session *s, uint8_t flags, pyr_status status, const char *reason)
{
	uint8_t fields[32 + PYR_ERROR_MESSAGE_MAX], *at = fields;
	size_t size = strnlen(reason, PYR_ERROR_MESSAGE_MAX - 1);
	at = pyr__put_u32(at, PYR__GOAWAY_TAKEN, s->calls_taken);
	at = pyr__put_u8(at, PYR__GOAWAY_STATUS, (uint8_t)status);
	at = pyr__put_text(at, PYR__GOAWAY_REASON, (pyr__text){reason, size});
	pyr__session_put_frame(s, PYR__FRAME_GOAWAY, flags, 0, fields, (size_t)(at - fields));
}

static void put_body(uint8_t *to, const pyr__body *body)
{
	if (!body->size)
		return;
	if (body->raw)
		memcpy(to, body->raw, body->size);
	else
		pyr__encode(body->message, to, body->size);
}

/* A message that does not fit one frame: MESSAGE frames, the last with `flags`. */
static void put_fragments(
	pyr__session *s, uint32_t stream, const uint8_t *data, size_t size, uint8_t flags)
{
	while (size > 0) {
		size_t part = size < PYR__FRAGMENT_MAX ? size : PYR__FRAGMENT_MAX;
		size -= part;
		uint8_t more = size ? PYR__MORE : flags;
		pyr__session_put_frame(
			s, PYR__FRAME_MESSAGE, PYR__MSG | PYR__CONT | more, stream, data, part);
		data += part;
	}
}

/*
 * A frame with fields and a message behind them. Fields are preceded by their size. A long message
 * goes on in further frames; its size then is in front of its first part.
 */
static void put_with_body(pyr__session *s, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *fields, size_t fields_size, const pyr__body *body)
{
	bool has_fields = type != PYR__FRAME_MESSAGE;
	size_t head = has_fields ? 2 + fields_size : 0;
	size_t size = body ? body->size : 0;
	bool whole = head + size <= PYR__FRAME_MAX;
	size_t length = whole ? head + size : head + 4;
	uint8_t *at = pyr__session_room(s, PYR__FRAME_HEADER + length);
	uint8_t first = whole ? flags : (uint8_t)((flags & ~PYR__END) | PYR__MORE);
	pyr__frame_store(
		at, (uint32_t)length, type, (uint8_t)(first | (body ? PYR__MSG : 0)), stream);
	at += PYR__FRAME_HEADER;
	if (has_fields) {
		pyr__store16(at, (uint16_t)fields_size);
		memcpy(at + 2, fields, fields_size);
		at += head;
	}
	if (whole) {
		if (body)
			put_body(at, body);
		return;
	}
	pyr__store32(at, (uint32_t)size);
	uint8_t *packed = pyr__alloc(size);
	put_body(packed, body);
	put_fragments(s, stream, packed, size, flags & PYR__END);
	free(packed);
}

static pyr_status refuse(pyr_error *err, pyr_status status, const char *what)
{
	pyr_error_set(err, status, "%s", what);
	if (err)
		err->executed = PYR_EXECUTED_NO;
	return status;
}

static bool queue_has_room(const pyr__session *s, size_t size)
{
	return pyr__session_queued(s) + size <= s->config.queue_max;
}

/* Whether a call can be made at all. */
static pyr_status check_call(
	const pyr__session *s, const pyr__head *head, const pyr__body *body, pyr_error *err)
{
	size_t size = body ? body->size : 0;
	if (s->closing || s->going)
		return refuse(err, PYR_UNAVAILABLE,
			s->reason[0] ? s->reason : "the peer takes no new calls");
	if (size > s->peer_message_max) {
		pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the message has %zu bytes, the peer takes %u", size, s->peer_message_max);
		if (err)
			err->executed = PYR_EXECUTED_NO;
		return PYR_RESOURCE_EXHAUSTED;
	}
	if (head->metadata.size > s->peer_metadata_max)
		return refuse(
			err, PYR_RESOURCE_EXHAUSTED, "the metadata is longer than the peer takes");
	if (head->method.size > PYR__METHOD_MAX || head->object.size > PYR__OBJECT_MAX)
		return refuse(
			err, PYR_INVALID_ARGUMENT, "the method's name or object id is too long");
	if (!head->oneway && s->ours.open >= s->peer_streams_max)
		return refuse(err, PYR_RESOURCE_EXHAUSTED,
			"as many calls are open as the peer takes at once");
	if (!queue_has_room(s, size))
		return refuse(err, PYR_RESOURCE_EXHAUSTED, "too many bytes wait to be sent");
	return PYR_OK;
}

static void grow_ours(pyr__streams *streams)
{
	uint32_t count = streams->count ? streams->count * 2 : 16;
	streams->at = pyr__realloc(streams->at, count * sizeof *streams->at);
	streams->free_slots =
		pyr__realloc(streams->free_slots, count * sizeof *streams->free_slots);
	memset(streams->at + streams->count, 0, (count - streams->count) * sizeof *streams->at);
	for (uint32_t slot = count; slot-- > streams->count;)
		streams->free_slots[streams->free_count++] = slot;
	streams->count = count;
}

static pyr__stream *open_ours(pyr__session *s)
{
	pyr__streams *streams = &s->ours;
	if (!streams->free_count)
		grow_ours(streams);
	uint32_t slot = streams->free_slots[--streams->free_count];
	pyr__stream *stream = &streams->at[slot];
	uint32_t generation = ((stream->id >> 16) & 0x7fff) + 1;
	if (generation > 0x7fff)
		generation = 1;
	*stream = (pyr__stream){
		.id = (s->config.server ? 0x80000000u : 0) | generation << 16 | slot,
		.open = true,
	};
	streams->open++;
	return stream;
}

/* The slot for a method that is sent by number; *ret_fresh if its name must go along. */
static bool intern(pyr__session *s, const void *key, uint16_t *ret_number, bool *ret_fresh)
{
	if (!key)
		return false;
	if (!s->sent_methods)
		s->sent_methods = pyr__zalloc(METHOD_TABLE_SIZE * sizeof *s->sent_methods);
	uint32_t at = (uint32_t)(((uintptr_t)key >> 4) * 0x9e3779b1u) & (METHOD_TABLE_SIZE - 1);
	while (s->sent_methods[at].key && s->sent_methods[at].key != key)
		at = (at + 1) & (METHOD_TABLE_SIZE - 1);
	pyr__interned *entry = &s->sent_methods[at];
	*ret_fresh = !entry->key;
	if (!entry->key) {
		uint32_t most = s->peer_methods_max < METHODS_SENT_MAX ? s->peer_methods_max
								       : METHODS_SENT_MAX;
		if (s->sent_method_count >= most)
			return false;
		entry->key = key;
		entry->size = s->sent_method_count++;
	}
	*ret_number = (uint16_t)entry->size;
	return true;
}

static uint8_t *put_method(pyr__session *s, uint8_t *at, const pyr__head *head)
{
	uint16_t number;
	bool fresh;
	if (!intern(s, head->method_key, &number, &fresh))
		return pyr__put_text(at, PYR__CALL_NAME | PYR__CRITICAL, head->method);
	if (!fresh)
		return pyr__put_u16(at, PYR__CALL_METHOD | PYR__CRITICAL, number);
	at[0] = PYR__CALL_DEFINITION | PYR__CRITICAL;
	pyr__store16(at + 1, (uint16_t)(2 + head->method.size));
	pyr__store16(at + 3, number);
	memcpy(at + 5, head->method.data, head->method.size);
	return at + 5 + head->method.size;
}

pyr_status pyr__session_call(pyr__session *s, const pyr__head *head, const pyr__body *body,
	bool end, void *user, uint32_t *ret_stream, pyr_error *err)
{
	pyr_status status = check_call(s, head, body, err);
	if (status)
		return status;
	pyr__stream *stream = open_ours(s);
	uint8_t small[2048], *fields = small;
	size_t most = 64 + head->method.size + head->object.size + head->metadata.size;
	if (most > sizeof small)
		fields = pyr__alloc(most);
	uint8_t *at = put_method(s, fields, head);
	at = pyr__put_text(at, PYR__CALL_OBJECT | PYR__CRITICAL, head->object);
	if (head->timeout_us != PYR__TIMEOUT_NONE)
		at = pyr__put_u64(at, PYR__CALL_TIMEOUT, head->timeout_us);
	at = pyr__put_text(at, PYR__CALL_METADATA, head->metadata);
	uint8_t flags = (uint8_t)((end ? PYR__END : 0) | (head->oneway ? PYR__ONEWAY : 0));
	put_with_body(s, PYR__FRAME_CALL, flags, stream->id, fields, (size_t)(at - fields), body);
	if (fields != small)
		free(fields);
	s->calls_made++;
	stream->sent_at = s->out_sent + pyr__session_queued(s);
	stream->user = user;
	*ret_stream = head->oneway ? 0 : stream->id;
	if (head->oneway)
		pyr__stream_close(&s->ours, stream);
	return PYR_OK;
}

static pyr_status gone(pyr_error *err)
{
	return pyr_error_set(err, PYR_CANCELLED, "the call is over");
}

pyr_status pyr__session_send(
	pyr__session *s, uint32_t id, const pyr__body *body, bool end, pyr_error *err)
{
	pyr__stream *stream = pyr__session_find(s, id);
	if (!stream || s->closing || stream->reset)
		return gone(err);
	if (body->size > s->peer_message_max)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"the message has %zu bytes, the peer takes %u", body->size,
			s->peer_message_max);
	if (pyr__session_queued(s) > s->config.stream_window) {
		stream->blocked = s->any_blocked = true;
		pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "the peer does not keep up");
		if (err)
			err->would_block = true;
		return PYR_RESOURCE_EXHAUSTED;
	}
	put_with_body(s, PYR__FRAME_MESSAGE, end ? PYR__END : 0, id, NULL, 0, body);
	return PYR_OK;
}

pyr_status pyr__session_end(pyr__session *s, uint32_t id, pyr_error *err)
{
	pyr__stream *stream = pyr__session_find(s, id);
	if (!stream || s->closing || stream->reset)
		return gone(err);
	pyr__session_put_frame(s, PYR__FRAME_MESSAGE, PYR__END, id, NULL, 0);
	return PYR_OK;
}

pyr_status pyr__session_metadata(pyr__session *s, uint32_t id, pyr__text metadata, pyr_error *err)
{
	if (!pyr__session_find(s, id) || s->closing)
		return gone(err);
	if (metadata.size > s->peer_metadata_max)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "the metadata is longer than the peer takes");
	pyr__session_put_frame(
		s, PYR__FRAME_METADATA, 0, id, (const uint8_t *)metadata.data, metadata.size);
	return PYR_OK;
}

static pyr__text cut(pyr__text text, size_t most)
{
	if (text.size > most)
		text.size = most;
	return text;
}

static void put_final(
	pyr__session *s, pyr__stream *stream, const pyr__final *final, const pyr__body *body)
{
	size_t metadata = final->metadata.size <= s->peer_metadata_max ? final->metadata.size : 0;
	pyr__text details = cut(final->details, PYR__INITIAL_METADATA_MAX);
	uint8_t small[1024], *fields = small;
	size_t most = 64 + PYR_ERROR_MESSAGE_MAX + PYR_ERROR_WHERE_MAX + details.size + metadata;
	if (most > sizeof small)
		fields = pyr__alloc(most);
	uint8_t *at = fields;
	if (final->status != PYR_OK) {
		at = pyr__put_u8(at, PYR__FINAL_STATUS | PYR__CRITICAL, (uint8_t) final->status);
		at = pyr__put_u8(at, PYR__FINAL_EXECUTED, (uint8_t) final->executed);
	}
	at = pyr__put_text(at, PYR__FINAL_MESSAGE, cut(final->message, PYR_ERROR_MESSAGE_MAX - 1));
	at = pyr__put_text(at, PYR__FINAL_WHERE, cut(final->where, PYR_ERROR_WHERE_MAX - 1));
	at = pyr__put_text(at, PYR__FINAL_DETAILS, details);
	at = pyr__put_text(at, PYR__FINAL_METADATA, (pyr__text){final->metadata.data, metadata});
	if (body && 2 + (size_t)(at - fields) + body->size > PYR__FRAME_MAX) {
		/* a long reply goes before its status */
		put_with_body(s, PYR__FRAME_MESSAGE, 0, stream->id, NULL, 0, body);
		body = NULL;
	}
	put_with_body(s, PYR__FRAME_FINAL, 0, stream->id, fields, (size_t)(at - fields), body);
	if (fields != small)
		free(fields);
}

pyr_status pyr__session_finish(pyr__session *s, uint32_t id, const pyr__final *final,
	const pyr__body *body, pyr_error *err)
{
	static const char too_long[] =
		"the reply is longer than the caller takes, or the queue full";
	pyr__stream *stream = pyr__session_find(s, id);
	if (!stream || s->closing)
		return gone(err);
	pyr_status status = PYR_OK;
	pyr__final own;
	if (body && (body->size > s->peer_message_max || !queue_has_room(s, body->size))) {
		own = (pyr__final){
			.status = PYR_RESOURCE_EXHAUSTED,
			.executed = PYR_EXECUTED_YES,
			.message = {too_long, sizeof too_long - 1},
		};
		final = &own;
		body = NULL;
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s", too_long);
	}
	put_final(s, stream, final, body);
	pyr__stream_close(&s->theirs, stream);
	if (pyr__session_queued(s) > (size_t)s->config.queue_max + (1u << 20))
		pyr__session_disconnect(
			s, PYR_RESOURCE_EXHAUSTED, "the peer takes none of its answers");
	return status;
}

void pyr__session_reset(pyr__session *s, uint32_t id)
{
	pyr__stream *stream = pyr__session_find(s, id);
	if (!stream || stream->reset || s->closing || !pyr__session_is_ours(s, id))
		return;
	stream->reset = true;
	pyr__session_put_frame(s, PYR__FRAME_RESET, 0, id, NULL, 0);
}

void pyr__session_ping(pyr__session *s, uint64_t value)
{
	uint8_t bytes[8];
	pyr__store64(bytes, value);
	if (!s->closing)
		pyr__session_put_frame(s, PYR__FRAME_PING, 0, 0, bytes, sizeof bytes);
}

void pyr__session_consumed(pyr__session *s, uint32_t stream, uint32_t cost)
{
	(void)s; /* windows are not enforced yet: see docs/wire-protocol.md */
	(void)stream;
	(void)cost;
}
