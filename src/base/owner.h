/* SPDX-License-Identifier: Apache-2.0 */
/* From a member back to the struct that it is part of. */
#ifndef PYR_BASE_OWNER_H
#define PYR_BASE_OWNER_H

#include <stddef.h>

#define PYR__OWNER(pointer, type, member)                                                          \
	((type *)(void *)((char *)(pointer)-offsetof(type, member)))

#endif
