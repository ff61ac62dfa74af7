/* SPDX-License-Identifier: Apache-2.0 */
/* Sockets that the process was started with, as endpoints of a daemon. */
#include "server/inherited.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "transport/suite.h"

static int listening_tcp(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(fd, 16), 0);
	return fd;
}

static int listening_unix(const char *path)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	cr_assert_eq(listen(fd, 16), 0);
	return fd;
}

static pyr_status listen_on(suite *s, int fd, pyr_error *err)
{
	char endpoint[32];
	snprintf(endpoint, sizeof endpoint, "fd:%d", fd);
	return pyr_daemon_listen(s->daemon, endpoint, NULL, err);
}

static void check_endpoint(suite *s, size_t number, const char *expected)
{
	pyr_error err;
	suite_suite *proxy;
	char reference[PYR_REFERENCE_MAX];
	CHECK_OK(pyr_daemon_reference(
		s->daemon, "suite", number, reference, sizeof reference, &err));
	cr_assert(strncmp(reference, expected, strlen(expected)) == 0, "%s", reference);
	CHECK_OK(suite_suite__open(s->context, reference, NULL, &proxy, &err));
	CHECK_OK(suite_echo(proxy, &err));
	suite_suite__close(proxy);
}

Test(inherited, D6_sockets_that_listen_become_endpoints)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	char folder[] = "/tmp/pyrite-inherited-XXXXXX", path[64], expected[96];
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/socket", folder);
	snprintf(expected, sizeof expected, "pyr:suite@unix:%s", path);
	CHECK_OK(listen_on(s, listening_tcp(), &err));
	CHECK_OK(listen_on(s, listening_unix(path), &err));
	check_endpoint(s, 0, "pyr:suite@127.0.0.1:");
	check_endpoint(s, 1, "pyr:suite@127.0.0.1:");
	check_endpoint(s, 2, expected);
	suite_end(s); /* which looks whether they were closed */
	cr_assert_eq(unlink(path), 0, "the file was not ours to remove");
	rmdir(folder);
}

Test(inherited, is_refused_unless_it_is_a_stream_that_listens)
{
	suite *s = suite_begin(NULL);
	pyr_error err;
	int pair[2];
	cr_assert_eq(pipe(pair), 0);
	CHECK_STATUS(PYR_INVALID_ARGUMENT, listen_on(s, pair[0], &err));
	close(pair[0]);
	close(pair[1]);
	CHECK_STATUS(PYR_INVALID_ARGUMENT, listen_on(s, pair[0], &err));
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CHECK_STATUS(PYR_INVALID_ARGUMENT, listen_on(s, pair[0], &err));
	cr_assert_neq(fcntl(pair[0], F_GETFD), -1, "what was refused is not closed");
	close(pair[0]);
	close(pair[1]);
	static const char *const bad[] = {
		"fd:", "fd:x", "fd:3x", "fd:-1", "fd: 3", "fd:99999999999999999999"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		CHECK_STATUS(
			PYR_INVALID_ARGUMENT, pyr_daemon_listen(s->daemon, bad[i], NULL, &err));
		cr_assert(strstr(err.message, "as in fd:3"), "%s", err.message);
	}
	suite_end(s);
}

/* What the service manager says, and which descriptors are found for it: '-' for none. */
static void check_passed(const char *pid, const char *count, const char *names,
	const char *endpoint, const char *expected)
{
	pyr_error err;
	int fds[PYR__INHERITED_MAX];
	size_t found = 0, used = 0;
	char text[256] = "-", own[32];
	snprintf(own, sizeof own, "%ld", (long)getpid());
	setenv("LISTEN_PID", pid ? pid : own, 1);
	setenv("LISTEN_FDS", count, 1);
	names ? setenv("LISTEN_FDNAMES", names, 1) : unsetenv("LISTEN_FDNAMES");
	cr_assert(pyr__inherited_is(endpoint));
	pyr_status status = pyr__inherited_find(endpoint, fds, &found, &err);
	cr_assert_eq(status, *expected == '-' ? PYR_NOT_FOUND : PYR_OK);
	for (size_t i = 0; status == PYR_OK && i < found; i++)
		used += (size_t)sprintf(text + used, "%s%d", i ? " " : "", fds[i]);
	cr_assert_str_eq(text, expected, "%s of %s %s: %s", endpoint, count, names, text);
}

Test(inherited, D6_what_the_service_manager_has_passed_on_is_found_by_name)
{
	check_passed(NULL, "3", "rpc:other:rpc", "systemd:", "3 4 5");
	check_passed(NULL, "3", "rpc:other:rpc", "systemd:rpc", "3 5");
	check_passed(NULL, "3", "rpc:other:rpc", "systemd:other", "4");
	check_passed(NULL, "3", "rpc:other:rpc", "systemd:oth", "-");
	check_passed(NULL, "3", "rpc", "systemd:rpc", "3");
	check_passed(NULL, "2", NULL, "systemd:", "3 4");
	check_passed(NULL, "2", NULL, "systemd:rpc", "-");
	check_passed(NULL, "0", "", "systemd:", "-");
	check_passed("1", "3", "rpc:other:rpc", "systemd:", "-"); /* another process's */
	check_passed("x", "3", "", "systemd:", "-");
	check_passed(NULL, "65", "", "systemd:", "-");
	check_passed(NULL, "-1", "", "systemd:", "-");
	cr_assert_not(pyr__inherited_is("127.0.0.1:3"));
	cr_assert_not(pyr__inherited_is("unix:fd:3"));
}
