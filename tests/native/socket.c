/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, and the sockets that are made from them. */
#include "native/socket.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "descriptors.h"
#include "leaks.h"

#define TEXT_IS(address, wanted)                                                                   \
	do {                                                                                       \
		char text_[PYR__PEER_TEXT_MAX];                                                    \
		pyr__socket_text(address, text_, sizeof text_);                                    \
		cr_assert_str_eq(text_, wanted);                                                   \
	} while (0)

#define SAYS(err, wanted)                                                                          \
	cr_assert(strstr((err).message, wanted), "'%s' does not say '%s'", (err).message, wanted)

static pyr_reference endpoint(const char *text)
{
	pyr_error err;
	pyr_reference reference = {.scheme = PYR_SCHEME_PYR};
	cr_assert_eq(pyr_endpoint_parse(text, &reference, &err), PYR_OK, "%s", err.message);
	return reference;
}

/* A folder of the test's own, and a path in it. */
static char folder[] = "/tmp/pyrite-socket-XXXXXX";
static char path[sizeof folder + 16], where[sizeof path + 8];

static void make_folder(void)
{
	cr_assert(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/s", folder);
	snprintf(where, sizeof where, "unix:%s", path);
}

static void remove_folder(void)
{
	unlink(path);
	cr_assert_eq(rmdir(folder), 0, "something else is left in %s", folder);
}

static int must_listen(const char *text, pyr__address *ret_bound)
{
	int fd;
	pyr_error err;
	pyr_reference reference = endpoint(text);
	cr_assert_eq(
		pyr__socket_listen(&reference, &fd, ret_bound, &err), PYR_OK, "%s", err.message);
	return fd;
}

static pyr_error must_not_listen(const char *text, pyr_status status)
{
	int fd = -7;
	pyr__address bound;
	pyr_error err;
	pyr_reference reference = endpoint(text);
	cr_assert_eq(pyr__socket_listen(&reference, &fd, &bound, &err), status);
	cr_assert_eq(fd, -7, "ret_fd was touched");
	return err;
}

/* Addresses */

Test(socket, resolves_a_numeric_address_of_each_family)
{
	pyr_error err;
	pyr__address found[PYR__ADDRESSES_MAX];
	size_t count;
	pyr_reference v4 = endpoint("127.0.0.1:4711"), v6 = endpoint("[::1]:65535");
	cr_assert_eq(pyr__socket_resolve(&v4, false, found, &count, &err), PYR_OK);
	cr_assert_eq(count, 1);
	TEXT_IS(&found[0], "127.0.0.1:4711");
	cr_assert_eq(pyr__socket_resolve(&v6, false, found, &count, &err), PYR_OK);
	cr_assert_eq(count, 1);
	TEXT_IS(&found[0], "[::1]:65535");
	CHECK_LEAKS();
}

/* A label of 64 bytes is no host name, so that nobody is asked for it. */
Test(socket, says_which_host_it_cannot_find)
{
	pyr_error err;
	pyr__address found[PYR__ADDRESSES_MAX];
	size_t count = 77;
	pyr_reference unknown = endpoint("127.0.0.1:1");
	memset(unknown.host, 'x', 64);
	unknown.host[64] = '\0';
	cr_assert_eq(pyr__socket_resolve(&unknown, false, found, &count, &err), PYR_UNAVAILABLE);
	SAYS(err, "cannot find the host 'xxxx");
	cr_assert_eq(count, 77);
	CHECK_LEAKS();
}

Test(socket, knows_how_long_a_unix_path_may_be)
{
	pyr_error err;
	pyr__address found[PYR__ADDRESSES_MAX];
	size_t count;
	pyr_reference reference = {.is_unix = true};
	memset(reference.host, 'p', 107);
	reference.host[0] = '/';
	cr_assert_eq(pyr__socket_resolve(&reference, true, found, &count, &err), PYR_OK);
	cr_assert_eq(count, 1);
	cr_assert_eq(found[0].size, sizeof(struct sockaddr_un));
	reference.host[107] = 'p';
	cr_assert_eq(
		pyr__socket_resolve(&reference, true, found, &count, &err), PYR_INVALID_ARGUMENT);
	SAYS(err, "a Unix socket's path has 1 to 107 bytes, not 108: /ppp");
	reference.host[0] = '\0';
	cr_assert_eq(
		pyr__socket_resolve(&reference, true, found, &count, &err), PYR_INVALID_ARGUMENT);
	SAYS(err, "not 0");
}

Test(socket, writes_every_kind_of_address)
{
	pyr__address a = {.size = sizeof(sa_family_t)};
	struct sockaddr_un *un = (struct sockaddr_un *)&a.storage;
	un->sun_family = AF_UNIX;
	TEXT_IS(&a, "unix:");
	memcpy(un->sun_path, "/run/x", 7);
	a.size = (socklen_t)(sizeof(sa_family_t) + 7);
	TEXT_IS(&a, "unix:/run/x");
	memcpy(un->sun_path, "\0abc", 4);
	a.size = (socklen_t)(sizeof(sa_family_t) + 4);
	TEXT_IS(&a, "unix:@abc");
	/* the kernel lets a path fill the field without a NUL */
	char wanted[5 + 108 + 1] = "unix:";
	memset(un->sun_path, 'q', sizeof un->sun_path);
	memset(wanted + 5, 'q', 108);
	memset((char *)un + sizeof *un, 'X', 8);
	a.size = sizeof *un;
	TEXT_IS(&a, wanted);
	char small[10];
	pyr__socket_text(&a, small, sizeof small);
	cr_assert_str_eq(small, "unix:qqqq");
}

/* Listening */

Test(socket, listens_on_a_port_that_the_system_has_chosen)
{
	int before = descriptors();
	pyr__address bound;
	int fd = must_listen("127.0.0.1:0", &bound);
	const struct sockaddr_in *in = (const struct sockaddr_in *)&bound.storage;
	cr_assert_neq(in->sin_port, 0);
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	char text[PYR__PEER_TEXT_MAX], wanted[PYR__PEER_TEXT_MAX + 64];
	pyr__socket_text(&bound, text, sizeof text);
	pyr_error err = must_not_listen(text, PYR_ALREADY_EXISTS);
	snprintf(wanted, sizeof wanted, "cannot listen on %s: %s", text, strerror(EADDRINUSE));
	cr_assert_str_eq(err.message, wanted);
	/* at once again, though a connection that this side has closed is remembered */
	int there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert_eq(connect(there, (const struct sockaddr *)&bound.storage, bound.size), 0);
	close(accept(fd, NULL, NULL));
	close(fd);
	close(there);
	close(must_listen(text, &bound));
	CHECK_DESCRIPTORS(before);
}

Test(socket, says_why_it_cannot_listen_on_an_address_that_is_not_ours)
{
	int before = descriptors();
	pyr_error err = must_not_listen("192.0.2.1:0", PYR_UNAVAILABLE);
	SAYS(err, "cannot listen on 192.0.2.1:0: ");
	err = must_not_listen("unix:/nowhere/at-all", PYR_UNAVAILABLE);
	SAYS(err, "cannot listen on unix:/nowhere/at-all: No such file or directory");
	CHECK_DESCRIPTORS(before);
}

Test(socket, makes_a_unix_socket_that_only_its_owner_may_connect_to)
{
	make_folder();
	umask(0);
	pyr__address bound;
	struct stat st;
	int fd = must_listen(where, &bound);
	TEXT_IS(&bound, where);
	cr_assert_eq(lstat(path, &st), 0);
	cr_assert(S_ISSOCK(st.st_mode));
	cr_assert_eq(st.st_mode & 07777, 0600, "the mode is %o", st.st_mode & 07777);
	close(fd);
	remove_folder();
}

Test(socket, replaces_a_unix_socket_that_nobody_listens_on)
{
	make_folder();
	pyr__address bound;
	close(must_listen(where, &bound));
	cr_assert_eq(access(path, F_OK), 0, "nothing stale is left");
	int before = descriptors();
	int fd = must_listen(where, &bound);
	pyr_error err = must_not_listen(where, PYR_ALREADY_EXISTS);
	SAYS(err, where);
	cr_assert_eq(access(path, F_OK), 0, "a living socket was removed");
	close(fd);
	CHECK_DESCRIPTORS(before);
	remove_folder();
}

Test(socket, leaves_alone_what_is_no_stale_socket_of_ours)
{
	make_folder();
	pyr__address bound;
	struct stat st;
	close(open(path, O_CREAT | O_WRONLY, 0600));
	must_not_listen(where, PYR_ALREADY_EXISTS);
	cr_assert_eq(lstat(path, &st), 0);
	cr_assert(S_ISREG(st.st_mode), "a file was removed");
	unlink(path);
	/* a symbolic link to a stale socket: another could be put behind it in the meantime */
	char behind[sizeof path + 8], there[sizeof path + 16];
	snprintf(behind, sizeof behind, "%s-behind", path);
	snprintf(there, sizeof there, "unix:%s", behind);
	close(must_listen(there, &bound));
	cr_assert_eq(symlink(behind, path), 0);
	must_not_listen(where, PYR_ALREADY_EXISTS);
	cr_assert_eq(access(behind, F_OK), 0);
	unlink(path);
	if (geteuid() == 0) { /* who else can make somebody else's socket? */
		cr_assert_eq(rename(behind, path), 0);
		cr_assert_eq(chown(path, 12345, 12345), 0);
		must_not_listen(where, PYR_ALREADY_EXISTS);
		cr_assert_eq(access(path, F_OK), 0, "another user's socket was removed");
	}
	unlink(behind);
	remove_folder();
}

Test(socket, makes_no_file_for_an_abstract_name)
{
	int before = descriptors();
	char name[64];
	pyr__address bound;
	snprintf(name, sizeof name, "unix:@pyrite-test-%d", (int)getpid());
	int fd = must_listen(name, &bound);
	TEXT_IS(&bound, name);
	must_not_listen(name, PYR_ALREADY_EXISTS);
	cr_assert_neq(access(name + 5, F_OK), 0);
	close(fd);
	CHECK_DESCRIPTORS(before);
}

/* Connecting */

static int connect_to(const pyr__address *address)
{
	int fd;
	bool connected;
	pyr_error err;
	cr_assert_eq(
		pyr__socket_connect(address, &fd, &connected, &err), PYR_OK, "%s", err.message);
	struct pollfd item = {.fd = fd, .events = POLLOUT};
	cr_assert_eq(poll(&item, 1, 10000), 1);
	return fd;
}

Test(socket, connects_without_waiting)
{
	int before = descriptors();
	pyr__address bound;
	int one = 0;
	socklen_t size = sizeof one;
	int listening = must_listen("127.0.0.1:0", &bound);
	int fd = connect_to(&bound);
	cr_assert_eq(pyr__socket_connect_result(fd), 0);
	cr_assert(fcntl(fd, F_GETFL) & O_NONBLOCK);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, &size);
	cr_assert_neq(one, 0, "small messages would be held back");
	close(fd);
	close(listening);
	fd = connect_to(&bound);
	cr_assert_eq(pyr__socket_connect_result(fd), ECONNREFUSED);
	close(fd);
	CHECK_DESCRIPTORS(before);
}

