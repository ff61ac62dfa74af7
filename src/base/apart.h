/* SPDX-License-Identifier: Apache-2.0 */
/* What is not run for every call is kept out of the code of what is. */
#ifndef PYR_BASE_APART_H
#define PYR_BASE_APART_H

/*
 * A function that is never part of its caller. What a call runs should lie close together: a
 * processor fetches 64 bytes at a time, and keeps some 32 KiB of them next to it. The compiler
 * would put whatever is called from one place alone into the middle of that. For what hardly ever
 * runs there is PYR_COLD, by which the branch that leads there is moved away too.
 */
#define PYR__APART __attribute__((noinline))

#endif
