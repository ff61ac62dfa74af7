/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates made for the test, a daemon that serves over TLS with some of them, and clients. */
#ifndef TESTS_TLS_SECURED_H
#define TESTS_TLS_SECURED_H

#include <pyrite/pyrite.h>
#include "hostile.pyr.h"

typedef struct secured {
	char folder[64];
	pyr_credentials *credentials; /* the server's */
	pyr_daemon *daemon;
	char reference[PYR_REFERENCE_MAX];
	int calls;           /* that the servant has seen */
	char principal[256]; /* of the last one */
} secured;

/* certificate: the server's, a name of certificates.sh; mutual: clients must have one of `ca`. */
void secured_begin(secured *s, const char *certificate, bool mutual);
void secured_end(secured *s);

/* FOLDER/NAME, in a static buffer each for three calls in a row. */
const char *secured_file(const secured *s, const char *name);

/* A client's credentials; each may be NULL. */
pyr_credentials *secured_credentials(const secured *s, const char *authorities,
	const char *certificate, const char *server_name);

/* One call over a connection of its own; takes the credentials over. */
pyr_status secured_call(secured *s, pyr_credentials *credentials, pyr_error *err);

/* The port, out of the reference. */
int secured_port(const secured *s);

#endif
