/* SPDX-License-Identifier: Apache-2.0 */
/* --metrics, which commands that serve have in common. */
#include <string.h>
#include "cli.h"

pyr_status cli_serve_metrics(
	pyr_daemon *daemon, const char *address, char url[CLI_URL_MAX], pyr_error *err)
{
	uint16_t port;
	*url = '\0';
	if (!address)
		return PYR_OK;
	pyr_status status = pyr_daemon_serve_metrics(daemon, address, &port, err);
	if (status)
		return status;
	const char *colon = strrchr(address, ':');
	snprintf(url, CLI_URL_MAX, "http://%.*s:%u/metrics", (int)(colon - address), address, port);
	return PYR_OK;
}
