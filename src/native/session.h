/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One native connection's protocol: bytes in, events out; calls in, bytes out. It does no I/O, has
 * no clock and no lock, and knows neither sockets nor objects. The wire is docs/wire-protocol.md.
 *
 *      received bytes                                                   queued bytes
 *   input, received  --> parse frames --> next: events      output, sent <-- frames <-- call, send,
 *                                                                             finish, reset, ...
 *
 * Locking is the owner's: every function is called under one lock, with one exception. The memory
 * that pyr__session_input() and _behind() hand out may be filled without the lock, by the one
 * thread that reads, while others call any function but input, received and next; it stays valid
 * until received.
 *
 * A stream is one call. Its id is  direction:1 | generation:15 | slot:16 ; both ends may open
 * calls, the direction bit says who did (0: the side that connected). The opener frees the slot
 * when the final status has arrived; a oneway call's slot is free once it is sent.
 *
 * Memory is bounded by the limits of the configuration. What a peer, or a message, makes large is
 * allocated so that it may fail: the message is then refused, or the session closed.
 */
#ifndef PYR_NATIVE_SESSION_H
#define PYR_NATIVE_SESSION_H

#include <sys/uio.h>
#include <pyrite/status.h>
#include "base/block.h"
#include "native/frame.h"
#include "transport/body.h"
#include "transport/parts.h"

typedef struct pyr__session pyr__session;

typedef struct pyr__session_config {
	bool server;                /* the side that accepted the connection */
	uint8_t id[16];             /* a server's incarnation, random; zero for a client */
	uint32_t message_max;       /* largest message taken; longer ones end their call */
	uint32_t metadata_max;      /* bytes of one metadata block taken */
	uint32_t streams_max;       /* calls at once that the peer may have open; at most 65,536 */
	uint32_t methods_max;       /* method names that the peer may intern */
	uint32_t queue_max;         /* bytes waiting to be sent */
	uint32_t stream_window;     /* receive windows, in bytes of message cost; 64 KiB or more */
	uint32_t connection_window; /* 256 KiB or more: what a client assumes before our hello */
	bool shares; /* the owner can move the bytes through shared memory: SHARE is known */
	/* A client's, for its hello: "Bearer ..."; borrowed for as long as the session lives; or
	 * NULL. */
	const char *authorization;
	/*
	 * Gets a line for each frame when it is queued, or has come and is not judged yet; what it
	 * says of itself may be a peer's, but is never a secret. Under the owner's lock. NULL, as
	 * usual: nothing is spent on it.
	 */
	void (*trace)(void *ctx, const char *line);
	void *trace_ctx;
} pyr__session_config;

/* The limits of DESIGN: 4 MiB, 8 KiB, 16,384, 1,024, 16 MiB, 256 KiB, 4 MiB. */
void pyr__session_config_init(pyr__session_config *config, bool server);

/* NULL when there is no memory. A client's hello is queued at once, and calls may follow it. */
pyr__session *pyr__session_new(const pyr__session_config *config);
void pyr__session_free(pyr__session *session);

/*
 * Input. Some room each time, or none, and the session closed, when there is no memory; received(0)
 * gives the memory back unused. In the middle of a long message the room may end with the frame;
 * who can read into two places at once gets, with input_behind, one for what comes after it (if its
 * size is not 0). Received then says how many bytes there are in both.
 */
void pyr__session_input(pyr__session *session, void **ret_data, size_t *ret_room);
void pyr__session_input_behind(pyr__session *session, void **ret_data, size_t *ret_room);
void pyr__session_received(pyr__session *session, size_t size);

