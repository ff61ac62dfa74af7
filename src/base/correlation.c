/* SPDX-License-Identifier: Apache-2.0 */
/* Correlation ids. */
#include "base/correlation.h"

#include <pyrite/call.h>

bool pyr__correlation_valid(pyr__text text)
{
	if (text.size == 0 || text.size >= PYR_CORRELATION_MAX)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] <= ' ' || text.data[i] > '~')
			return false;
	return true;
}
