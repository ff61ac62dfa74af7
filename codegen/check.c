/* SPDX-License-Identifier: Apache-2.0 */
/* What is valid in protobuf and cannot become C. */
#include "check.h"

#include <string.h>

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

void gen_check(gen_model *model)
{
	check_parameter(model);
	for (size_t m = 0; m < model->message_count; m++) {
		const gen_message *message = &model->messages[m];

		for (size_t i = 0; message->file->wanted && i < message->proto->n_field; i++)
			check_field(model, message, &message->fields[i]);
	}
	for (size_t i = 0; i < model->service_count; i++) {
		const gen_service *service = &model->services[i];

		if (service->file->wanted && service->file->options.no_generate)
			gen_model_error(model, service->file, service->path,
				"service %s needs its file's messages, which the option "
				"(pb_c_file).no_generate turns off",
				service->proto->name);
	}
}
