/* SPDX-License-Identifier: Apache-2.0 */
/* A session's life: making it, and its end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "base/error.h"
#include "native/session_private.h"

void pyr__session_config_init(pyr__session_config *config, bool server)
{
	*config = (pyr__session_config){
		.server = server,
		.message_max = PYR__INITIAL_MESSAGE_MAX,
		.metadata_max = PYR__INITIAL_METADATA_MAX,
		.streams_max = PYR__INITIAL_STREAMS,
		.methods_max = 1024,
		.queue_max = 16u << 20,
		.stream_window = 256u << 10,
		.connection_window = 4u << 20,
	};
}

static uint32_t within(uint32_t value, uint32_t least, uint32_t most)
{
	return value < least ? least : value > most ? most : value;
}

/* What the protocol cannot express, or promises a peer before it has seen our hello. */
static void put_right(pyr__session_config *config)
{
	config->message_max = within(config->message_max, 1, PYR__WINDOW_MAX);
	config->metadata_max = within(config->metadata_max, 1, PYR__METADATA_LIMIT);
	config->streams_max = within(config->streams_max, 1, PYR__STREAMS_MOST);
	config->methods_max = within(config->methods_max, PYR__INITIAL_METHODS, UINT16_MAX);
	config->stream_window =
		within(config->stream_window, PYR__INITIAL_STREAM_WINDOW, PYR__WINDOW_MAX);
	config->connection_window =
		within(config->connection_window, PYR__INITIAL_CONNECTION_WINDOW, PYR__WINDOW_MAX);
}

static void assume_initial(pyr__session *s)
{
	s->peer_message_max = PYR__INITIAL_MESSAGE_MAX;
	s->peer_metadata_max = PYR__INITIAL_METADATA_MAX;
	s->peer_streams_max = PYR__INITIAL_STREAMS;
	s->peer_methods_max = PYR__INITIAL_METHODS;
	s->peer_stream_window = PYR__INITIAL_STREAM_WINDOW;
	s->send_left = PYR__INITIAL_CONNECTION_WINDOW;
	s->recv_left = s->config.connection_window;
}

pyr__session *pyr__session_new(const pyr__session_config *config)
{
	pyr__session *s = pyr__try_alloc(sizeof *s);
	if (!s)
		return NULL;
	memset(s, 0, sizeof *s);
	s->config = *config;
	put_right(&s->config);
	assume_initial(s);
	pyr__output_init(&s->output);
	pyr__list_init(&s->writable);
	s->ours.slots_max = PYR__STREAMS_MOST;
	/* a peer that has not seen our hello assumes the initial number, and is refused kindly */
	s->theirs.slots_max =
		within(s->config.streams_max, PYR__INITIAL_STREAMS, PYR__STREAMS_MOST);
	s->preface_done = !config->server;
	if (!config->server) {
		memcpy(pyr__session_room(s, PYR__PREFACE_SIZE), PYR__PREFACE, PYR__PREFACE_SIZE);
		pyr__session_put_hello(s);
	}
	return s;
}

void pyr__session_free(pyr__session *s)
{
	if (!s)
		return;
	pyr__streams_done(&s->ours);
	pyr__streams_done(&s->theirs);
	for (uint32_t i = 0; i < s->known_method_count; i++)
		free(s->known_methods[i].name);
	free(s->known_methods);
	free(s->sent_methods);
	pyr__session_trace_done(s);
	pyr__session_end_direct(s);
	pyr__partial_free(s->delivered);
	pyr__block_unref(s->inflated);
	pyr__block_unref(s->rx);
	pyr__output_done(&s->output);
	free(s->authorization);
	free(s->reason);
	free(s);
}

void pyr__session_violation(pyr__session *s, const char *format, ...)
{
	char reason[PYR__REASON_LITTLE];
	va_list args;
	if (s->closing)
		return;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	pyr__session_put_goaway(s, PYR__END, PYR_INVALID_ARGUMENT, reason);
	pyr__session_disconnect(s, PYR_INVALID_ARGUMENT, reason);
}

void pyr__session_accuse(pyr__session *s, const char *reason)
{
	pyr__session_violation(s, "%s", reason);
}

static pyr__text reason_of(const pyr__session *s)
{
	return s->reason ? (pyr__text){s->reason, strlen(s->reason)} : (pyr__text){"", 0};
}

void pyr__session_disconnect(pyr__session *s, pyr_status status, const char *reason)
{
	if (s->closing)
		return;
	s->closing = true;
	s->why = status;
	pyr__keep_reason(&s->reason, reason, strlen(reason));
}

void pyr__session_drain(pyr__session *s, pyr_status status, const char *reason)
{
	if (s->closing || s->drained)
		return;
	s->drained = true;
	pyr__session_put_goaway(s, 0, status, reason);
}

bool pyr__session_busy(const pyr__session *s)
{
	return s->ours.open > 0 || s->theirs.open > 0;
}

const char *pyr__session_authorization(const pyr__session *s)
{
	return s->authorization ? s->authorization : "";
}

const uint8_t *pyr__session_peer_id(const pyr__session *s)
{
	return s->peer_id;
}

void pyr__session_set_user(pyr__session *s, uint32_t id, void *user)
{
	pyr__stream *stream = pyr__session_find(s, id);
	if (stream)
		stream->user = user;
}

/* The closing sequence */

/* A call that the peer never had in whole, or never got round to, has not been executed. */
static pyr_executed executed_by_peer(const pyr__session *s, const pyr__stream *stream)
{
	bool left = stream->sent_at != PYR__NOT_SENT && stream->sent_at <= s->output.taken;
	bool passed_over = s->peer_took_known && (int32_t)(stream->order - s->peer_took) > 0;
	return !left || passed_over ? PYR_EXECUTED_NO : PYR_EXECUTED_MAYBE;
}

PYR_COLD static bool next_of_ours(pyr__session *s, pyr__event *event)
{
	for (; s->ours.open > 0; s->close_ours++) {
		pyr__stream *stream = pyr__streams_at(&s->ours, s->close_ours);
		if (!stream)
			continue;
		bool silent = stream->reset || stream->oneway;
		*event = (pyr__event){
			.type = PYR__EVENT_FINAL,
			.lost = true,
			.stream = stream->id,
			.user = stream->user,
			.final = {.status = s->why,
				.executed = executed_by_peer(s, stream),
				.message = reason_of(s)},
		};
		pyr__session_close(s, stream);
		if (!silent)
			return true;
	}
	return false;
}

PYR_COLD static bool next_of_theirs(pyr__session *s, pyr__event *event)
{
	for (; s->theirs.open > 0; s->close_theirs++) {
		pyr__stream *stream = pyr__streams_at(&s->theirs, s->close_theirs);
		if (!stream)
			continue;
		bool silent = stream->finished || stream->reset ||
			      (stream->partial && stream->partial->opens);
		*event = (pyr__event){
			.type = PYR__EVENT_CANCEL,
			.lost = true,
			.stream = stream->id,
			.user = stream->user,
		};
		pyr__session_close(s, stream);
		if (!silent)
			return true;
	}
	return false;
}

PYR_COLD bool pyr__session_next_closing(pyr__session *s, pyr__event *event)
{
	if (next_of_ours(s, event) || next_of_theirs(s, event))
		return true;
	if (s->closed)
		return false;
	s->closed = true;
	*event = (pyr__event){.type = PYR__EVENT_CLOSED};
	event->final.status = s->why;
	event->final.message = reason_of(s);
	return true;
}
