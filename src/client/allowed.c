/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts a peer may send us to. */
#include "client/allowed.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include "base/alloc.h"

#define PATTERNS_MAX 1000
#define PATTERN_MAX  255

void pyr__allowed_done(pyr__allowed *allowed)
{
	for (size_t i = 0; i < allowed->count; i++)
		free(allowed->patterns[i]);
	free(allowed->patterns);
	*allowed = (pyr__allowed){NULL, 0};
}

/* Networks */

typedef struct address {
	int family;
	unsigned bits;
	uint8_t bytes[16];
} address;

static bool read_address(const char *text, size_t size, address *ret_address)
{
	char copy[INET6_ADDRSTRLEN];
	if (size >= sizeof copy)
		return false;
	memcpy(copy, text, size);
	copy[size] = '\0';
	*ret_address = (address){.family = AF_INET, .bits = 32};
	if (inet_pton(AF_INET, copy, ret_address->bytes) == 1)
		return true;
	*ret_address = (address){.family = AF_INET6, .bits = 128};
	return inet_pton(AF_INET6, copy, ret_address->bytes) == 1;
}

/* In every way in which the resolver reads one, who connects there: "127.1" as well. */
static bool read_host(const char *text, address *ret_address)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *found;
	if (getaddrinfo(text, NULL, &hints, &found))
		return false;
	const void *any = found->ai_addr;
	if (found->ai_family == AF_INET) {
		*ret_address = (address){.family = AF_INET, .bits = 32};
		memcpy(ret_address->bytes, &((const struct sockaddr_in *)any)->sin_addr, 4);
	} else {
		*ret_address = (address){.family = AF_INET6, .bits = 128};
		memcpy(ret_address->bytes, &((const struct sockaddr_in6 *)any)->sin6_addr, 16);
	}
	freeaddrinfo(found);
	return true;
}

/* "10.0.0.0/8" */
static bool read_network(const char *text, address *ret_address)
{
	const char *slash = strchr(text, '/');
	char *end;
	if (!slash || !read_address(text, (size_t)(slash - text), ret_address) || !slash[1])
		return false;
	unsigned long bits = strtoul(slash + 1, &end, 10);
	if (*end || slash[1] < '0' || slash[1] > '9' || bits > ret_address->bits)
		return false;
	ret_address->bits = (unsigned)bits;
	return true;
}

static bool is_in(const address *network, const address *host)
{
	if (network->family != host->family)
		return false;
	for (unsigned i = 0; i < network->bits; i++)
		if ((network->bytes[i / 8] ^ host->bytes[i / 8]) & (0x80u >> i % 8))
			return false;
	return true;
}

/* Patterns */

static bool is_name(const char *text)
{
	size_t size = strlen(text);
	return size > 0 && size <= PATTERN_MAX &&
	       strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
			    "-_.:%*") == size;
}

static pyr_status add_one(pyr__allowed *allowed, const char *text, size_t size, pyr_error *err)
{
	char pattern[PATTERN_MAX + 1] = "";
	address network;
	if (size <= PATTERN_MAX)
		memcpy(pattern, text, size);
	pattern[size <= PATTERN_MAX ? size : 0] = '\0';
	if (!is_name(pattern) && !read_network(pattern, &network))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"'%.*s' is no host to allow: write 10.1.2.3, 10.0.0.0/8, db.example, "
			"*.example or *",
			(int)(size > 80 ? 80 : size), text);
	if (allowed->count >= PATTERNS_MAX)
		return pyr_error_set(err, PYR_RESOURCE_EXHAUSTED,
			"%d hosts are allowed already, the most there can be", PATTERNS_MAX);
	allowed->patterns =
		pyr__realloc(allowed->patterns, (allowed->count + 1) * sizeof *allowed->patterns);
	allowed->patterns[allowed->count++] = pyr__strdup(pattern);
	return PYR_OK;
}

pyr_status pyr__allowed_add(pyr__allowed *allowed, const char *patterns, pyr_error *err)
{
	pyr_status status = PYR_OK;
	for (const char *at = patterns; status == PYR_OK;) {
		size_t size = strcspn(at, ",");
		status = add_one(allowed, at, size, err);
		if (!at[size])
			break;
		at += size + 1;
	}
	return status;
}

static bool matches(const char *pattern, const char *host)
{
	address network, own;
	if (read_network(pattern, &network))
		return read_host(host, &own) && is_in(&network, &own);
	return fnmatch(pattern, host, FNM_CASEFOLD) == 0;
}

/* What is on this host is not meant by a pattern that is for others as well. */
static bool is_listed(const pyr__allowed *allowed, const char *host, bool is_here)
{
	for (size_t i = 0; i < allowed->count; i++) {
		const char *pattern = allowed->patterns[i];
		if (is_here && (strchr(pattern, '*') || strchr(pattern, '/')))
			continue;
		if (matches(pattern, host))
			return true;
	}
	return false;
}

/* Places */

/* As RFC 6761 and Debian's /etc/hosts have them. */
static bool is_called_loopback(const char *host)
{
	static const char *const patterns[] = {
		"localhost", "localhost.*", "*.localhost", "*.localhost.", "ip6-l*"};
	for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
		if (fnmatch(patterns[i], host, FNM_CASEFOLD) == 0)
			return true;
	return false;
}

static bool is_loopback(const char *host)
{
	static const address v4 = {AF_INET, 8, {127}};
	static const address v6 = {AF_INET6, 128, {[15] = 1}};
	static const address any4 = {AF_INET, 8, {0}};
	static const address any6 = {AF_INET6, 128, {0}};
	static const address mapped = {AF_INET6, 104, {[10] = 0xff, [11] = 0xff, [12] = 127}};
	static const address mapped_any = {AF_INET6, 104, {[10] = 0xff, [11] = 0xff}};
	address own;
	if (!read_host(host, &own))
		return is_called_loopback(host);
	return is_in(&v4, &own) || is_in(&v6, &own) || is_in(&any4, &own) || is_in(&any6, &own) ||
	       is_in(&mapped, &own) || is_in(&mapped_any, &own);
}

static bool is_here(const pyr_reference *place)
{
	return place->is_unix || is_loopback(place->host);
}

/* gRPC's core calls an address "ipv4:127.0.0.1:4711". */
static bool read_peer(const char *peer, pyr_reference *ret_peer)
{
	memset(ret_peer, 0, sizeof *ret_peer);
	if (strcmp(peer, "local") == 0 || strncmp(peer, "unix:", 5) == 0) {
		ret_peer->is_unix = true;
		return true;
	}
	if (strncmp(peer, "ipv4:", 5) == 0 || strncmp(peer, "ipv6:", 5) == 0)
		peer += 5;
	return pyr_endpoint_parse(peer, ret_peer, NULL) == PYR_OK;
}

pyr_status pyr__allowed_check(
	const pyr__allowed *allowed, const pyr_reference *place, const char *peer, pyr_error *err)
{
	pyr_reference from;
	bool known = read_peer(peer, &from), here = is_here(place);
	if (known && here && is_here(&from))
		return PYR_OK;
	if (known && !here && !from.is_unix && strcasecmp(place->host, from.host) == 0)
		return PYR_OK;
	if (!place->is_unix && is_listed(allowed, place->host, here))
		return PYR_OK;
	return pyr_error_set(err, PYR_PERMISSION_DENIED,
		"%s says that an object is at %s%s, where it is not itself: pyr_context_allow() "
		"or PYRITE_ALLOW would let it be there",
		peer, place->is_unix ? "unix:" : "", place->host);
}
