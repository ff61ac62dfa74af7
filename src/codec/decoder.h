/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the decoder share: its state, its memory, its errors and its numbers. */
#ifndef PYR_CODEC_DECODER_H
#define PYR_CODEC_DECODER_H

#include <stdlib.h>
#include "base/alloc.h"
#include "codec/decode.h"
#include "codec/wire.h"

/* So many fields of the way to a failure are named, from the inside. */
#define PYR__DECODER_PATH_MAX 12

/* Where and why decoding failed. */
typedef struct pyr__decoder_failure {
	pyr_status status;
	const char *what;
	const uint8_t *at;
	const ProtobufCFieldDescriptor *path[PYR__DECODER_PATH_MAX]; /* innermost first */
	unsigned path_size; /* which may be more than there is room for */
} pyr__decoder_failure;

typedef struct pyr__decoder {
	const uint8_t *begin;
	pyr__arena *arena;
	bool alias;
	bool maps; /* a map has got several entries */
	unsigned depth_max;
	size_t bytes_left;
	pyr__decoder_failure *failure;
} pyr__decoder;

void pyr__decoder_note(
	pyr__decoder *d, pyr_status status, const uint8_t *at, const char *what) PYR_COLD;

/* What fails returns false, after one of these. */
static inline bool pyr__decoder_malformed(pyr__decoder *d, const uint8_t *at, const char *what)
{
	pyr__decoder_note(d, PYR_INVALID_ARGUMENT, at, what);
	return false;
}

static inline bool pyr__decoder_exhausted(pyr__decoder *d, const char *what)
{
	pyr__decoder_note(d, PYR_RESOURCE_EXHAUSTED, NULL, what);
	return false;
}

/* The failure is in this field, which is NULL if it has no name. */
void pyr__decoder_name(pyr__decoder *d, const ProtobufCFieldDescriptor *field) PYR_COLD;

/* As pyr__decoder_alloc(), where there is no arena, or no memory, or not so much is allowed. */
void *pyr__decoder_alloc_slow(pyr__decoder *d, size_t size, size_t align);

/* Uncleared memory, counted; NULL after a failure. */
static inline void *pyr__decoder_alloc(pyr__decoder *d, size_t size, size_t align)
{
	size_t bytes = (size + align - 1) & ~(align - 1);
	void *memory;
	if (!d->arena || bytes > d->bytes_left ||
		!(memory = pyr__arena_alloc_aligned(d->arena, size, align)))
		return pyr__decoder_alloc_slow(d, size, align);
	d->bytes_left -= bytes;
	return memory;
}

/* What that gave for this size, or NULL, is not needed any more. */
void pyr__decoder_release(pyr__decoder *d, void *memory, size_t size);

/* Room for `more` elements behind `count` in an array that had only grown by this. */
bool pyr__decoder_reserve(
	pyr__decoder *d, void **array, size_t count, size_t more, size_t element_size);

bool pyr__decoder_long_varint(
	pyr__decoder *d, const uint8_t **at, const uint8_t *end, uint64_t *ret_value);

static inline bool pyr__decoder_varint(
	pyr__decoder *d, const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
	if (*at < end && **at < 0x80) {
		*ret_value = *(*at)++;
		return true;
	}
	return pyr__decoder_long_varint(d, at, end, ret_value);
}

/* A field's number and wire type: a varint of at most 5 bytes. */
static inline bool pyr__decoder_tag(
	pyr__decoder *d, const uint8_t **at, const uint8_t *end, uint32_t *ret_tag)
{
	const uint8_t *begin = *at;
	uint64_t tag;
	if (!pyr__decoder_varint(d, at, end, &tag))
		return false;
	*ret_tag = (uint32_t)tag;
	if (tag < 8 || tag > UINT32_MAX || *at - begin > 5)
		return pyr__decoder_malformed(d, begin, "a field number is not valid");
	return true;
}

/* A length, which is not more than there is behind it: a varint of at most 5 bytes. */
static inline bool pyr__decoder_length(
	pyr__decoder *d, const uint8_t **at, const uint8_t *end, size_t *ret_size)
{
	const uint8_t *begin = *at;
	uint64_t size;
	if (!pyr__decoder_varint(d, at, end, &size))
		return false;
	if (*at - begin > 5)
		return pyr__decoder_malformed(d, begin, "a length is too long");
	if (size > (uint64_t)(end - *at))
		return pyr__decoder_malformed(d, begin, "a value is cut short");
	*ret_size = (size_t)size;
	return true;
}

/* decode_message.c. With `fresh` the message is empty, else at .. end is merged into it. */
ProtobufCMessage *pyr__decoder_new_message(
	pyr__decoder *d, const ProtobufCMessageDescriptor *descriptor);
bool pyr__decoder_message(pyr__decoder *d, ProtobufCMessage *message, const uint8_t *at,
	const uint8_t *end, unsigned depth, bool fresh);

/* decode_field.c: the value of a field whose tag is before *at. */
bool pyr__decoder_field(pyr__decoder *d, const ProtobufCFieldDescriptor *field, uint32_t tag,
	const uint8_t **at, const uint8_t *end, ProtobufCMessage *message, unsigned depth);

/* decode_repeated.c: the same of a repeated field, with all that follow with the same tag. */
bool pyr__decoder_repeated(pyr__decoder *d, const ProtobufCFieldDescriptor *field, uint32_t tag,
	const uint8_t **at, const uint8_t *end, ProtobufCMessage *message, unsigned depth);

/* decode_field.c: one value of a field to member. */
bool pyr__decoder_value(pyr__decoder *d, const ProtobufCFieldDescriptor *field, const uint8_t **at,
	const uint8_t *end, void *member, unsigned depth);

/* decode_unknown.c: of a field that the descriptor does not have, at least not like this. */
bool pyr__decoder_unknown(pyr__decoder *d, uint32_t tag, const uint8_t **at, const uint8_t *end,
	ProtobufCMessage *message, unsigned depth);

/* decode_map.c: of several entries with the same key, in message and all below, the last stays. */
bool pyr__decoder_settle_maps(pyr__decoder *d, ProtobufCMessage *message);

/*
 * decode_flat.c. The bytes of the message are pointed into; it and its strings take no more of the
 * arena's current chunk than its size in memory and on the wire. NULL: it is to be decoded
 * otherwise, and the arena is as it was.
 */
ProtobufCMessage *pyr__decode_flat(const ProtobufCMessageDescriptor *descriptor,
	const uint8_t *data, size_t size, pyr__arena *arena);

/* The same, with each part malloc'ed; nothing is left of what is to be decoded otherwise. */
ProtobufCMessage *pyr__decode_flat_malloc(
	const ProtobufCMessageDescriptor *descriptor, const uint8_t *data, size_t size);

/* Whether a message stands for an entry of a map: the generator marks its descriptor so. */
static inline bool pyr__decoder_is_map_entry(const ProtobufCMessageDescriptor *descriptor)
{
	return descriptor->reserved1 == descriptor;
}

#endif
