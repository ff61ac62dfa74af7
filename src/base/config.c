/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variables PYRITE_*: the table, and what their values mean. */
#include "base/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>
#include <pyrite/log.h>
#include <pyrite/reference.h>
#include "base/discovery.h"
#include "base/distance.h"

#define PREFIX          "PYRITE_"
#define PREFIX_TEST     "PYRITE_TEST_"
#define TOKEN_BYTES_MAX 4000
#define DURATION_MS_MAX 86400000u /* a day */
#define SHOWN_BYTES_MAX 80

typedef enum kind {
	TEXT,
	ENDPOINT,
	TOKEN,
	LEVEL,
	DURATION, /* milliseconds */
	SIZE,     /* bytes */
	COUNT,
	CHOICE, /* one of some words */
} kind;

typedef struct variable {
	const char *name;
	kind is;
	uint64_t min, max; /* of a duration, size or count */
	const char *initial;
	const char *allowed;
	const char *help;
} variable;

#define A_DURATION_TO " to 24h: a number with ms, s, m or h; without a unit seconds"
#define A_DURATION    "1ms" A_DURATION_TO
#define A_SIZE        "1KiB to 1GiB: a number of bytes, or one with KiB, MiB or GiB"

static const variable variables[PYR__CONFIG_KEYS] = {
	[PYR__CONFIG_NS] = {"PYRITE_NS", ENDPOINT, 0, 0, "127.0.0.1:9790",
		"HOST:PORT, unix:PATH or discover[:[GROUP@][ADDRESS:PORT]], with pyrs: before it "
		"over TLS",
		"the name server"},
	[PYR__CONFIG_TOKEN] = {"PYRITE_TOKEN", TOKEN, 0, 0, "",
		"1 to 4000 bytes of printable ASCII without spaces",
		"the token that the name server is shown"},
	[PYR__CONFIG_TIMEOUT] = {"PYRITE_TIMEOUT", DURATION, 1, DURATION_MS_MAX, "30s", A_DURATION,
		"how long a call with one answer may take"},
	[PYR__CONFIG_CONNECT_TIMEOUT] = {"PYRITE_CONNECT_TIMEOUT", DURATION, 1, DURATION_MS_MAX,
		"10s", A_DURATION, "how long connecting may take"},
	[PYR__CONFIG_NAME_AGE_MAX] = {"PYRITE_NAME_AGE_MAX", DURATION, 1, DURATION_MS_MAX, "10s",
		A_DURATION, "after how long the name server is asked again"},
	[PYR__CONFIG_LEASE_TTL] = {"PYRITE_LEASE_TTL", DURATION, 100, DURATION_MS_MAX, "10s",
		"100ms" A_DURATION_TO, "how long a published name outlives its daemon"},
	[PYR__CONFIG_HANDSHAKE_TIMEOUT] = {"PYRITE_HANDSHAKE_TIMEOUT", DURATION, 1, DURATION_MS_MAX,
		"5s", A_DURATION, "how long a client may take to say hello to a daemon"},
	[PYR__CONFIG_STALL_TIMEOUT] = {"PYRITE_STALL_TIMEOUT", DURATION, 1, DURATION_MS_MAX, "30s",
		A_DURATION, "how long a client may take nothing of what a daemon sends"},
	[PYR__CONFIG_STREAM_LINGER] = {"PYRITE_STREAM_LINGER", DURATION, 1, DURATION_MS_MAX, "30s",
		A_DURATION, "how long a daemon keeps a stream whose caller's connection is lost"},
	[PYR__CONFIG_MESSAGE_BYTES_MAX] = {"PYRITE_MESSAGE_BYTES_MAX", SIZE, 1 << 10, 1 << 30,
		"4MiB", A_SIZE, "the largest message that is accepted"},
	[PYR__CONFIG_DECODED_BYTES_MAX] = {"PYRITE_DECODED_BYTES_MAX", SIZE, 1 << 10, 1 << 30,
		"32MiB", A_SIZE, "the most memory that one decoded message may take"},
	[PYR__CONFIG_QUEUE_BYTES_MAX] = {"PYRITE_QUEUE_BYTES_MAX", SIZE, 1 << 10, 1 << 30, "16MiB",
		A_SIZE, "the most that waits to be sent on one connection"},
	[PYR__CONFIG_QUEUE_BYTES_TOTAL_MAX] = {"PYRITE_QUEUE_BYTES_TOTAL_MAX", SIZE, 1 << 10,
		1 << 30, "256MiB", A_SIZE, "the same for all connections of a daemon"},
	[PYR__CONFIG_CONNECTIONS_MAX] = {"PYRITE_CONNECTIONS_MAX", COUNT, 1, 1000000, "10000",
		"1 to 1000000", "connections of one daemon"},
	[PYR__CONFIG_STREAMS_MAX] = {"PYRITE_STREAMS_MAX", COUNT, 1, 16384, "16384", "1 to 16384",
		"calls at once on one connection of a daemon"},
	[PYR__CONFIG_WORKER_QUEUE_MAX] = {"PYRITE_WORKER_QUEUE_MAX", COUNT, 1, 1000000, "1024",
		"1 to 1000000", "calls of a daemon that wait for a worker"},
	[PYR__CONFIG_LOOPS] = {"PYRITE_LOOPS", COUNT, 1, 256, "1", "1 to 256",
		"loops that a daemon's connections are spread over"},
	[PYR__CONFIG_SHARED_MEMORY] = {"PYRITE_SHARED_MEMORY", CHOICE, 0, 0, "on",
		"off, on or at-once",
		"whether connections of one user on a Unix socket go over to shared memory"},
	[PYR__CONFIG_SPIN_US] = {"PYRITE_SPIN_US", COUNT, 0, 20, "20", "0 to 20",
		"microseconds to look for an answer in shared memory before sleeping"},
	[PYR__CONFIG_SOCKET_SPIN_US] = {"PYRITE_SOCKET_SPIN_US", COUNT, 0, 20, "0", "0 to 20",
		"the same for sockets"},
	[PYR__CONFIG_ALLOW] = {"PYRITE_ALLOW", TEXT, 0, 0, "", "hosts, with commas between them",
		"where objects that come in messages, and those that have moved, may be"},
	[PYR__CONFIG_LOG] = {"PYRITE_LOG", LEVEL, 0, 0, "warning",
		"none, error, warning, info, debug or trace", "what the log shows on stderr"},
	[PYR__CONFIG_GRPC_LIBRARY] = {"PYRITE_GRPC_LIBRARY", TEXT, 0, 0, "", "a file",
		"the library for gRPC, instead of the one installed"},
	[PYR__CONFIG_TLS_LIBRARY] = {"PYRITE_TLS_LIBRARY", TEXT, 0, 0, "", "a file",
		"the library for TLS, instead of the one installed"},
	[PYR__CONFIG_PROTOC_GEN_C] = {"PYRITE_PROTOC_GEN_C", TEXT, 0, 0, "", "a file",
		"protobuf-c's generator, for protoc-gen-pyrite"},
};

