/* SPDX-License-Identifier: Apache-2.0 */
/* TLS as core has it: certificates for channels and servers, and who a caller is. */
#ifndef PYR_GRPC_SECURE_H
#define PYR_GRPC_SECURE_H

#include <grpc/grpc_security.h>
#include "grpc/core.h"

grpc_channel_credentials *pyr__secure_channel_credentials(const pyr__pem *pem);

/* A server's certificate and authorities, which core asks for anew for each connection. */
typedef struct pyr__certificates {
	pyr_credentials *source;
	uint64_t seen; /* core's lock guards it */
} pyr__certificates;

/*
 * certificates outlive the server. With authorities, every client must show a certificate that
 * leads to them.
 */
grpc_server_credentials *pyr__secure_server_credentials(pyr__certificates *certificates);

/* Who the caller has proved to be; malloc, NULL if nobody. */
char *pyr__secure_principal(grpc_call *call);

/* Frees the texts, which libpyrite has made, and clears the key. */
void pyr__pem_wipe(pyr__pem *pem);

#endif
