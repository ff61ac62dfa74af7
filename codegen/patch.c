/* SPDX-License-Identifier: Apache-2.0 */
/* Correcting what protoc-gen-c 1.4.1 wrote for a file. */
#include "patch.h"

#include <string.h>
#include "default.h"
#include "init.h"
#include "names.h"

/* What C99 promises, without the quotes. */
#define STRING_LITERAL_MAX 4095

static bool starts_with(const char *line, const char *start)
{
	return strncmp(line, start, strlen(start)) == 0;
}

static bool ends_with(const char *line, const char *end)
{
	size_t size = strlen(line), end_size = strlen(end);

	return size >= end_size && strcmp(line + size - end_size, end) == 0;
}

/* Takes the next line off the content; NULL after the last one. */
static char *next_line(gen_pool *pool, const char **content)
{
	if (!**content)
		return NULL;

	size_t size = strcspn(*content, "\n");
	char *line = gen_pool_strndup(pool, *content, size);

	*content += size + ((*content)[size] == '\n');
	return line;
}

static void add_line(gen_text *out, const char *line)
{
	gen_text_printf(out, "%s\n", line);
}

static const gen_message *find_message(
	const gen_model *model, const gen_file *file, const char *c_name)
{
	for (size_t i = 0; i < model->message_count; i++) {
		if (model->messages[i].file == file &&
			strcmp(model->messages[i].c_name, c_name) == 0)
			return &model->messages[i];
	}
	return NULL;
}

/* The field that protoc-gen-c gave this member, be it the value, has_value or n_value. */
static const gen_field *find_renamed(
	const gen_message *message, const char *member, const char **ret_prefix)
{
	static const char *const prefixes[] = {"", "has_", "n_"};

	for (size_t i = 0; i < message->proto->n_field; i++) {
		const gen_field *field = &message->fields[i];

		if (strcmp(field->member, field->protoc_gen_c) == 0)
			continue;
		for (size_t p = 0; p < sizeof(prefixes) / sizeof(*prefixes); p++) {
			size_t size = strlen(prefixes[p]);

			*ret_prefix = prefixes[p];
			if (starts_with(member, prefixes[p]) &&
				strcmp(member + size, field->protoc_gen_c) == 0)
				return field;
		}
	}
	return NULL;
}

/*
 * In a struct's line "  int32_t has_nullptr;" the member gets its name. The first line of every
 * struct is protobuf-c's own, which a field may be named by.
 */
static const char *rename_declared(gen_pool *pool, const gen_message *message, char *line)
{
	static const char deprecated[] = " PROTOBUF_C__DEPRECATED;";
	const char *tail = ends_with(line, deprecated) ? deprecated : ";";
	const char *prefix;

	if (!ends_with(line, tail) || strchr("*/", line[strspn(line, " ")]) ||
		starts_with(line, "  ProtobufCMessage "))
		return line;

	char *end = line + strlen(line) - strlen(tail);
	char *member = end;

	while (member > line && !strchr(" *", member[-1]))
		member--;
	const gen_field *field = find_renamed(
		message, gen_pool_strndup(pool, member, (size_t)(end - member)), &prefix);
	if (!field)
		return line;
	return gen_pool_printf(
		pool, "%.*s%s%s%s", (int)(member - line), line, prefix, field->member, tail);
}

/* In "    offsetof(Demo__M, nullptr)," likewise. */
static const char *rename_offset(
	gen_model *model, const gen_file *file, char *line, const char *offset)
{
	const char *type = offset + strlen("offsetof(");
	const char *comma = strstr(type, ", ");
	const char *end = comma ? strchr(comma, ')') : NULL;
	const char *prefix;

	if (!end)
		return line;
	const gen_message *message = find_message(
		model, file, gen_pool_strndup(model->pool, type, (size_t)(comma - type)));
	if (!message)
		return line;
	const gen_field *field = find_renamed(message,
		gen_pool_strndup(model->pool, comma + 2, (size_t)(end - comma - 2)), &prefix);
	if (!field)
		return line;
	return gen_pool_printf(model->pool, "%.*s%s%s%s", (int)(comma + 2 - line), line, prefix,
		field->member, end);
}

