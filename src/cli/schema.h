/* SPDX-License-Identifier: Apache-2.0 */
/* What `pyrite call` and `pyrite describe` know of a server: its own word, or .proto files. */
#ifndef PYR_CLI_SCHEMA_H
#define PYR_CLI_SCHEMA_H

#include <pyrite/dynamic.h>
#include "cli.h"

/* For an option table: where the descriptors come from. */
typedef struct schema_options {
	option_texts protos;  /* .proto files, or none: reflection */
	option_texts imports; /* protoc's -I */
	option_texts metadata;
	double timeout;
} schema_options;

#define SCHEMA_OPTIONS(o)                                                                          \
	{"proto", "FILE", "take descriptors from this .proto file, not from the server",           \
		OPTION_TEXTS, &(o).protos},                                                        \
		{"import", "DIR", "where --proto's imports are (its own folder)", OPTION_TEXTS,    \
			&(o).imports},                                                             \
		{"metadata", "K=V", "send metadata with the call", OPTION_TEXTS, &(o).metadata},   \
	{                                                                                          \
		"timeout", "SECONDS", "longest time for a call (30; streams: none)",               \
			OPTION_SECONDS, &(o).timeout                                               \
	}

typedef struct schema {
	pyr_context *context; /* of this command, so that nothing runs when the program ends */
	pyr_pool *pool;
	char **interfaces; /* what the server serves, NULL behind the last; NULL: not asked */
	pyr_metadata *metadata;
	pyr_proxy_options options; /* for proxies, from the command line */
} schema;

/*
 * symbol, which may be NULL, is what will be needed. After a failure too, schema_done() follows.
 * CLI_DONE, or what main returns, with the error printed.
 */
int schema_get(schema *s, const cli_command *command, const schema_options *options,
	const char *reference, const char *symbol);
void schema_done(schema *s);
void schema_options_done(schema_options *options);

/* What every server has, and which says nothing about what it is for. */
bool schema_is_common(const pyr_interface *interface);

/* describe_text.c: the definition `symbol` of the file as .proto text; NULL: all of it. */
int describe_print(const pyr_file *file, const char *symbol);

#endif
