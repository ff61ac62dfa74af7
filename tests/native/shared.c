/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that two ends share: made, passed, and looked at before it is mapped. */
#include "native/shared.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "descriptors.h"
#include "leaks.h"

#define ALL_SEALS  (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define RING       (16u << 10)
#define GOOD_BYTES (4096 + 2 * RING)

static void send_text(pyr__ring *from, pyr__ring *to, const char *text)
{
	char back[32] = "";
	size_t size = strlen(text) + 1, done;
	bool wake;
	struct iovec vector = {(void *)text, size};
	cr_assert_eq(pyr__ring_write(from, &vector, 1, &done, &wake), PYR__RING_OK);
	cr_assert_eq(pyr__ring_read(to, back, sizeof back, &done, &wake), PYR__RING_OK);
	cr_assert_eq(done, size);
	cr_assert_str_eq(back, text);
}

Test(shared, what_one_end_writes_the_other_reads)
{
	int fd, before = descriptors();
	pyr_error err;
	pyr__shared maker, taker;
	cr_assert_eq(pyr__shared_make(&maker, &fd, &err), PYR_OK, "%s", err.message);
	cr_assert_eq(
		pyr__shared_take(fd, PYR__SHARED_RING, &taker, &err), PYR_OK, "%s", err.message);
	close(fd);
	cr_assert_neq(maker.memory, taker.memory);
	send_text(&maker.out, &taker.in, "up");
	send_text(&taker.out, &maker.in, "down");
	cr_assert_eq(pyr__shared_count(), 2);
	pyr__shared_done(&maker);
	pyr__shared_done(&taker);
	pyr__shared_done(&taker);
	cr_assert_eq(pyr__shared_count(), 0);
	CHECK_DESCRIPTORS(before);
	CHECK_LEAKS();
}

static int memfd(unsigned flags, off_t size, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	cr_assert_geq(fd, 0);
	cr_assert_eq(ftruncate(fd, size), 0);
	if (seals)
		cr_assert_eq(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* Takes fd, and closes it. */
static void refuses(int fd, uint32_t ring_bytes, const char *saying)
{
	pyr__shared shared;
	pyr_error err;
	cr_assert_eq(pyr__shared_take(fd, ring_bytes, &shared, &err), PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, saying), "%s", err.message);
	cr_assert_eq(pyr__shared_count(), 0);
	close(fd);
}

Test(shared, memory_that_could_be_cut_short_is_refused)
{
	refuses(memfd(0, GOOD_BYTES, 0), RING, "is not sealed");
	refuses(memfd(0, GOOD_BYTES, F_SEAL_GROW | F_SEAL_SEAL), RING, "is not sealed");
	refuses(memfd(0, GOOD_BYTES, F_SEAL_SHRINK | F_SEAL_SEAL), RING, "is not sealed");
	refuses(memfd(0, GOOD_BYTES, F_SEAL_SHRINK | F_SEAL_GROW), RING, "is not sealed");
}

Test(shared, memory_of_another_size_is_refused)
{
	refuses(memfd(0, GOOD_BYTES - 1, ALL_SEALS), RING, "wrong size");
	refuses(memfd(0, GOOD_BYTES + 1, ALL_SEALS), RING, "wrong size");
	refuses(memfd(0, 0, ALL_SEALS), RING, "wrong size");
}

Test(shared, rings_of_odd_sizes_are_refused)
{
	static const uint32_t sizes[] = {
		0, 1, 2048, RING + 1, 3 * 4096, 2u << 20, 1u << 31, UINT32_MAX};
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		refuses(memfd(0, 4096 + 2 * (off_t)sizes[i], ALL_SEALS), sizes[i],
			"rings of a size");
}

Test(shared, what_is_no_memory_is_refused)
{
	int ends[2];
	char name[] = "/tmp/pyrite-shared-XXXXXX";
	cr_assert_eq(pipe(ends), 0);
	refuses(ends[0], RING, "is none");
	close(ends[1]);
	refuses(open("/dev/zero", O_RDWR), RING, "is none");
	int file = mkstemp(name);
	unlink(name);
	cr_assert_eq(ftruncate(file, GOOD_BYTES), 0);
	refuses(file, RING, "is no"); /* "none", or in a tmpfs "not sealed" */
	refuses(-1, RING, "is none");
	int huge = memfd_create("test", MFD_ALLOW_SEALING | MFD_HUGETLB);
	if (huge >= 0 && fcntl(huge, F_ADD_SEALS, ALL_SEALS) == 0) /* where there are any */
		refuses(huge, RING, "is not ordinary memory");
}

Test(shared, memory_that_cannot_be_written_is_refused)
{
	pyr__shared shared;
	pyr_error err;
	int fd = memfd(0, GOOD_BYTES, ALL_SEALS & ~F_SEAL_SEAL);
	cr_assert_eq(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL), 0);
	cr_assert_eq(pyr__shared_take(fd, RING, &shared, &err), PYR_RESOURCE_EXHAUSTED);
	cr_assert_eq(pyr__shared_count(), 0);
	close(fd);
}

Test(shared, no_more_than_so_many_are_made)
{
	static pyr__shared all[PYR__SHARED_MOST];
	pyr__shared one;
	pyr_error err;
	int fd, before = descriptors();
	for (unsigned i = 0; i < PYR__SHARED_MOST; i++) {
		cr_assert_eq(pyr__shared_make(&all[i], &fd, &err), PYR_OK);
		close(fd);
	}
	cr_assert_eq(pyr__shared_make(&one, &fd, &err), PYR_RESOURCE_EXHAUSTED);
	cr_assert(strstr(err.message, "64 connections"), "%s", err.message);
	pyr__shared_done(&all[0]);
	cr_assert_eq(pyr__shared_make(&one, &fd, &err), PYR_OK);
	close(fd);
	pyr__shared_done(&one);
	for (unsigned i = 1; i < PYR__SHARED_MOST; i++)
		pyr__shared_done(&all[i]);
	CHECK_DESCRIPTORS(before);
}

/* _Fork: a child that allocates before it looks, as asan/fork.c's do, may have got that place. */
static bool is_mapped_in_child(const void *memory)
{
	pid_t pid = _Fork();
	if (pid == 0) {
		unsigned char resident;
		_exit(mincore((void *)(uintptr_t)memory, 4096, &resident) == 0);
	}
	int status;
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

Test(shared, a_child_does_not_have_it)
{
	int fd;
	pyr_error err;
	pyr__shared shared;
	cr_assert_eq(pyr__shared_make(&shared, &fd, &err), PYR_OK);
	cr_assert_not(is_mapped_in_child(shared.memory));
	close(fd);
	pyr__shared_done(&shared);
}
