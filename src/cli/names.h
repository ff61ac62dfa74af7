/* SPDX-License-Identifier: Apache-2.0 */
/* What the `pyrite names` commands share. */
#ifndef PYR_CLI_NAMES_H
#define PYR_CLI_NAMES_H

#include <jansson.h>
#include <pyrite/names.pyr.h>
#include "cli.h"

/* For each command's option table: {NAMES_AT_OPTION(&at)}. */
#define NAMES_AT_OPTION(value)                                                                     \
	{                                                                                          \
		"at", "ENDPOINT", "the name server (PYRITE_NS, or this machine's)", OPTION_TEXT,   \
			value                                                                      \
	}

/* A proxy for the name server, which is shown PYRITE_TOKEN; at NULL: the default one. timeout_ms 0:
 * the default. */
pyr_status names_open(
	const char *at, uint32_t timeout_ms, pyrite_names **ret_names, pyr_error *err);

/* True if this, in PYRITE_NS or --at, asks for discovery. */
bool names_discovers(const char *where);

json_t *names_to_json(const Pyrite__Name *name); /* a new object */

/* One line per reference, tags behind the first. */
void names_print(const Pyrite__Name *name);

#define STORE_ID_BYTES 16

/* A store's id in hexadecimal digits. */
void names_store_text(const ProtobufCBinaryData *store_id, char *buf, size_t size);

/* Prints a JSON value on a line of its own, and frees it. */
void names_print_json(json_t *value);

#endif
