/* SPDX-License-Identifier: Apache-2.0 */
/* Loads libpyrite-tls. */
#include "transport/tls.h"

#include <pthread.h>
#include <string.h>
#include <pyrite/version.h>
#include "transport/library.h"

static const pyr__library file = {
	.file = "libpyrite-tls.so.0",
	.variable = PYR__CONFIG_TLS_LIBRARY,
	.entry = PYR__TLS_ENTRY,
	.purpose = "TLS",
	.package = "libssl3",
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const pyr__tls_library *loaded;

static pyr_status load(pyr_error *err)
{
	void *entry;
	pyr_status status = pyr__library_load(&file, &entry, err);
	if (status)
		return status;
	const pyr__tls_library *found = entry;
	if (strcmp(found->version, PYR_VERSION) != 0)
		return pyr_error_set(err, PYR_UNIMPLEMENTED,
			"the %s that was found is of Pyrite %s, not %s", file.file, found->version,
			PYR_VERSION);
	loaded = found;
	return PYR_OK;
}

pyr_status pyr__tls_load(const pyr__tls_library **ret_library, pyr_error *err)
{
	pyr_status status = PYR_OK;
	pthread_mutex_lock(&lock);
	if (!loaded)
		status = load(err);
	if (status == PYR_OK)
		*ret_library = loaded;
	pthread_mutex_unlock(&lock);
	return status;
}
