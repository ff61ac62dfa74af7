/* SPDX-License-Identifier: Apache-2.0 */
/* The native transport's client side: one endpoint, and the connection to it while there is one. */
#ifndef PYR_NATIVE_CHANNEL_H
#define PYR_NATIVE_CHANNEL_H

#include "native/conn.h"

/* options are copied; loop must outlive the channel. One reference. No I/O happens here. */
pyr__channel *pyr__native_channel_new(
	const pyr_reference *endpoint, const char *name, const pyr__conn_options *options);

#endif
