/* SPDX-License-Identifier: Apache-2.0 */
/* The memory that a connection's two ends share. */
#include "native/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define STATE_BYTES 4096u
#define SEALS       (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8u /* Linux 6.3; where only such a memfd may be made */
#endif

_Static_assert(2 * sizeof(pyr__ring_state) <= STATE_BYTES, "the states have their page");

static atomic_uint count;

unsigned pyr__shared_count(void)
{
	return atomic_load_explicit(&count, memory_order_relaxed);
}

static size_t bytes_of(uint32_t ring_bytes)
{
	return STATE_BYTES + 2 * (size_t)ring_bytes;
}

/*
 * Where memory is accounted for strictly (vm.overcommit_memory 2), to touch a page of a file ends
 * the process if there is none left; and the other side may take pages away again at any time.
 */
static bool is_accounted_strictly(void)
{
	char mode = '0';
	int fd = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, &mode, 1) : 0;
	if (fd >= 0)
		close(fd);
	return got == 1 && mode == '2';
}

static pyr_status map(
	int fd, uint32_t ring_bytes, bool made_here, pyr__shared *ret_shared, pyr_error *err)
{
	size_t bytes = bytes_of(ring_bytes);
	if (is_accounted_strictly())
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"this machine's memory is accounted for strictly");
	if (atomic_fetch_add(&count, 1) >= PYR__SHARED_MOST) {
		atomic_fetch_sub(&count, 1);
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%u connections share memory already, the most", PYR__SHARED_MOST);
	}
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED) {
		atomic_fetch_sub(&count, 1);
		return pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "it cannot be mapped: %s", strerror(errno));
	}
	madvise(memory, bytes, MADV_DONTFORK); /* a child has no use for the connection */
	pyr__ring_state *states = memory;
	uint8_t *data = (uint8_t *)memory + STATE_BYTES;
	*ret_shared = (pyr__shared){.memory = memory, .bytes = bytes};
	pyr__ring *up = made_here ? &ret_shared->out : &ret_shared->in;
	pyr__ring *down = made_here ? &ret_shared->in : &ret_shared->out;
	pyr__ring_init(up, &states[0], data, ring_bytes);
	pyr__ring_init(down, &states[1], data + ring_bytes, ring_bytes);
	return PYR_OK;
}

static int make_memfd(void)
{
	const char *name = "pyrite";
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	return fd;
}

PYR_COLD pyr_status pyr__shared_make(pyr__shared *ret_shared, int *ret_fd, pyr_error *err)
{
	pyr_status status;
	int fd = make_memfd();
	if (fd < 0 || ftruncate(fd, (off_t)bytes_of(PYR__SHARED_RING)) ||
		fcntl(fd, F_ADD_SEALS, SEALS))
		status = pyr_error_set(
			err, PYR_RESOURCE_EXHAUSTED, "no memory to share: %s", strerror(errno));
	else
		status = map(fd, PYR__SHARED_RING, true, ret_shared, err);
	if (status == PYR_OK)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return status;
}

static pyr_status refuse(pyr_error *err, const char *why)
{
	return pyr_error_set(err, PYR_INVALID_ARGUMENT, "the memory to share %s", why);
}

pyr_status pyr__shared_take(int fd, uint32_t ring_bytes, pyr__shared *ret_shared, pyr_error *err)
{
	struct stat st;
	struct statfs fs;
	if (ring_bytes < PYR__SHARED_RING_MIN || ring_bytes > PYR__SHARED_RING_MAX ||
		(ring_bytes & (ring_bytes - 1)))
		return refuse(err, "has rings of a size that cannot be");
	int seals = fcntl(fd, F_GET_SEALS); /* what follows may block if it is no memory */
	if (seals < 0)
		return refuse(err, "is none");
	if ((seals & SEALS) != SEALS)
		return refuse(err, "is not sealed");
	if (fstatfs(fd, &fs) || fs.f_type != TMPFS_MAGIC)
		return refuse(err, "is not ordinary memory");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size != (off_t)bytes_of(ring_bytes))
		return refuse(err, "has the wrong size");
	return map(fd, ring_bytes, false, ret_shared, err);
}

void pyr__shared_done(pyr__shared *shared)
{
	if (!shared->memory)
		return;
	munmap(shared->memory, shared->bytes);
	atomic_fetch_sub(&count, 1);
	*shared = (pyr__shared){0};
}
