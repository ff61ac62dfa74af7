/* SPDX-License-Identifier: Apache-2.0 */
/* A user's program: takes a reference apart. */
#include <pyrite/pyrite.h>
#include <stdio.h>

int main(void)
{
	pyr_reference reference;
	pyr_error err;
	if (pyr_reference_parse("pyr:calc@127.0.0.1:4711", &reference, &err) != PYR_OK) {
		fprintf(stderr, "%s: %s\n", pyr_status_name(err.status), err.message);
		return 1;
	}
	printf("%s %s %u\n", pyr_version(), reference.target, reference.port);
	return 0;
}
