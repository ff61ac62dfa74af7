/* SPDX-License-Identifier: Apache-2.0 */
/* Finding names: the name server's client inside a context. */
#ifndef PYR_CLIENT_NAMES_H
#define PYR_CLIENT_NAMES_H

#include "base/discovery.h"
#include "client/context.h"

/*
 * A reference that leads to the context's name server. It is a name where that one is discovered,
 * so that a proxy finds it again, elsewhere perhaps, when it does not answer.
 */
pyr_status pyr__name_server_reference(
	const pyr_context *context, char *buf, size_t size, pyr_error *err);

/* context outlives the finder, which holds no reference on it. */
pyr__finder *pyr__names_finder_new(pyr_context *context);

#endif
