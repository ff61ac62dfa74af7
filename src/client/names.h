/* SPDX-License-Identifier: Apache-2.0 */
/* Finding names: the name server's client inside a context. */
#ifndef PYR_CLIENT_NAMES_H
#define PYR_CLIENT_NAMES_H

#include "base/discovery.h"
#include "client/context.h"

/* context outlives the finder, which holds no reference on it. */
pyr__finder *pyr__names_finder_new(pyr_context *context);

#endif
