/* SPDX-License-Identifier: Apache-2.0 */
/*
 * usage: serve DESCRIPTOR_SET ENDPOINT [no-reflection]
 * For shell scripts: a daemon with the object "kinds", which prints its reference when it is ready
 * and ends by SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "kinds.h"

static pyr_daemon *stopped;

static void on_signal(int number)
{
	(void)number;
	pyr_daemon_stop_from_signal(stopped, 0);
}

static pyr_status serve(const pyr_pool *pool, const char *endpoint, bool reflects, pyr_error *err)
{
	char reference[PYR_REFERENCE_MAX];
	pyr_daemon_options options = PYR_DAEMON_OPTIONS_INIT;
	options.workers = 2;
	options.no_reflection = !reflects;
	pyr_status status = pyr_daemon_new(&options, &stopped, err);
	if (status == PYR_OK)
		status = kinds_serve(stopped, pool, err);
	if (status == PYR_OK)
		status = pyr_daemon_listen(stopped, endpoint, NULL, err);
	if (status == PYR_OK)
		status =
			pyr_daemon_reference(stopped, "kinds", 0, reference, sizeof reference, err);
	if (status)
		return status;
	signal(SIGTERM, on_signal);
	puts(reference);
	fflush(stdout);
	return pyr_daemon_run(stopped, err);
}

int main(int argc, char **argv)
{
	pyr_error err;
	if (argc < 3)
		return 2;
	pyr_pool *pool = kinds_pool(argv[1]);
	pyr_status status = serve(pool, argv[2], argc == 3, &err);
	if (status)
		fprintf(stderr, "serve: %s\n", err.message);
	pyr_daemon_free(stopped);
	pyr_pool_free(pool);
	return status != PYR_OK;
}
