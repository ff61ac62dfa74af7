/* SPDX-License-Identifier: Apache-2.0 */
/* Writes x.pyr.c. */
#include "output.h"

#include "api.h"

#define DESCRIPTOR_BYTES_A_LINE 16

static void write_descriptor(const gen_file *file, gen_emit *emit)
{
	gen_text line = {NULL, 0, 0};

	gen_emit_line(emit, 0, "/* clang-format off */");
	gen_emit_line(emit, 0, "static const uint8_t %s__descriptor[] = {", file->symbol);
	for (size_t i = 0; i < file->descriptor_size; i++) {
		gen_text_printf(&line, "%s0x%02x,", line.size ? " " : "\t", file->descriptor[i]);
		if (i % DESCRIPTOR_BYTES_A_LINE == DESCRIPTOR_BYTES_A_LINE - 1 ||
			i + 1 == file->descriptor_size) {
			gen_emit_line(emit, 0, "%s", line.data);
			line.size = 0;
		}
	}
	gen_emit_line(emit, 0, "};");
	gen_emit_line(emit, 0, "/* clang-format on */");
	gen_text_done(&line);
}

static void write_imports(const gen_file *file, gen_emit *emit)
{
	if (!file->import_count)
		return;
	gen_emit_line(emit, 0, "PYR_BEGIN_DECLS");
	for (size_t i = 0; i < file->import_count; i++) {
		gen_emit_begin(emit, 0);
		gen_emit_line(emit, 0, "extern const pyr_file %s;", file->imports[i]->symbol);
		gen_emit_end(emit);
	}
	gen_emit_line(emit, 0, "PYR_END_DECLS");
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "static const pyr_file *const %s__imports[] = {", file->symbol);
	for (size_t i = 0; i < file->import_count; i++)
		gen_emit_line(emit, 1, "&%s,", file->imports[i]->symbol);
	gen_emit_line(emit, 0, "};");
	gen_emit_end(emit);
	gen_emit_blank(emit);
}

static void write_file(const gen_file *file, gen_emit *emit)
{
	write_imports(file, emit);
	write_descriptor(file, emit);
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "const pyr_file %s = {", file->symbol);
	gen_emit_line(emit, 1, "PYR_STUB_ABI,");
	gen_emit_line(emit, 1, "sizeof(pyr_file),");
	gen_emit_line(emit, 1, "\"%s\",", file->proto->name);
	gen_emit_line(emit, 1, "%s__descriptor,", file->symbol);
	gen_emit_line(emit, 1, "sizeof(%s__descriptor),", file->symbol);
	if (file->import_count)
		gen_emit_line(emit, 1, "%s__imports,", file->symbol);
	else
		gen_emit_line(emit, 1, "NULL,");
	gen_emit_line(emit, 1, "%zu,", file->import_count);
	gen_emit_line(emit, 0, "};");
	gen_emit_end(emit);
}

static void write_dispatch(const gen_service *service, const gen_method *method, gen_emit *emit)
{
	static const char *const parameters[] = {"const void *ops", "void *self", "pyr_call *call",
		"const ProtobufCMessage *request", NULL};
	const char *table = gen_format(emit, "const %s_ops *", service->prefix);
	const char *arguments[4] = {"self", "call"};

	if (!gen_method_has_client_stream(method))
		arguments[2] = gen_format(emit, "(const %s *)request", method->input->c_name);
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_list(emit, 0, gen_format(emit, "static bool %s__dispatch(", method->prefix),
		parameters, ")");
	gen_emit_line(emit, 0, "{");
	gen_emit_assign(
		emit, 1, gen_format(emit, "%stable", table), gen_format(emit, "(%s)ops;", table));
	gen_emit_blank(emit);
	if (!arguments[2])
		gen_emit_line(emit, 1, "(void)request;");
	gen_emit_line(emit, 1, "if (!table->%s)", method->ops_member);
	gen_emit_line(emit, 2, "return false;");
	/* in parentheses: a method may have the name of a macro with parameters, as assert() */
	gen_emit_list(
		emit, 1, gen_format(emit, "(table->%s)(", method->ops_member), arguments, ");");
	gen_emit_line(emit, 1, "return true;");
	gen_emit_line(emit, 0, "}");
	gen_emit_end(emit);
}

