/* SPDX-License-Identifier: Apache-2.0 */
/* Writes x.pyr.h. */
#include "output.h"

#include "api.h"
#include "comment.h"

/* The first PYR_STUB_ABI that has all that the generated code uses. */
#define STUB_ABI 1

static void write_top(const gen_file *file, gen_emit *emit)
{
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "/* Made by protoc-gen-pyrite from %s. Do not edit. */",
		file->proto->name);
	gen_emit_end(emit);
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "#ifndef PYR_FILE_%s_H", file->guard);
	gen_emit_line(emit, 0, "#define PYR_FILE_%s_H", file->guard);
	gen_emit_end(emit);
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	if (!file->options.no_generate)
		gen_emit_line(emit, 0, "#include \"%s.pb-c.h\"", file->base);
	gen_emit_line(emit, 0, "#include <pyrite/stub.h>");
	gen_emit_end(emit);
	gen_emit_blank(emit);
	gen_emit_line(emit, 0, "#if PYR_STUB_ABI < %d", STUB_ABI);
	gen_emit_line(emit, 0,
		"#error \"Pyrite's headers are older than this file's generator: update them\"");
	gen_emit_line(emit, 0, "#endif");
	gen_emit_blank(emit);
	gen_emit_line(emit, 0, "PYR_BEGIN_DECLS");
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "/* The file's descriptor, for reflection. */");
	gen_emit_line(emit, 0, "extern const pyr_file %s;", file->symbol);
	gen_emit_end(emit);
}

static void write_callback(
	gen_emit *emit, const gen_location *location, const gen_callback *callback)
{
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_comment_emit(emit, 0, location, callback->note);
	gen_emit_list(emit, 0, gen_format(emit, "typedef void (*%s)(", callback->name),
		callback->parameters, ");");
	gen_emit_end(emit);
}

static void write_declaration(
	gen_emit *emit, const gen_location *location, const gen_function *function)
{
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_comment_emit(emit, 0, location, function->note);
	gen_emit_list(emit, 0,
		gen_format(emit, "%s%s%s(", function->must_use ? "PYR_MUST_USE " : "",
			function->result, function->name),
		function->parameters, ");");
	gen_emit_end(emit);
}

/* location's comments stand above the first of the members. */
static void write_members(
	gen_emit *emit, const gen_location *location, const gen_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (members[i].callback.name)
			write_callback(emit, location, &members[i].callback);
		else
			write_declaration(emit, location, &members[i].function);
		location = NULL;
	}
}

static void write_ops_member(const gen_service *service, const gen_method *method, gen_emit *emit)
{
	const char *parameters[4] = {"void *self", "pyr_call *call"};

	if (!gen_method_has_client_stream(method))
		parameters[2] = gen_format(emit, "const %s *request", method->input->c_name);
	gen_emit_begin(emit, 1);
	gen_comment_emit(emit, 1, gen_model_location(service->file, method->path), NULL);
	gen_emit_list(
		emit, 1, gen_format(emit, "void (*%s)(", method->ops_member), parameters, ");");
	gen_emit_end(emit);
}

static void write_ops(const gen_service *service, gen_emit *emit)
{
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "/* What a servant of %s implements. */", service->full_name);
	gen_emit_end(emit);
	gen_emit_open(emit, gen_format(emit, "typedef struct %s_ops {", service->prefix));
	for (size_t i = 0; i < service->proto->n_method; i++)
		write_ops_member(service, &service->methods[i], emit);
	if (service->proto->n_method == 0)
		gen_emit_line(emit, 1, "void (*reserved)(void); /* no method yet: NULL */");
	gen_emit_close(emit, gen_format(emit, "} %s_ops;", service->prefix));
}

static void write_service(const gen_service *service, gen_emit *emit)
{
	gen_member members[GEN_MEMBERS_MAX];
	size_t count;

	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_comment_emit(emit, 0, gen_model_location(service->file, service->path),
		gen_format(emit, "A client's handle on an object with the interface %s.",
			service->full_name));
	gen_emit_line(emit, 0, "typedef struct %s %s;", service->prefix, service->prefix);
	gen_emit_end(emit);
	write_ops(service, emit);
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "extern const pyr_interface %s__interface;", service->prefix);
	gen_emit_end(emit);

	for (gen_side side = GEN_CLIENT; side <= GEN_SERVER; side++) {
		count = gen_api_of_service(emit->pool, service, side, members);
		write_members(emit, NULL, members, count);
		for (size_t i = 0; i < service->proto->n_method; i++) {
			const gen_method *method = &service->methods[i];

			count = gen_api_of_method(emit->pool, service, method, side, members);
			write_members(emit,
				side == GEN_CLIENT ? gen_model_location(service->file, method->path)
						   : NULL,
				members, count);
		}
	}
}

void gen_header_write(gen_model *model, const gen_file *file, gen_text *out)
{
	gen_emit emit = {.out = out, .pool = model->pool};

	write_top(file, &emit);
	gen_presence_write(model, file, &emit);
	for (size_t i = 0; i < model->service_count; i++) {
		if (model->services[i].file == file)
			write_service(&model->services[i], &emit);
	}
	gen_emit_blank(&emit);
	gen_emit_line(&emit, 0, "PYR_END_DECLS");
	gen_emit_blank(&emit);
	gen_emit_line(&emit, 0, "#endif");
}
