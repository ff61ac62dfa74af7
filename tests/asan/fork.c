/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork(), for programs with AddressSanitizer, whose allocator has locks that GCC 12's does not see
 * to when a process forks (LLVM's does since 2024: llvm-project pull request 75290). A child of a
 * process with threads, in which one of them held such a lock, waits for it for good as soon as it
 * allocates. Criterion's runner has threads, and its children allocate before they become a test's
 * process: about once in 20,000 tests a suite stood still, and nothing told why.
 *
 * Which locks are held is known to nobody, so the child tries: one that does not come back from
 * allocating has done nothing yet, and another takes its place.
 */
#include <dlfcn.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_MS        2000 /* who needs longer, on a busy machine, is only made again */
#define TRIED_BYTES_MAX (256u << 10)

pid_t fork(void) __attribute__((visibility("default")));

/* What a thread keeps of a size class for itself at most: 256 chunks, of 128 KiB together. */
static size_t kept_max(size_t size)
{
	size_t fit = (128u << 10) / size;
	return fit < 256 ? fit : 256;
}

/*
 * Of each of the allocator's size classes, of which each has a lock, one more than this thread can
 * have in its own store, which asks no lock.
 */
static void try_allocator(void)
{
	void **last = NULL;
	for (size_t size = 16; size <= TRIED_BYTES_MAX; size += size < 64 ? 16 : size / 8)
		for (size_t i = 0; i <= kept_max(size); i++) {
			void **memory = malloc(size);
			*memory = last;
			last = memory;
		}
	while (last) {
		void **memory = last;
		last = *memory;
		free(memory);
	}
}

static bool comes_back(int fd)
{
	struct pollfd item = {.fd = fd, .events = POLLIN};
	return poll(&item, 1, CHILD_MS) == 1;
}

pid_t fork(void)
{
	pid_t (*real)(void);
	*(void **)&real = dlsym(RTLD_NEXT, "fork");
	for (;;) {
		int ends[2];
		if (pipe(ends) < 0)
			return -1;
		pid_t child = real();
		if (child == 0) {
			try_allocator();
			bool told = write(ends[1], "", 1) == 1;
			close(ends[0]);
			close(ends[1]);
			if (!told)
				_exit(127);
			return 0;
		}
		close(ends[1]);
		bool lives = child < 0 || comes_back(ends[0]);
		close(ends[0]);
		if (lives)
			return child;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
}
