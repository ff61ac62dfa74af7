/* SPDX-License-Identifier: Apache-2.0 */
/* Running protoc-gen-c as a child process. */
#ifndef PYR_CODEGEN_CHILD_H
#define PYR_CODEGEN_CHILD_H

#include "messages.h"

/* A gen_run_protoc_gen_c. ctx is not used. */
bool gen_child_run(
	void *ctx, const uint8_t *request, size_t size, gen_text *response, gen_text *error);

#endif
