/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What libpyrite and libpyrite-tls know of each other. The latter is loaded with the first
 * credentials, so that a program without TLS neither needs nor starts OpenSSL.
 *
 *     bytes off the socket --feed-->  pyr__tls  --read-->  plain bytes, to the session
 *     bytes to the socket  <-sealed-            <-write--  plain bytes, from the session
 *
 * A pyr__tls does no I/O and has no lock: the connection's guards it.
 */
#ifndef PYR_TRANSPORT_TLS_H
#define PYR_TRANSPORT_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <pyrite/status.h>

typedef struct pyr__tls_context pyr__tls_context; /* certificates and keys of one side */
typedef struct pyr__tls pyr__tls;                 /* one end of one connection */

#define PYR__TLS_WHY_MAX  256
#define PYR__TLS_NAME_MAX 256 /* of a peer's name, with the NUL */

/* Paths; see pyr_tls_options. */
typedef struct pyr__tls_files {
	const char *authorities;
	const char *certificate;
	const char *key;
} pyr__tls_files;

typedef struct pyr__tls_library {
	const char *version;

	/* NULL, with the reason in why, if the files are not as they should be. */
	pyr__tls_context *(*context_new)(
		bool server, const pyr__tls_files *files, char why[PYR__TLS_WHY_MAX]);
	/* Connections keep what they need. NULL is ignored. */
	void (*context_free)(pyr__tls_context *context);

	/*
	 * expected: a client's; the host or address that the peer must prove to be, or NULL for
	 * any. NULL when there is no memory.
	 */
	pyr__tls *(*open)(pyr__tls_context *context, const char *expected);
	void (*close)(pyr__tls *tls); /* NULL is ignored */

	void (*feed)(pyr__tls *tls, const void *data, size_t size);
	/*
	 * Goes on with the handshake, then yields plain bytes: *ret_size of them, 0 when more must
	 * be fed first. False once the connection is over: see why.
	 */
	bool (*read)(pyr__tls *tls, void *room, size_t size, size_t *ret_size);
	/* True once the handshake is done: only then may be written. */
	bool (*is_open)(const pyr__tls *tls);
	bool (*write)(pyr__tls *tls, const void *data, size_t size); /* all of it */
	void (*end)(pyr__tls *tls); /* says goodbye: nothing may be written afterwards */
	/* What is to be sent, borrowed until the next call; taken away with `sent`. */
	size_t (*sealed)(pyr__tls *tls, const void **ret_data);
	void (*sent)(pyr__tls *tls, size_t size);

	/* Why read or write returned false; "" if the peer has said goodbye. */
	const char *(*why)(const pyr__tls *tls);
	/* Who the peer has proved to be: a URI, DNS name, address or common name; "": nobody. */
	void (*peer_name)(const pyr__tls *tls, char name[PYR__TLS_NAME_MAX]);
} pyr__tls_library;

/* What libpyrite-tls exports: a const pyr__tls_library. */
#define PYR__TLS_ENTRY "pyr_tls_library"

/*
 * The library, loaded at the first call. UNIMPLEMENTED, saying what to install, if there is none.
 * PYRITE_TLS_LIBRARY in the environment names another file. Any thread.
 */
pyr_status pyr__tls_load(const pyr__tls_library **ret_library, pyr_error *err);

#endif
