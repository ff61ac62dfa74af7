/* SPDX-License-Identifier: Apache-2.0 */
/* A session's life: making it, its streams, its end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
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

pyr__session *pyr__session_new(const pyr__session_config *config)
{
	pyr__session *session = calloc(1, sizeof *session);
	if (!session)
		return NULL;
	session->config = *config;
	session->preface_done = !config->server;
	session->peer_message_max = PYR__INITIAL_MESSAGE_MAX;
	session->peer_metadata_max = PYR__INITIAL_METADATA_MAX;
	session->peer_streams_max = PYR__INITIAL_STREAMS;
	session->peer_methods_max = PYR__INITIAL_METHODS;
	session->peer_taken = UINT32_MAX;
	if (!config->server) {
		memcpy(pyr__session_room(session, PYR__PREFACE_SIZE), PYR__PREFACE,
			PYR__PREFACE_SIZE);
		pyr__session_put_hello(session);
	}
	return session;
}

static void free_streams(pyr__streams *streams)
{
	for (uint32_t i = 0; i < streams->count; i++) {
		pyr__block_unref(streams->at[i].message);
		free(streams->at[i].head);
	}
	free(streams->at);
	free(streams->free_slots);
}

void pyr__session_free(pyr__session *session)
{
	if (!session)
		return;
	free_streams(&session->ours);
	free_streams(&session->theirs);
	for (uint32_t i = 0; i < session->known_method_count; i++)
		free(session->known_methods[i].name);
	free(session->known_methods);
	free(session->sent_methods);
	pyr__block_unref(session->delivered);
	pyr__block_unref(session->rx);
	free(session->out);
	free(session);
}

bool pyr__session_is_ours(const pyr__session *session, uint32_t id)
{
	return (id >> 31) == (session->config.server ? 1u : 0u);
}

pyr__stream *pyr__session_find(pyr__session *session, uint32_t id)
{
	pyr__streams *streams =
		pyr__session_is_ours(session, id) ? &session->ours : &session->theirs;
	uint32_t slot = id & 0xffff;
	if (slot >= streams->count)
		return NULL;
	pyr__stream *stream = &streams->at[slot];
	return stream->open && stream->id == id ? stream : NULL;
}

void pyr__stream_close(pyr__streams *streams, pyr__stream *stream)
{
	pyr__block_unref(stream->message);
	free(stream->head);
	uint32_t id = stream->id;
	*stream = (pyr__stream){.id = id};
	streams->open--;
	if (streams->free_slots)
		streams->free_slots[streams->free_count++] = id & 0xffff;
}

void pyr__session_violation(pyr__session *session, const char *format, ...)
{
	char reason[256];
	va_list args;
	va_start(args, format);
	vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	if (session->closing)
		return;
	pyr__session_put_goaway(session, PYR__END, PYR_INVALID_ARGUMENT, reason);
	pyr__session_disconnect(session, PYR_INVALID_ARGUMENT, reason);
}

void pyr__session_disconnect(pyr__session *session, pyr_status status, const char *reason)
{
	if (session->closing)
		return;
	session->closing = true;
	session->why = status;
	snprintf(session->reason, sizeof session->reason, "%s", reason);
}

void pyr__session_drain(pyr__session *session, pyr_status status, const char *reason)
{
	if (session->closing || session->drained)
		return;
	session->drained = true;
	pyr__session_put_goaway(session, 0, status, reason);
}

bool pyr__session_busy(const pyr__session *session)
{
	return session->ours.open > 0 || session->theirs.open > 0;
}

const uint8_t *pyr__session_peer_id(const pyr__session *session)
{
	return session->peer_id;
}

void pyr__session_set_user(pyr__session *session, uint32_t stream, void *user)
{
	pyr__stream *found = pyr__session_find(session, stream);
	if (found)
		found->user = user;
}
