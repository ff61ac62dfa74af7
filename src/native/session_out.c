/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of a session sends: calls, messages, answers. */
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/apart.h"
#include "native/session_private.h"

#define METHOD_TABLE_SIZE 2048u /* twice the methods a peer can be sent by number */
#define METHODS_SENT_MAX  1024u

/* What an answer's fields take at most, without details and metadata. */
#define FINAL_LITTLE (64u + PYR_ERROR_MESSAGE_MAX + PYR_ERROR_WHERE_MAX)

/* Frames with a message */

/* What the peer gets to hold. */
static size_t message_size(const pyr__body *body)
{
	return !body ? 0 : body->inflated_size ? body->inflated_size : body->size;
}

static uint32_t cost_of(const pyr__body *body)
{
	return body ? pyr__cost(message_size(body)) : 0;
}

/* Bytes that a message takes in a frame which has all of it. */
static size_t framed_size(const pyr__body *body)
{
	return body ? body->size + (body->inflated_size ? 4 : 0) : 0;
}

static uint8_t message_flags(const pyr__body *body)
{
	return body ? PYR__MSG | (body->inflated_size ? PYR__DEFLATED : 0) : 0;
}

/* As framed_size() says. */
static void put_body(uint8_t *at, const pyr__body *body)
{
	if (body && body->inflated_size) {
		pyr__store32(at, body->inflated_size);
		at += 4;
	}
	if (body)
		pyr__body_write(body, at);
}

/* A long message to be sent in fragments: packed, but for what it lends. */
PYR__APART static pyr__block *pack_apart(const pyr__body *body, pyr__lent *ret_lent)
{
	*ret_lent = pyr__body_lends(body);
	pyr__block *block = pyr__block_new(body->size - ret_lent->size);
	if (block && ret_lent->field)
		pyr__body_write_around(body, ret_lent, block->data);
	else if (block)
		pyr__body_write(body, block->data);
	return block;
}

/* Bytes of a frame that has all of the message, behind fields as of pyr__frame_begin(). */
static size_t whole_size(size_t fields_size, const pyr__body *body)
{
	return PYR__FRAME_HEADER + fields_size + framed_size(body);
}

static void store_whole(uint8_t *at, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *fields, size_t fields_size, const pyr__body *body)
{
	put_body(pyr__frame_begin(at, type, flags | message_flags(body), stream, fields,
			 fields_size, framed_size(body)),
		body);
}

/* The same, queued. */
static inline void put_whole(pyr__session *s, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *fields, size_t fields_size, const pyr__body *body)
{
	if (body && body->size >= PYR__LENT_MIN &&
		pyr__session_put_around(s, type, flags, stream, fields, fields_size, body))
		return;
	uint8_t *at = pyr__session_room(s, whole_size(fields_size, body));
	store_whole(at, type, flags, stream, fields, fields_size, body);
	pyr__session_trace_sent(s, at);
}

/* The parcel of a long message, to begin with a frame that has its sizes for a body. */
static pyr__parcel *long_parcel(pyr__stream *stream, pyr__block *payload, const pyr__lent *lent,
	const pyr__body *body, uint8_t type, uint8_t flags, const uint8_t *fields,
	size_t fields_size)
{
	uint8_t bytes[8];
	pyr__store32(bytes, (uint32_t)body->size);
	pyr__store32(bytes + 4, body->inflated_size);
	pyr__body sizes = {.raw = bytes, .size = body->inflated_size ? 8 : 4};
	pyr__parcel *parcel = pyr__parcel_new(stream, whole_size(fields_size, &sizes));
	parcel->payload = payload;
	parcel->lent = *lent;
	parcel->size = body->size;
	parcel->cost = cost_of(body);
	flags |= message_flags(body) | PYR__MORE;
	store_whole(parcel->head, type, flags, stream->id, fields, fields_size, &sizes);
	return parcel;
}

/* The parcel of a MESSAGE; NULL: there is no memory. */
static pyr__parcel *message_parcel(pyr__stream *stream, const pyr__body *body)
{
	if (framed_size(body) > PYR__FRAME_MAX) {
		pyr__lent lent;
		pyr__block *payload = pack_apart(body, &lent);
		return payload ? long_parcel(stream, payload, &lent, body, PYR__FRAME_MESSAGE, 0,
					 NULL, 0)
			       : NULL;
	}
	pyr__parcel *parcel = pyr__parcel_new(stream, whole_size(0, body));
	parcel->cost = cost_of(body);
	store_whole(parcel->head, PYR__FRAME_MESSAGE, 0, stream->id, NULL, 0, body);
	return parcel;
}

