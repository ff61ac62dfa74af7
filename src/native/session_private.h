/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of a session, for the files session*.c only.
 *
 *   session.c             its life, and its end
 *   session_streams.c     the table of open calls
 *   session_in.c          bytes to frames to events
 *   session_connection.c  HELLO, PING, PONG, GOAWAY
 *   session_share.c       SHARE
 *   session_call.c        CALL, received
 *   session_body.c        how a message lies in its frames, received
 *   session_direct.c      a part of a long message, received straight into its place
 *   session_message.c     MESSAGE, METADATA, FINAL, RESET, received
 *   session_window.c      WINDOW, and what a message costs
 *   session_out.c         what the owner sends
 *   session_queue.c       the bytes that wait to be taken
 *   session_lend.c        those of them that are still where their owner has them
 *   session_trace.c       what is told of each frame to who watches
 */
#ifndef PYR_NATIVE_SESSION_PRIVATE_H
#define PYR_NATIVE_SESSION_PRIVATE_H

#include "base/list.h"
#include "base/owner.h"
#include "native/frame.h"
#include "native/session.h"

#define PYR__PAGE_STREAMS  64u
#define PYR__FIRST_STREAMS 8u /* enough for most, and so for connections that idle */
#define PYR__STREAMS_MOST  65536u
#define PYR__SEGMENTS_MAX  24u
#define PYR__QUEUE_SLACK   (1u << 20) /* room beyond queue_max for what must always be said */
#define PYR__NO_METHOD     UINT32_MAX
#define PYR__NOT_SENT      UINT64_MAX
#define PYR__REASON_LITTLE 256u
#define PYR__SEND_QUEUE    (256u << 10) /* a stream sends no more while so many bytes wait */

/* A message that arrives in parts, and what its CALL said if it is a call's first. */
typedef struct pyr__partial {
	pyr__block *block; /* its size is the room made so far; NULL at first */
	size_t size, total;
	uint32_t cost;
	uint32_t inflated_size; /* of the message, of which these are the deflated bytes; or 0 */
	bool opens;             /* it is a CALL's, which is told when the message is whole */
	pyr__head head;  /* of that CALL; its texts are in `texts` or are an interned method's */
	uint32_t method; /* its number, or PYR__NO_METHOD */
	char texts[];
} pyr__partial;

/*
 * What a stream sends later than it was told to: a long message, or one that waits for a window.
 *
 *   waiting --window--> started --fragments, in turn with other streams'--> gone
 *
 * A stream has one at most, and sends nothing else meanwhile.
 */
typedef struct pyr__parcel {
	pyr__link link; /* in output.waiting, or output.ring once it is started; or in neither */
	struct pyr__stream *stream;
	bool started;
	bool end; /* the caller sends nothing behind it */
	uint32_t cost;
	pyr__block *payload; /* all of it but what is lent; NULL: `head` is all there is */
	pyr__lent lent;
	size_t size, at; /* of both, and how much of them has been queued */
	uint8_t *tail;   /* a FINAL to be sent behind it, or NULL */
	size_t tail_size;
	size_t head_size;
	uint8_t head[]; /* its first frame */
} pyr__parcel;

/* A part of a long message that has begun to arrive, and goes to where it will be needed. */
typedef struct pyr__direct {
	pyr__block *block; /* of the partial, and so data of frame, too */
	pyr__frame frame;
	uint32_t at;   /* where the next of its bytes goes, in the block's data */
	uint32_t left; /* bytes of it that are still to come */
} pyr__direct;

/* How far the two ends are with going over to shared memory: session_share.c. */
typedef enum pyr__sharing {
	PYR__SHARING_NONE,
	PYR__SHARING_OFFER, /* not answered yet */
	PYR__SHARING_HALF,  /* the server has switched, the client has not */
	PYR__SHARING_OVER,
} pyr__sharing;

