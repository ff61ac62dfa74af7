/* SPDX-License-Identifier: Apache-2.0 */
/* One call from the command line, of whatever kind its method is. */
#ifndef PYR_CLI_CALL_H
#define PYR_CLI_CALL_H

#include "schema.h"

typedef struct cli_calling {
	const schema *schema;
	pyr_json_options json; /* for what is printed */
	pyr_proxy *proxy;
	uint32_t index;
	const pyr_method *method;
	const char *text; /* JSON; NULL: from stdin */
} cli_calling;

/* Prints the error, with where the JSON came from. */
int call_read_failed(const char *what, const pyr_error *err);

/* Prints a message as one line of JSON. */
pyr_status call_print(const cli_calling *c, const ProtobufCMessage *message, pyr_error *err);

/* call_stream.c: a method that streams in one or both directions. */
int call_stream(const cli_calling *c, const ProtobufCMessage *request);

#endif