/* Calls */

static pyr_status refuse(pyr_error *err, pyr_status status, const char *what)
{
	pyr_error_set(err, status, "%s", what);
	if (err)
		err->executed = PYR_EXECUTED_NO;
	return status;
}

static pyr_status refuse_size(const pyr__session *s, size_t size, pyr_error *err)
{
	pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "the message has %zu bytes, the peer takes %u",
		size, s->peer_message_max);
	if (err)
		err->executed = PYR_EXECUTED_NO;
	return PYR_RESOURCE_EXHAUSTED;
}

static bool queue_has_room(const pyr__session *s, size_t size)
{
	return pyr__output_queued(&s->output) + size <= s->config.queue_max;
}

/* The peer takes calls on so many slots; a oneway call only needs one of them for a moment. */
static uint32_t slots_of_peer(const pyr__session *s)
{
	return s->peer_streams_max > PYR__INITIAL_STREAMS ? s->peer_streams_max
							  : PYR__INITIAL_STREAMS;
}

/* Whether a call can be made at all. */
static pyr_status check_call(
	const pyr__session *s, const pyr__head *head, const pyr__body *body, pyr_error *err)
{
	size_t size = message_size(body);
	if (s->closing || s->going)
		return refuse(err, PYR_UNAVAILABLE,
			s->reason ? s->reason : "the peer takes no new calls");
	if (size > s->peer_message_max)
		return refuse_size(s, size, err);
	if (head->metadata.size > s->peer_metadata_max)
		return refuse(
			err, PYR_RESOURCE_EXHAUSTED, "the metadata is longer than the peer takes");
	if (head->method.size > PYR__METHOD_MAX || head->object.size > PYR__OBJECT_MAX)
		return refuse(
			err, PYR_INVALID_ARGUMENT, "the method's name or object id is too long");
	if (s->ours.open >= (head->oneway ? slots_of_peer(s) : s->peer_streams_max))
		return refuse(err, PYR_RESOURCE_EXHAUSTED,
			"as many calls are open as the peer takes at once");
	if (!queue_has_room(s, framed_size(body)))
		return refuse(err, PYR_RESOURCE_EXHAUSTED, "too many bytes wait to be sent");
	return PYR_OK;
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

/* A call that waits may never be sent, and so defines no method that others then rely on. */
static uint8_t *put_method(pyr__session *s, uint8_t *at, const pyr__head *head, bool waits)
{
	uint16_t number;
	bool fresh;
	if (waits || !intern(s, head->method_key, &number, &fresh))
		return pyr__put_text(at, PYR__CALL_NAME | PYR__CRITICAL, head->method);
	if (!fresh)
		return pyr__put_u16(at, PYR__CALL_METHOD | PYR__CRITICAL, number);
	at[0] = PYR__CALL_DEFINITION | PYR__CRITICAL;
	pyr__store16(at + 1, (uint16_t)(2 + head->method.size));
	pyr__store16(at + 3, number);
	memcpy(at + 5, head->method.data, head->method.size);
	return at + 5 + head->method.size;
}

static size_t put_call_fields(pyr__session *s, uint8_t *fields, const pyr__head *head, bool waits)
{
	uint8_t *at = put_method(s, fields + 2, head, waits);
	at = pyr__put_text(at, PYR__CALL_OBJECT | PYR__CRITICAL, head->object);
	if (head->timeout_us != PYR__TIMEOUT_NONE)
		at = pyr__put_u64(at, PYR__CALL_TIMEOUT, head->timeout_us);
	at = pyr__put_text(at, PYR__CALL_METADATA, head->metadata);
	at = pyr__put_text(at, PYR__CALL_CORRELATION, head->correlation);
	pyr__store16(fields, (uint16_t)(at - fields - 2));
	return (size_t)(at - fields);
}

/* The usual case: its frame is queued at once. */
static void put_call(pyr__session *s, pyr__stream *stream, uint8_t flags, const uint8_t *fields,
	size_t fields_size, const pyr__body *body)
{
	put_whole(s, PYR__FRAME_CALL, flags, stream->id, fields, fields_size, body);
	s->send_left -= cost_of(body);
	stream->send_left -= cost_of(body);
	stream->order = ++s->calls_sent;
	stream->sent_at = s->output.taken + pyr__output_committed(&s->output);
	if (stream->oneway)
		pyr__session_close(s, stream);
}

PYR__APART static void put_call_later(pyr__session *s, pyr__stream *stream, uint8_t flags,
	const uint8_t *fields, size_t fields_size, const pyr__body *body, pyr__block *payload,
	const pyr__lent *lent)
{
	pyr__parcel *parcel;
	if (payload) {
		parcel = long_parcel(stream, payload, lent, body, PYR__FRAME_CALL,
			flags & (uint8_t)~PYR__END, fields, fields_size);
		parcel->end = (flags & PYR__END) != 0;
	} else {
		parcel = pyr__parcel_new(stream, whole_size(fields_size, body));
		parcel->cost = cost_of(body);
		store_whole(parcel->head, PYR__FRAME_CALL, flags, stream->id, fields, fields_size,
			body);
	}
	pyr__session_put_parcel(s, parcel);
}

pyr_status pyr__session_call(pyr__session *s, const pyr__head *head, const pyr__body *body,
	bool end, void *user, uint32_t *ret_stream, pyr_error *err)
{
	pyr_status status = check_call(s, head, body, err);
	if (status)
		return status;
	uint8_t small[2048], *fields = small;
	size_t most = 64 + head->method.size + head->object.size + head->metadata.size +
		      head->correlation.size;
	bool is_long = body && most + framed_size(body) > PYR__FRAME_MAX;
	pyr__lent lent;
	pyr__block *payload = is_long ? pack_apart(body, &lent) : NULL;
	if (is_long && !payload)
		return refuse(err, PYR_RESOURCE_EXHAUSTED, "there is no memory for the message");
	if (most > sizeof small)
		fields = pyr__alloc(most);
	bool waits = pyr__session_calls_wait(s) || (body && s->send_left <= 0);
	size_t fields_size = put_call_fields(s, fields, head, waits);
	uint8_t flags = (uint8_t)((end ? PYR__END : 0) | (head->oneway ? PYR__ONEWAY : 0));
	pyr__stream *stream = pyr__session_open_ours(s);
	*ret_stream = head->oneway ? 0 : stream->id;
	stream->user = head->oneway ? NULL : user;
	stream->oneway = head->oneway;
	stream->end_sent = end;
	if (!head->oneway)
		pyr__streams_count(&s->ours, stream);
	if (waits || is_long)
		put_call_later(s, stream, flags, fields, fields_size, body, payload, &lent);
	else
		put_call(s, stream, flags, fields, fields_size, body);
	if (fields != small)
		free(fields);
	return PYR_OK;
}

/* Messages */

static pyr_status gone(pyr_error *err)
{
	return pyr_error_set(err, PYR_CANCELLED, "the call is over");
}

/* The stream, as long as the owner may still send on it. */
static pyr__stream *sending(const pyr__session *s, uint32_t id)
{
	pyr__stream *stream = s->closing ? NULL : pyr__session_find(s, id);
	return stream && !stream->reset && !stream->finished ? stream : NULL;
}

bool pyr__session_may_deflate(const pyr__session *s, size_t size)
{
	return s->peer_takes_deflated && !s->closing && size <= s->peer_message_max;
}

bool pyr__session_may_send(const pyr__session *s, uint32_t id)
{
	const pyr__stream *stream = sending(s, id);
	return stream && pyr__stream_sendable(stream) && pyr__session_sendable(s);
}

static pyr_status block(pyr__session *s, pyr__stream *stream, pyr_error *err)
{
	stream->blocked = true;
	pyr__stream_unblocked(s, stream);
	pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "the peer does not keep up");
	if (err)
		err->would_block = true;
	return PYR_RESOURCE_EXHAUSTED;
}

