/* SPDX-License-Identifier: Apache-2.0 */
/* What is valid in protobuf and cannot become C. */
#ifndef PYR_CODEGEN_CHECK_H
#define PYR_CODEGEN_CHECK_H

#include "model.h"

/* Adds an error for everything in the files to generate that has no valid C. */
void gen_check(gen_model *model);

#endif