/* One call of either side, while it is open; the slot is used again with the next generation. */
typedef struct pyr__stream {
	uint32_t id; /* of the present, or else the last, call */
	bool open;
	bool oneway;    /* ours: closed once it is sent */
	bool reset;     /* given up by its caller. Ours: what still comes is dropped, FINAL too */
	bool finished;  /* theirs: answered, but a parcel has to go before the answer */
	bool ended;     /* theirs: the caller sends no more messages */
	bool end_sent;  /* ours: likewise */
	bool spoken;    /* the callee has sent something: it is too late for METADATA */
	bool blocked;   /* a send was refused: WRITABLE is owed */
	uint32_t order; /* ours: its CALL was the connection's n-th */
	int64_t send_left;  /* the window for messages that we send */
	int64_t recv_left;  /* and that we receive */
	uint64_t recv_owed; /* consumed, but not given back yet */
	uint64_t credited;  /* by the peer, in all */
	uint64_t sent_at;   /* ours: the output's position behind its CALL, or PYR__NOT_SENT */
	uint32_t nth; /* its last call that was answered, or is to be, was this side's n-th such */
	void *user;
	pyr__partial *partial;
	pyr__parcel *parcel;
	pyr__link writable; /* in the session's list of that name, or in none */
	struct pyr__stream *next_free;
} pyr__stream;

/*
 * The calls of one side. Slots come in pages, made when they are first used, which never move; the
 * first few have a small one of their own, and those of page 0 are not used.
 */
typedef struct pyr__streams {
	pyr__stream *first;
	pyr__stream **pages;
	uint32_t page_count; /* places for pages, made as they are needed */
	uint32_t slots_max;
	uint32_t open;
	uint32_t called;         /* calls that have an answer; see pyr__streams_count() */
	uint32_t depths;         /* the sum that pyr__session_depth() divides */
	uint32_t fresh;          /* ours: slots below have been used */
	pyr__stream *free_first; /* ours: those of them that are free */
} pyr__streams;

typedef struct pyr__interned {
	const void *key; /* sending */
	char *name;      /* receiving, as what follows */
	size_t size;
	void *user;
} pyr__interned;

/* Bytes of a message that go out straight from where they were packed, or are lent. */
typedef struct pyr__segment {
	uint64_t position; /* flat bytes that go before it, counted from the session's beginning */
	pyr__block *block; /* NULL: they are lent */
	const uint8_t *data;
	size_t size;
} pyr__segment;

/*
 * Frames are written one behind the other into `flat`; between them go segments. Long messages
 * are kept apart and give a fragment each in turn when little is queued, so that what is sent
 * later but is short needs not wait for all of them.
 */
typedef struct pyr__output {
	uint8_t *flat;
	size_t at, size, room;
	uint64_t flat_taken;    /* bytes of flat ever taken */
	uint64_t taken;         /* bytes ever taken */
	pyr__segment *segments; /* PYR__SEGMENTS_MAX, made for the first one */
	unsigned segment_count;
	bool lends;                              /* some bytes are lent: see pyr__session_keep() */
	size_t in_segments, in_ring, in_waiting; /* bytes */
	pyr__link ring;                          /* started parcels, the next in turn first */
	pyr__link waiting; /* for the connection's window or the peer's hello, oldest first */
	pyr__parcel *lent_parcel; /* and these are some of them; or NULL */
} pyr__output;

struct pyr__session {
	pyr__session_config config;
	bool preface_done, hello_done, hello_sent;
	char *authorization;  /* of the peer's hello, or NULL */
	bool closing, closed; /* no more frames; CLOSED has been told */
	bool going, drained;  /* the peer, we: no new calls */
	pyr_status why;
	char *reason; /* why there are no new calls; NULL: nobody said */
	uint8_t peer_id[16];
	uint32_t peer_message_max, peer_metadata_max, peer_streams_max, peer_methods_max;
	uint32_t peer_stream_window; /* of a new stream */
	bool peer_takes_deflated, peer_shares;
	pyr__sharing share;
	bool rx_filled;   /* the last read filled what there was: offer more room */
	uint8_t rx_large; /* for so many reads more there is large room from the first */
	bool peer_took_known;
	uint32_t peer_took;                /* calls, by its last GOAWAY */
	uint32_t calls_sent, calls_taken;  /* CALL frames, in order */
	uint32_t close_ours, close_theirs; /* how far the closing sequence is */

