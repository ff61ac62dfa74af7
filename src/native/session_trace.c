/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line for each frame, for who watches a connection: what a frame is and what its fields say, but
 * never what a message holds, nor the value of metadata or of an authorization.
 *
 *     > CALL 00010000 MSG END, 48 bytes: demo.Calculator/Add, object "calc", 1000000 us left
 *     < FINAL 00010000 MSG, 4 bytes: OK
 *
 * ">" is sent, "<" received. A frame that comes is shown before it is judged, so its fields are
 * read here as what anybody may have sent.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"
#include "native/session_private.h"

#define LINE_BYTES_MAX 1001
#define TEXT_BYTES_MAX 250u /* of one text in a line */

typedef struct line {
	char text[LINE_BYTES_MAX];
	size_t size;
} line;

static void add(line *l, const char *format, ...) PYR_PRINTF(2, 3);

static void add(line *l, const char *format, ...)
{
	va_list args;
	size_t room = sizeof l->text - l->size;
	va_start(args, format);
	int size = vsnprintf(l->text + l->size, room, format, args);
	va_end(args);
	if (size > 0)
		l->size += (size_t)size < room ? (size_t)size : room - 1;
}

static void add_text(line *l, pyr__text text)
{
	bool cut = text.size > TEXT_BYTES_MAX;
	add(l, "%.*s%s", (int)(cut ? TEXT_BYTES_MAX : text.size), text.data, cut ? "..." : "");
}

static void add_quoted(line *l, const char *what, pyr__text text)
{
	add(l, "%s\"", what);
	add_text(l, text);
	add(l, "\"");
}

static void add_number(line *l, const char *what, const pyr__field *f)
{
	uint64_t value = f->size == 8   ? pyr__load64(f->data)
			 : f->size == 4 ? pyr__load32(f->data)
			 : f->size == 2 ? pyr__load16(f->data)
			 : f->size == 1 ? f->data[0]
					: 0;
	add(l, "%s%llu", what, (unsigned long long)value);
}

/* The keys alone: a value may be a secret. */
static void add_metadata(line *l, const uint8_t *at, size_t size)
{
	const char *before = ", metadata ";
	while (size >= 3) {
		size_t key = at[0], entry = 3 + key + pyr__load16(at + 1);
		if (entry > size)
			return;
		add(l, "%s", before);
		add_text(l, (pyr__text){(const char *)at + 3, key});
		before = " ";
		at += entry;
		size -= entry;
	}
}

/* Methods */

/* Ours are known by number once their definition has been sent, and shown. */
static void remember_method(pyr__session *s, const pyr__field *f)
{
	uint32_t count = s->traced_method_count;
	s->traced_methods = pyr__realloc(s->traced_methods, (count + 1) * sizeof(char *));
	s->traced_methods[count] = pyr__strndup((const char *)f->data + 2, f->size - 2u);
	s->traced_method_count++;
}

static void add_method(const pyr__session *s, line *l, char direction, const pyr__field *f)
{
	uint32_t number = f->size == 2 ? pyr__load16(f->data) : UINT16_MAX;
	const char *name = NULL;
	if (direction == '>' && number < s->traced_method_count)
		name = s->traced_methods[number];
	else if (direction == '<' && number < s->known_method_count)
		name = s->known_methods[number].name;
	if (name)
		add_text(l, (pyr__text){name, strlen(name)});
	else
		add(l, "the undefined method %u", number);
}

static void add_definition(pyr__session *s, line *l, char direction, const pyr__field *f)
{
	if (f->size <= 2)
		return;
	add_text(l, (pyr__text){(const char *)f->data + 2, f->size - 2u});
	add(l, " as %u", pyr__load16(f->data));
	if (direction == '>')
		remember_method(s, f);
}

/* What is told of a frame's fields, one function for each type. */

static const char *const numbers_of_hello[] = {
	[PYR__HELLO_MESSAGE_MAX] = ", message_max ",
	[PYR__HELLO_METADATA_MAX] = ", metadata_max ",
	[PYR__HELLO_STREAMS_MAX] = ", streams_max ",
	[PYR__HELLO_METHODS_MAX] = ", methods_max ",
	[PYR__HELLO_STREAM_WINDOW] = ", stream_window ",
	[PYR__HELLO_CONNECTION_WINDOW] = ", connection_window ",
};

static void add_features(line *l, const pyr__field *f)
{
	if (f->size == 8 && (pyr__load64(f->data) & PYR__FEATURE_DEFLATED))
		add(l, ", takes DEFLATED");
}

static void add_hello(pyr__session *s, line *l, char direction, const pyr__field *f)
{
	(void)s;
	(void)direction;
	if (f->number == PYR__HELLO_VERSIONS && f->size == 4)
		add(l, "versions %u to %u", pyr__load16(f->data), pyr__load16(f->data + 2));
	else if (f->number == PYR__HELLO_FEATURES)
		add_features(l, f);
	else if (f->number == PYR__HELLO_AUTHORIZATION)
		add(l, ", an authorization");
	else if (f->number == PYR__HELLO_AGENT)
		add_quoted(l, ", agent ", pyr__field_text(f));
	else if (f->number <= PYR__HELLO_CONNECTION_WINDOW && numbers_of_hello[f->number])
		add_number(l, numbers_of_hello[f->number], f);
}

