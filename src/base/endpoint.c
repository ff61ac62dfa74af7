/* SPDX-License-Identifier: Apache-2.0 */
/* Endpoints: HOST:PORT, [V6]:PORT, unix:PATH, unix:@NAME. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <sys/un.h>
#include <pyrite/reference.h>
#include "base/scan.h"

#define HOST_MAX        253 /* of a DNS name */
#define ZONE_MAX        15  /* of an interface's name */
#define SOCKET_PATH_MAX 107 /* of a Unix socket, with the '@' of an abstract one */

static_assert(SOCKET_PATH_MAX == sizeof(((struct sockaddr_un *)NULL)->sun_path) - 1, "sun_path");

#define HOST_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

static pyr_status scan_unix(pyr__scan *scan, pyr_reference *ret)
{
	pyr_status status =
		pyr__scan_decode(scan, "", " ", "a Unix socket's path", SOCKET_PATH_MAX, ret->host);
	if (status)
		return status;
	if (strcmp(ret->host, "@") == 0)
		return pyr__scan_fail(scan, scan->at, "an abstract socket's name is missing");
	ret->is_unix = true;
	return PYR_OK;
}

static pyr_status scan_port(pyr__scan *scan, bool to_listen, pyr_reference *ret)
{
	const char *digits = scan->text + scan->at;
	size_t count = strspn(digits, "0123456789");
	if (count == 0)
		return pyr__scan_fail(scan, scan->at, "a port number is missing");
	if (digits[count])
		return pyr__scan_fail(scan, scan->at + count, "a port has digits only");
	unsigned long port = 0;
	for (size_t i = 0; i < count && port <= UINT16_MAX; i++)
		port = port * 10 + (unsigned long)(digits[i] - '0');
	unsigned long least = to_listen ? 0 : 1;
	if (port < least || port > UINT16_MAX || (count > 1 && digits[0] == '0'))
		return pyr__scan_fail(scan, scan->at, "a port is a number from %lu to %d, not %.*s",
			least, UINT16_MAX, count > 20 ? 20 : (int)count, digits);
	ret->port = (uint16_t)port;
	scan->at += count;
	return PYR_OK;
}

/* Takes over the host text[start .. start + size - 1] and reads the port behind it. */
static pyr_status finish_tcp(
	pyr__scan *scan, size_t start, size_t size, bool to_listen, pyr_reference *ret)
{
	char next = scan->text[scan->at];
	if (!next)
		return pyr__scan_fail(scan, scan->at, "a port is missing, as in HOST:9790");
	if (next != ':')
		return pyr__scan_fail(
			scan, scan->at, "a host has letters, digits, '-', '.' and '_' only");
	memcpy(ret->host, scan->text + start, size);
	ret->host[size] = '\0';
	scan->at++;
	return scan_port(scan, to_listen, ret);
}

static pyr_status scan_v6(pyr__scan *scan, bool to_listen, pyr_reference *ret)
{
	size_t start = scan->at + 1, size = strcspn(scan->text + start, "]");
	if (!scan->text[start + size])
		return pyr__scan_fail(scan, scan->at, "'[' without ']'");
	char address[INET6_ADDRSTRLEN] = "";
	size_t length = strcspn(scan->text + start, "%]"); /* without the zone */
	if (length < sizeof address)
		memcpy(address, scan->text + start, length);
	struct in6_addr unused;
	if (inet_pton(AF_INET6, address, &unused) != 1)
		return pyr__scan_fail(scan, start, "not an IPv6 address in the brackets");
	size_t zone = size - length;
	if (zone > 0 && (zone < 2 || zone - 1 > ZONE_MAX ||
				strspn(scan->text + start + length + 1, HOST_CHARS) != zone - 1))
		return pyr__scan_fail(scan, start + length,
			"a zone is the name of a network interface, 1 to %d bytes", ZONE_MAX);
	scan->at = start + size + 1;
	if (scan->text[scan->at] && scan->text[scan->at] != ':')
		return pyr__scan_fail(scan, scan->at, "only ':' and a port follow ']'");
	return finish_tcp(scan, start, size, to_listen, ret);
}

static pyr_status scan_host(pyr__scan *scan, bool to_listen, pyr_reference *ret)
{
	size_t start = scan->at;
	const char *host = scan->text + start, *colon = strchr(host, ':');
	if (colon && strchr(colon + 1, ':'))
		return pyr__scan_fail(
			scan, start, "an IPv6 address stands in brackets, as in [::1]:9790");
	size_t size = strspn(host, HOST_CHARS);
	if (size == 0 && host[0] == '*' && to_listen)
		size = 1;
	if (size > HOST_MAX)
		return pyr__scan_fail(
			scan, start + HOST_MAX, "a host has at most %d bytes", HOST_MAX);
	if (size == 0 && (host[0] == ':' || !host[0]))
		return pyr__scan_fail(scan, start, "a host is missing");
	scan->at = start + size;
	return finish_tcp(scan, start, size, to_listen, ret);
}

pyr_status pyr__scan_endpoint(pyr__scan *scan, bool to_listen, pyr_reference *ret_reference)
{
	const char *rest = scan->text + scan->at;
	ret_reference->is_unix = false;
	ret_reference->port = 0;
	if (strncmp(rest, "unix:", 5) == 0) {
		scan->at += 5;
		return scan_unix(scan, ret_reference);
	}
	if (rest[0] == '[')
		return scan_v6(scan, to_listen, ret_reference);
	return scan_host(scan, to_listen, ret_reference);
}

pyr_status pyr_endpoint_parse(const char *text, pyr_reference *ret_reference, pyr_error *err)
{
	pyr__scan scan;
	pyr_reference found;
	pyr_status status = pyr__scan_init(&scan, text, "endpoint", err);
	if (status == PYR_OK)
		status = pyr__scan_endpoint(&scan, true, &found);
	if (status)
		return status;
	ret_reference->is_unix = found.is_unix;
	ret_reference->port = found.port;
	strcpy(ret_reference->host, found.host);
	return PYR_OK;
}
