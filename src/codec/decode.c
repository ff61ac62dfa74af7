/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder from outside, and what its parts share. decode_message.c does the work. */
#include "codec/decode.h"

#include "base/apart.h"
#include "codec/decoder.h"

#include <stdio.h>

#define VARINT_MAX  10  /* bytes */
#define MALLOC_MOST 32u /* what a malloc'ed part takes besides, a string's NUL included */

void pyr__decoder_note(pyr__decoder *d, pyr_status status, const uint8_t *at, const char *what)
{
	d->failure->status = status;
	d->failure->at = at;
	d->failure->what = what;
}

void pyr__decoder_name(pyr__decoder *d, const ProtobufCFieldDescriptor *field)
{
	pyr__decoder_failure *failure = d->failure;
	if (field && failure->path_size++ < PYR__DECODER_PATH_MAX)
		failure->path[failure->path_size - 1] = field;
}

/* What an allocation takes in truth: malloc (of glibc) has a head and a least size. */
static size_t cost(const pyr__decoder *d, size_t size, size_t align)
{
	if (d->arena)
		return (size + align - 1) & ~(align - 1);
	return size < 24 ? 32 : (size + 8 + 15) & ~(size_t)15;
}

void *pyr__decoder_alloc_slow(pyr__decoder *d, size_t size, size_t align)
{
	size_t bytes = cost(d, size, align);
	if (bytes > d->bytes_left) {
		pyr__decoder_exhausted(d, "decoding takes more memory than allowed");
		return NULL;
	}
	d->bytes_left -= bytes;
	void *memory =
		d->arena ? pyr__arena_alloc_aligned(d->arena, size, align) : pyr__try_alloc(size);
	if (!memory)
		pyr__decoder_exhausted(d, "there is no memory");
	return memory;
}

/* An arena keeps what it gave, so that stays counted. */
void pyr__decoder_release(pyr__decoder *d, void *memory, size_t size)
{
	if (!memory || d->arena)
		return;
	free(memory);
	d->bytes_left += cost(d, size, 1);
}

/* Arrays have room for a power of two: so what there is follows from the count. */
static size_t room_for(size_t count)
{
	if (count < 2)
		return count;
	return (size_t)1 << (64 - (unsigned)__builtin_clzll(count - 1));
}

bool pyr__decoder_reserve(
	pyr__decoder *d, void **array, size_t count, size_t more, size_t element_size)
{
	size_t room = room_for(count), needed = room_for(count + more);
	if (needed <= room)
		return true;
	void *grown = pyr__decoder_alloc(d, needed * element_size, 8);
	if (!grown)
		return false;
	if (count)
		memcpy(grown, *array, count * element_size);
	pyr__decoder_release(d, *array, room * element_size);
	*array = grown;
	return true;
}

bool pyr__decoder_long_varint(
	pyr__decoder *d, const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
	if (pyr__load_varint(at, end, VARINT_MAX, ret_value))
		return true;
	return pyr__decoder_malformed(
		d, *at, end - *at < VARINT_MAX ? "a number is cut short" : "a number is too long");
}

/* "demo.Order.items.name", as much of it as was noted. */
static void write_path(const pyr__decoder_failure *failure,
	const ProtobufCMessageDescriptor *descriptor, char *to, size_t size)
{
	unsigned known = failure->path_size < PYR__DECODER_PATH_MAX ? failure->path_size
								    : PYR__DECODER_PATH_MAX;
	size_t used = (size_t)snprintf(
		to, size, "%s%s", descriptor->name, known < failure->path_size ? "..." : "");
	for (unsigned i = known; i > 0 && used < size; i--)
		used += (size_t)snprintf(to + used, size - used, ".%s", failure->path[i - 1]->name);
}

PYR_COLD static pyr_status report(
	const pyr__decoder *d, const ProtobufCMessageDescriptor *descriptor, pyr_error *err)
{
	const pyr__decoder_failure *failure = d->failure;
	char path[PYR_ERROR_MESSAGE_MAX];
	if (!err)
		return failure->status;
	write_path(failure, descriptor, path, sizeof path);
	if (!failure->at)
		return pyr_error_set(err, failure->status, "%s (%s)", failure->what, path);
	return pyr_error_set(err, failure->status, "%s at byte %zu (%s)", failure->what,
		(size_t)(failure->at - d->begin) + 1, path);
}

/* Field by field, whatever they are. */
PYR__APART static pyr_status decode_any(const ProtobufCMessageDescriptor *descriptor,
	const uint8_t *data, size_t size, const pyr__decode_options *options,
	ProtobufCMessage **ret_message, pyr_error *err)
{
	pyr__decoder_failure failure;
	pyr__decoder d = {
		.begin = data,
		.arena = options->arena,
		.alias = options->alias && options->arena,
		.bytes_left = options->bytes_max ? options->bytes_max : SIZE_MAX,
		.depth_max = options->depth_max ? options->depth_max : PYR__DECODE_DEPTH_MAX,
		.failure = &failure,
	};
	failure.path_size = 0;
	ProtobufCMessage *message = pyr__decoder_new_message(&d, descriptor);
	if (message && pyr__decoder_message(&d, message, d.begin, d.begin + size, 1, true) &&
		(!d.maps || pyr__decoder_settle_maps(&d, message))) {
		*ret_message = message;
		return PYR_OK;
	}
	if (message && !d.arena)
		protobuf_c_message_free_unpacked(message, NULL);
	return report(&d, descriptor, err);
}

/* Whether a message without other messages and arrays surely takes no more memory than that. */
static bool is_within(const ProtobufCMessageDescriptor *descriptor, size_t size, size_t bytes_max)
{
	return !bytes_max || (size <= bytes_max && descriptor->sizeof_message <= bytes_max - size);
}

/* NULL: the short way is not for this message. */
static ProtobufCMessage *decode_short(const ProtobufCMessageDescriptor *descriptor,
	const uint8_t *data, size_t size, const pyr__decode_options *options)
{
	size_t parts = options->arena ? 0 : descriptor->n_fields + 1;
	if (!is_within(descriptor, size + parts * MALLOC_MOST, options->bytes_max))
		return NULL;
	if (!options->arena)
		return pyr__decode_flat_malloc(descriptor, data, size);
	return options->alias ? pyr__decode_flat(descriptor, data, size, options->arena) : NULL;
}

pyr_status pyr__decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
	size_t size, const pyr__decode_options *options, ProtobufCMessage **ret_message,
	pyr_error *err)
{
	static const uint8_t nothing[1];
	if (!data)
		data = nothing;
	*ret_message = decode_short(descriptor, data, size, options);
	if (*ret_message)
		return PYR_OK;
	return decode_any(descriptor, data, size, options, ret_message, err);
}
