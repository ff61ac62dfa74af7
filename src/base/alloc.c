/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation that either works or ends the process. */
#include "base/alloc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/apart.h"

static void *check(void *memory, size_t size)
{
	if (!memory) {
		fprintf(stderr, "pyrite: out of memory (%zu bytes)\n", size);
		abort();
	}
	return memory;
}

PYR__APART void *pyr__alloc(size_t size)
{
	return check(malloc(size ? size : 1), size);
}

PYR__APART void *pyr__zalloc(size_t size)
{
	return check(calloc(1, size ? size : 1), size);
}

PYR__APART void *pyr__realloc(void *old, size_t size)
{
	return check(realloc(old, size ? size : 1), size);
}

PYR__APART char *pyr__strndup(const char *text, size_t size)
{
	char *copy = pyr__alloc(size + 1);
	memcpy(copy, text, size);
	copy[size] = '\0';
	return copy;
}

char *pyr__strdup(const char *text)
{
	return text ? pyr__strndup(text, strlen(text)) : NULL;
}

void *pyr__try_alloc(size_t size)
{
	return malloc(size ? size : 1);
}