static const char *get(pyr__config_key key)
{
	const char *value = secure_getenv(variables[key].name);
	return value && *value ? value : NULL;
}

/* A decimal number, then a unit. Units are tried in order; the last is the one with an empty name.
 */
typedef struct unit {
	const char *name;
	uint64_t factor;
} unit;

static const unit durations[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"", 1000}};
static const unit sizes[] = {{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"", 1}};
static const unit counts[] = {{"", 1}};

static const unit *units_of(kind of)
{
	return of == DURATION ? durations : of == SIZE ? sizes : counts;
}

/* The words of the only choice there is, in the order of pyr_shared_memory. */
static bool read_choice(const char *text, uint64_t *ret_number)
{
	static const char *const words[] = {"off", "on", "at-once"};
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(text, words[i]) == 0) {
			*ret_number = i + 1;
			return true;
		}
	}
	return false;
}

static bool read_number(const variable *v, const char *text, uint64_t *ret_number)
{
	uint64_t number = 0;
	if (v->is == CHOICE)
		return read_choice(text, ret_number);
	size_t digits = strspn(text, "0123456789");
	if (digits == 0 || digits > 10)
		return false;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	const unit *u = units_of(v->is);
	while (*u->name && strcmp(text + digits, u->name) != 0)
		u++;
	if (!*u->name && text[digits])
		return false;
	*ret_number = number * u->factor;
	return *ret_number >= v->min && *ret_number <= v->max;
}

static bool is_token(const char *text)
{
	size_t size = 0;
	for (; text[size]; size++)
		if (size >= TOKEN_BYTES_MAX || text[size] <= ' ' || text[size] > '~')
			return false;
	return size > 0;
}

static bool is_endpoint(const char *text)
{
	pyr_reference reference = {0};
	pyr__discovery discovery;
	if (pyr__discovery_is(text))
		return pyr__discovery_parse(text, &discovery, NULL) == PYR_OK;
	bool tls = strncmp(text, "pyrs:", 5) == 0 && strchr(text + 5, ':');
	return pyr_endpoint_parse(tls ? text + 5 : text, &reference, NULL) == PYR_OK;
}

static bool is_level(const char *text)
{
	for (int i = PYR_LOG_NONE; i <= PYR_LOG_TRACE; i++)
		if (strcmp(pyr_log_level_name((pyr_log_level)i), text) == 0)
			return true;
	return false;
}

