/* SPDX-License-Identifier: Apache-2.0 */
/* The first step of building a model: its files. */
#ifndef PYR_CODEGEN_FILE_H
#define PYR_CODEGEN_FILE_H

#include "model.h"

/* Adds all files of the request. data is the request as protoc sent it. */
void gen_model_add_files(gen_model *model, const uint8_t *data, size_t size);

/* Sorts the source code info, so that things can be found by their path. */
void gen_file_add_locations(gen_model *model, gen_file *file);

#endif