/* "??" in a string literal would be read as a trigraph in strict C. */
static void add_without_trigraphs(gen_text *out, const char *line)
{
	for (; *line; line++) {
		gen_text_add(out, line, 1);
		if (line[0] == '?' && line[1] == '?')
			gen_text_add(out, "\\", 1);
	}
	gen_text_add(out, "\n", 1);
}

/* One character of a string literal as protoc-gen-c escapes them; moves *at behind it. */
static unsigned next_byte(const char **at)
{
	static const char letters[] = "nrt", meanings[] = "\n\r\t";
	const char *escape = *at + 1;
	unsigned byte = 0, digits = 0;

	if (**at != '\\')
		return (unsigned char)*(*at)++;
	for (; digits < 3 && escape[digits] >= '0' && escape[digits] <= '7'; digits++)
		byte = byte * 8 + (unsigned)(escape[digits] - '0');
	if (digits) {
		*at = escape + digits;
		return byte;
	}
	const char *letter = *escape ? strchr(letters, *escape) : NULL;

	*at = escape + (*escape != '\0');
	return letter ? (unsigned char)meanings[letter - letters] : (unsigned char)*escape;
}

/* Compilers need not take a longer string literal, and -Wpedantic says so; an array they do. */
static void add_as_array(gen_text *out, const char *line, const char *literal)
{
	bool is_char = starts_with(line, "char ");
	const char *at = literal + 1;
	unsigned count = 0;

	gen_text_printf(out, "%.*s{", (int)(literal - line), line);
	while (*at && *at != '"') {
		unsigned byte = next_byte(&at);

		gen_text_printf(out, "%s%s%u,", count++ % 16 ? "" : "\n  ",
			is_char && byte > 127 ? "(char)" : "", byte);
	}
	gen_text_add_string(out, "\n  0};\n");
}

/* "char demo__m__f__default_value[] = "text";" */
static void add_default_string(gen_text *out, const char *line)
{
	const char *literal = strchr(line, '"');

	if (strlen(literal) > STRING_LITERAL_MAX)
		add_as_array(out, line, literal);
	else
		add_without_trigraphs(out, line);
}

/* The field whose "demo__m__f__default_value" this is; size is that of the name. */
static const gen_field *find_default(
	const gen_model *model, const gen_file *file, const char *name, size_t size)
{
	static const char suffix[] = "__default_value";

	for (size_t m = 0; m < model->message_count; m++) {
		const gen_message *message = &model->messages[m];
		size_t stem = strlen(message->lower);

		if (message->file != file || !starts_with(name, message->lower) ||
			!starts_with(name + stem, "__"))
			continue;
		for (size_t i = 0; i < message->proto->n_field; i++) {
			const char *field = name + stem + 2;
			const char *lower = message->fields[i].lower;

			if (starts_with(field, lower) &&
				starts_with(field + strlen(lower), suffix) &&
				field + strlen(lower) + strlen(suffix) == name + size)
				return &message->fields[i];
		}
	}
	return NULL;
}

/* "static const float demo__m__f__default_value = inf;" */
static const char *better_constant(gen_model *model, const gen_file *file, const char *line)
{
	const char *equals = strstr(line, " = ");
	const char *name = equals;

	while (name > line && name[-1] != ' ')
		name--;
	const gen_field *field = find_default(model, file, name, (size_t)(equals - name));
	const char *better = field ? gen_default_better(model->pool, field->proto) : NULL;

	if (!better)
		return line;
	return gen_pool_printf(model->pool, "%.*s = %s;", (int)(equals - line), line, better);
}

