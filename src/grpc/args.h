/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of core's channels and servers. */
#ifndef PYR_GRPC_ARGS_H
#define PYR_GRPC_ARGS_H

#include "grpc/core.h"

#define PYR__ARGS_MAX 32

typedef struct pyr__args {
	grpc_channel_args core;
	grpc_arg items[PYR__ARGS_MAX];
} pyr__args;

void pyr__args_client(pyr__args *args, const pyr__grpc_client_options *options);
void pyr__args_server(pyr__args *args, const pyr__grpc_server_options *options);

#endif
