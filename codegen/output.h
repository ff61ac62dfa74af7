/* SPDX-License-Identifier: Apache-2.0 */
/* The text of the files that the generator itself writes for one .proto file. */
#ifndef PYR_CODEGEN_OUTPUT_H
#define PYR_CODEGEN_OUTPUT_H

#include "emit.h"
#include "model.h"

void gen_header_write(gen_model *model, const gen_file *file, gen_text *out); /* x.pyr.h */
void gen_source_write(gen_model *model, const gen_file *file, gen_text *out); /* x.pyr.c */

/* The has_, set_ and clear_ functions of a file's proto3 `optional` fields. */
void gen_presence_write(gen_model *model, const gen_file *file, gen_emit *emit);

#endif
