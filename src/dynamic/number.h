/* SPDX-License-Identifier: Apache-2.0 */
/* Floating-point numbers as text, whatever the program's locale is. */
#ifndef PYR_DYNAMIC_NUMBER_H
#define PYR_DYNAMIC_NUMBER_H

#include <stdbool.h>

#define PYR__NUMBER_TEXT_MAX 40

/* As strtod(). */
double pyr__number_parse(const char *text, char **ret_end);

/* The shortest text of a finite number that reads back as the same double, or the same float. */
void pyr__number_write(double value, bool is_float, char text[PYR__NUMBER_TEXT_MAX]);

#endif
