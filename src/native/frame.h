/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and fields of the native protocol as bytes. docs/wire-protocol.md says what they mean.
 *
 *   frame   | u32 length | u8 type | u8 flags | u16 zero | u32 stream | length bytes ...
 *   field   | u8 number  | u16 size | size bytes ...
 */
#ifndef PYR_NATIVE_FRAME_H
#define PYR_NATIVE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "base/text.h"

#define PYR__PREFACE      "\xe9pyr\r\n\x1a\n"
#define PYR__PREFACE_SIZE 8u

#define PYR__VERSION_MIN 1u
#define PYR__VERSION_MAX 1u

#define PYR__FRAME_HEADER      12u
#define PYR__FRAME_MAX         (66u << 10) /* bytes behind the header */
#define PYR__FRAGMENT_MAX      (64u << 10) /* bytes of a message in a frame that holds a part of it */
#define PYR__METHOD_MAX        1024u       /* bytes of a method's name */
#define PYR__OBJECT_MAX        255u        /* bytes of an object's id */
#define PYR__AUTHORIZATION_MAX 4096u       /* bytes of a HELLO's authorization */
#define PYR__CORRELATION_MAX   64u         /* bytes of a correlation id; a longer one is ignored */
#define PYR__METADATA_LIMIT    24576u      /* what metadata_max can be at most */
#define PYR__COST_MIN          64u         /* bytes of window that the smallest message costs */
#define PYR__WINDOW_MAX        0x7fffffffu /* what a window, or one credit, can be at most */

/* What a client may count on before it has seen the server's hello; windows are never less. */
#define PYR__INITIAL_STREAM_WINDOW     (64u << 10)
#define PYR__INITIAL_CONNECTION_WINDOW (256u << 10)
#define PYR__INITIAL_METHODS           16u
#define PYR__INITIAL_MESSAGE_MAX       (4u << 20)
#define PYR__INITIAL_METADATA_MAX      8192u
#define PYR__INITIAL_STREAMS           16384u

typedef enum pyr__frame_type {
	PYR__FRAME_HELLO = 1,
	PYR__FRAME_CALL = 2,
	PYR__FRAME_MESSAGE = 3,
	PYR__FRAME_METADATA = 4,
	PYR__FRAME_FINAL = 5,
	PYR__FRAME_RESET = 6,
	PYR__FRAME_WINDOW = 7,
	PYR__FRAME_PING = 8,
	PYR__FRAME_PONG = 9,
	PYR__FRAME_GOAWAY = 10,
	PYR__FRAME_SHARE = 11,
	PYR__FRAME_TYPES, /* one past the last */
} pyr__frame_type;

#define PYR__FRAME_IGNORABLE 0x80u /* types from here on are skipped if unknown */

/* Flags */
#define PYR__MSG      0x01u /* bytes of a message are at the end of the frame */
#define PYR__MORE     0x02u /* the message goes on in a later frame */
#define PYR__CONT     0x04u /* the message began in an earlier frame */
#define PYR__END      0x08u /* the sender's last; in a GOAWAY: the connection is closed now */
#define PYR__ONEWAY   0x10u
#define PYR__DEFLATED 0x20u /* the message is a zlib stream, and its size goes before it */

#define PYR__CRITICAL 0x80u /* in a field's number: who does not know it must not go on */

enum pyr__hello_field {
	PYR__HELLO_VERSIONS = 1,    /* u16 lowest, u16 highest */
	PYR__HELLO_FEATURES = 2,    /* u64, of PYR__FEATURE_... */
	PYR__HELLO_ID = 3,          /* 16 bytes */
	PYR__HELLO_MESSAGE_MAX = 4, /* u32, as the next five */
	PYR__HELLO_METADATA_MAX = 5,
	PYR__HELLO_STREAMS_MAX = 6,
	PYR__HELLO_METHODS_MAX = 7,
	PYR__HELLO_STREAM_WINDOW = 8,
	PYR__HELLO_CONNECTION_WINDOW = 9,
	PYR__HELLO_AUTHORIZATION = 10, /* text, the client's */
	PYR__HELLO_AGENT = 11,         /* text */
};

