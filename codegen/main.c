/* SPDX-License-Identifier: Apache-2.0 */
/* protoc-gen-pyrite: protoc's request on standard input, the generated files on standard output. */
#include <stdio.h>
#include <string.h>
#include "codegen.h"
#include "child.h"

static const char usage[] =
	"protoc-gen-pyrite is a plugin of protoc. It writes C for messages (with protoc-gen-c)\n"
	"and for Pyrite's services:\n"
	"\n"
	"    protoc --pyrite_out=DIR x.proto\n"
	"\n"
	"makes x.pb-c.h, x.pb-c.c, x.pyr.h and x.pyr.c in DIR. protoc-gen-pyrite must be in PATH, "
	"or\n"
	"named with protoc's --plugin=protoc-gen-pyrite=PATH. PYRITE_PROTOC_GEN_C says where\n"
	"protoc-gen-c is if it is not in PATH.\n";

int main(int argc, char **argv)
{
	gen_text request = {NULL, 0, 0}, response = {NULL, 0, 0};
	char buffer[65536];
	size_t got;

	if (argc > 1) {
		bool help = strcmp(argv[1], "--help") == 0;

		fputs(usage, help ? stdout : stderr);
		return help ? 0 : 2;
	}
	while ((got = fread(buffer, 1, sizeof(buffer), stdin)) > 0)
		gen_text_add(&request, buffer, got);
	gen_run((const uint8_t *)request.data, request.size, gen_child_run, NULL, &response);
	bool written = fwrite(response.data, 1, response.size, stdout) == response.size &&
		       fflush(stdout) == 0;
	gen_text_done(&request);
	gen_text_done(&response);
	if (!written)
		perror("protoc-gen-pyrite");
	return written ? 0 : 1;
}