static pyr_status put_message(
	pyr__session *s, pyr__stream *stream, const pyr__body *body, bool end, pyr_error *err)
{
	size_t size = framed_size(body);
	if (size > PYR__FRAME_MAX) {
		pyr__parcel *parcel = message_parcel(stream, body);
		if (!parcel)
			return pyr_error_set(
				err, PYR_RESOURCE_EXHAUSTED, "there is no memory for the message");
		parcel->end = end;
		pyr__session_put_parcel(s, parcel);
		return PYR_OK;
	}
	put_whole(s, PYR__FRAME_MESSAGE, end ? PYR__END : 0, stream->id, NULL, 0, body);
	s->send_left -= cost_of(body);
	stream->send_left -= cost_of(body);
	return PYR_OK;
}

pyr_status pyr__session_send(
	pyr__session *s, uint32_t id, const pyr__body *body, bool end, pyr_error *err)
{
	pyr__stream *stream = sending(s, id);
	if (!stream)
		return gone(err);
	if (stream->end_sent)
		return pyr_error_set(
			err, PYR_FAILED_PRECONDITION, "the end of the messages has been sent");
	if (message_size(body) > s->peer_message_max)
		return refuse_size(s, message_size(body), err);
	if (!pyr__stream_sendable(stream) || !pyr__session_sendable(s))
		return block(s, stream, err);
	pyr_status status = put_message(s, stream, body, end, err);
	if (status)
		return status;
	stream->spoken = stream->spoken || !pyr__session_is_ours(s, id);
	stream->end_sent = end && pyr__session_is_ours(s, id);
	return PYR_OK;
}

