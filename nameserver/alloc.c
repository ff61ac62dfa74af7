/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that ends the process when there is no memory. */
#include "alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *check(void *memory, size_t size)
{
	if (!memory) {
		fprintf(stderr, "pyrite: the name server is out of memory (%zu bytes)\n", size);
		abort();
	}
	return memory;
}

void *ns_alloc(size_t size)
{
	return check(malloc(size ? size : 1), size);
}

void *ns_zalloc(size_t size)
{
	return check(calloc(1, size ? size : 1), size);
}

void *ns_realloc(void *old, size_t size)
{
	return check(realloc(old, size ? size : 1), size);
}

char *ns_strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	return memcpy(ns_alloc(size), text, size);
}