typedef enum pyr__event_type {
	PYR__EVENT_NONE,
	PYR__EVENT_READY,    /* the handshake is done */
	PYR__EVENT_CALL,     /* the peer opened a call: head, perhaps its first message */
	PYR__EVENT_MESSAGE,  /* a message on a stream */
	PYR__EVENT_END,      /* the peer will send no more messages on it; a status may follow */
	PYR__EVENT_METADATA, /* the callee's early metadata, in final.metadata */
	PYR__EVENT_FINAL,    /* our call is over: final, perhaps with the only message */
	PYR__EVENT_CANCEL,   /* the peer gave up its call. Answer with finish all the same */
	PYR__EVENT_WRITABLE, /* a send that was refused with would_block may be tried again */
	PYR__EVENT_PONG,     /* ping_value */
	PYR__EVENT_GOAWAY,   /* the peer takes no new calls; final has its reason */
	PYR__EVENT_SHARE,    /* share, and of an offer share_bytes: see pyr__session_share() */
	PYR__EVENT_CLOSED,   /* the last one: final says why. Flush what is left, then close */
} pyr__event_type;

typedef struct pyr__event {
	pyr__event_type type;
	uint32_t stream; /* 0: the connection */
	void *user;      /* the stream's, as set by call or pyr__session_set_user() */
	bool has_message;
	bool ended; /* CALL, MESSAGE: the sender is done (END is not sent in addition) */
	/*
	 * The message, in place; its block is kept alive until the next call of next. To keep it
	 * longer take a reference on the block, or copy a short one.
	 */
	pyr__payload payload;
	uint32_t cost; /* to give back with pyr__session_consumed() once the message is used up; 0:
			* nothing */
	bool lost;     /* FINAL, CANCEL: not the peer says so, it is the connection's end */
	union {        /* texts are borrowed until the next call of next */
		pyr__head head; /* CALL; it is first and longest, so that clearing it clears all */
		pyr__final final; /* FINAL, METADATA, GOAWAY, CLOSED */
		uint64_t ping_value;
		struct {
			pyr__share share;
			uint32_t share_bytes;
		};
	};
} pyr__event;

/*
 * The next event, or false when more bytes are needed. A message of several frames is one event. A
 * call that carries a first message comes together with it. On a violation of the protocol a goaway
 * with the reason is queued and, after a FINAL for each of our calls and a CANCEL for each of the
 * peer's, CLOSED follows; then there is nothing more.
 */
bool pyr__session_next(pyr__session *session, pyr__event *ret_event);

/* As next, of the WRITABLE events alone; allowed between input and received too. */
bool pyr__session_next_writable(pyr__session *session, pyr__event *ret_event);

/* The transport below is gone: next yields the same closing sequence, with this reason. */
void pyr__session_disconnect(pyr__session *session, pyr_status status, const char *reason) PYR_COLD;

/* Output. Fills at most `max` vectors and returns how many; 0: nothing to send. */
int pyr__session_output(pyr__session *session, struct iovec *vectors, int max);
void pyr__session_sent(pyr__session *session, size_t size);
size_t pyr__session_queued(const pyr__session *session); /* bytes not sent yet */

/* Those of them that are not given out before the peer opens a window, or has said hello. */
size_t pyr__session_held(const pyr__session *session);

/*
 * What call, send and finish have queued may refer to bytes of the message itself, if it was given
 * as such. Before its owner may change or free it: as much as can be taken is taken, and the rest
 * copied by keep. False: there is no memory, and the session has ended.
 */
bool pyr__session_is_lent(const pyr__session *session);
bool pyr__session_keep(pyr__session *session);

/*
 * Opens a call. body NULL: no message yet. end: no more messages follow. With head->oneway, end
 * must be true, user is not kept and *ret_stream is 0. Its message waits in the queue while the
 * connection's window is shut. UNAVAILABLE when the peer goes away or the session is closed;
 * RESOURCE_EXHAUSTED when the peer's stream limit, its message limit or our queue is full, or there
 * is no memory for a long message; err->executed is NO for all of these.
 */
pyr_status pyr__session_call(pyr__session *session, const pyr__head *head, const pyr__body *body,
	bool end, void *user, uint32_t *ret_stream, pyr_error *err);