pyr_status pyr__session_end(pyr__session *s, uint32_t id, pyr_error *err)
{
	pyr__stream *stream = sending(s, id);
	if (!stream || !pyr__session_is_ours(s, id))
		return gone(err);
	if (stream->end_sent)
		return PYR_OK;
	stream->end_sent = true;
	pyr__parcel *parcel = stream->parcel;
	if (parcel && parcel->payload)
		parcel->end = true;
	else if (parcel)
		parcel->head[5] |= PYR__END;
	else
		pyr__session_put_frame(s, PYR__FRAME_MESSAGE, PYR__END, id, NULL, 0);
	return PYR_OK;
}

pyr_status pyr__session_metadata(pyr__session *s, uint32_t id, pyr__text metadata, pyr_error *err)
{
	pyr__stream *stream = sending(s, id);
	if (!stream || pyr__session_is_ours(s, id))
		return gone(err);
	if (stream->spoken)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"metadata comes once, and before the first message");
	if (metadata.size > s->peer_metadata_max)
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "the metadata is longer than the peer takes");
	stream->spoken = true;
	pyr__session_put_frame(
		s, PYR__FRAME_METADATA, 0, id, (const uint8_t *)metadata.data, metadata.size);
	return PYR_OK;
}

/* Answers */

static pyr__text cut(pyr__text text, size_t most)
{
	if (text.size > most)
		text.size = most;
	return text;
}

/* Mostly an answer is a message and nothing else. */
static bool is_bare(const pyr__final *final, pyr__text metadata)
{
	return final->status == PYR_OK &&
	       !(final->message.size | final->where.size | final->details.size | final->moved.size |
		       metadata.size);
}

PYR__APART static uint8_t *put_answer_fields(
	uint8_t *at, const pyr__final *final, pyr__text metadata)
{
	if (final->status != PYR_OK) {
		at = pyr__put_u8(at, PYR__FINAL_STATUS | PYR__CRITICAL, (uint8_t) final->status);
		at = pyr__put_u8(at, PYR__FINAL_EXECUTED, (uint8_t) final->executed);
	}
	at = pyr__put_text(at, PYR__FINAL_MESSAGE, cut(final->message, PYR_ERROR_MESSAGE_MAX - 1));
	at = pyr__put_text(at, PYR__FINAL_WHERE, cut(final->where, PYR_ERROR_WHERE_MAX - 1));
	at = pyr__put_text(at, PYR__FINAL_DETAILS, cut(final->details, PYR__INITIAL_METADATA_MAX));
	at = pyr__put_text(at, PYR__FINAL_MOVED, final->moved);
	return pyr__put_text(at, PYR__FINAL_METADATA, metadata);
}

static size_t put_final_fields(uint8_t *fields, const pyr__final *final, pyr__text metadata)
{
	uint8_t *at = fields + 2;
	if (!is_bare(final, metadata))
		at = put_answer_fields(at, final, metadata);
	pyr__store16(fields, (uint16_t)(at - fields - 2));
	return (size_t)(at - fields);
}

/* A long message has to go before the answer: the stream stays until it has. */
PYR__APART static void finish_later(pyr__session *s, pyr__stream *stream, const uint8_t *fields,
	size_t fields_size, const pyr__body *body)
{
	pyr__parcel *parcel = stream->parcel;
	parcel->tail_size = whole_size(fields_size, body);
	parcel->tail = pyr__alloc(parcel->tail_size);
	store_whole(parcel->tail, PYR__FRAME_FINAL, 0, stream->id, fields, fields_size, body);
	stream->finished = true;
}