static void add_call(pyr__session *s, line *l, char direction, const pyr__field *f)
{
	switch (f->number) {
	case PYR__CALL_METHOD:
		add_method(s, l, direction, f);
		break;
	case PYR__CALL_DEFINITION:
		add_definition(s, l, direction, f);
		break;
	case PYR__CALL_NAME:
		add_text(l, pyr__field_text(f));
		break;
	case PYR__CALL_OBJECT:
		add_quoted(l, ", object ", pyr__field_text(f));
		break;
	case PYR__CALL_TIMEOUT:
		add_number(l, ", ", f);
		add(l, " us left");
		break;
	case PYR__CALL_METADATA:
		add_metadata(l, f->data, f->size);
		break;
	case PYR__CALL_CORRELATION:
		add_quoted(l, ", correlation ", pyr__field_text(f));
		break;
	default:
		break;
	}
}

static void add_status(line *l, const pyr__field *f)
{
	add(l, "%s", pyr_status_name(f->size ? (pyr_status)f->data[0] : PYR_UNKNOWN));
}

static void add_final(pyr__session *s, line *l, char direction, const pyr__field *f)
{
	(void)s;
	(void)direction;
	if (f->number == PYR__FINAL_STATUS)
		add_status(l, f);
	else if (f->number == PYR__FINAL_MESSAGE)
		add_quoted(l, " ", pyr__field_text(f));
	else if (f->number == PYR__FINAL_WHERE)
		add_quoted(l, ", where ", pyr__field_text(f));
	else if (f->number == PYR__FINAL_MOVED)
		add_quoted(l, ", moved to ", pyr__field_text(f));
	else if (f->number == PYR__FINAL_METADATA)
		add_metadata(l, f->data, f->size);
	else if (f->number == PYR__FINAL_EXECUTED && f->size == 1 && f->data[0] == PYR_EXECUTED_NO)
		add(l, ", not executed");
}

static void add_goaway(pyr__session *s, line *l, char direction, const pyr__field *f)
{
	(void)s;
	(void)direction;
	if (f->number == PYR__GOAWAY_TAKEN)
		add_number(l, "taken ", f);
	else if (f->number == PYR__GOAWAY_STATUS) {
		add(l, ", ");
		add_status(l, f);
	} else if (f->number == PYR__GOAWAY_REASON)
		add_quoted(l, " ", pyr__field_text(f));
}

typedef void add_field(pyr__session *s, line *l, char direction, const pyr__field *f);

static void add_fields(
	pyr__session *s, line *l, char direction, const uint8_t *data, size_t size, add_field *each)
{
	pyr__fields fields;
	pyr__field f;
	pyr__fields_init(&fields, data, size);
	while (pyr__fields_next(&fields, &f))
		each(s, l, direction, &f);
}

/* The fields of a CALL or FINAL, whose size is in front of them. */
static void add_sized_fields(
	pyr__session *s, line *l, char direction, const pyr__frame *frame, add_field *each)
{
	size_t size = frame->length >= 2 ? pyr__load16(frame->data) : 0;
	if (frame->length >= 2 && size <= frame->length - 2)
		add_fields(s, l, direction, frame->data + 2, size, each);
}

static bool has_status(const pyr__frame *frame)
{
	pyr__fields fields;
	pyr__field f;
	size_t size = frame->length >= 2 ? pyr__load16(frame->data) : 0;
	pyr__fields_init(&fields, frame->data + 2, size);
	while (size + 2 <= frame->length && pyr__fields_next(&fields, &f))
		if (f.number == PYR__FINAL_STATUS)
			return true;
	return false;
}

/* A message in parts begins: the frame ends with its size. */
static void add_announced(line *l, const pyr__frame *frame)
{
	if ((frame->flags & (PYR__MORE | PYR__CONT)) == PYR__MORE && frame->length >= 4)
		add(l, ", of a message of %u bytes", pyr__load32(frame->data + frame->length - 4));
}

static void add_flags(line *l, uint8_t flags)
{
	static const char *const names[] = {
		" MSG", " MORE", " CONT", " END", " ONEWAY", " DEFLATED"};
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		if (flags & 1u << i)
			add(l, "%s", names[i]);
}

static void add_head(line *l, char direction, const pyr__frame *frame)
{
	add(l, "%c %s", direction, pyr__frame_name(frame->type));
	if (frame->type >= PYR__FRAME_TYPES)
		add(l, " of the unknown type %u", frame->type);
	if (frame->stream)
		add(l, " %08x", frame->stream);
	add_flags(l, frame->flags);
	add(l, ", %u bytes", frame->length);
	add_announced(l, frame);
}

static void add_said(pyr__session *s, line *l, char direction, const pyr__frame *frame)
{
	switch (frame->type) {
	case PYR__FRAME_HELLO:
		add(l, ": ");
		add_fields(s, l, direction, frame->data, frame->length, add_hello);
		break;
	case PYR__FRAME_CALL:
		add(l, ": ");
		add_sized_fields(s, l, direction, frame, add_call);
		break;
	case PYR__FRAME_METADATA:
		add_metadata(l, frame->data, frame->length);
		break;
	case PYR__FRAME_FINAL:
		add(l, has_status(frame) ? ": " : ": OK");
		add_sized_fields(s, l, direction, frame, add_final);
		break;
	case PYR__FRAME_WINDOW:
		if (frame->length == 4)
			add(l, ": credit %u", pyr__load32(frame->data));
		break;
	case PYR__FRAME_GOAWAY:
		add(l, ": ");
		add_fields(s, l, direction, frame->data, frame->length, add_goaway);
		break;
	default:
		break;
	}
}

void pyr__session_trace_frame(pyr__session *s, char direction, const pyr__frame *frame)
{
	line l = {.size = 0};
	add_head(&l, direction, frame);
	add_said(s, &l, direction, frame);
	s->config.trace(s->config.trace_ctx, l.text);
}

void pyr__session_trace_done(pyr__session *s)
{
	for (uint32_t i = 0; i < s->traced_method_count; i++)
		free(s->traced_methods[i]);
	free(s->traced_methods);
}
