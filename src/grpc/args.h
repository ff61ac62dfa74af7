/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of core's channels and servers. */
#ifndef PYR_GRPC_ARGS_H
#define PYR_GRPC_ARGS_H

#include "grpc/core.h"

#define PYR__ARGS_MAX 32

typedef struct pyr__args {
	grpc_channel_args core;
	grpc_resource_quota *quota; /* a server's; NULL */
	grpc_arg items[PYR__ARGS_MAX];
} pyr__args;

/* server_name, which must outlive args: what the peer must prove to be instead of the host; NULL.
 */
void pyr__args_client(
	pyr__args *args, const pyr__grpc_client_options *options, const char *server_name);
void pyr__args_server(pyr__args *args, const pyr__grpc_server_options *options);

/* When core has them. */
void pyr__args_done(pyr__args *args);

#endif
