/* SPDX-License-Identifier: Apache-2.0 */
/* Objects that came in a request: what the client half has to know of the call. */
#ifndef PYR_CLIENT_ACCEPT_H
#define PYR_CLIENT_ACCEPT_H

#include <pyrite/stub.h>
#include "transport/transport.h"

typedef struct pyr__sender {
	pyr_context *context; /* for proxies of objects of third places */
	const char *peer;     /* its address, as pyr_call_peer() */
	pyr_call *call;
	pyr__channel *(*back)(pyr_call *call); /* the way to its own objects, or NULL */
} pyr__sender;

/* As pyr_stub_accept_from(). */
pyr_status pyr__accept_from(const pyr__sender *sender, const pyr_interface *interface,
	const Pyrite__Object *object, const pyr_proxy_options *options, pyr_proxy **ret_proxy,
	pyr_error *err);

#endif