	pyr__block *rx; /* NULL while nothing is half received */
	size_t rx_at, rx_size;
	pyr__direct *direct;     /* NULL: there is none */
	pyr__partial *delivered; /* of the last event */
	pyr__block *inflated;    /* likewise */

	pyr__output output;
	int64_t send_left; /* the connection's windows, as a stream's */
	int64_t recv_left;
	uint64_t recv_owed;
	pyr__link writable; /* streams that wait for the connection alone */

	pyr__streams ours, theirs;
	pyr__interned *sent_methods; /* open addressing by key; a power of two */
	uint32_t sent_method_count;
	pyr__interned *known_methods; /* by number */
	uint32_t known_method_count, known_method_room;
	char **traced_methods; /* the names of sent_methods by number, for a trace alone */
	uint32_t traced_method_count;
};

/* session.c */

/* The peer broke the protocol: tells it why, and ends. */
void pyr__session_violation(pyr__session *session, const char *format, ...)
	PYR_PRINTF(2, 3) PYR_COLD;

/* The next event of the closing sequence. */
bool pyr__session_next_closing(pyr__session *session, pyr__event *event);

/* session_streams.c */

static inline bool pyr__session_is_ours(const pyr__session *session, uint32_t id)
{
	return (id >> 31) == (uint32_t)session->config.server;
}

/* The slot, used or not; NULL while its page was never needed, or if it cannot be. */
static inline pyr__stream *pyr__streams_slot(const pyr__streams *streams, uint32_t slot)
{
	if (slot < PYR__FIRST_STREAMS)
		return streams->first ? &streams->first[slot] : NULL;
	uint32_t page = slot / PYR__PAGE_STREAMS;
	if (page >= streams->page_count || !streams->pages[page])
		return NULL;
	return &streams->pages[page][slot % PYR__PAGE_STREAMS];
}

/* The stream with this id, which may be over if nothing has been opened in its slot since. */
static inline pyr__stream *pyr__session_last(const pyr__session *session, uint32_t id)
{
	bool ours = pyr__session_is_ours(session, id);
	pyr__stream *stream =
		pyr__streams_slot(ours ? &session->ours : &session->theirs, id & 0xffff);
	return stream && stream->id == id ? stream : NULL;
}

/* The open stream with this id, or NULL. */
static inline pyr__stream *pyr__session_find(const pyr__session *session, uint32_t id)
{
	pyr__stream *stream = pyr__session_last(session, id);
	return stream && stream->open ? stream : NULL;
}

void pyr__streams_done(pyr__streams *streams);

/* The n-th slot if it is open, or NULL. */
static inline pyr__stream *pyr__streams_at(const pyr__streams *streams, uint32_t slot)
{
	pyr__stream *stream = pyr__streams_slot(streams, slot);
	return stream && stream->open ? stream : NULL;
}

/* The frame's stream, or NULL: after a violation, or because we have just answered its call. */
pyr__stream *pyr__session_stream_of(pyr__session *session, const pyr__frame *frame);

/* A slot for a call of ours; there must be one that is free. */
pyr__stream *pyr__session_open_ours(pyr__session *session);

/* The slot of the id, which must be closed and in range. */
pyr__stream *pyr__session_open_theirs(pyr__session *session, uint32_t id);

/* A call that will be answered has been opened. */
void pyr__streams_count(pyr__streams *streams, pyr__stream *stream);