#define PYR__FEATURE_DEFLATED UINT64_C(1) /* takes messages with PYR__DEFLATED */
#define PYR__FEATURE_SHARED   UINT64_C(2) /* knows SHARE, and may go over to shared memory */

enum pyr__call_field {
	PYR__CALL_METHOD = 1,       /* u16 */
	PYR__CALL_DEFINITION = 2,   /* u16, name */
	PYR__CALL_NAME = 3,         /* name */
	PYR__CALL_OBJECT = 4,       /* id */
	PYR__CALL_TIMEOUT = 5,      /* u64, microseconds */
	PYR__CALL_METADATA = 6,     /* block */
	PYR__CALL_TOKEN = 7,        /* reserved: 16 bytes */
	PYR__CALL_INCARNATION = 8,  /* reserved: 16 bytes */
	PYR__CALL_COMPRESSION = 9,  /* reserved: u8 */
	PYR__CALL_CORRELATION = 10, /* text */
};

enum pyr__final_field {
	PYR__FINAL_STATUS = 1, /* u8 */
	PYR__FINAL_MESSAGE = 2,
	PYR__FINAL_WHERE = 3,
	PYR__FINAL_DETAILS = 4,
	PYR__FINAL_METADATA = 5, /* block */
	PYR__FINAL_EXECUTED = 6, /* u8 */
	PYR__FINAL_MOVED = 7,
};

/* What a SHARE says: u32, and then u32 bytes of a ring, of an offer's. */
typedef enum pyr__share {
	PYR__SHARE_REFUSED = 0,
	PYR__SHARE_OFFERED = 1,
	PYR__SHARE_SWITCHED = 2, /* the sender's bytes are in the ring from here on */
} pyr__share;

enum pyr__goaway_field {
	PYR__GOAWAY_TAKEN = 1,  /* u32 */
	PYR__GOAWAY_STATUS = 2, /* u8 */
	PYR__GOAWAY_REASON = 3, /* text */
};

