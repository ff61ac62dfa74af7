/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: convert DESCRIPTOR_SET
 * For judge.py: reads lines "w TYPE HEX" and "r TYPE JSON", answers each with "ok JSON", "ok HEX"
 * or "no MESSAGE".
 */
#include <pyrite/dynamic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		exit(2);
	char *data = malloc(1 << 20);
	*ret_size = fread(data, 1, 1 << 20, file);
	fclose(file);
	return data;
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static void to_json(const pyr_pool *pool, const ProtobufCMessageDescriptor *type, const char *hex)
{
	size_t size = strlen(hex) / 2;
	uint8_t *data = malloc(size + 1);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
	ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, size, data);
	free(data);
	if (!message) {
		printf("no protobuf-c does not unpack it\n");
		return;
	}
	char *json;
	pyr_error err;
	if (pyr_json_write(pool, message, NULL, &json, &err)) {
		printf("no %s\n", err.message);
	} else {
		printf("ok %s\n", json);
		free(json);
	}
	protobuf_c_message_free_unpacked(message, NULL);
}

static void from_json(
	const pyr_pool *pool, const ProtobufCMessageDescriptor *type, const char *json)
{
	pyr_error err;
	ProtobufCMessage *message;
	if (pyr_json_read(pool, type, json, strlen(json), NULL, &message, &err)) {
		printf("no %s\n", err.message);
		return;
	}
	size_t size = protobuf_c_message_get_packed_size(message);
	uint8_t *data = malloc(size + 1);
	protobuf_c_message_pack(message, data);
	printf("ok ");
	for (size_t i = 0; i < size; i++)
		printf("%02x", data[i]);
	printf("\n");
	free(data);
	protobuf_c_message_free_unpacked(message, NULL);
}

int main(int argc, char **argv)
{
	size_t size, room = 0;
	pyr_error err;
	if (argc != 2)
		return 2;
	void *set = read_file(argv[1], &size);
	pyr_pool *pool = pyr_pool_new(NULL);
	if (pyr_pool_add_set(pool, set, size, &err)) {
		fprintf(stderr, "convert: %s\n", err.message);
		return 1;
	}
	free(set);
	char *line = NULL;
	for (ssize_t length; (length = getline(&line, &room, stdin)) > 0;) {
		line[length - 1] = '\0';
		char *type_name = line + 2, *rest = strchr(type_name, ' ');
		*rest++ = '\0';
		const ProtobufCMessageDescriptor *type = pyr_pool_message(pool, type_name);
		if (!type)
			printf("no such type\n");
		else if (line[0] == 'w')
			to_json(pool, type, rest);
		else
			from_json(pool, type, rest);
		fflush(stdout);
	}
	free(line);
	pyr_pool_free(pool);
	return 0;
}
