/* SPDX-License-Identifier: Apache-2.0 */
/* What is valid in protobuf and cannot become C. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include "names.h"
#include "reserved.h"
#include "symbols.h"

static void check_field(gen_model *model, const gen_message *message, const gen_field *field)
{
	if (field->proto->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP)
		gen_model_error(model, message->file, field->path,
			"field %s is a group, which protobuf-c does not have: declare a message "
			"and "
			"a field of its type instead",
			field->proto->name);
}

static void check_parameter(gen_model *model)
{
	const char *parameter = model->request->parameter;

	if (parameter && *parameter)
		gen_text_printf(&model->errors,
			"unknown parameter \"%s\": protoc-gen-pyrite takes none", parameter);
}

static void check_service(gen_model *model, const gen_service *service)
{
	if (service->file->options.no_generate)
		gen_model_error(model, service->file, service->path,
			"service %s needs its file's messages, which the option "
			"(pb_c_file).no_generate turns off",
			service->proto->name);
	if (gen_reserved_parameter(service->prefix))
		gen_model_error(model, service->file, service->path,
			"service %s becomes %s in C, which generated functions call one of their "
			"parameters: rename it, or give the file a package",
			service->proto->name, service->prefix);
}

static void check_message(gen_model *model, const gen_message *message)
{
	if (!gen_name_is_identifier(message->base_member) ||
		gen_reserved_member(message->base_member))
		gen_model_error(model, message->file, message->path,
			"the option (pb_c_msg).base_field_name of message %s is no name for a "
			"member of a struct: choose another one",
			message->full_name);
	for (size_t i = 0; i < message->proto->n_field; i++)
		check_field(model, message, &message->fields[i]);
}

/* Two files of one folder, "x.proto" and "x.protodevel", or one given twice. */
static void check_files(gen_model *model)
{
	for (size_t i = 0; i < model->file_count; i++) {
		for (size_t j = 0; model->files[i].wanted && j < i; j++) {
			if (model->files[j].wanted &&
				strcmp(model->files[i].base, model->files[j].base) == 0)
				gen_model_error(model, &model->files[i], GEN_PATH_FILE,
					"both this file and %s become %s.pb-c.h: rename one of "
					"them",
					model->files[j].proto->name, model->files[i].base);
		}
	}
}

/* Whether an error was written about it, or about what it is in: one is enough. */
static bool is_refused(const gen_symbols *symbols, const gen_owner *owner)
{
	for (const gen_owner *refused = symbols->refused; refused; refused = refused->next) {
		size_t count = refused->path.count;

		if (refused->file == owner->file && count <= owner->path.count &&
			memcmp(refused->path.steps, owner->path.steps,
				count * sizeof(*owner->path.steps)) == 0)
			return true;
	}
	return false;
}

static void refuse(gen_symbols *symbols, gen_owner *owner)
{
	owner->next = symbols->refused;
	symbols->refused = owner;
}

static void check_reserved(gen_model *model, gen_symbols *symbols, const gen_symbol *symbol)
{
	gen_owner *owner = symbol->owner;
	const char *name = symbol->name;
	const char *why =
		gen_name_is_identifier(name) ? gen_reserved_global(name) : "is no name there";

	if (*symbol->scope || !owner->file->wanted || !why || is_refused(symbols, owner))
		return;
	refuse(symbols, owner);
	gen_model_error(model, owner->file, owner->path,
		"%s becomes %s in C, which %s: rename it, or %s package", owner->what,
		*name ? name : "nothing", why,
		owner->file->proto->package ? "change the file's" : "give the file a");
}

static int compare_symbols(const void *a, const void *b)
{
	const gen_symbol *left = a, *right = b;
	int scope = strcmp(left->scope, right->scope);
	int name = scope ? scope : strcmp(left->name, right->name);

	return name ? name : (left->order > right->order) - (left->order < right->order);
}

/* The one that was first to take the name; the symbol itself if it was. */
static const gen_symbol *find_first(
	const gen_symbol *sorted, size_t count, const gen_symbol *symbol)
{
	gen_symbol key = *symbol;
	size_t low = 0, high = count;

	key.order = 0;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare_symbols(&sorted[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &sorted[low];
}

static void check_collision(
	gen_model *model, gen_symbols *symbols, const gen_symbol *first, const gen_symbol *symbol)
{
	gen_owner *one = first->owner, *other = symbol->owner;

	if (one == other || is_refused(symbols, one) || is_refused(symbols, other))
		return;
	if (!other->file->wanted) { /* an import of another file's: nothing can be done there */
		if (!one->file->wanted)
			return;
		one = symbol->owner;
		other = first->owner;
	}
	refuse(symbols, other);
	gen_model_error(model, other->file, other->path,
		"%s and %s (%s) both become %s in %s%s: rename one of them", other->what, one->what,
		gen_model_place(model, one->file, one->path), symbol->name,
		*symbol->scope ? "the struct " : "C", symbol->scope);
}

static void check_symbols(gen_model *model)
{
	gen_symbols symbols = {.pool = model->pool};

	gen_symbols_collect(&symbols, model);
	if (!symbols.count)
		return;

	gen_symbol *sorted = gen_pool_array(model->pool, symbols.count, sizeof(*sorted));
	memcpy(sorted, symbols.list, symbols.count * sizeof(*sorted));
	qsort(sorted, symbols.count, sizeof(*sorted), compare_symbols);
	for (size_t i = 0; i < symbols.count; i++) {
		check_reserved(model, &symbols, &symbols.list[i]);
		check_collision(model, &symbols,
			find_first(sorted, symbols.count, &symbols.list[i]), &symbols.list[i]);
	}
}

void gen_check(gen_model *model)
{
	check_parameter(model);
	check_files(model);
	for (size_t i = 0; i < model->message_count; i++) {
		if (model->messages[i].file->wanted)
			check_message(model, &model->messages[i]);
	}
	for (size_t i = 0; i < model->service_count; i++) {
		if (model->services[i].file->wanted)
			check_service(model, &model->services[i]);
	}
	check_symbols(model);
}
