/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of Pyrite that are libraries of their own, loaded when they are needed. */
#ifndef PYR_TRANSPORT_LIBRARY_H
#define PYR_TRANSPORT_LIBRARY_H

#include <pyrite/status.h>
#include "base/config.h"

typedef struct pyr__library {
	const char *file;         /* "libpyrite-tls.so.0" */
	pyr__config_key variable; /* of the environment: names another file instead */
	const char *entry;        /* the symbol that is looked for */
	const char *purpose;      /* "TLS", for the error */
	const char *package;      /* of Debian, that it needs besides */
} pyr__library;

/*
 * Loads the file from beside this library, or else from where the system looks, for good, and finds
 * its entry. UNIMPLEMENTED says what to install.
 */
pyr_status pyr__library_load(const pyr__library *library, void **ret_entry, pyr_error *err);

#endif
