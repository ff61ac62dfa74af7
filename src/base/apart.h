/* SPDX-License-Identifier: Apache-2.0 */
/* Keeps the code that each call runs close together. */
#ifndef PYR_BASE_APART_H
#define PYR_BASE_APART_H

/*
 * A function that is never made part of its callers. A processor fetches code 64 bytes at a time,
 * and keeps some 32 KiB of it at hand. The compiler would put into the middle of what each call
 * runs whatever is called from there alone, though few calls come to it, and several times what is
 * called from many places. For what hardly ever runs there is PYR_COLD, by which the branch that
 * leads there is moved away too.
 */
#define PYR__APART __attribute__((noinline))

#endif
