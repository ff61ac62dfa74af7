/* SPDX-License-Identifier: Apache-2.0 */
/* The code for messages, which protoc-gen-c writes. */
#ifndef PYR_CODEGEN_MESSAGES_H
#define PYR_CODEGEN_MESSAGES_H

#include "model.h"

/*
 * Answers a CodeGeneratorRequest as protoc-gen-c does. False, with a sentence in *error, if it did
 * not even answer.
 */
typedef bool gen_run_protoc_gen_c(
	void *ctx, const uint8_t *request, size_t size, gen_text *response, gen_text *error);

/*
 * Adds x.pb-c.h and x.pb-c.c of every file to the response's files; what goes wrong is an error of
 * the model. request is the one that the model was made of, unpacked once more; it gets changed.
 */
typedef Google__Protobuf__Compiler__CodeGeneratorRequest gen_request_proto;
typedef Google__Protobuf__Compiler__CodeGeneratorResponse gen_response_proto;
void gen_messages_write(gen_model *model, gen_request_proto *request, gen_run_protoc_gen_c *run,
	void *ctx, gen_response_proto *response);

/* Adds a file to a response whose file array has room for it. Both strings belong to the pool. */
void gen_response_add(gen_pool *pool, gen_response_proto *response, char *name, char *content);

#endif