static void write_deliver(const gen_method *method, gen_emit *emit)
{
	static const char *const parameters[] = {"pyr_fn fn", "void *ctx", "pyr_status status",
		"const ProtobufCMessage *message", "const pyr_error *err", NULL};
	const char *const arguments[] = {"ctx", "status",
		gen_format(emit, "(const %s *)message", method->output->c_name), "err", NULL};

	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_list(emit, 0, gen_format(emit, "static void %s__deliver(", method->prefix),
		parameters, ")");
	gen_emit_line(emit, 0, "{");
	gen_emit_list(emit, 1,
		gen_format(emit, "((%s)fn)(", gen_api_callback(emit->pool, method, GEN_CLIENT)),
		arguments, ");");
	gen_emit_line(emit, 0, "}");
	gen_emit_end(emit);
}

static void write_deliver_request(const gen_method *method, gen_emit *emit)
{
	static const char *const parameters[] = {"pyr_fn fn", "void *ctx", "pyr_call *call",
		"pyr_status status", "const ProtobufCMessage *message", NULL};
	const char *const arguments[] = {"ctx", "call", "status",
		gen_format(emit, "(const %s *)message", method->input->c_name), NULL};

	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_list(emit, 0, gen_format(emit, "static void %s__deliver_request(", method->prefix),
		parameters, ")");
	gen_emit_line(emit, 0, "{");
	gen_emit_list(emit, 1,
		gen_format(emit, "((%s)fn)(", gen_api_callback(emit->pool, method, GEN_SERVER)),
		arguments, ");");
	gen_emit_line(emit, 0, "}");
	gen_emit_end(emit);
}

static void write_flags(const gen_method *method, gen_emit *emit)
{
	const Google__Protobuf__MethodOptions *options = method->proto->options;
	const char *flags[7];
	size_t count = 0;

	if (gen_method_has_client_stream(method))
		flags[count++] = "PYR_METHOD_CLIENT_STREAM";
	if (method->kind == GEN_SERVER_STREAM || method->kind == GEN_BIDI_STREAM)
		flags[count++] = "PYR_METHOD_SERVER_STREAM";
	if (method->kind == GEN_ONEWAY)
		flags[count++] = "PYR_METHOD_ONEWAY";
	if (options &&
		options->idempotency_level !=
			GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__IDEMPOTENCY_UNKNOWN)
		flags[count++] = "PYR_METHOD_IDEMPOTENT";
	if (options && options->idempotency_level ==
			       GOOGLE__PROTOBUF__METHOD_OPTIONS__IDEMPOTENCY_LEVEL__NO_SIDE_EFFECTS)
		flags[count++] = "PYR_METHOD_NO_SIDE_EFFECTS";
	if (options && options->deprecated)
		flags[count++] = "PYR_METHOD_DEPRECATED";
	if (!count)
		flags[count++] = "0";
	flags[count] = NULL;
	gen_emit_or(emit, 2, flags);
}

static void write_table_entry(const gen_method *method, gen_emit *emit)
{
	gen_emit_begin(emit, 1);
	gen_emit_line(emit, 1, "{");
	gen_emit_line(emit, 2, "\"%s\",", method->proto->name);
	gen_emit_line(emit, 2, "&%s__descriptor,", method->input->lower);
	gen_emit_line(emit, 2, "&%s__descriptor,", method->output->lower);
	write_flags(method, emit);
	gen_emit_line(emit, 2, "%s__dispatch,", method->prefix);
	if (method->kind == GEN_ONEWAY)
		gen_emit_line(emit, 2, "NULL,");
	else
		gen_emit_line(emit, 2, "%s__deliver,", method->prefix);
	if (gen_method_has_client_stream(method))
		gen_emit_line(emit, 2, "%s__deliver_request,", method->prefix);
	else
		gen_emit_line(emit, 2, "NULL,");
	gen_emit_line(emit, 1, "},");
	gen_emit_end(emit);
}

