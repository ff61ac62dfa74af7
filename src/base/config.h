/* SPDX-License-Identifier: Apache-2.0 */
/* The environment variables PYRITE_*: one table that everything reads from. */
#ifndef PYR_BASE_CONFIG_H
#define PYR_BASE_CONFIG_H

#include <stdint.h>
#include <pyrite/config.h>

typedef enum pyr__config_key {
	PYR__CONFIG_NS,
	PYR__CONFIG_TOKEN,
	PYR__CONFIG_TIMEOUT,
	PYR__CONFIG_CONNECT_TIMEOUT,
	PYR__CONFIG_NAME_AGE_MAX,
	PYR__CONFIG_LEASE_TTL,
	PYR__CONFIG_HANDSHAKE_TIMEOUT,
	PYR__CONFIG_STALL_TIMEOUT,
	PYR__CONFIG_STREAM_LINGER,
	PYR__CONFIG_MESSAGE_BYTES_MAX,
	PYR__CONFIG_DECODED_BYTES_MAX,
	PYR__CONFIG_QUEUE_BYTES_MAX,
	PYR__CONFIG_QUEUE_BYTES_TOTAL_MAX,
	PYR__CONFIG_CONNECTIONS_MAX,
	PYR__CONFIG_STREAMS_MAX,
	PYR__CONFIG_WORKER_QUEUE_MAX,
	PYR__CONFIG_LOOPS,
	PYR__CONFIG_SHARED_MEMORY,
	PYR__CONFIG_SPIN_US,
	PYR__CONFIG_SOCKET_SPIN_US,
	PYR__CONFIG_ALLOW,
	PYR__CONFIG_LOG,
	PYR__CONFIG_GRPC_LIBRARY,
	PYR__CONFIG_TLS_LIBRARY,
	PYR__CONFIG_PROTOC_GEN_C,
	PYR__CONFIG_KEYS,
} pyr__config_key;

/* What the environment says, not checked; else the default; NULL without one. Borrowed. */
const char *pyr__config_text(pyr__config_key key);

/*
 * Milliseconds, bytes, a count, or of a choice the place of the word, from 1: `given` unless it is
 * 0, else what the environment says, else the default. A bad value counts as none;
 * pyr_config_check() is what refuses it.
 */
uint64_t pyr__config_number(pyr__config_key key, uint64_t given);

#endif
