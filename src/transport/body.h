/* SPDX-License-Identifier: Apache-2.0 */
/* A message to send, which is encoded where it is to go, or has been. */
#ifndef PYR_TRANSPORT_BODY_H
#define PYR_TRANSPORT_BODY_H

#include <stdint.h>
#include <protobuf-c/protobuf-c.h>
#include <pyrite/status.h>

typedef struct pyr__body {
	const ProtobufCMessage *message;
	const uint8_t *raw; /* the bytes of it; NULL: it is yet to be encoded */
	size_t size;        /* pyr__encoded_size() of message, or bytes at raw */
	/* The native session's: raw is a zlib stream of a message of so many bytes; 0: it is not */
	uint32_t inflated_size;
} pyr__body;

#define PYR__BODY_SPACE 256 /* bytes in which what is short is encoded at once */

/*
 * Of a message that the program made, with the errors of pyr__encoded_size(). With space, which has
 * PYR__BODY_SPACE bytes and outlives the body, a short one is encoded there; NULL: none is.
 */
pyr_status pyr__body_init(
	pyr__body *body, const ProtobufCMessage *message, uint8_t *space, pyr_error *err);

/* Writes body->size bytes. */
void pyr__body_write(const pyr__body *body, uint8_t *to);

/* Many of a message's bytes, which need not be copied to be sent: they are where its owner has
 * them. */
typedef struct pyr__lent {
	const ProtobufCFieldDescriptor *field; /* whose they are; NULL: there are none */
	const uint8_t *data;
	size_t size;
	size_t at; /* of the encoded message */
} pyr__lent;

#define PYR__LENT_MIN 16384u /* for fewer it does not pay */

/* Of a body that is yet to be encoded; else, or if the message is not like that, there are none. */
pyr__lent pyr__body_lends(const pyr__body *body);

/* Writes the body->size - lent->size other bytes, and says where among them the lent ones belong.
 */
void pyr__body_write_around(const pyr__body *body, pyr__lent *lent, uint8_t *to);

#endif
