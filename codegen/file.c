/* SPDX-License-Identifier: Apache-2.0 */
/* The first step of building a model: its files. */
#include "file.h"

#include <string.h>
#include "names.h"
#include "wire.h"

enum {
	REQUEST_PROTO_FILE = 15,
	FILE_SOURCE_CODE_INFO = 9,
};

static gen_file *find_file(const gen_model *model, const char *name)
{
	for (size_t i = 0; i < model->file_count; i++) {
		if (strcmp(model->files[i].proto->name, name) == 0)
			return &model->files[i];
	}
	return NULL;
}

static void add_error(gen_model *model, const char *name, const char *what)
{
	gen_text_printf(&model->errors, "%s%s: %s", model->errors.size ? "\n" : "",
		name ? name : "protoc's request", what);
}

/* A file's name is written into comments and #include lines. */
static bool fits_into_c(const char *name)
{
	for (; *name; name++) {
		if ((unsigned char)*name < ' ' || strchr("\"\\*?\x7f", *name))
			return false;
	}
	return true;
}

static bool is_package(gen_pool *pool, const char *package)
{
	while (*package) {
		size_t size = strcspn(package, ".");

		if (!gen_name_is_identifier(gen_pool_strndup(pool, package, size)))
			return false;
		package += size + (package[size] == '.');
	}
	return true;
}

static void add_file(gen_model *model, gen_file *file, const gen_file_proto *proto)
{
	if (!proto->name || !*proto->name) {
		add_error(model, NULL, "a file without a name");
		return;
	}
	if (!fits_into_c(proto->name)) {
		add_error(model, proto->name,
			"the name of a file must not contain a control character, '\"', '\\\\', "
			"'*' or '?', which cannot stand in C comments and includes: rename it");
		return;
	}
	file->proto = proto;
	file->base = gen_name_without_suffix(model->pool, proto->name);
	file->guard = gen_name_mangle(model->pool, proto->name);
	file->symbol = gen_pool_printf(model->pool, "pyr_file__%s", file->guard);
	file->options = gen_options_of_file(model->pool, proto->options);
	file->is_proto3 = proto->syntax && strcmp(proto->syntax, "proto3") == 0;
	if ((proto->package && !is_package(model->pool, proto->package)) ||
		(file->options.c_package && !is_package(model->pool, file->options.c_package)))
		add_error(model, proto->name, "the package's name is malformed");
	gen_file_add_locations(model, file);
}

static void add_imports(gen_model *model, gen_file *file)
{
	const gen_file_proto *proto = file->proto;

	file->imports = gen_pool_array(model->pool, proto->n_dependency, sizeof(*file->imports));
	file->import_count = proto->n_dependency;
	for (size_t i = 0; i < proto->n_dependency; i++) {
		file->imports[i] = find_file(model, proto->dependency[i]);
		if (!file->imports[i])
			add_error(model, proto->name, "an import is missing in protoc's request");
	}
}

/* The bytes to embed, taken from the request instead of packed again: nothing can get lost. */
static void add_descriptors(gen_model *model, const uint8_t *data, size_t size)
{
	gen_wire wire = {data, data + size};
	gen_wire_field field;
	bool bad = false;

	for (size_t i = 0; i < model->file_count && gen_wire_next(&wire, &field, &bad);) {
		gen_text bytes = {NULL, 0, 0};

		if (field.number != REQUEST_PROTO_FILE || field.type != GEN_WIRE_BYTES)
			continue;
		gen_wire_without(field.data, field.size, FILE_SOURCE_CODE_INFO, &bytes);
		model->files[i].descriptor = (const uint8_t *)gen_pool_strndup(
			model->pool, bytes.data ? bytes.data : "", bytes.size);
		model->files[i].descriptor_size = bytes.size;
		gen_text_done(&bytes);
		i++;
	}
}

void gen_model_add_files(gen_model *model, const uint8_t *data, size_t size)
{
	const Google__Protobuf__Compiler__CodeGeneratorRequest *request = model->request;

	model->file_count = request->n_proto_file;
	model->files = gen_pool_array(model->pool, model->file_count, sizeof(*model->files));
	for (size_t i = 0; i < model->file_count; i++)
		add_file(model, &model->files[i], request->proto_file[i]);
	if (model->errors.size)
		return;
	for (size_t i = 0; i < model->file_count; i++)
		add_imports(model, &model->files[i]);
	if (!request->n_file_to_generate)
		add_error(model, NULL, "no file to generate");
	for (size_t i = 0; i < request->n_file_to_generate; i++) {
		gen_file *file = find_file(model, request->file_to_generate[i]);

		if (file)
			file->wanted = true;
		else
			add_error(model, NULL, "a file to generate is missing");
	}
	add_descriptors(model, data, size);
}
