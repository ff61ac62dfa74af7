/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation of small things. Running out of memory for them ends the process with a message, as in
 * GLib: no caller can do better. What a peer can make large is bounded by a limit and allocated
 * with pyr__try_alloc(), which may fail; tests make it fail (tests/failing_alloc.h).
 */
#ifndef PYR_BASE_ALLOC_H
#define PYR_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Whether what is freed may be kept for the next: not where a tool looks who uses what is gone. */
#ifdef __SANITIZE_ADDRESS__
#define PYR__KEEPS_MEMORY false
#else
#define PYR__KEEPS_MEMORY true
#endif

void *pyr__alloc(size_t size);                     /* never NULL, not cleared */
void *pyr__zalloc(size_t size);                    /* never NULL, cleared */
void *pyr__realloc(void *old, size_t size);        /* never NULL */
char *pyr__strdup(const char *text);               /* never NULL; NULL stays NULL */
char *pyr__strndup(const char *text, size_t size); /* never NULL */
void *pyr__try_alloc(size_t size);                 /* NULL when there is no memory */

#endif