static bool is_allowed(const variable *v, const char *text)
{
	uint64_t number;
	switch (v->is) {
	case TEXT:
		return true;
	case ENDPOINT:
		return is_endpoint(text);
	case TOKEN:
		return is_token(text);
	case LEVEL:
		return is_level(text);
	default:
		return read_number(v, text, &number);
	}
}

const char *pyr__config_text(pyr__config_key key)
{
	const char *value = get(key), *initial = variables[key].initial;
	return value ? value : *initial ? initial : NULL;
}

uint64_t pyr__config_number(pyr__config_key key, uint64_t given)
{
	const variable *v = &variables[key];
	const char *value = get(key);
	uint64_t number = 0;
	if (given)
		return given;
	if (!value || !read_number(v, value, &number))
		read_number(v, v->initial, &number);
	return number;
}

pyr_status pyr_config_get(size_t index, pyr_config_variable *ret_variable, pyr_error *err)
{
	if (index >= PYR__CONFIG_KEYS)
		return pyr_error_set(
			err, PYR_OUT_OF_RANGE, "there are %d variables", (int)PYR__CONFIG_KEYS);
	const variable *v = &variables[index];
	bool secret = v->is == TOKEN;
	const char *value = get((pyr__config_key)index);
	pyr_config_variable all = {ret_variable->size, v->name, v->allowed, v->initial, v->help,
		value && secret ? "" : value, secret};
	memcpy(ret_variable, &all, all.size < sizeof all ? all.size : sizeof all);
	return PYR_OK;
}

/* Printable, and not too long. */
static void show(const char *text, size_t size, char buf[SHOWN_BYTES_MAX + 1])
{
	size_t shown = size < SHOWN_BYTES_MAX ? size : SHOWN_BYTES_MAX;
	for (size_t i = 0; i < shown; i++)
		buf[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	buf[shown] = '\0';
}

static pyr_status refuse_value(const variable *v, const char *value, pyr_error *err)
{
	char shown[SHOWN_BYTES_MAX + 1];
	show(value, strlen(value), shown);
	if (v->is == TOKEN)
		return pyr_error_set(err, PYR_INVALID_ARGUMENT,
			"%s in the environment has a bad value: it takes %s", v->name, v->allowed);
	return pyr_error_set(err, PYR_INVALID_ARGUMENT,
		"%s in the environment is '%s': it takes %s", v->name, shown, v->allowed);
}

static bool is_known(const char *name, size_t size)
{
	for (size_t i = 0; i < PYR__CONFIG_KEYS; i++)
		if (strlen(variables[i].name) == size && memcmp(variables[i].name, name, size) == 0)
			return true;
	return strncmp(name, PREFIX_TEST, strlen(PREFIX_TEST)) == 0;
}

/* The known name that is nearest to this one, or NULL. */
static const char *find_nearest(const char *name, size_t size)
{
	const char *nearest = NULL;
	unsigned least = (unsigned)(size - strlen(PREFIX)) / 3 + 2;
	if (size > PYR__DISTANCE_BYTES_MAX)
		return NULL;
	for (size_t i = 0; i < PYR__CONFIG_KEYS; i++) {
		const char *own = variables[i].name;
		unsigned mistakes = pyr__distance(name, size, own, strlen(own));
		if (mistakes < least) {
			least = mistakes;
			nearest = own;
		}
	}
	return nearest;
}

/* Its value is not shown: it may be a secret whose name was mistyped. */
static pyr_status refuse_name(const char *name, size_t size, pyr_error *err)
{
	char shown[SHOWN_BYTES_MAX + 1];
	show(name, size, shown);
	const char *meant = find_nearest(name, size);
	return pyr_error_set(err, PYR_INVALID_ARGUMENT,
		"%s in the environment is no variable of Pyrite%s%s%s; 'pyrite config' lists them",
		shown, meant ? "; is it " : "", meant ? meant : "", meant ? "?" : "");
}

pyr_status pyr_config_check(pyr_error *err)
{
	if (getauxval(AT_SECURE))
		return PYR_OK;
	for (char **entry = environ; entry && *entry; entry++) {
		size_t size = strcspn(*entry, "=");
		if (strncmp(*entry, PREFIX, strlen(PREFIX)) == 0 && !is_known(*entry, size))
			return refuse_name(*entry, size, err);
	}
	for (size_t i = 0; i < PYR__CONFIG_KEYS; i++) {
		const char *value = get((pyr__config_key)i);
		if (value && !is_allowed(&variables[i], value))
			return refuse_value(&variables[i], value, err);
	}
	return PYR_OK;
}
