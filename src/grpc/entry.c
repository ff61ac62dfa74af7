/* SPDX-License-Identifier: Apache-2.0 */
/* What libpyrite-grpc exports: one function, which gives the table of what it does. */
#include <string.h>
#include <grpc/support/log.h>
#include <pyrite/version.h>
#include "grpc/channel.h"
#include "grpc/peer.h"

const pyr__grpc_services *pyr__services;

static int watch_fd(const pyr__grpc_server *server)
{
	return server->watch_fd;
}

static const pyr__grpc_library library = {
	.version = PYR_VERSION,
	.client_new = pyr__client_new,
	.client_free = pyr__client_free,
	.channel_new = pyr__grpc_channel_new,
	.server_new = pyr__server_new,
	.server_adopt = pyr__peer_adopt,
	.server_watch_fd = watch_fd,
	.server_reap = pyr__peers_reap,
	.server_drain = pyr__server_drain,
	.server_busy = pyr__server_busy,
	.server_shut = pyr__server_shut,
	.server_free = pyr__server_free,
};

/* What core calls an error is mostly a peer's. */
static void on_core_line(gpr_log_func_args *args)
{
	pyr_log_level level = args->severity == GPR_LOG_SEVERITY_ERROR  ? PYR_LOG_WARNING
			      : args->severity == GPR_LOG_SEVERITY_INFO ? PYR_LOG_INFO
									: PYR_LOG_DEBUG;
	pyr__services->log_of_core(level, args->message);
}

PYR_API pyr__grpc_entry_fn pyr_grpc_library;

const pyr__grpc_library *pyr_grpc_library(const pyr__grpc_services *services)
{
	if (strcmp(services->version, PYR_VERSION) != 0)
		return NULL;
	pyr__services = services;
	gpr_set_log_function(on_core_line);
	return &library;
}
