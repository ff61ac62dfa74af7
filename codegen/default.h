/* SPDX-License-Identifier: Apache-2.0 */
/* Default values that protoc-gen-c 1.4.1 does not write as valid or exact C. */
#ifndef PYR_CODEGEN_DEFAULT_H
#define PYR_CODEGEN_DEFAULT_H

#include "model.h"

/*
 * What to write instead: for infinite and not-a-number values, which it writes as `inf` and `nan`;
 * for floating point that it rounds to 6 or 15 digits, or whose sign it loses; for the smallest
 * int64. NULL when what it writes is right.
 */
const char *gen_default_better(gen_pool *pool, const gen_field_proto *field);

/* Whether that needs <math.h>. */
bool gen_default_needs_math(const gen_field_proto *field);

#endif
