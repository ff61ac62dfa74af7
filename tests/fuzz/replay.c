/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files, and over the files of directories, without libFuzzer. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "fuzz/fuzz.h"

static int tried;

static bool fail(const char *path)
{
	fprintf(stderr, "%s: %s\n", path, strerror(errno));
	return false;
}

/* The input is in memory of just its size, so that a sanitizer sees what is read behind it. */
static bool try_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return fail(path);
	uint8_t *data = malloc(size ? size : 1);
	bool whole = data && fread(data, 1, size, file) == size;
	fclose(file);
	if (whole) {
		printf("%s\n", path);
		fflush(stdout);
		LLVMFuzzerTestOneInput(data, size);
		tried++;
	}
	free(data);
	return whole || fail(path);
}

static bool try_path(const char *path);

static bool try_directory(const char *path)
{
	DIR *directory = opendir(path);
	if (!directory)
		return fail(path);
	bool good = true;
	for (struct dirent *entry; good && (entry = readdir(directory));) {
		char name[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		good = try_path(name);
	}
	closedir(directory);
	return good;
}

static bool try_path(const char *path)
{
	struct stat st;
	if (stat(path, &st))
		return fail(path);
	return S_ISDIR(st.st_mode) ? try_directory(path) : try_file(path, (size_t)st.st_size);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!try_path(argv[i]))
			return EXIT_FAILURE;
	if (tried == 0) {
		fprintf(stderr, "usage: %s FILE|DIRECTORY ...  (no input was found)\n", argv[0]);
		return EXIT_FAILURE;
	}
	printf("%d inputs\n", tried);
	return EXIT_SUCCESS;
}
