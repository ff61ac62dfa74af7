/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation of small things. No memory for them ends the process with a message. (The library has
 * the same, but does not export it, and the name server uses only what the library exports.)
 */
#ifndef NS_ALLOC_H
#define NS_ALLOC_H

#include <stddef.h>

void *ns_alloc(size_t size);              /* never NULL, not cleared */
void *ns_zalloc(size_t size);             /* never NULL, cleared */
void *ns_realloc(void *old, size_t size); /* never NULL */
char *ns_strdup(const char *text);        /* never NULL */

#endif
