/* SPDX-License-Identifier: Apache-2.0 */
/* How to find a name server by asking the network: what is said about it in a text. */
#ifndef PYR_BASE_DISCOVERY_H
#define PYR_BASE_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <pyrite/status.h>

/* The object id that every name server has. */
#define PYR__NAME_SERVER_OBJECT "pyrite.nameserver"

#define PYR__GROUP_MAX      63
#define PYR__DISCOVERY_PORT 9790 /* of UDP */

typedef struct pyr__discovery {
	char group[PYR__GROUP_MAX + 1];
	bool has_group;   /* though it may be empty */
	uint32_t address; /* in network order; 0: every network that the machine is in */
	uint16_t port;
	bool tls_only;
} pyr__discovery;

/* Letters, digits, '.', '_' and '-', at most PYR__GROUP_MAX; none is a group, too. */
bool pyr__group_is_valid(const char *group, size_t size);

/* True if the text asks for discovery, well-formed or not, and is no endpoint of a host's. */
bool pyr__discovery_is(const char *text);

/*
 * "discover[:[GROUP@][ADDRESS:PORT]]", with "pyrs:" before it: over TLS only. ADDRESS is an IPv4
 * address, or "*". INVALID_ARGUMENT says what is wrong.
 */
pyr_status pyr__discovery_parse(const char *text, pyr__discovery *ret_discovery, pyr_error *err);

/* "ADDRESS:PORT", or "*:PORT" for address 0. Port 0 may do: whoever asks cannot use it. */
pyr_status pyr__discovery_parse_place(
	const char *text, uint32_t *ret_address, uint16_t *ret_port, pyr_error *err);

#endif
