/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The datagrams by which a name server is found: bytes in, bytes out, no I/O.
 *
 *     0        4         5      6        8        24
 *     +--------+---------+------+--------+--------+--------------------+---+---------+
 *     | E9 pyd | version | kind | size   | nonce  | fields             | 0 | padding |
 *     |        | u8, 1   | u8   | u16    | 16     | as in frame.h      |   |         |
 *     +--------+---------+------+--------+--------+--------------------+---+---------+
 *     size is that of the whole datagram
 *
 * A query is padded to be as long as any answer, so that nobody is sent more than was sent in its
 * name. docs/wire-protocol.md describes them for others.
 */
#ifndef PYR_NATIVE_DISCOVERY_H
#define PYR_NATIVE_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pyrite/reference.h>
#include "base/discovery.h"

#define PYR__DISCOVERY_VERSION    1
#define PYR__DISCOVERY_HEADER     24u
#define PYR__DISCOVERY_NONCE_SIZE 16
#define PYR__DISCOVERY_ID_SIZE    16
#define PYR__DISCOVERY_QUERY_SIZE 256u  /* of a query of ours; the least that is answered */
#define PYR__DISCOVERY_SIZE_MAX   1200u /* of any datagram */

enum pyr__discovery_kind {
	PYR__DISCOVERY_QUERY = 1,
	PYR__DISCOVERY_ANSWER = 2,
};

enum pyr__discovery_query_field {
	PYR__QUERY_GROUP = 1, /* text; absent: every group */
};

enum pyr__discovery_answer_field {
	PYR__ANSWER_REFERENCE = 1, /* text */
	PYR__ANSWER_ID = 2,        /* 16 bytes */
	PYR__ANSWER_GROUP = 3,     /* text */
};

typedef struct pyr__query {
	uint8_t nonce[PYR__DISCOVERY_NONCE_SIZE];
	bool any_group;
	char group[PYR__GROUP_MAX + 1];
} pyr__query;

typedef struct pyr__answer {
	uint8_t nonce[PYR__DISCOVERY_NONCE_SIZE];
	uint8_t id[PYR__DISCOVERY_ID_SIZE]; /* of the name server, random at each start */
	char group[PYR__GROUP_MAX + 1];
	pyr_reference reference; /* pyr: or pyrs:, with a numeric IPv4 address to connect to */
} pyr__answer;

/* Fills the buffer, padding included. */
void pyr__query_store(const pyr__query *query, uint8_t buf[PYR__DISCOVERY_QUERY_SIZE]);

/* False for anything that is not a query that may be answered. */
bool pyr__query_load(pyr__query *query, const uint8_t *data, size_t size);

/* The size of the answer; 0 if the reference does not fit. */
size_t pyr__answer_store(const pyr__answer *answer, uint8_t buf[PYR__DISCOVERY_QUERY_SIZE]);

/*
 * False for anything that is not an answer to the query with this nonce, or whose reference is none
 * of a name server that can be connected to.
 */
bool pyr__answer_load(pyr__answer *answer, const uint8_t nonce[PYR__DISCOVERY_NONCE_SIZE],
	const uint8_t *data, size_t size);

#endif
