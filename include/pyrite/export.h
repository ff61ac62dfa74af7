/* SPDX-License-Identifier: Apache-2.0 */
/* Marks what the shared library exports, and what a caller must look at. */
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

#endif
