/* SPDX-License-Identifier: Apache-2.0 */
/* The values of a message's __INIT macro. */
#ifndef PYR_CODEGEN_INIT_H
#define PYR_CODEGEN_INIT_H

#include "model.h"

/*
 * Adds the line "    , 0, NULL, DEMO__M__PICK__NOT_SET, {0} }" with its values corrected. False if
 * there are not as many values as the message's fields and oneofs have.
 */
bool gen_init_patch(gen_pool *pool, const gen_message *message, const char *line, gen_text *out);

#endif
