/* SPDX-License-Identifier: Apache-2.0 */
/* The datagrams by which a name server is found: see the header. */
#include "native/discovery.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include "native/frame.h"

static const uint8_t magic[4] = {0xe9, 'p', 'y', 'd'};

static_assert(PYR__DISCOVERY_HEADER == sizeof magic + 4 + PYR__DISCOVERY_NONCE_SIZE, "header");

/* Writing */

static uint8_t *put_header(
	uint8_t *to, uint8_t kind, const uint8_t nonce[PYR__DISCOVERY_NONCE_SIZE])
{
	memcpy(to, magic, sizeof magic);
	to[4] = PYR__DISCOVERY_VERSION;
	to[5] = kind;
	memcpy(to + 8, nonce, PYR__DISCOVERY_NONCE_SIZE);
	return to + PYR__DISCOVERY_HEADER;
}

void pyr__query_store(const pyr__query *query, uint8_t buf[PYR__DISCOVERY_QUERY_SIZE])
{
	memset(buf, 0, PYR__DISCOVERY_QUERY_SIZE);
	uint8_t *at = put_header(buf, PYR__DISCOVERY_QUERY, query->nonce);
	pyr__store16(buf + 6, PYR__DISCOVERY_QUERY_SIZE);
	if (!query->any_group) /* an empty group is one, too */
		pyr__put_field(at, PYR__QUERY_GROUP, query->group, strlen(query->group));
}

size_t pyr__answer_store(const pyr__answer *answer, uint8_t buf[PYR__DISCOVERY_QUERY_SIZE])
{
	char text[PYR_REFERENCE_MAX];
	if (pyr_reference_format(&answer->reference, text, sizeof text, NULL))
		return 0;
	size_t reference_size = strlen(text), group_size = strlen(answer->group);
	size_t size = PYR__DISCOVERY_HEADER + 3 * PYR__FIELD_HEADER + reference_size +
		      sizeof answer->id + group_size;
	if (size > PYR__DISCOVERY_QUERY_SIZE)
		return 0;
	uint8_t *at = put_header(buf, PYR__DISCOVERY_ANSWER, answer->nonce);
	at = pyr__put_field(at, PYR__ANSWER_REFERENCE, text, reference_size);
	at = pyr__put_field(at, PYR__ANSWER_ID, answer->id, sizeof answer->id);
	at = pyr__put_text(at, PYR__ANSWER_GROUP, (pyr__text){answer->group, group_size});
	pyr__store16(buf + 6, (uint16_t)(at - buf));
	return (size_t)(at - buf);
}

/* Reading */

/* The fields, without the padding behind them. */
static bool load_header(
	const uint8_t *data, size_t size, uint8_t kind, size_t size_min, pyr__fields *ret_fields)
{
	if (size < size_min || size > PYR__DISCOVERY_SIZE_MAX ||
		memcmp(data, magic, sizeof magic) != 0 || data[4] != PYR__DISCOVERY_VERSION ||
		data[5] != kind || pyr__load16(data + 6) != size)
		return false;
	pyr__fields_init(ret_fields, data + PYR__DISCOVERY_HEADER, size - PYR__DISCOVERY_HEADER);
	return true;
}

/* The next field; false at the padding, at the end, and where they are malformed. */
static bool next_field(pyr__fields *fields, pyr__field *ret_field)
{
	if (fields->at < fields->end && *fields->at == 0)
		return false;
	return pyr__fields_next(fields, ret_field);
}

static bool load_group(const pyr__field *field, char group[PYR__GROUP_MAX + 1])
{
	if (!pyr__group_is_valid((const char *)field->data, field->size))
		return false;
	memcpy(group, field->data, field->size);
	group[field->size] = '\0';
	return true;
}

bool pyr__query_load(pyr__query *query, const uint8_t *data, size_t size)
{
	pyr__fields fields;
	pyr__field field;
	bool good =
		load_header(data, size, PYR__DISCOVERY_QUERY, PYR__DISCOVERY_QUERY_SIZE, &fields);
	memset(query, 0, sizeof *query);
	query->any_group = true;
	while (good && next_field(&fields, &field)) {
		if (field.number == PYR__QUERY_GROUP) {
			good = load_group(&field, query->group);
			query->any_group = false;
		} else {
			good = !field.critical;
		}
	}
	if (!good || fields.malformed)
		return false;
	memcpy(query->nonce, data + 8, sizeof query->nonce);
	return true;
}

/* An address of one machine: neither any nor many. */
static bool is_address(const char *host)
{
	struct in_addr address;
	if (inet_pton(AF_INET, host, &address) != 1)
		return false;
	uint32_t bits = ntohl(address.s_addr);
	return bits >> 24 != 0 && bits >> 28 < 14;
}

/* No host names: whoever answers could have us ask the name service for anything. */
static bool load_reference(const pyr__field *field, pyr_reference *ret_reference)
{
	char text[PYR__DISCOVERY_SIZE_MAX];
	if (field->size == 0 || memchr(field->data, '\0', field->size))
		return false;
	memcpy(text, field->data, field->size);
	text[field->size] = '\0';
	return pyr_reference_parse(text, ret_reference, NULL) == PYR_OK &&
	       (ret_reference->scheme == PYR_SCHEME_PYR ||
		       ret_reference->scheme == PYR_SCHEME_PYRS) &&
	       !ret_reference->is_unix && is_address(ret_reference->host) &&
	       strcmp(ret_reference->target, PYR__NAME_SERVER_OBJECT) == 0;
}

static bool load_answer_field(pyr__answer *answer, const pyr__field *field)
{
	switch (field->number) {
	case PYR__ANSWER_REFERENCE:
		return load_reference(field, &answer->reference);
	case PYR__ANSWER_ID:
		if (field->size == sizeof answer->id)
			memcpy(answer->id, field->data, sizeof answer->id);
		return field->size == sizeof answer->id;
	case PYR__ANSWER_GROUP:
		return load_group(field, answer->group);
	default:
		return !field->critical;
	}
}

bool pyr__answer_load(pyr__answer *answer, const uint8_t nonce[PYR__DISCOVERY_NONCE_SIZE],
	const uint8_t *data, size_t size)
{
	const uint64_t needed = UINT64_C(1) << PYR__ANSWER_REFERENCE | UINT64_C(1)
									       << PYR__ANSWER_ID;
	pyr__fields fields;
	pyr__field field;
	bool good =
		load_header(data, size, PYR__DISCOVERY_ANSWER, PYR__DISCOVERY_HEADER, &fields) &&
		memcmp(data + 8, nonce, PYR__DISCOVERY_NONCE_SIZE) == 0;
	memset(answer, 0, sizeof *answer);
	while (good && next_field(&fields, &field))
		good = load_answer_field(answer, &field);
	if (!good || fields.malformed || (fields.seen & needed) != needed)
		return false;
	memcpy(answer->nonce, nonce, sizeof answer->nonce);
	return true;
}