/*
 * One more message, by either side. RESOURCE_EXHAUSTED with would_block while the window is shut,
 * much waits to be sent, or an earlier message of more than a frame is not on its way yet (WRITABLE
 * follows); FAILED_PRECONDITION after the end; CANCELLED once the stream is over, was given up by
 * the caller, or its id is not of an open stream.
 */
pyr_status pyr__session_send(
	pyr__session *session, uint32_t stream, const pyr__body *body, bool end, pyr_error *err);

/*
 * Asked before a message is deflated: whether the peer, which has said hello, takes one of this
 * size; and whether the stream's next message would be sent now.
 */
bool pyr__session_may_deflate(const pyr__session *session, size_t size);
bool pyr__session_may_send(const pyr__session *session, uint32_t stream);

/* The caller's half-close without a message. */
pyr_status pyr__session_end(pyr__session *session, uint32_t stream, pyr_error *err);

/* The callee's early metadata; at most once, before any message, or else FAILED_PRECONDITION. */
pyr_status pyr__session_metadata(
	pyr__session *session, uint32_t stream, pyr__text metadata, pyr_error *err);

/*
 * The callee's last word. body NULL: no message. A body that does not fit the queue, the memory or
 * the peer's limit becomes a final status RESOURCE_EXHAUSTED, which is also returned. CANCELLED
 * when the stream is not open (any more). Whatever is returned, no event that has the stream's user
 * follows.
 */
pyr_status pyr__session_finish(pyr__session *session, uint32_t stream, const pyr__final *final,
	const pyr__body *body, pyr_error *err);

/* The caller gives up: no event follows for the stream, not even FINAL. */
void pyr__session_reset(pyr__session *session, uint32_t stream);

/* Replaces what events of the stream carry. Ignored for a stream that is over. */
void pyr__session_set_user(pyr__session *session, uint32_t stream, void *user);

/*
 * Gives window back; cost is an event's, or the sum of several. The stream may be over by now.
 * Must be called once for each message that was delivered. True if there is something to send about
 * it: a peer is told when half a window has come together.
 */
bool pyr__session_consumed(pyr__session *session, uint32_t stream, uint64_t cost);

/* What has been given back of the stream's window by the peer, in all; 0 once it is over. */
uint64_t pyr__session_consumed_by_peer(const pyr__session *session, uint32_t stream);

void pyr__session_ping(pyr__session *session, uint64_t value);

/* True of a client whose peer can share memory too, and has not been offered any yet. */
bool pyr__session_may_offer(const pyr__session *session);

/*
 * Says SHARE. A client offers; the server then refuses, or says that it has switched, which the
 * client answers likewise. Returns how many of the queued bytes go the old way, the frame's
 * included: behind SWITCHED all others go the new way. So do the peer's that come behind its own.
 */
size_t pyr__session_share(pyr__session *session, pyr__share share, uint32_t ring_bytes);

/* How many calls have been made, oneway ones too; modulo 2^32. */
uint32_t pyr__session_calls_sent(const pyr__session *session);

/* What moves the bytes finds that the peer broke a rule of that: as a violation of the protocol. */
void pyr__session_accuse(pyr__session *session, const char *reason);

/* No new calls from the peer: a goaway with the number of the last one taken. Running ones go on.
 */
void pyr__session_drain(pyr__session *session, pyr_status status, const char *reason);

/* True while we, or the peer, have calls open. */
bool pyr__session_busy(const pyr__session *session);

/*
 * So many calls are under way at a time, about, in that direction which has more of them; those
 * that have no answer do not count. 0 at first.
 */
unsigned pyr__session_depth(const pyr__session *session);

/* What the peer's hello had as authorization, "Bearer ...", or "". */
const char *pyr__session_authorization(const pyr__session *session);

/* The peer's incarnation from its hello; 16 bytes; all zero before READY. */
const uint8_t *pyr__session_peer_id(const pyr__session *session);

#endif
