/* SPDX-License-Identifier: Apache-2.0 */
/* The tests' own helpers: that they see what they are there to see. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdint.h>
#include "descriptors.h"
#include "leaks.h"

Test(descriptors, counts_what_is_opened_and_closed)
{
	int before = descriptors();
	int fd = open("/dev/null", O_RDONLY);
	cr_assert(fd >= 0);
	cr_assert(descriptors() == before + 1);
	close(fd);
	CHECK_DESCRIPTORS(before);
}

#if defined(__SANITIZE_ADDRESS__)
static void leak(void)
{
	void *volatile lost = malloc(77);
	lost = NULL;
	(void)lost;
}

Test(leaks, are_seen)
{
	leak();
	/* the report of this very leak would fail the whole run, so it goes nowhere */
	int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	__sanitizer_set_report_fd((void *)(intptr_t)nowhere);
	cr_assert(__lsan_do_recoverable_leak_check());
}
#endif
