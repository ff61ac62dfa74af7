/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A channel over a connection that the peer has made: for calls back to it. There is no other way
 * to the peer, so it ends with the connection.
 */
#ifndef PYR_NATIVE_BACK_CHANNEL_H
#define PYR_NATIVE_BACK_CHANNEL_H

#include "native/conn.h"

/* One reference, and one on the connection. release(arg) runs when it is freed. */
pyr__channel *pyr__back_channel_new(pyr__conn *conn, void (*release)(void *arg), void *arg);

#endif