static int read_number(const char *file)
{
	int number;
	FILE *f = fopen(file, "r");
	cr_assert(f && fscanf(f, "%d", &number) == 1);
	fclose(f);
	return number;
}

/* As far as the system lets us; of what is set it tells the double. */
Test(socket, unix_sockets_take_a_megabyte_at_once)
{
	int fds[2], room, most = read_number("/proc/sys/net/core/wmem_max");
	socklen_t size = sizeof room;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	pyr__socket_tune(fds[0], AF_UNIX);
	cr_assert_eq(getsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &room, &size), 0);
	cr_assert_geq(room, 2 * (most < 1 << 20 ? most : 1 << 20));
	close(fds[0]);
	close(fds[1]);
}

Test(socket, says_where_it_cannot_connect_to)
{
	int before = descriptors(), fd = -7;
	bool connected;
	pyr_error err;
	pyr__address address;
	size_t count;
	pyr_reference nowhere = endpoint("unix:/nowhere/at-all");
	cr_assert_eq(pyr__socket_resolve(&nowhere, false, &address, &count, &err), PYR_OK);
	cr_assert_eq(pyr__socket_connect(&address, &fd, &connected, &err), PYR_UNAVAILABLE);
	cr_assert_str_eq(
		err.message, "cannot connect to unix:/nowhere/at-all: No such file or directory");
	cr_assert_eq(fd, -7);
	CHECK_DESCRIPTORS(before);
}

