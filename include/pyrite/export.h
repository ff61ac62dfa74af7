/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Marks what the shared library exports, what a caller must look at, and what is called
 * seldom, as when something has failed: compilers then take the other way to be the usual one.
 */
#ifndef PYRITE_EXPORT_H
#define PYRITE_EXPORT_H

#ifdef __cplusplus
#define PYR_BEGIN_DECLS extern "C" {
#define PYR_END_DECLS   }
#else
#define PYR_BEGIN_DECLS
#define PYR_END_DECLS
#endif

#define PYR_API             __attribute__((visibility("default")))
#define PYR_MUST_USE        __attribute__((warn_unused_result))
#define PYR_PRINTF(fmt, va) __attribute__((format(printf, fmt, va)))
#define PYR_COLD            __attribute__((cold))

#endif
