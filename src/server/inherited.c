/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets that this process was started with. */
#include "server/inherited.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FD      "fd:"
#define SYSTEMD "systemd:"

#define FIRST_PASSED 3 /* SD_LISTEN_FDS_START */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool pyr__inherited_is(const char *endpoint)
{
	return begins(endpoint, FD) || begins(endpoint, SYSTEMD);
}

/* Decimal digits alone; false for anything else, and past max. */
static bool read_number(const char *text, long max, long *ret_number)
{
	if (text[0] < '0' || text[0] > '9')
		return false;
	char *end;
	*ret_number = strtol(text, &end, 10);
	return *end == '\0' && *ret_number <= max;
}

static pyr_status find_one(const char *text, int fds[], size_t *ret_count, pyr_error *err)
{
	long number;
	if (!read_number(text, 1 << 20, &number))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"'%s' is not the number of a descriptor, as in fd:3", text);
	fds[0] = (int)number;
	*ret_count = 1;
	return PYR_OK;
}

/* How many were passed on; 0 if none, or if the variables are another process's. */
static long count_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	long number;
	if (!pid || !count || !read_number(pid, 1l << 31, &number) || number != (long)getpid() ||
		!read_number(count, PYR__INHERITED_MAX, &number))
		return 0;
	return number;
}

/* The name at *names, and the step to the next; "" when there are no more. */
static bool next_is(const char **names, const char *wanted)
{
	size_t size = strcspn(*names, ":");
	bool is = strlen(wanted) == size && memcmp(*names, wanted, size) == 0;
	*names += size + ((*names)[size] == ':');
	return is;
}

static pyr_status find_passed(const char *name, int fds[], size_t *ret_count, pyr_error *err)
{
	long passed = count_passed();
	const char *names = getenv("LISTEN_FDNAMES");
	size_t count = 0;
	if (!names)
		names = "";
	for (long i = 0; i < passed; i++)
		if (next_is(&names, name) || !name[0])
			fds[count++] = FIRST_PASSED + (int)i;
	*ret_count = count;
	if (count > 0)
		return PYR_OK;
	return pyr_error_set(err, PYR_NOT_FOUND,
		"the service manager has passed %ld sockets on to this process%s%s (LISTEN_PID, "
		"LISTEN_FDS, LISTEN_FDNAMES)",
		passed, name[0] ? ", none with the name " : "", name);
}

pyr_status pyr__inherited_find(
	const char *endpoint, int fds[PYR__INHERITED_MAX], size_t *ret_count, pyr_error *err)
{
	if (begins(endpoint, FD))
		return find_one(endpoint + strlen(FD), fds, ret_count, err);
	return find_passed(endpoint + strlen(SYSTEMD), fds, ret_count, err);
}
