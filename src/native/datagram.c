/* SPDX-License-Identifier: Apache-2.0 */
/* Datagram sockets of UDP over IPv4. */
#include "native/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void pyr__datagram_text(uint32_t address, uint16_t port, char buf[PYR__DATAGRAM_TEXT_SIZE])
{
	char host[INET_ADDRSTRLEN] = "?";
	inet_ntop(AF_INET, &address, host, sizeof host);
	snprintf(buf, PYR__DATAGRAM_TEXT_SIZE, "%s:%u", host, port);
}

bool pyr__datagram_is_loopback(uint32_t address)
{
	return ntohl(address) >> 24 == 127;
}

static struct sockaddr_in make_address(uint32_t address, uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = address,
	};
}

pyr_status pyr__datagram_open(int *ret_fd, pyr_error *err)
{
	int one = 1, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pyr_error_set(
			err, PYR_UNAVAILABLE, "cannot make a socket for UDP: %s", strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &one, sizeof one);
	*ret_fd = fd;
	return PYR_OK;
}

/* No SO_REUSEADDR: another user of this machine could take the port over with it. */
pyr_status pyr__datagram_listen(
	uint32_t address, uint16_t port, int *ret_fd, uint16_t *ret_port, pyr_error *err)
{
	struct sockaddr_in in = make_address(address, port);
	socklen_t size = sizeof in;
	int one = 1, fd;
	pyr_status status = pyr__datagram_open(&fd, err);
	if (status)
		return status;
	if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one) ||
		bind(fd, (struct sockaddr *)&in, sizeof in) ||
		getsockname(fd, (struct sockaddr *)&in, &size)) {
		char text[PYR__DATAGRAM_TEXT_SIZE];
		int why = errno;
		close(fd);
		pyr__datagram_text(address, port, text);
		return pyr_error_set(err, why == EADDRINUSE ? PYR_ALREADY_EXISTS : PYR_UNAVAILABLE,
			"cannot take datagrams at %s: %s", text, strerror(why));
	}
	*ret_fd = fd;
	*ret_port = ntohs(in.sin_port);
	return PYR_OK;
}

typedef union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
} control;

static void read_local(struct msghdr *message, pyr__datagram *datagram)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct in_pktinfo info;
		if (c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_PKTINFO)
			continue;
		memcpy(&info, CMSG_DATA(c), sizeof info);
		datagram->local = info.ipi_spec_dst.s_addr;
	}
}

bool pyr__datagram_receive(int fd, pyr__datagram *datagram)
{
	struct sockaddr_in from;
	control ancillary;
	struct iovec part = {datagram->data, sizeof datagram->data};
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof from,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof ancillary,
	};
	ssize_t got = recvmsg(fd, &message, MSG_DONTWAIT);
	if (got < 0)
		return false;
	datagram->size = (size_t)got;
	datagram->from = from.sin_addr.s_addr;
	datagram->from_port = ntohs(from.sin_port);
	datagram->local = 0;
	read_local(&message, datagram);
	return true;
}

void pyr__datagram_wait(int fd, int64_t timeout_us)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	if (timeout_us > 0)
		poll(&p, 1, (int)((timeout_us + 999) / 1000));
}

void pyr__datagram_close(int fd)
{
	close(fd);
}

int pyr__datagram_send(int fd, uint32_t to, uint16_t port, const void *data, size_t size)
{
	struct sockaddr_in in = make_address(to, port);
	ssize_t sent =
		sendto(fd, data, size, MSG_DONTWAIT, (const struct sockaddr *)&in, sizeof in);
	return sent < 0 ? errno : 0;
}

void pyr__datagram_answer(int fd, const pyr__datagram *datagram, const void *data, size_t size)
{
	struct sockaddr_in to = make_address(datagram->from, datagram->from_port);
	struct in_pktinfo info = {.ipi_spec_dst.s_addr = datagram->local};
	control ancillary = {.head = {
				     .cmsg_level = IPPROTO_IP,
				     .cmsg_type = IP_PKTINFO,
				     .cmsg_len = CMSG_LEN(sizeof info),
			     }};
	struct iovec part = {(void *)(uintptr_t)data, size};
	struct msghdr message = {
		.msg_name = &to,
		.msg_namelen = sizeof to,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &ancillary,
		.msg_controllen = sizeof ancillary,
	};
	memcpy(CMSG_DATA(&ancillary.head), &info, sizeof info);
	sendmsg(fd, &message, MSG_DONTWAIT); /* one that is lost is asked for again */
}

static bool has(const uint32_t *addresses, size_t count, uint32_t address)
{
	for (size_t i = 0; i < count; i++)
		if (addresses[i] == address)
			return true;
	return false;
}

static uint32_t broadcast_address(const struct ifaddrs *of)
{
	const unsigned wanted = IFF_UP | IFF_BROADCAST;
	struct sockaddr_in in;
	if (!of->ifa_addr || of->ifa_addr->sa_family != AF_INET || !of->ifa_broadaddr ||
		(of->ifa_flags & wanted) != wanted)
		return 0;
	memcpy(&in, of->ifa_broadaddr, sizeof in);
	return in.sin_addr.s_addr;
}

size_t pyr__datagram_everybody(uint32_t *ret_addresses, size_t max)
{
	struct ifaddrs *all = NULL;
	size_t count = 0;
	if (getifaddrs(&all) == 0) {
		for (const struct ifaddrs *one = all; one && count + 1 < max; one = one->ifa_next) {
			uint32_t address = broadcast_address(one);
			if (address && !has(ret_addresses, count, address))
				ret_addresses[count++] = address;
		}
		freeifaddrs(all);
	}
	ret_addresses[count++] = htonl(INADDR_LOOPBACK);
	return count;
}
