/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text, in the C locale. */
#include "dynamic/number.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct c_locale {
	locale_t own;
	locale_t before;
} c_locale;

static c_locale enter(void)
{
	c_locale c = {newlocale(LC_ALL_MASK, "C", (locale_t)0), (locale_t)0};
	if (c.own)
		c.before = uselocale(c.own);
	return c;
}

static void leave(c_locale c)
{
	if (!c.own)
		return;
	uselocale(c.before);
	freelocale(c.own);
}

double pyr__number_parse(const char *text, char **ret_end)
{
	c_locale c = enter();
	double value = strtod(text, ret_end);
	leave(c);
	return value;
}

void pyr__number_write(double value, bool is_float, char text[PYR__NUMBER_TEXT_MAX])
{
	c_locale c = enter();
	int most = is_float ? 9 : 17;
	for (int digits = is_float ? 6 : 15; digits <= most; digits++) {
		snprintf(text, PYR__NUMBER_TEXT_MAX, "%.*g", digits, value);
		double back = strtod(text, NULL);
		if (is_float ? (float)back == (float)value : back == value)
			break;
	}
	leave(c);
}
