/* SPDX-License-Identifier: Apache-2.0 */
/* The suite's connections over pyr-shm do share memory: else its column would show nothing. */
#include "native/shared.h"
#include "transport/suite.h"

/* Both ends are in this process. */
Test(shared, a_connection_has_gone_over_once_it_has_answered_twice)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	Suite__Blob request = SUITE__BLOB__INIT, *reply;
	cr_assert_eq(pyr__shared_count(), 0);
	for (int i = 0; i < 2; i++) {
		CHECK_OK(suite_suite_echo(s->proxy, &request, &reply, &err));
		suite__blob__free_unpacked(reply, NULL);
	}
	cr_assert_eq(pyr__shared_count(), 2);
	suite_end(s);
	cr_assert_eq(pyr__shared_count(), 0);
}
