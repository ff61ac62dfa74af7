/* SPDX-License-Identifier: Apache-2.0 */
/* The generator: from protoc's request to the plugin's response. Every name begins with gen_. */
#ifndef PYR_CODEGEN_CODEGEN_H
#define PYR_CODEGEN_CODEGEN_H

#include "messages.h"

/*
 * Adds the serialized CodeGeneratorResponse for a serialized CodeGeneratorRequest to *response.
 * Whatever is wrong, the request included, is told in the response's error, as protoc wants it.
 */
void gen_run(const uint8_t *request, size_t size, gen_run_protoc_gen_c *run, void *ctx,
	gen_text *response);

#endif
