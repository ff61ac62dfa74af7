/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the servant whose answers are of no interest. */
#include "transport/caller.h"

pyr_status suite_echo(suite_suite *proxy, pyr_error *err)
{
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	pyr_status status = suite_suite_echo(proxy, &request, &reply, err);
	if (status == PYR_OK)
		suite__blob__free_unpacked(reply, NULL);
	return status;
}

pyr_status suite_count(suite_suite *proxy, pyr_error *err)
{
	Suite__Nothing request = SUITE__NOTHING__INIT;
	Suite__Number *reply;
	pyr_status status = suite_suite_count(proxy, &request, &reply, err);
	if (status == PYR_OK)
		suite__number__free_unpacked(reply, NULL);
	return status;
}
