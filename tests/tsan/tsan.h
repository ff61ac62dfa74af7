/* SPDX-License-Identifier: Apache-2.0 */
/* Assertions for programs that run under ThreadSanitizer. */
#ifndef TESTS_TSAN_H
#define TESTS_TSAN_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			exit(EXIT_FAILURE);                                                        \
		}                                                                                  \
	} while (0)

#endif
