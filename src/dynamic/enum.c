/* SPDX-License-Identifier: Apache-2.0 */
/* The second pass: an enum's values, by number and by name. */
#include <stdlib.h>
#include <string.h>
#include "dynamic/pool.h"

typedef Google__Protobuf__EnumDescriptorProto enum_proto;

typedef struct declared {
	const char *name;
	int32_t number;
	size_t place; /* in the file: of several names the first counts */
} declared;

static int by_number(const void *a, const void *b)
{
	const declared *x = a, *y = b;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return x->place < y->place ? -1 : 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const ProtobufCEnumValueIndex *)a)->name,
		((const ProtobufCEnumValueIndex *)b)->name);
}

static int number_at(const void *array, size_t index)
{
	return ((const ProtobufCEnumValue *)array)[index].value;
}

static pyr_status check(const pyr__adding *adding, const pyr__pool_enum *e)
{
	const enum_proto *proto = e->proto;
	if (proto->n_value == 0)
		return pyr__pool_bad(adding, "%s has no values", e->symbol.name);
	for (size_t i = 0; i < proto->n_value; i++)
		if (!proto->value[i]->has_number)
			return pyr__pool_bad(adding, "%s: the value %s has no number",
				e->symbol.name, proto->value[i]->name);
	if (adding->file->proto3 && proto->value[0]->number != 0)
		return pyr__pool_bad(adding, "%s: the first value of a proto3 enum is 0, not %d",
			e->symbol.name, (int)proto->value[0]->number);
	return PYR_OK;
}

/* Fills the distinct values, in the order of their numbers. */
static void fill_values(pyr__pool_file *file, pyr__pool_enum *e, declared *sorted)
{
	size_t count = e->proto->n_value;
	ProtobufCEnumValue *values = pyr__pool_take(file, count * sizeof *values);
	ProtobufCEnumValueIndex *names = pyr__pool_take(file, count * sizeof *names);
	unsigned distinct = 0;
	for (size_t i = 0; i < count; i++) {
		const char *name = pyr__pool_text(file, sorted[i].name);
		if (i == 0 || sorted[i].number != sorted[i - 1].number)
			values[distinct++] = (ProtobufCEnumValue){name, name, sorted[i].number};
		names[i] = (ProtobufCEnumValueIndex){name, distinct - 1};
	}
	qsort(names, count, sizeof *names, by_name);
	e->descriptor.values = values;
	e->descriptor.n_values = distinct;
	e->descriptor.values_by_name = names;
	e->descriptor.n_value_names = (unsigned)count;
	e->descriptor.value_ranges =
		pyr__pool_ranges(file, distinct, number_at, values, &e->descriptor.n_value_ranges);
}

static pyr_status check_names(const pyr__adding *adding, const pyr__pool_enum *e)
{
	for (unsigned i = 1; i < e->descriptor.n_value_names; i++)
		if (strcmp(e->descriptor.values_by_name[i - 1].name,
			    e->descriptor.values_by_name[i].name) == 0)
			return pyr__pool_bad(adding, "%s has the value %s twice", e->symbol.name,
				e->descriptor.values_by_name[i].name);
	return PYR_OK;
}

pyr_status pyr__pool_build_enum(const pyr__adding *adding, pyr__pool_enum *e)
{
	pyr_status status = check(adding, e);
	if (status)
		return status;
	size_t count = e->proto->n_value;
	declared *sorted = pyr__pool_take(adding->file, count * sizeof *sorted);
	for (size_t i = 0; i < count; i++)
		sorted[i] = (declared){e->proto->value[i]->name, e->proto->value[i]->number, i};
	e->first = sorted[0].number;
	e->closed = !adding->file->proto3;
	e->null_value = strcmp(e->symbol.name, "google.protobuf.NullValue") == 0;
	qsort(sorted, count, sizeof *sorted, by_number);
	fill_values(adding->file, e, sorted);
	const char *dot = strrchr(e->symbol.name, '.');
	e->descriptor.magic = PROTOBUF_C__ENUM_DESCRIPTOR_MAGIC;
	e->descriptor.name = e->symbol.name;
	e->descriptor.short_name = dot ? dot + 1 : e->symbol.name;
	e->descriptor.c_name = e->descriptor.short_name;
	e->descriptor.package_name = "";
	e->proto = NULL;
	return check_names(adding, e);
}
