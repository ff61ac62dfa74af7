/* SPDX-License-Identifier: Apache-2.0 */
/* References: taking them apart, and writing them. The grammar is docs/references.md. */
#include <pyrite/reference.h>

#include <stdio.h>
#include <string.h>
#include "base/error.h"
#include "base/scan.h"
#include "base/utf8.h"

typedef enum address {
	ADDRESS_NEVER,
	ADDRESS_MAY,
	ADDRESS_MUST,
} address;

static const struct scheme {
	const char *name;
	const char *noun; /* what its target is called */
	address address;
	bool may_be_empty; /* the target */
} schemes[] = {
	[PYR_SCHEME_PYR] = {"pyr", "an object id", ADDRESS_MUST, false},
	[PYR_SCHEME_PYRS] = {"pyrs", "an object id", ADDRESS_MUST, false},
	[PYR_SCHEME_GRPC] = {"grpc", "an object id", ADDRESS_MUST, true},
	[PYR_SCHEME_GRPCS] = {"grpcs", "an object id", ADDRESS_MUST, true},
	[PYR_SCHEME_NAME] = {"name", "a name", ADDRESS_MAY, false},
	[PYR_SCHEME_TAG] = {"tag", "a tag", ADDRESS_MAY, false},
	[PYR_SCHEME_LOCAL] = {"local", "an object id", ADDRESS_NEVER, false},
	[PYR_SCHEME_PEER] = {"peer", "an object id", ADDRESS_NEVER, false},
};

#define SCHEME_COUNT (sizeof schemes / sizeof schemes[0])

/* Must be percent-encoded in an object id, a name or a tag. */
#define TARGET_RESERVED ": "

/* Reads "SCHEME:", or nothing where a bare name begins. */
static pyr_status scan_scheme(pyr__scan *scan, pyr_scheme *ret_scheme)
{
	const char *text = scan->text;
	size_t size = strcspn(text, ":@");
	if (text[size] == '@')
		return pyr__scan_fail(scan, size,
			"'name:' stands before a name that is followed by '@' and an address");
	if (!text[size]) {
		*ret_scheme = PYR_SCHEME_NAME;
		return PYR_OK;
	}
	for (size_t i = 0; i < SCHEME_COUNT; i++)
		if (strlen(schemes[i].name) == size && memcmp(schemes[i].name, text, size) == 0) {
			*ret_scheme = (pyr_scheme)i;
			scan->at = size + 1;
			return PYR_OK;
		}
	return pyr__scan_fail(scan, 0,
		"unknown scheme '%.*s': it is none of pyr, pyrs, grpc, grpcs, name, tag, local "
		"and peer (':' in a name is written %%3A)",
		(int)pyr__utf8_valid_bytes(text, size > 32 ? 32 : size), text);
}

/* Tags, joined by commas as they stand; no tag has a comma in it. */
static pyr_status scan_tags(pyr__scan *scan, char *ret_tags)
{
	size_t used = 0;
	for (;;) {
		char tag[PYR_OBJECT_ID_MAX + 1];
		size_t start = scan->at;
		pyr_status status = pyr__scan_decode(
			scan, "@,", TARGET_RESERVED, "a tag", PYR_OBJECT_ID_MAX, tag);
		if (status)
			return status;
		if (strchr(tag, ','))
			return pyr__scan_fail(scan, start, "a tag cannot have a ',' in it");
		size_t size = strlen(tag);
		if (used + size > PYR_OBJECT_ID_MAX)
			return pyr__scan_fail(scan, start,
				"all tags have at most %d bytes together", PYR_OBJECT_ID_MAX);
		memcpy(ret_tags + used, tag, size + 1);
		used += size;
		if (scan->text[scan->at] != ',')
			return PYR_OK;
		if (used == PYR_OBJECT_ID_MAX)
			return pyr__scan_fail(scan, scan->at,
				"all tags have at most %d bytes together", PYR_OBJECT_ID_MAX);
		ret_tags[used++] = ',';
		scan->at++;
	}
}

static pyr_status scan_target(pyr__scan *scan, pyr_reference *ret)
{
	const struct scheme *scheme = &schemes[ret->scheme];
	if (ret->scheme == PYR_SCHEME_TAG)
		return scan_tags(scan, ret->target);
	if (scheme->may_be_empty && scan->text[scan->at] == '@')
		return PYR_OK;
	return pyr__scan_decode(
		scan, "@", TARGET_RESERVED, scheme->noun, PYR_OBJECT_ID_MAX, ret->target);
}

