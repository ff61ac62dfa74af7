/* SPDX-License-Identifier: Apache-2.0 */
/* The channels of a context, as its life needs them; those that look for one go by context.h. */
#ifndef PYR_CLIENT_CHANNELS_H
#define PYR_CLIENT_CHANNELS_H

#include "client/context.h"

/* What an endpoint is called, among channels and tokens. */
void pyr__channels_name(const pyr_reference *reference, char *buf, size_t size);

/* The context is being freed: ends the calls of all of them, and none is made any more. */
void pyr__channels_shut(pyr_context *context);

/* With the loop stopped: gives those back that were handed in. */
void pyr__channels_release_adopted(pyr_context *context);

/* Lock held. They keep what they have shown; new ones are made for new connections. */
void pyr__channels_retire(pyr_context *context);

#endif
