/* SPDX-License-Identifier: Apache-2.0 */
/* How to find a name server by asking the network: what is said about it in a text. */
#include "base/discovery.h"

#include <arpa/inet.h>
#include <string.h>
#include <pyrite/reference.h>

#define WORD "discover"
#define TLS  "pyrs:"

bool pyr__group_is_valid(const char *group, size_t size)
{
	static const char good[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	for (size_t i = 0; i < size; i++)
		if (!group[i] || !strchr(good, group[i]))
			return false;
	return size <= PYR__GROUP_MAX;
}

static const char *skip_tls(const char *text)
{
	return strncmp(text, TLS, strlen(TLS)) == 0 ? text + strlen(TLS) : text;
}

/* A host may be called "discover", but then only a port follows. */
bool pyr__discovery_is(const char *text)
{
	const char *rest = skip_tls(text);
	if (strncmp(rest, WORD, strlen(WORD)) != 0)
		return false;
	rest += strlen(WORD);
	return !*rest || (*rest == ':' && rest[1 + strspn(rest + 1, "0123456789")]);
}

pyr_status pyr__discovery_parse_place(
	const char *text, uint32_t *ret_address, uint16_t *ret_port, pyr_error *err)
{
	pyr_reference place = {0};
	struct in_addr address = {0};
	pyr_status status = pyr_endpoint_parse(text, &place, err);
	if (status)
		return status;
	bool all = strcmp(place.host, "*") == 0;
	if (place.is_unix || (!all && inet_pton(AF_INET, place.host, &address) != 1))
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"discovery takes ADDRESS:PORT with an IPv4 address, or *:PORT, not "
			"'%.300s'",
			text);
	*ret_address = address.s_addr;
	*ret_port = place.port;
	return PYR_OK;
}

pyr_status pyr__discovery_parse(const char *text, pyr__discovery *ret_discovery, pyr_error *err)
{
	pyr__discovery found = {.port = PYR__DISCOVERY_PORT, .tls_only = skip_tls(text) != text};
	const char *rest = skip_tls(text) + strlen(WORD);
	rest += *rest == ':';
	const char *at = strchr(rest, '@');
	if (at) {
		size_t size = (size_t)(at - rest);
		if (!pyr__group_is_valid(rest, size))
			return pyr_error_set(err, PYR_INVALID_ARGUMENT,
				"a group of name servers has at most %d letters, digits, '.', '_' "
				"and '-', not '%.*s'",
				PYR__GROUP_MAX, size > 100 ? 100 : (int)size, rest);
		memcpy(found.group, rest, size);
		found.has_group = true;
		rest = at + 1;
	}
	pyr_status status = PYR_OK;
	if (*rest)
		status = pyr__discovery_parse_place(rest, &found.address, &found.port, err);
	if (status == PYR_OK && found.port == 0)
		status = pyr_error_set(err, PYR_INVALID_ARGUMENT, "nobody can be asked at port 0");
	if (status == PYR_OK)
		*ret_discovery = found;
	return status;
}