static inline uint16_t pyr__load16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t pyr__load32(const uint8_t *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static inline uint64_t pyr__load64(const uint8_t *at)
{
	return pyr__load32(at) | (uint64_t)pyr__load32(at + 4) << 32;
}

static inline void pyr__store16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline void pyr__store32(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
	at[2] = (uint8_t)(value >> 16);
	at[3] = (uint8_t)(value >> 24);
}

static inline void pyr__store64(uint8_t *at, uint64_t value)
{
	pyr__store32(at, (uint32_t)value);
	pyr__store32(at + 4, (uint32_t)(value >> 32));
}

typedef struct pyr__frame {
	uint32_t length;
	uint8_t type;
	uint8_t flags;
	uint16_t zero;
	uint32_t stream;
	const uint8_t *data; /* length bytes */
} pyr__frame;

static inline void pyr__frame_load(pyr__frame *frame, const uint8_t *at)
{
	frame->length = pyr__load32(at);
	frame->type = at[4];
	frame->flags = at[5];
	frame->zero = pyr__load16(at + 6);
	frame->stream = pyr__load32(at + 8);
	frame->data = at + PYR__FRAME_HEADER;
}

static inline void pyr__frame_store(
	uint8_t *at, uint32_t length, uint8_t type, uint8_t flags, uint32_t stream)
{
	pyr__store32(at, length);
	at[4] = type;
	at[5] = flags;
	pyr__store16(at + 6, 0);
	pyr__store32(at + 8, stream);
}

/*
 * A frame with these fields (in a CALL or FINAL, with their size before them; a MESSAGE has none)
 * and so many bytes of a message. Returns where the message goes.
 */
static inline uint8_t *pyr__frame_begin(uint8_t *at, uint8_t type, uint8_t flags, uint32_t stream,
	const uint8_t *fields, size_t fields_size, size_t message_size)
{
	pyr__frame_store(at, (uint32_t)(fields_size + message_size), type, flags, stream);
	if (fields_size)
		memcpy(at + PYR__FRAME_HEADER, fields, fields_size);
	return at + PYR__FRAME_HEADER + fields_size;
}

/* Writing fields: each returns the byte behind what it wrote. */

#define PYR__FIELD_HEADER 3u

static inline uint8_t *pyr__put_field(uint8_t *to, uint8_t number, const void *data, size_t size)
{
	to[0] = number;
	pyr__store16(to + 1, (uint16_t)size);
	if (size)
		memcpy(to + PYR__FIELD_HEADER, data, size);
	return to + PYR__FIELD_HEADER + size;
}

static inline uint8_t *pyr__put_u8(uint8_t *to, uint8_t number, uint8_t value)
{
	return pyr__put_field(to, number, &value, 1);
}

static inline uint8_t *pyr__put_u16(uint8_t *to, uint8_t number, uint16_t value)
{
	uint8_t bytes[2];
	pyr__store16(bytes, value);
	return pyr__put_field(to, number, bytes, sizeof bytes);
}

static inline uint8_t *pyr__put_u32(uint8_t *to, uint8_t number, uint32_t value)
{
	uint8_t bytes[4];
	pyr__store32(bytes, value);
	return pyr__put_field(to, number, bytes, sizeof bytes);
}

static inline uint8_t *pyr__put_u64(uint8_t *to, uint8_t number, uint64_t value)
{
	uint8_t bytes[8];
	pyr__store64(bytes, value);
	return pyr__put_field(to, number, bytes, sizeof bytes);
}

/* Nothing is written for an empty text: an absent field is an empty one. */
static inline uint8_t *pyr__put_text(uint8_t *to, uint8_t number, pyr__text text)
{
	return text.size ? pyr__put_field(to, number, text.data, text.size) : to;
}

/* Reading fields */

typedef struct pyr__fields {
	const uint8_t *at;
	const uint8_t *end;
	uint64_t seen; /* a bit for each number below 64 that has come */
	bool malformed;
} pyr__fields;

typedef struct pyr__field {
	uint8_t number; /* without PYR__CRITICAL */
	bool critical;
	uint16_t size;
	const uint8_t *data;
} pyr__field;

static inline void pyr__fields_init(pyr__fields *fields, const uint8_t *data, size_t size)
{
	fields->at = data;
	fields->end = data + size;
	fields->seen = 0;
	fields->malformed = false;
}

/* The next field; false at the end, or with `malformed` set: cut short, or a number twice. */
static inline bool pyr__fields_next(pyr__fields *fields, pyr__field *ret_field)
{
	const uint8_t *at = fields->at;
	size_t left = (size_t)(fields->end - at);
	if (left < PYR__FIELD_HEADER) {
		fields->malformed |= left != 0;
		return false;
	}
	ret_field->number = at[0] & 0x7f;
	ret_field->critical = (at[0] & PYR__CRITICAL) != 0;
	ret_field->size = pyr__load16(at + 1);
	ret_field->data = at + PYR__FIELD_HEADER;
	uint64_t bit = ret_field->number < 64 ? UINT64_C(1) << ret_field->number : 0;
	if (ret_field->size > left - PYR__FIELD_HEADER || (fields->seen & bit)) {
		fields->malformed = true;
		return false;
	}
	fields->seen |= bit;
	fields->at = ret_field->data + ret_field->size;
	return true;
}

static inline pyr__text pyr__field_text(const pyr__field *field)
{
	return (pyr__text){(const char *)field->data, field->size};
}

/* "MESSAGE" for PYR__FRAME_MESSAGE, "frame" for a number that is none. */
const char *pyr__frame_name(uint8_t type);

/* The flags that a frame of each type may have. */
extern const uint8_t pyr__frame_flags[PYR__FRAME_TYPES];

#endif