/* The message behind "const ProtobufCMessageDescriptor demo__m__descriptor =", if it is a map's. */
static const gen_message *map_entry_described(
	const gen_model *model, const gen_file *file, const char *line)
{
	static const char start[] = "const ProtobufCMessageDescriptor ", end[] = "__descriptor =";

	if (!starts_with(line, start) || !ends_with(line, end))
		return NULL;
	const char *name = line + strlen(start);
	size_t size = strlen(name) - strlen(end);

	for (size_t i = 0; i < model->message_count; i++) {
		const gen_message *message = &model->messages[i];
		const Google__Protobuf__MessageOptions *options = message->proto->options;

		if (message->file == file && options && options->map_entry &&
			strlen(message->lower) == size && strncmp(message->lower, name, size) == 0)
			return message;
	}
	return NULL;
}

static void patch_source_line(gen_model *model, const gen_file *file, char *line,
	const gen_message **map_entry, gen_text *out)
{
	const char *offset = strstr(line, "offsetof(");

	if (starts_with(line, "const ProtobufCMessageDescriptor "))
		*map_entry = map_entry_described(model, file, line);
	if (*map_entry && starts_with(line, "  NULL,NULL,NULL "))
		gen_text_printf(out,
			"  (void *) &%s__descriptor,NULL,NULL    /* reserved[123]: a map's entry "
			"*/\n",
			(*map_entry)->lower);
	else if (starts_with(line, "static const ") && strstr(line, "__default_value = "))
		add_line(out, better_constant(model, file, line));
	else if (strstr(line, "__default_value[] = \"") ||
		 strstr(line, "__default_value_data[] = \""))
		add_default_string(out, line);
	else if (offset)
		add_line(out, rename_offset(model, file, line, offset));
	else
		add_line(out, line);
}

bool gen_patch_source(gen_model *model, const gen_file *file, const char *content, gen_text *out)
{
	const gen_message *map_entry = NULL; /* whose descriptor is being read */
	char *line;

	gen_text_add_string(out, "/* clang-format off */\n");
	while ((line = next_line(model->pool, &content)))
		patch_source_line(model, file, line, &map_entry, out);
	return true;
}

static bool needs_math(const gen_model *model, const gen_file *file)
{
	for (size_t m = 0; m < model->message_count; m++) {
		const gen_message *message = &model->messages[m];

		for (size_t i = 0; message->file == file && i < message->proto->n_field; i++) {
			if (gen_default_needs_math(message->proto->field[i]))
				return true;
		}
	}
	return false;
}

/* "#define DEMO__M__INIT \" and the two lines behind it. */
static bool patch_init(gen_model *model, const gen_file *file, const char *define,
	const char **content, gen_text *out)
{
	const char *name = define + strlen("#define ");
	size_t size = strlen(name) - strlen("__INIT \\");
	const char *base = next_line(model->pool, content);
	const char *values = next_line(model->pool, content);

	for (size_t i = 0; values && i < model->message_count; i++) {
		const gen_message *message = &model->messages[i];

		if (message->file != file || strlen(message->upper) != size ||
			strncmp(message->upper, name, size) != 0)
			continue;
		add_line(out, define);
		add_line(out, base);
		if (gen_init_patch(model->pool, message, values, out))
			return true;
	}
	gen_model_error(model, file, GEN_PATH_FILE,
		"protoc-gen-c wrote an initialiser that is not understood: %.*s; this plugin was "
		"made "
		"for protoc-gen-c 1.4.1",
		(int)size, name);
	return false;
}

bool gen_patch_header(gen_model *model, const gen_file *file, const char *content, gen_text *out)
{
	const gen_message *inside = NULL; /* the struct whose members are being read */
	bool math = needs_math(model, file);
	char *line;

	gen_text_add_string(out, "/* clang-format off */\n");
	while ((line = next_line(model->pool, &content))) {
		if (starts_with(line, "#define ") && ends_with(line, "__INIT \\")) {
			if (!patch_init(model, file, line, &content, out))
				return false;
			continue;
		}
		if (starts_with(line, "struct "))
			inside = find_message(model, file, line + strspn(line + 7, " ") + 7);
		else if (*line == '}')
			inside = NULL;
		add_line(out, inside ? rename_declared(model->pool, inside, line) : line);
		if (math && strcmp(line, "#include <protobuf-c/protobuf-c.h>") == 0)
			add_line(out, "#include <math.h>");
	}
	return true;
}