static pyr_status scan_address(pyr__scan *scan, pyr_reference *ret)
{
	const struct scheme *scheme = &schemes[ret->scheme];
	bool there = scan->text[scan->at] == '@';
	if (!there && scheme->address == ADDRESS_MUST)
		return pyr__scan_fail(
			scan, scan->at, "'@' and an address are missing after %s", scheme->noun);
	if (there && scheme->address == ADDRESS_NEVER)
		return pyr__scan_fail(scan, scan->at,
			"'%s:' takes no address ('@' is written %%40)", scheme->name);
	if (!there)
		return PYR_OK;
	scan->at++;
	return pyr__scan_endpoint(scan, false, ret);
}

pyr_status pyr_reference_parse(const char *text, pyr_reference *ret_reference, pyr_error *err)
{
	pyr__scan scan;
	pyr_reference found = {0};
	pyr_status status = pyr__scan_init(&scan, text, "reference", err);
	if (status == PYR_OK)
		status = scan_scheme(&scan, &found.scheme);
	if (status == PYR_OK)
		status = scan_target(&scan, &found);
	if (status == PYR_OK)
		status = scan_address(&scan, &found);
	if (status == PYR_OK)
		*ret_reference = found;
	return status;
}

/* Text that is being written; runs over without harm. */
typedef struct writer {
	char text[PYR_REFERENCE_MAX];
	size_t size; /* with the NUL at most sizeof text, or it did not fit */
} writer;

static void put(writer *w, char c)
{
	if (w->size < sizeof w->text)
		w->text[w->size] = c;
	w->size++;
}

static void put_text(writer *w, const char *text)
{
	for (; *text; text++)
		put(w, *text);
}

/* Writes text, of which `room` bytes may be looked at, with % and the bytes of never encoded. */
static void put_encoded(writer *w, const char *text, size_t room, const char *never)
{
	static const char digits[] = "0123456789ABCDEF";
	for (size_t i = 0; i < room && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c != '%' && !strchr(never, c)) {
			put(w, (char)c);
			continue;
		}
		put(w, '%');
		put(w, digits[c >> 4]);
		put(w, digits[c & 15]);
	}
}

static void put_host(writer *w, const pyr_reference *reference)
{
	bool brackets = memchr(reference->host, ':', sizeof reference->host) != NULL;
	put_text(w, brackets ? "[" : "");
	for (size_t i = 0; i < sizeof reference->host && reference->host[i]; i++)
		put(w, reference->host[i]);
	put_text(w, brackets ? "]:" : ":");
	char port[8];
	snprintf(port, sizeof port, "%u", reference->port);
	put_text(w, port);
}

static void put_reference(writer *w, const pyr_reference *reference)
{
	put_text(w, schemes[reference->scheme].name);
	put(w, ':');
	put_encoded(w, reference->target, sizeof reference->target, TARGET_RESERVED "@");
	if (reference->is_unix) {
		put_text(w, "@unix:");
		put_encoded(w, reference->host, sizeof reference->host, " ");
	} else if (reference->host[0]) {
		put(w, '@');
		put_host(w, reference);
	}
	put(w, '\0');
}

static bool same(const pyr_reference *a, const pyr_reference *b)
{
	return a->scheme == b->scheme && a->is_unix == b->is_unix && a->port == b->port &&
	       strncmp(a->target, b->target, sizeof a->target) == 0 &&
	       strncmp(a->host, b->host, sizeof a->host) == 0;
}

pyr_status pyr_reference_format(
	const pyr_reference *reference, char *buf, size_t size, pyr_error *err)
{
	if ((unsigned)reference->scheme >= SCHEME_COUNT)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT, "%d is the number of no scheme",
			(int)reference->scheme);
	writer w = {.size = 0};
	put_reference(&w, reference);
	if (w.size > sizeof w.text)
		return pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "the reference's parts are too long");
	/* what cannot be read back as it was is no reference */
	pyr_reference back;
	pyr_status status = pyr_reference_parse(w.text, &back, err);
	if (status)
		return status;
	if (!same(reference, &back))
		return pyr_error_set(
			err, PYR_INVALID_ARGUMENT, "the reference's parts contradict each other");
	if (w.size > size)
		return pyr_error_set(err, PYR_OUT_OF_RANGE,
			"a reference of %zu bytes does not fit into %zu", w.size, size);
	memcpy(buf, w.text, w.size);
	return PYR_OK;
}
