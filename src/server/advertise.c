/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the address that this machine uses towards another one. */
#include "server/advertise.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "native/socket.h"

static bool is_wildcard(const pyr_reference *reference)
{
	return !reference->is_unix &&
	       (strcmp(reference->host, "0.0.0.0") == 0 || strcmp(reference->host, "::") == 0);
}

/* Connecting a datagram socket sends nothing, but chooses the way and with it the address. */
static pyr_status ask_kernel(const pyr__address *peer, pyr__address *ret_local, pyr_error *err)
{
	int fd = socket(peer->storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ret_local->size = sizeof ret_local->storage;
	bool found = fd >= 0 &&
		     connect(fd, (const struct sockaddr *)&peer->storage, peer->size) == 0 &&
		     getsockname(fd, (struct sockaddr *)&ret_local->storage, &ret_local->size) == 0;
	int why = errno;
	if (fd >= 0)
		close(fd);
	if (!found)
		return pyr_error_set(err, PYR_UNAVAILABLE,
			"cannot find this machine's address towards the name server: %s",
			strerror(why));
	return PYR_OK;
}

static pyr_status local_host(
	const pyr_reference *name_server, pyr_reference *ret_local, pyr_error *err)
{
	pyr__address peers[PYR__ADDRESSES_MAX], local;
	size_t count;
	char text[PYR__PEER_TEXT_MAX];
	pyr_status status = pyr__socket_resolve(name_server, false, peers, &count, err);
	if (status == PYR_OK)
		status = ask_kernel(&peers[0], &local, err);
	if (status)
		return status;
	pyr__socket_text(&local, text, sizeof text);
	memset(ret_local, 0, sizeof *ret_local);
	return pyr_endpoint_parse(text, ret_local, err);
}

pyr_status pyr__advertise(
	pyr_reference *reference, const pyr_reference *name_server, pyr_error *err)
{
	if (!is_wildcard(reference))
		return PYR_OK;
	bool v6 = strchr(reference->host, ':') != NULL;
	if (name_server->is_unix) {
		snprintf(reference->host, sizeof reference->host, "%s", v6 ? "::1" : "127.0.0.1");
		return PYR_OK;
	}
	pyr_reference local;
	pyr_status status = local_host(name_server, &local, err);
	if (status)
		return status;
	/* an endpoint of IPv6 takes IPv4 too, but not the other way round */
	if (!v6 && strchr(local.host, ':'))
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the name server is reached from %s, where an endpoint bound to 0.0.0.0 "
			"cannot be: listen on [::], or say what to advertise",
			local.host);
	memcpy(reference->host, local.host, sizeof reference->host);
	return PYR_OK;
}