static void write_interface(const gen_service *service, gen_emit *emit)
{
	size_t count = service->proto->n_method;

	gen_emit_blank(emit);
	if (count) {
		gen_emit_open(emit, gen_format(emit, "static const pyr_method %s__methods[] = {",
					    service->prefix));
		for (size_t i = 0; i < count; i++)
			write_table_entry(&service->methods[i], emit);
		gen_emit_close(emit, "};");
		gen_emit_blank(emit);
	}
	gen_emit_begin(emit, 0);
	gen_emit_line(emit, 0, "const pyr_interface %s__interface = {", service->prefix);
	gen_emit_line(emit, 1, "PYR_STUB_ABI,");
	gen_emit_line(emit, 1, "sizeof(pyr_interface),");
	gen_emit_line(emit, 1, "sizeof(pyr_method),");
	gen_emit_line(emit, 1, "%zu,", count);
	gen_emit_line(emit, 1, "\"%s\",", service->full_name);
	gen_emit_line(emit, 1, "&%s,", service->file->symbol);
	if (count)
		gen_emit_line(emit, 1, "%s__methods,", service->prefix);
	else
		gen_emit_line(emit, 1, "NULL,");
	gen_emit_line(emit, 0, "};");
	gen_emit_end(emit);
}

/* `return callee(...)`, or with a result that goes out through a pointer. */
static void write_body(const gen_function *function, gen_emit *emit)
{
	if (!function->callee) {
		gen_emit_line(emit, 1, "return %s;", function->result_cast);
		return;
	}
	if (!function->local) {
		gen_emit_list(emit, 1,
			gen_format(emit, "%s%s%s(", function->result_cast ? "return " : "",
				function->result_cast ? function->result_cast : "",
				function->callee),
			function->arguments, ");");
		return;
	}
	gen_emit_line(emit, 1, "%s%s;", function->local_type, function->local);
	gen_emit_call(emit, 1, "pyr_status status", function->callee, function->arguments);
	gen_emit_blank(emit);
	gen_emit_line(emit, 1, "if (status == PYR_OK)");
	gen_emit_line(emit, 2, "%s;", function->assignment);
	gen_emit_line(emit, 1, "return status;");
}

static void write_function(const gen_function *function, gen_emit *emit)
{
	gen_emit_blank(emit);
	gen_emit_begin(emit, 0);
	gen_emit_list(emit, 0, gen_format(emit, "%s%s(", function->result, function->name),
		function->parameters, ")");
	gen_emit_line(emit, 0, "{");
	write_body(function, emit);
	gen_emit_line(emit, 0, "}");
	gen_emit_end(emit);
}

static void write_members(const gen_member *members, size_t count, gen_emit *emit)
{
	for (size_t i = 0; i < count; i++) {
		if (!members[i].callback.name)
			write_function(&members[i].function, emit);
	}
}

static void write_service(const gen_service *service, gen_emit *emit)
{
	gen_member members[GEN_MEMBERS_MAX];
	size_t method_count = service->proto->n_method;

	for (size_t i = 0; i < method_count; i++) {
		const gen_method *method = &service->methods[i];

		write_dispatch(service, method, emit);
		if (method->kind != GEN_ONEWAY)
			write_deliver(method, emit);
		if (gen_method_has_client_stream(method))
			write_deliver_request(method, emit);
	}
	write_interface(service, emit);
	for (gen_side side = GEN_CLIENT; side <= GEN_SERVER; side++) {
		write_members(
			members, gen_api_of_service(emit->pool, service, side, members), emit);
		for (size_t i = 0; i < method_count; i++)
			write_members(members,
				gen_api_of_method(
					emit->pool, service, &service->methods[i], side, members),
				emit);
	}
}

void gen_source_write(gen_model *model, const gen_file *file, gen_text *out)
{
	gen_emit emit = {.out = out, .pool = model->pool};

	gen_emit_begin(&emit, 0);
	gen_emit_line(&emit, 0, "/* Made by protoc-gen-pyrite from %s. Do not edit. */",
		file->proto->name);
	gen_emit_end(&emit);
	gen_emit_begin(&emit, 0);
	gen_emit_line(&emit, 0, "#include \"%s.pyr.h\"", file->base);
	gen_emit_end(&emit);
	gen_emit_blank(&emit);
	write_file(file, &emit);
	for (size_t i = 0; i < model->service_count; i++) {
		if (model->services[i].file == file)
			write_service(&model->services[i], &emit);
	}
}
