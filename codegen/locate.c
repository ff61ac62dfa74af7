/* SPDX-License-Identifier: Apache-2.0 */
/* Where things stand in a .proto file, for errors and for comments. */
#include "model.h"

#include <stdlib.h>
#include <string.h>
#include "file.h"

/* The field number of the name in every kind of descriptor. */
#define NAME 1

static gen_path extend(gen_pool *pool, gen_path parent, const int32_t *steps, size_t count)
{
	int32_t *all = gen_pool_array(pool, parent.count + count, sizeof(*all));

	if (parent.count)
		memcpy(all, parent.steps, parent.count * sizeof(*all));
	memcpy(all + parent.count, steps, count * sizeof(*all));
	return (gen_path){all, parent.count + count};
}

gen_path gen_path_child(gen_pool *pool, gen_path parent, int32_t number, int32_t index)
{
	return extend(pool, parent, (const int32_t[]){number, index}, 2);
}

gen_path gen_path_name(gen_pool *pool, gen_path parent)
{
	return extend(pool, parent, (const int32_t[]){NAME}, 1);
}

static int compare_paths(gen_path a, gen_path b)
{
	for (size_t i = 0; i < a.count && i < b.count; i++) {
		if (a.steps[i] != b.steps[i])
			return a.steps[i] < b.steps[i] ? -1 : 1;
	}
	return (a.count > b.count) - (a.count < b.count);
}

static gen_path path_of(const gen_location *location)
{
	return (gen_path){location->path, location->n_path};
}

static int compare_locations(const void *a, const void *b)
{
	return compare_paths(
		path_of(*(const gen_location *const *)a), path_of(*(const gen_location *const *)b));
}

const gen_location *gen_model_location(const gen_file *file, gen_path path)
{
	size_t low = 0, high = file->location_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare_paths(path_of(file->locations[middle]), path);

		if (order == 0)
			return file->locations[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const char *gen_model_place(gen_model *model, const gen_file *file, gen_path path)
{
	const gen_location *location = gen_model_location(file, gen_path_name(model->pool, path));

	if (!location)
		location = gen_model_location(file, path);
	if (!location || location->n_span < 2)
		return file->proto->name;
	return gen_pool_printf(model->pool, "%s:%lld:%lld", file->proto->name,
		(long long)location->span[0] + 1, (long long)location->span[1] + 1);
}

void gen_model_error(gen_model *model, const gen_file *file, gen_path path, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (model->errors.size)
		gen_text_add_string(&model->errors, "\n");
	gen_text_printf(&model->errors, "%s: ", gen_model_place(model, file, path));
	gen_text_vprintf(&model->errors, format, args);
	va_end(args);
}

void gen_file_add_locations(gen_model *model, gen_file *file)
{
	const Google__Protobuf__SourceCodeInfo *info = file->proto->source_code_info;

	if (!info)
		return;
	file->location_count = info->n_location;
	file->locations = gen_pool_array(model->pool, info->n_location, sizeof(*file->locations));
	for (size_t i = 0; i < info->n_location; i++)
		file->locations[i] = info->location[i];
	qsort(file->locations, file->location_count, sizeof(*file->locations), compare_locations);
}
