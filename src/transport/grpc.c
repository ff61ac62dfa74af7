/* SPDX-License-Identifier: Apache-2.0 */
/* Loads libpyrite-grpc. */
#include "transport/grpc.h"

#include <pthread.h>
#include <pyrite/version.h>
#include "transport/library.h"
#include "transport/trace.h"

static const pyr__library file = {
	.file = "libpyrite-grpc.so.0",
	.variable = PYR__CONFIG_GRPC_LIBRARY,
	.entry = PYR__GRPC_ENTRY,
	.purpose = "gRPC",
	.package = "libgrpc29",
};

static void log_of_core(pyr_log_level level, const char *line)
{
	/* GRPC_TRACE says a lot, and who has asked for a trace wants all of it */
	if (pyr__log_wants(PYR_LOG_TRACE))
		pyr__log(level, "gRPC: %s", line);
	else
		PYR__LOG_OF_PEER(level, "gRPC: %s", line);
}

static bool trace_wanted(void)
{
	return pyr__log_wants(PYR_LOG_TRACE);
}

static const pyr__grpc_services services = {
	.version = PYR_VERSION,
	.loop_post = pyr__loop_post,
	.loop_start = pyr__loop_start,
	.loop_cancel = pyr__loop_cancel,
	.loop_is_current = pyr__loop_is_current,
	.next_connection = pyr__next_connection,
	.credentials_pem = pyr__credentials_pem,
	.log_of_core = log_of_core,
	.trace_wanted = trace_wanted,
	.trace_call = pyr__trace_call,
	.trace_message = pyr__trace_message,
	.trace_final = pyr__trace_final,
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const pyr__grpc_library *loaded;

static pyr_status load(pyr_error *err)
{
	void *entry;
	pyr_status status = pyr__library_load(&file, &entry, err);
	if (status)
		return status;
	pyr__grpc_entry_fn *open;
	*(void **)&open = entry;
	loaded = open(&services);
	if (!loaded)
		return pyr_error_set(err, PYR_UNIMPLEMENTED,
			"the %s that was found is not of Pyrite %s", file.file, PYR_VERSION);
	return PYR_OK;
}

pyr_status pyr__grpc_load(const pyr__grpc_library **ret_library, pyr_error *err)
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
