/* SPDX-License-Identifier: Apache-2.0 */
/* The library's version. */
#include <pyrite/version.h>

const char *pyr_version(void)
{
	return PYR_VERSION;
}
