/* SPDX-License-Identifier: Apache-2.0 */
/* The code for messages, which protoc-gen-c writes. */
#include "messages.h"

#include <string.h>
#include "comment.h"
#include "patch.h"
#include "unpack.h"

static void clear_optional(gen_message_proto *message)
{
	for (size_t i = 0; i < message->n_field; i++) {
		message->field[i]->has_proto3_optional = 0;
		message->field[i]->proto3_optional = 0;
	}
	for (size_t i = 0; i < message->n_extension; i++) {
		message->extension[i]->has_proto3_optional = 0;
		message->extension[i]->proto3_optional = 0;
	}
	for (size_t i = 0; i < message->n_nested_type; i++)
		clear_optional(message->nested_type[i]);
}

static void clean_comments(gen_pool *pool, Google__Protobuf__SourceCodeInfo *info)
{
	for (size_t i = 0; i < info->n_location; i++) {
		gen_location *location = info->location[i];

		location->leading_comments = gen_comment_clean(pool, location->leading_comments);
		location->trailing_comments = gen_comment_clean(pool, location->trailing_comments);
	}
}

/*
 * protoc-gen-c refuses files with proto3 `optional`; without the mark such a field is a oneof with
 * one member, and its presence survives. Services are written by this plugin.
 */
static void adapt_request(gen_model *model, gen_request_proto *request)
{
	for (size_t f = 0; f < request->n_proto_file; f++) {
		gen_file_proto *file = request->proto_file[f];

		file->n_service = 0;
		for (size_t i = 0; i < file->n_message_type; i++)
			clear_optional(file->message_type[i]);
		for (size_t i = 0; i < file->n_extension; i++) {
			file->extension[i]->has_proto3_optional = 0;
			file->extension[i]->proto3_optional = 0;
		}
		if (file->source_code_info)
			clean_comments(model->pool, file->source_code_info);
	}
	request->parameter = NULL;
}

void gen_response_add(gen_pool *pool, gen_response_proto *response, char *name, char *content)
{
	Google__Protobuf__Compiler__CodeGeneratorResponse__File *file =
		gen_pool_alloc(pool, sizeof(*file));

	google__protobuf__compiler__code_generator_response__file__init(file);
	file->name = name;
	file->content = content;
	response->file[response->n_file++] = file;
}

/* The file that protoc-gen-c wrote under this name, and which of the two. */
static const gen_file *find_output(const gen_model *model, const char *name, bool *ret_header)
{
	for (size_t i = 0; i < model->file_count; i++) {
		const gen_file *file = &model->files[i];
		size_t size = strlen(file->base);

		if (!file->wanted || strncmp(name, file->base, size) != 0)
			continue;
		*ret_header = strcmp(name + size, ".pb-c.h") == 0;
		if (*ret_header || strcmp(name + size, ".pb-c.c") == 0)
			return file;
	}
	return NULL;
}

static void add_output(
	gen_model *model, gen_response_proto *response, const char *name, const char *content)
{
	gen_text patched = {NULL, 0, 0};
	bool header = false;
	const gen_file *file = find_output(model, name, &header);
	bool good = file && (header ? gen_patch_header(model, file, content, &patched)
				    : gen_patch_source(model, file, content, &patched));

	if (good)
		gen_response_add(model->pool, response,
			gen_pool_strndup(model->pool, name, strlen(name)),
			gen_pool_strndup(model->pool, patched.data, patched.size));
	gen_text_done(&patched);
}

static void add_error(gen_model *model, const char *error)
{
	gen_text_printf(&model->errors, "%s%s", model->errors.size ? "\n" : "", error);
}

/* Files of which protoc-gen-c said nothing although it should have. */
static void check_complete(gen_model *model, const gen_response_proto *response)
{
	for (size_t f = 0; f < model->file_count; f++) {
		const gen_file *file = &model->files[f];
		size_t found = 0, size = strlen(file->base);

		if (!file->wanted || file->options.no_generate)
			continue;
		for (size_t i = 0; i < response->n_file; i++) {
			const char *name = response->file[i]->name;

			found += strncmp(name, file->base, size) == 0 && name[size] == '.';
		}
		if (found < 2)
			add_error(model,
				gen_pool_printf(model->pool, "protoc-gen-c gave no code for %s",
					file->proto->name));
	}
}

static void take_answer(gen_model *model, const gen_text *bytes, gen_response_proto *response)
{
	ProtobufCAllocator allocator = gen_unpack_allocator(model->pool);
	gen_response_proto *answer = google__protobuf__compiler__code_generator_response__unpack(
		&allocator, bytes->size, (const uint8_t *)bytes->data);

	if (!answer || answer->n_file > 2 * model->file_count) {
		add_error(model, "protoc-gen-c gave an answer that cannot be read");
		return;
	}
	if (answer->error) {
		add_error(model, gen_pool_printf(model->pool, "protoc-gen-c: %s", answer->error));
		return;
	}
	for (size_t i = 0; i < answer->n_file; i++) {
		if (answer->file[i]->name && answer->file[i]->content)
			add_output(
				model, response, answer->file[i]->name, answer->file[i]->content);
	}
	if (!model->errors.size)
		check_complete(model, response);
}

void gen_messages_write(gen_model *model, gen_request_proto *request, gen_run_protoc_gen_c *run,
	void *ctx, gen_response_proto *response)
{
	gen_text answer = {NULL, 0, 0}, error = {NULL, 0, 0};

	adapt_request(model, request);

	size_t size = google__protobuf__compiler__code_generator_request__get_packed_size(request);
	uint8_t *bytes = gen_pool_alloc(model->pool, size + 1);

	google__protobuf__compiler__code_generator_request__pack(request, bytes);
	if (run(ctx, bytes, size, &answer, &error))
		take_answer(model, &answer, response);
	else
		add_error(model, error.data ? error.data : "protoc-gen-c failed");
	gen_text_done(&answer);
	gen_text_done(&error);
}
