/* SPDX-License-Identifier: Apache-2.0 */
/* Who may call. */
#include "server/access.h"

#include <string.h>
#include <strings.h>
#include "server/call.h"

#define BEARER "Bearer "

static pyr_status authenticate(
	const pyr_daemon_options *options, pyr__incall *incall, pyr_error *err)
{
	char principal[PYR_PRINCIPAL_MAX] = "";
	const char *shown = pyr__incall_authorization(incall);
	if (shown[0] == '\0')
		return PYR_OK;
	if (strncasecmp(shown, BEARER, strlen(BEARER)) != 0)
		return pyr_error_set(err, PYR_UNAUTHENTICATED,
			"the authorization is not of the form 'Bearer TOKEN'");
	pyr_status status =
		options->authenticate(options->access_ctx, shown + strlen(BEARER), principal, err);
	if (status)
		return status;
	principal[sizeof principal - 1] = '\0';
	pyr__incall_set_principal(incall, principal);
	return PYR_OK;
}

pyr_status pyr__access_check(
	const pyr_daemon_options *options, pyr_call *call, pyr__incall *incall, pyr_error *err)
{
	pyr_status status = PYR_OK;
	if (options->authenticate)
		status = authenticate(options, incall, err);
	if (status == PYR_OK && options->admit)
		status = pyr__call_admit(call, err);
	if (status == PYR_OK && options->intercept)
		status = options->intercept(options->access_ctx, call, err);
	return status;
}
