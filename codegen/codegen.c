/* SPDX-License-Identifier: Apache-2.0 */
/* The generator: from protoc's request to the plugin's response. */
#include "codegen.h"

#include <string.h>
#include "check.h"
#include "output.h"
#include "unpack.h"
#include "wire.h"

#define FILES_PER_PROTO 4

/* The request, unpacked; NULL if that is not possible. Unpacked twice it can be changed. */
static gen_request_proto *unpack(gen_pool *pool, const gen_text *clean)
{
	ProtobufCAllocator allocator = gen_unpack_allocator(pool);

	return google__protobuf__compiler__code_generator_request__unpack(
		&allocator, clean->size, (const uint8_t *)clean->data);
}

static void add_file(gen_model *model, gen_response_proto *response, const gen_file *file,
	const char *suffix, void (*write)(gen_model *, const gen_file *, gen_text *))
{
	gen_text content = {NULL, 0, 0};

	write(model, file, &content);
	gen_response_add(model->pool, response,
		gen_pool_printf(model->pool, "%s%s", file->base, suffix),
		gen_pool_strndup(model->pool, content.data, content.size));
	gen_text_done(&content);
}

static void generate(gen_model *model, gen_request_proto *copy, gen_run_protoc_gen_c *run,
	void *ctx, gen_response_proto *response)
{
	if (model->errors.size)
		return;
	gen_check(model);
	if (model->errors.size)
		return;
	response->file = gen_pool_array(
		model->pool, model->file_count * FILES_PER_PROTO, sizeof(*response->file));
	gen_messages_write(model, copy, run, ctx, response);
	for (size_t i = 0; i < model->file_count; i++) {
		if (!model->files[i].wanted)
			continue;
		add_file(model, response, &model->files[i], ".pyr.h", gen_header_write);
		add_file(model, response, &model->files[i], ".pyr.c", gen_source_write);
	}
}

static void add_response(gen_pool *pool, const gen_response_proto *message, gen_text *response)
{
	size_t size = google__protobuf__compiler__code_generator_response__get_packed_size(message);
	uint8_t *bytes = gen_pool_alloc(pool, size + 1);

	google__protobuf__compiler__code_generator_response__pack(message, bytes);
	gen_text_add(response, bytes, size);
}

void gen_run(
	const uint8_t *data, size_t size, gen_run_protoc_gen_c *run, void *ctx, gen_text *response)
{
	gen_pool pool = {NULL};
	gen_text clean = {NULL, 0, 0};
	gen_model model = {.pool = &pool};
	gen_response_proto message = GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__INIT;
	bool good = gen_wire_clean(&google__protobuf__compiler__code_generator_request__descriptor,
		data, size, &clean);
	gen_request_proto *request = good ? unpack(&pool, &clean) : NULL;
	gen_request_proto *copy = request ? unpack(&pool, &clean) : NULL;

	message.has_supported_features = 1;
	message.supported_features =
		GOOGLE__PROTOBUF__COMPILER__CODE_GENERATOR_RESPONSE__FEATURE__FEATURE_PROTO3_OPTIONAL;
	if (copy) {
		model.request = request;
		gen_model_build(&model, data, size);
		generate(&model, copy, run, ctx, &message);
	} else {
		gen_text_add_string(&model.errors, "protoc's request cannot be read");
	}
	if (model.errors.size) {
		message.error = model.errors.data;
		message.n_file = 0;
	}
	add_response(&pool, &message, response);
	gen_text_done(&model.errors);
	gen_text_done(&clean);
	gen_pool_done(&pool);
}