Test(socket, lets_a_reader_wait_for_so_long_and_no_longer)
{
	int pair[2];
	char byte;
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	pyr__socket_let_wait(pair[0], 10);
	cr_assert_not(fcntl(pair[0], F_GETFL) & O_NONBLOCK);
	cr_assert_eq(recv(pair[0], &byte, 1, 0), -1); /* hangs, if it waits for ever */
	cr_assert(errno == EAGAIN || errno == EWOULDBLOCK);
	close(pair[0]);
	close(pair[1]);
}

Test(socket, tells_the_user_at_the_other_end_of_a_unix_socket_alone)
{
	int pair[2];
	char user[32], wanted[32];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pyr__socket_peer_user(pair[0], user, sizeof user);
	snprintf(wanted, sizeof wanted, "uid:%u", (unsigned)geteuid());
	cr_assert_str_eq(user, wanted);
	pyr__address bound;
	int listening = must_listen("127.0.0.1:0", &bound);
	int fd = connect_to(&bound);
	pyr__socket_peer_user(fd, user, sizeof user);
	cr_assert_str_eq(user, "");
	close(fd);
	close(listening);
	pyr__socket_peer_user(fd, user, sizeof user); /* not open any more */
	cr_assert_str_eq(user, "");
	close(pair[0]);
	close(pair[1]);
}
