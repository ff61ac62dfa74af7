/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Listening sockets that this process was started with, as endpoints:
 *
 *     fd:N            the descriptor N
 *     systemd:        all that the service manager has passed on
 *     systemd:NAME    those of them with this FileDescriptorName=
 *
 * The service manager says so in LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES: sd_listen_fds(3).
 */
#ifndef PYR_SERVER_INHERITED_H
#define PYR_SERVER_INHERITED_H

#include <stdbool.h>
#include <stddef.h>
#include <pyrite/status.h>

#define PYR__INHERITED_MAX 64

/* True for an endpoint of this kind. */
bool pyr__inherited_is(const char *endpoint);

/*
 * Which descriptors it stands for, 1 at least. INVALID_ARGUMENT for what cannot be read, NOT_FOUND
 * when nothing, or nothing with that name, was passed on to this process.
 */
pyr_status pyr__inherited_find(
	const char *endpoint, int fds[PYR__INHERITED_MAX], size_t *ret_count, pyr_error *err);

#endif
