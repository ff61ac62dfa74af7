/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials: what proves who we are, and whom we believe, on connections over TLS. */
#ifndef PYRITE_CREDENTIALS_H
#define PYRITE_CREDENTIALS_H

#include <pyrite/status.h>

PYR_BEGIN_DECLS

/*
 * Counted; may be used by any number of contexts and daemons, from any thread. The files are read
 * when the credentials are made and when they are reloaded, never in between.
 */
typedef struct pyr_credentials pyr_credentials;

typedef struct pyr_tls_options {
	size_t size; /* sizeof(pyr_tls_options) */
	/*
	 * PEM file of the authorities that a peer's certificate must lead to. NULL: a client trusts
	 * those of the system, and a server asks for no certificate; a server that has them refuses
	 * every client without a certificate (mutual TLS).
	 */
	const char *authorities_file;
	/* PEM files of our own certificate, the leaf first, and its key; a server needs both. */
	const char *certificate_file;
	const char *key_file;
	/*
	 * A client's: the name, or the address, that the server's certificate must be for (RFC
	 * 6125); NULL: the host of the reference. For a Unix socket without it no name is compared.
	 */
	const char *server_name;
} pyr_tls_options;

#define PYR_TLS_OPTIONS_INIT                                                                       \
	{                                                                                          \
		sizeof(pyr_tls_options), NULL, NULL, NULL, NULL                                    \
	}

/*
 * Reads the files. INVALID_ARGUMENT says which one cannot be read or does not fit the other;
 * UNIMPLEMENTED if libpyrite-tls, which needs OpenSSL, is not installed. One reference.
 */
PYR_API PYR_MUST_USE pyr_status pyr_credentials_new_tls(
	const pyr_tls_options *options, pyr_credentials **ret_credentials, pyr_error *err);

/*
 * Reads the same files again, for connections that are made from now on; those that are open keep
 * what they have. If it fails everything stays as it was.
 */
PYR_API PYR_MUST_USE pyr_status pyr_credentials_reload(
	pyr_credentials *credentials, pyr_error *err);

/* One more reference, which is returned, or one less. */
PYR_API pyr_credentials *pyr_credentials_ref(pyr_credentials *credentials);
PYR_API void pyr_credentials_unref(pyr_credentials *credentials); /* NULL is ignored */

PYR_END_DECLS

#endif
