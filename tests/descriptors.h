/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a descriptor that was left open fail the test:
 *
 *     int before = descriptors();
 *     ...
 *     CHECK_DESCRIPTORS(before);
 */
#ifndef TESTS_DESCRIPTORS_H
#define TESTS_DESCRIPTORS_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

/* How many descriptors this process has open. */
static inline int descriptors(void)
{
	DIR *directory = opendir("/proc/self/fd");
	cr_assert(directory);
	int count = 0;
	for (struct dirent *entry; (entry = readdir(directory));)
		count += entry->d_name[0] != '.';
	closedir(directory);
	return count - 1; /* without the directory's own */
}

/* Writes what each open descriptor is to stderr. */
static inline void list_descriptors(void)
{
	for (int fd = 0; fd < 1024; fd++) {
		char path[64], target[256];
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		ssize_t size = readlink(path, target, sizeof target);
		if (size > 0)
			fprintf(stderr, "%d -> %.*s\n", fd, (int)size, target);
	}
}

#define CHECK_DESCRIPTORS(before)                                                                  \
	do {                                                                                       \
		int now_open = descriptors();                                                      \
		if (now_open != (before))                                                          \
			list_descriptors();                                                        \
		cr_assert(now_open == (before), "%d descriptors were open, now %d", (before),      \
			now_open);                                                                 \
	} while (0)

#endif