/* Drops what is half sent and half received; what the latter cost is given back. */
void pyr__session_close(pyr__session *session, pyr__stream *stream);

/* session_connection.c, session_call.c, session_message.c, session_window.c: one for each type
 * of frame; false: there is no event. */

bool pyr__session_on_hello(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_ping(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_pong(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_goaway(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_call(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_message(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_metadata(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_final(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_reset(pyr__session *session, const pyr__frame *frame, pyr__event *event);
bool pyr__session_on_window(pyr__session *session, const pyr__frame *frame, pyr__event *event);

void pyr__session_put_hello(pyr__session *session);
void pyr__session_put_goaway(
	pyr__session *session, uint8_t flags, pyr_status status, const char *reason);

/* session_share.c */

bool pyr__session_on_share(pyr__session *session, const pyr__frame *frame, pyr__event *event);

/* session_call.c */

/* The answer to a call that is not taken, or not any more; the session gives it by itself. */
void pyr__session_refuse(
	pyr__session *session, uint32_t id, pyr_status status, const char *why) PYR_COLD;

/* A partial that opens a call is whole: fills in the event's head. */
void pyr__session_tell_call(pyr__session *session, pyr__partial *partial, pyr__event *event);

/* session_body.c */

/* What the first frame of a message says of it. */
typedef struct pyr__arrival {
	bool more;     /* its bytes come in later frames */
	bool deflated; /* they are a zlib stream */
	uint32_t bytes;
	uint32_t size;       /* of the message: that of its bytes, unless it is deflated */
	const uint8_t *data; /* the bytes, unless more is set */
} pyr__arrival;

/* Reads what a frame, which has not CONT, ends with; false if it is malformed. */
bool pyr__arrival_read(pyr__arrival *arrival, uint8_t flags, const uint8_t *data, size_t size);

typedef enum pyr__unpacked {
	PYR__UNPACKED,
	PYR__UNPACKED_NO_MEMORY,
	PYR__UNPACKED_VIOLATION, /* has been told */
} pyr__unpacked;

/* Inflates a message for the event that is about to be told. */
pyr__unpacked pyr__session_unpack(pyr__session *session, uint32_t stream, const uint8_t *data,
	size_t bytes, size_t size, pyr__payload *ret_payload);

/* session_direct.c */

/* The first bytes of a frame are there; if it can be received directly they are taken. */
void pyr__session_begin_direct(pyr__session *session, const pyr__frame *frame, size_t size);

/* So many more bytes have come; returns how many of them are not the frame's. */
size_t pyr__session_received_direct(pyr__session *session, size_t size);

void pyr__session_end_direct(pyr__session *session);

static inline bool pyr__session_is_direct(const pyr__session *session)
{
	return session->direct && session->direct->left > 0;
}

static inline bool pyr__session_direct_is_whole(const pyr__session *session)
{
	return session->direct && session->direct->left == 0;
}

/* session_message.c */

/* Room for so many bytes of it in all; false: there is no memory. */
bool pyr__partial_make_room(pyr__partial *partial, size_t size);

/* A message in parts begins; head is NULL if it opens no call. False after a violation. */
bool pyr__session_begin_partial(pyr__session *session, pyr__stream *stream, const pyr__head *head,
	uint32_t method, const pyr__arrival *arrival);

void pyr__partial_free(pyr__partial *partial);

/* session_window.c */

/* What a message of so many bytes takes from the windows. */
static inline uint32_t pyr__cost(size_t size)
{
	return size < PYR__COST_MIN ? PYR__COST_MIN : (uint32_t)size;
}

/* A message begins to arrive; stream NULL: for a call that is over. False after a violation. */
bool pyr__session_charge(pyr__session *session, pyr__stream *stream, uint32_t cost);

/* Gives the connection back what a message has cost; true if that is sent now. */
bool pyr__session_return(pyr__session *session, uint64_t cost);

/* The peer's hello is there: what was counted from the initial windows is put right. */
void pyr__session_set_windows(
	pyr__session *session, uint32_t stream_window, uint32_t connection_window);

/* What kept the stream from sending may be gone. */
void pyr__stream_unblocked(pyr__session *session, pyr__stream *stream);

/* True if nothing but the stream itself can keep a message from being sent. */
bool pyr__session_sendable(const pyr__session *session);

/* True if the stream alone does not keep a message from being sent. */
static inline bool pyr__stream_sendable(const pyr__stream *stream)
{
	return !stream->parcel && stream->send_left > 0;
}

/* session_lend.c */

/*
 * Queues a frame with all of a message whose bytes are lent, if that is worth it, behind fields as
 * of pyr__frame_begin(). False: it is to be packed.
 */
bool pyr__session_put_around(pyr__session *session, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *fields, size_t fields_size, const pyr__body *body);

/* session_trace.c */

/* For a session that is traced; '<': it has come. Of the parts of a message the header is enough.
 */
void pyr__session_trace_frame(pyr__session *session, char direction, const pyr__frame *frame);
void pyr__session_trace_done(pyr__session *session);

/* A frame has been queued, with its header at `at`. */
static inline void pyr__session_trace_sent(pyr__session *session, const uint8_t *at)
{
	if (session->config.trace) {
		pyr__frame frame;
		pyr__frame_load(&frame, at);
		pyr__session_trace_frame(session, '>', &frame);
	}
}

/* session_queue.c */

void pyr__output_init(pyr__output *output);
void pyr__output_done(pyr__output *output);

/* Forgets what is queued, for a session that has ended. */
void pyr__output_drop(pyr__output *output);

/* Room for so many more bytes behind what is queued. */
uint8_t *pyr__session_room(pyr__session *session, size_t size);

/* Queues a frame without a message; data may be NULL if size is 0. */
void pyr__session_put_frame(pyr__session *session, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *data, size_t size);

/* Bytes that are queued for good: what is sent now goes behind them. */
static inline size_t pyr__output_committed(const pyr__output *output)
{
	return output->size - output->at + output->in_segments;
}

/* As pyr__session_queued(). */
static inline size_t pyr__output_queued(const pyr__output *output)
{
	return pyr__output_committed(output) + output->in_ring + output->in_waiting;
}

/* Queues bytes to be sent from where they are: the block's, or, if it is NULL, lent ones. */
void pyr__session_put_segment(
	pyr__session *session, pyr__block *block, const uint8_t *data, size_t size);

/* A parcel of the stream's. Its first frame, of head_size bytes, is the caller's to write. */
pyr__parcel *pyr__parcel_new(pyr__stream *stream, size_t head_size);

/* Bytes that lie one behind the other, from parcel->at on; *ret_block NULL: they are lent. */
const uint8_t *pyr__parcel_run(const pyr__parcel *parcel, size_t *ret_size, pyr__block **ret_block);

/* Starts it now if the windows are open, or else as soon as they are. */
void pyr__session_put_parcel(pyr__session *session, pyr__parcel *parcel);

/* Forgets what has not been queued of the stream's parcel, its tail too. */
void pyr__session_drop_parcel(pyr__session *session, pyr__stream *stream);

/* Ours: its CALL waits, and the peer knows nothing of it. */
static inline bool pyr__stream_unsent(const pyr__stream *stream)
{
	const pyr__parcel *parcel = stream->parcel;
	return parcel && !parcel->started && parcel->head[4] == PYR__FRAME_CALL;
}

/* The caller gave up a finished call: its answer goes without what was to go before it. */
void pyr__session_cut_short(pyr__session *session, pyr__stream *stream);

/* True if a new CALL has to wait behind others, or, a server's, for the hello. */
static inline bool pyr__session_calls_wait(const pyr__session *session)
{
	return !pyr__list_empty(&session->output.waiting) || !session->hello_sent;
}

#endif
