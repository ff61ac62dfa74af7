/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a session, for the files session*.c only. */
#ifndef PYR_NATIVE_SESSION_PRIVATE_H
#define PYR_NATIVE_SESSION_PRIVATE_H

#include "native/frame.h"
#include "native/session.h"

/* One call of either side, while it is open; the slot is used again with the next generation. */
typedef struct pyr__stream {
	uint32_t id; /* of the present, or else the last, call */
	bool open;
	bool reset;    /* ours: given up, only FINAL is awaited. */
	bool ended;    /* the peer sends no more messages */
	bool refused;  /* the peer's message was too long: what is left of it is dropped */
	bool blocked;  /* a send was refused: WRITABLE is owed */
	bool held;     /* the peer's: CALL is told when its first message is whole */
	uint8_t flags; /* of the frame that began the message under way */
	void *user;
	uint64_t sent_at;    /* ours: position in the output behind its CALL */
	pyr__block *message; /* assembled so far; size is its room */
	size_t assembled, total;
	uint8_t *head; /* of a held call: a copy of its fields */
	size_t head_size;
} pyr__stream;

typedef struct pyr__streams {
	pyr__stream *at;
	uint32_t count; /* slots made */
	uint32_t open;
	uint32_t *free_slots; /* a stack; ours only */
	uint32_t free_count;
} pyr__streams;

typedef struct pyr__interned {
	const void *key; /* sending */
	char *name;      /* receiving, as what follows */
	size_t size;
	void *user;
} pyr__interned;

struct pyr__session {
	pyr__session_config config;
	bool preface_done, hello_done, hello_sent;
	bool closing, closed; /* no more frames; CLOSED has been told */
	bool going, drained;  /* the peer, we: no new calls */
	pyr_status why;
	char reason[PYR_ERROR_MESSAGE_MAX];
	uint8_t peer_id[16];
	uint32_t peer_message_max, peer_metadata_max, peer_streams_max, peer_methods_max;
	uint32_t peer_taken; /* calls that the peer's goaway says it took */
	uint32_t calls_made, calls_taken;

	pyr__block *rx; /* NULL while nothing is half received */
	size_t rx_at, rx_size;
	bool rx_filled;        /* the last read filled what there was: offer more room */
	pyr__block *delivered; /* of the last event, assembled */
	pyr__stream *delivered_of;

	uint8_t *out;
	size_t out_at, out_size, out_room;
	uint64_t out_sent; /* bytes ever taken away */

	pyr__streams ours, theirs;
	uint32_t close_ours, close_theirs; /* how far the closing sequence is */
	uint32_t writable_at;
	bool any_blocked;
	pyr__interned *sent_methods; /* open addressing by key; a power of two */
	uint32_t sent_method_count;
	pyr__interned *known_methods; /* by number */
	uint32_t known_method_count;
};

/* Room for so many more bytes of output, counted as queued. */
uint8_t *pyr__session_room(pyr__session *session, size_t size);

/* Queues a frame without a message; fields may be NULL if size is 0. */
void pyr__session_put_frame(pyr__session *session, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *fields, size_t size);

/* The peer broke the protocol: tells it why, and ends. */
void pyr__session_violation(pyr__session *session, const char *format, ...) PYR_PRINTF(2, 3);

pyr__stream *pyr__session_find(pyr__session *session, uint32_t id);
bool pyr__session_is_ours(const pyr__session *session, uint32_t id);
void pyr__stream_close(pyr__streams *streams, pyr__stream *stream);
void pyr__session_put_hello(pyr__session *session);
void pyr__session_put_goaway(
	pyr__session *session, uint8_t flags, pyr_status status, const char *reason);

#endif
