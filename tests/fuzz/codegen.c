/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as protoc's request to the generator, and as protoc-gen-c's answer to it: there is
 * always a response that protoc can read, with an error or with files.
 *
 * An input is the size of the request, 4 bytes, little-endian; the request; the answer.
 */
#include <string.h>
#include "codegen.h"
#include "fuzz/fuzz.h"

/* What is left for protoc-gen-c. */
typedef struct answer {
	const uint8_t *data;
	size_t size;
} answer;

static bool answer_request(
	void *ctx, const uint8_t *request, size_t size, gen_text *response, gen_text *error)
{
	const answer *given = ctx;
	if (given->size == 0) {
		gen_text_add_string(error, "protoc-gen-c is missing");
		return false;
	}
	gen_text_add(response, given->data, given->size);
	return true;
}

static void check_response(const gen_text *bytes)
{
	gen_response_proto *response = google__protobuf__compiler__code_generator_response__unpack(
		NULL, bytes->size, (const uint8_t *)bytes->data);
	MUST(response);
	MUST(response->has_supported_features);
	MUST((response->error != NULL) != (response->n_file > 0));
	MUST(!response->error || *response->error);
	for (size_t i = 0; i < response->n_file; i++)
		MUST(response->file[i]->name && *response->file[i]->name &&
			response->file[i]->content && *response->file[i]->content);
	google__protobuf__compiler__code_generator_response__free_unpacked(response, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4)
		return 0;
	size_t request = data[0] | (size_t)data[1] << 8 | (size_t)data[2] << 16;
	data += 4;
	size -= 4;
	if (request > size)
		request = size;
	answer given = {data + request, size - request};
	gen_text response = {NULL, 0, 0};
	gen_run(data, request, answer_request, &given, &response);
	check_response(&response);
	gen_text_done(&response);
	return 0;
}
