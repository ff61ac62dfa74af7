/* SPDX-License-Identifier: Apache-2.0 */
/* Our metadata, and what else of a call travels in HTTP/2 headers. docs/grpc.md lists them. */
#ifndef PYR_GRPC_HEADERS_H
#define PYR_GRPC_HEADERS_H

#include "grpc/core.h"

#define PYR__HEADER_OBJECT        "pyrite-object"
#define PYR__HEADER_CORRELATION   "pyrite-correlation"
#define PYR__HEADER_WHERE         "pyrite-where-bin"
#define PYR__HEADER_EXECUTED      "pyrite-executed"
#define PYR__HEADER_MOVED         "pyrite-moved-bin"
#define PYR__HEADER_DETAILS       "grpc-status-details-bin"
#define PYR__HEADER_AUTHORIZATION "authorization"

/* Headers to send. */
typedef struct pyr__headers {
	grpc_metadata *items;
	size_t count, room;
	grpc_metadata own[4];
} pyr__headers;

void pyr__headers_init(pyr__headers *headers);
void pyr__headers_done(pyr__headers *headers);
void pyr__headers_move(pyr__headers *to, pyr__headers *from); /* from is empty afterwards */

/* As HTTP/2 counts them. */
size_t pyr__headers_size(const pyr__headers *headers);

/* key is static; value is copied. */
void pyr__headers_add(pyr__headers *headers, const char *key, pyr__text value);

/* Adds an object's id, percent-encoded. */
void pyr__headers_add_object(pyr__headers *headers, pyr__text object);

/* Adds the entries of a metadata block; INVALID_ARGUMENT for a key that HTTP/2 has for itself. */
pyr_status pyr__headers_add_block(pyr__headers *headers, pyr__text block, pyr_error *err);

/* A metadata block that grows. */
typedef struct pyr__header_block {
	char *data;
	size_t size, room;
} pyr__header_block;

void pyr__header_block_done(pyr__header_block *block);

/* Appends what is the application's of received headers. */
void pyr__header_block_append(pyr__header_block *block, const grpc_metadata_array *headers);

/* The value of a received header, borrowed; false if it is not there. */
bool pyr__headers_find(const grpc_metadata_array *headers, const char *key, pyr__text *ret_value);

/* Decodes what pyr__headers_add_object() encoded; false if it is no object's id. */
bool pyr__headers_object(pyr__text value, char *buf, size_t room, pyr__text *ret_object);

static inline pyr__text pyr__slice_text(const grpc_slice *slice)
{
	return (pyr__text){(const char *)GRPC_SLICE_START_PTR(*slice), GRPC_SLICE_LENGTH(*slice)};
}

#endif
