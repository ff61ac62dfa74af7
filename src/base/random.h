/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes that nobody can guess, for ids and hash keys. */
#ifndef PYR_BASE_RANDOM_H
#define PYR_BASE_RANDOM_H

#include <stddef.h>

/* Fills buf from the kernel's generator. Never fails: without randomness the process ends. */
void pyr__random_bytes(void *buf, size_t size);

#define PYR__RANDOM_ID_SIZE 33 /* bytes of a generated id with its NUL */

/* Writes a new id: 128 random bits as 32 hexadecimal digits and a NUL. */
void pyr__random_id(char ret_id[PYR__RANDOM_ID_SIZE]);

#endif
