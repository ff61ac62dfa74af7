/* SPDX-License-Identifier: Apache-2.0 */
/* Correcting what protoc-gen-c 1.4.1 wrote for a file. */
#ifndef PYR_CODEGEN_PATCH_H
#define PYR_CODEGEN_PATCH_H

#include "model.h"

/*
 * Adds the corrected content to out:
 * - `clang-format off` on top;
 * - __INIT of a message with a oneof that begins with an enum or bytes, which is no C++;
 * - default values that are no valid C, or not exact;
 * - trigraphs in default strings, and literals that are longer than C promises to take;
 * - reserved1 of a map entry's descriptor, which nothing else tells from another message, points to
 *   the descriptor itself: the decoder then keeps one entry a key;
 * - members named by keywords and macros that it does not know, or by its own member.
 * False, with an error in the model, if the content is not as it is known to be.
 */
bool gen_patch_header(gen_model *model, const gen_file *file, const char *content, gen_text *out);
bool gen_patch_source(gen_model *model, const gen_file *file, const char *content, gen_text *out);

#endif
