/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Channels of core that nobody wants any more, while they are still connecting.
 *
 * Core 1.51 forgets a connection whose peer answers only after its channel was destroyed: the
 * socket stays open for good. So such a channel is destroyed once it has connected, or has failed
 * to, which takes no longer than the time for connecting. One that has failed because its peer said
 * nothing is connecting again at once, though its state does not say so: it gets the same time to
 * connect after all.
 */
#ifndef PYR_GRPC_LEAVING_H
#define PYR_GRPC_LEAVING_H

#include "grpc/client.h"

/*
 * Destroys core, now or as soon as it connects no more. age_us is how long ago it was made. Any
 * thread.
 */
void pyr__leave(pyr__grpc_client *client, grpc_channel *core, int64_t age_us);

/* Destroys those that still connect; from now on pyr__leave() waits for nothing. */
void pyr__leaving_end(pyr__grpc_client *client);

#endif
