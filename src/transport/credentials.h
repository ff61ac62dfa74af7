/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of credentials. */
#ifndef PYR_TRANSPORT_CREDENTIALS_H
#define PYR_TRANSPORT_CREDENTIALS_H

#include <pyrite/credentials.h>
#include "transport/tls.h"

/* FAILED_PRECONDITION if they have no certificate, which a server needs. */
pyr_status pyr__credentials_check_server(pyr_credentials *credentials, pyr_error *err);

/* The same as PEM texts, for who has a TLS of its own; NULL where there is no file. */
typedef struct pyr__pem {
	char *authorities;
	char *certificate;
	char *key;
	char *server_name; /* not of a file: what pyr_tls_options says */
} pyr__pem;

/*
 * Copies of what the files held when they were read last. False, and nothing else, if *seen, 0 at
 * first, says that the caller has them already.
 */
bool pyr__credentials_pem(pyr_credentials *credentials, uint64_t *seen, pyr__pem *ret_pem);
void pyr__pem_done(pyr__pem *pem);

/*
 * One end of a connection, NULL without memory. host: a client's; what the reference names, or NULL
 * for a Unix socket. *ret_library has the functions for it.
 */
pyr__tls *pyr__credentials_open(pyr_credentials *credentials, bool server, const char *host,
	const pyr__tls_library **ret_library);

#endif
