/* SPDX-License-Identifier: Apache-2.0 */
/* Measures and writes what is sent. */
#include "transport/body.h"

#include <string.h>
#include "codec/encode.h"

pyr_status pyr__body_init(
	pyr__body *body, const ProtobufCMessage *message, uint8_t *space, pyr_error *err)
{
	*body = (pyr__body){.message = message};
	if (space)
		body->raw = pyr__encode_flat(message, space, PYR__BODY_SPACE, &body->size);
	return body->raw ? PYR_OK : pyr__encoded_size(message, &body->size, err);
}

void pyr__body_write(const pyr__body *body, uint8_t *to)
{
	if (!body->raw)
		pyr__encode(body->message, to, body->size);
	else if (body->size)
		memcpy(to, body->raw, body->size);
}

pyr__lent pyr__body_lends(const pyr__body *body)
{
	pyr__lent lent = {.field = NULL};
	if (body && !body->raw && body->size >= PYR__LENT_MIN)
		lent.field =
			pyr__encode_longest(body->message, PYR__LENT_MIN, &lent.data, &lent.size);
	return lent;
}

void pyr__body_write_around(const pyr__body *body, pyr__lent *lent, uint8_t *to)
{
	const uint8_t *missing = pyr__encode_around(
		body->message, lent->field, lent->size, to, body->size - lent->size);
	lent->at = (size_t)(missing - to);
}
