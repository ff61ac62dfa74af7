/* SPDX-License-Identifier: Apache-2.0 */
/* References: URIs that say where an object is. */
#ifndef PYRITE_REFERENCE_H
#define PYRITE_REFERENCE_H

#include <pyrite/status.h>

PYR_BEGIN_DECLS

typedef enum pyr_scheme {
	PYR_SCHEME_PYR,   /* pyr:OBJECT@HOST:PORT, pyr:OBJECT@unix:PATH, pyr:OBJECT@unix:@NAME */
	PYR_SCHEME_PYRS,  /* the same over TLS */
	PYR_SCHEME_GRPC,  /* grpc:OBJECT@HOST:PORT; OBJECT may be empty */
	PYR_SCHEME_GRPCS, /* the same over TLS */
	PYR_SCHEME_NAME,  /* name:NAME, name:NAME@HOST:PORT, or a bare NAME */
	PYR_SCHEME_TAG,   /* tag:A,B or tag:A,B@HOST:PORT */
	PYR_SCHEME_LOCAL, /* local:OBJECT, in a daemon of the same context */
	PYR_SCHEME_PEER,  /* peer:OBJECT, at the other end of the connection: see pyrite/object.h */
} pyr_scheme;

#define PYR_OBJECT_ID_MAX 255
#define PYR_REFERENCE_MAX 1280 /* bytes that hold any reference, with the NUL */

/* A reference taken apart. Everything is inside, percent-decoded; nothing needs freeing. */
typedef struct pyr_reference {
	pyr_scheme scheme;
	char target[PYR_OBJECT_ID_MAX + 1]; /* object id, name, or tags joined by ',' */
	char host[256]; /* host without brackets; Unix path, or '@' and the abstract name; or empty
			 */
	uint16_t port;  /* 0 with a Unix socket or without an endpoint */
	bool is_unix;
} pyr_reference;

/*
 * Takes text apart. INVALID_ARGUMENT says what is wrong and at which byte, counted from 1. The
 * grammar is in docs/references.md.
 */
PYR_API PYR_MUST_USE pyr_status pyr_reference_parse(
	const char *text, pyr_reference *ret_reference, pyr_error *err);

/*
 * Writes the canonical text, percent-encoded where needed, into buf. OUT_OF_RANGE if size bytes do
 * not suffice; PYR_REFERENCE_MAX always do.
 */
PYR_API PYR_MUST_USE pyr_status pyr_reference_format(
	const pyr_reference *reference, char *buf, size_t size, pyr_error *err);

/*
 * Takes an endpoint apart, "HOST:PORT", "[V6]:PORT", "unix:PATH" or "unix:@NAME", into host, port
 * and is_unix, and leaves the rest alone.
 */
PYR_API PYR_MUST_USE pyr_status pyr_endpoint_parse(
	const char *text, pyr_reference *ret_reference, pyr_error *err);

PYR_END_DECLS

#endif
