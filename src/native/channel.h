/* SPDX-License-Identifier: Apache-2.0 */
/* The native transport's client side: one endpoint, and the connection to it while there is one. */
#ifndef PYR_NATIVE_CHANNEL_H
#define PYR_NATIVE_CHANNEL_H

#include "native/conn.h"

/* options are copied; loop must outlive the channel. One reference. No I/O happens here. */
pyr__channel *pyr__native_channel_new(
	const pyr_reference *endpoint, const char *name, const pyr__conn_options *options);

/*
 * A channel on a descriptor that is connected already, which it takes over unless this returns
 * NULL: there is no memory. It ends with its connection, since it cannot make another one.
 */
pyr__channel *pyr__native_channel_adopt(
	int fd, const pyr_reference *endpoint, const char *name, const pyr__conn_options *options);

/* False once the connection of such a channel has ended. */
bool pyr__native_channel_lives(pyr__channel *channel);

#endif
