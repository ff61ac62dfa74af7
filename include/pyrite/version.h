/* SPDX-License-Identifier: Apache-2.0 */
/* The version of the headers, and that of the library that runs. */
#ifndef PYRITE_VERSION_H
#define PYRITE_VERSION_H

#include <pyrite/export.h>

#define PYR_VERSION_MAJOR 0
#define PYR_VERSION_MINOR 1
#define PYR_VERSION_PATCH 0
#define PYR_VERSION       "0.1.0"

PYR_BEGIN_DECLS

/* "0.1.0", of the library that is linked, which may be newer than the headers. Static storage. */
PYR_API const char *pyr_version(void);

PYR_END_DECLS

#endif