static void finish_now(pyr__session *s, pyr__stream *stream, const uint8_t *fields,
	size_t fields_size, const pyr__body *body)
{
	put_whole(s, PYR__FRAME_FINAL, 0, stream->id, fields, fields_size, body);
	pyr__session_close(s, stream);
}

static void put_final(pyr__session *s, pyr__stream *stream, const pyr__final *final,
	const pyr__body *body, pyr__parcel *before)
{
	pyr__text metadata = final->metadata;
	if (metadata.size > s->peer_metadata_max)
		metadata.size = 0;
	uint8_t small[1536], *fields = small;
	size_t most = FINAL_LITTLE + final->details.size + final->moved.size + metadata.size;
	if (most > sizeof small)
		fields = pyr__alloc(most);
	size_t fields_size = put_final_fields(fields, final, metadata);
	if (before) {
		stream->parcel = before;
		finish_later(s, stream, fields, fields_size, NULL);
		pyr__session_put_parcel(s, before);
	} else if (stream->parcel) {
		finish_later(s, stream, fields, fields_size, body);
	} else {
		finish_now(s, stream, fields, fields_size, body);
	}
	if (fields != small)
		free(fields);
}

/* True if the answer with this message may not fit one frame, deflated or not. */
static bool is_long_answer(const pyr__final *final, const pyr__body *body)
{
	size_t fields = FINAL_LITTLE + final->details.size + final->metadata.size;
	return fields + framed_size(body) > PYR__FRAME_MAX || message_size(body) > PYR__FRAME_MAX;
}

/* The message can be sent; a long one is *ret_before, which goes before the answer. */
static bool prepare_answer(pyr__session *s, pyr__stream *stream, const pyr__final *final,
	const pyr__body *body, pyr__parcel **ret_before)
{
	if (message_size(body) > s->peer_message_max || !queue_has_room(s, framed_size(body)))
		return false;
	if (!is_long_answer(final, body))
		return true;
	/* behind a long message that is still on its way another one has no place */
	return !stream->parcel && (*ret_before = message_parcel(stream, body)) != NULL;
}

pyr_status pyr__session_finish(pyr__session *s, uint32_t id, const pyr__final *final,
	const pyr__body *body, pyr_error *err)
{
	static const char too_long[] =
		"the reply is longer than the caller takes, or the queue full";
	pyr__stream *stream = pyr__session_find(s, id);
	if (!stream || pyr__session_is_ours(s, id))
		return gone(err);
	stream->user = NULL;
	if (s->closing || stream->finished)
		return gone(err);
	pyr_status status = PYR_OK;
	pyr__parcel *before = NULL;
	pyr__final own;
	if (stream->reset)
		body = NULL; /* nobody waits for it */
	if (body && !prepare_answer(s, stream, final, body, &before)) {
		own = (pyr__final){
			.status = PYR_RESOURCE_EXHAUSTED,
			.executed = PYR_EXECUTED_YES,
			.message = {too_long, sizeof too_long - 1},
		};
		final = &own;
		body = NULL;
		status = pyr_error_set(err, PYR_RESOURCE_EXHAUSTED, "%s", too_long);
	}
	put_final(s, stream, final, body, before);
	if (pyr__output_queued(&s->output) > (size_t)s->config.queue_max + PYR__QUEUE_SLACK)
		pyr__session_disconnect(
			s, PYR_RESOURCE_EXHAUSTED, "the peer takes none of its answers");
	return status;
}

void pyr__session_reset(pyr__session *s, uint32_t id)
{
	pyr__stream *stream = s->closing ? NULL : pyr__session_find(s, id);
	if (!stream || stream->reset || !pyr__session_is_ours(s, id))
		return;
	if (pyr__stream_unsent(stream)) {
		pyr__session_close(s, stream);
		return;
	}
	if (stream->parcel)
		pyr__session_drop_parcel(s, stream);
	if (stream->partial) {
		pyr__session_return(s, stream->partial->cost);
		pyr__partial_free(stream->partial);
		stream->partial = NULL;
	}
	stream->reset = true;
	pyr__session_put_frame(s, PYR__FRAME_RESET, 0, id, NULL, 0);
}
