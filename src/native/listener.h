/* SPDX-License-Identifier: Apache-2.0 */
/* An endpoint that native connections are accepted on. */
#ifndef PYR_NATIVE_LISTENER_H
#define PYR_NATIVE_LISTENER_H

#include "base/loop.h"
#include "native/socket.h"

typedef struct pyr__listener pyr__listener;

/*
 * Binds and listens; connections wait until pyr__listener_open(). accepted takes the descriptor
 * over, on the loop's thread.
 */
pyr_status pyr__listener_new(const pyr_reference *endpoint, pyr__loop *loop,
	void (*accepted)(void *arg, int fd, const pyr__address *peer), void *arg,
	pyr__listener **ret_listener, pyr_error *err);

/*
 * The same with a socket that listens already, which is taken over unless this fails. Its file, if
 * it is a Unix socket, is who has made it to remove.
 */
pyr_status pyr__listener_inherit(int fd, pyr__loop *loop,
	void (*accepted)(void *arg, int fd, const pyr__address *peer), void *arg,
	pyr__listener **ret_listener, pyr_error *err);

void pyr__listener_open(pyr__listener *listener);  /* loop thread only */
void pyr__listener_close(pyr__listener *listener); /* loop thread only; accepts no more */
void pyr__listener_free(pyr__listener *listener);  /* NULL is ignored */

/* Where it listens, with the port that was chosen. */
const pyr__address *pyr__listener_address(const pyr__listener *listener);

#endif
