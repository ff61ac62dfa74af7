/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of core's channels and servers. */
#include "grpc/args.h"

#include <limits.h>

/* What core holds of one stream that nobody reads, and what it may put into one write. */
#define LOOKAHEAD_BYTES (256 << 10)

/* What connections and calls may need in core besides the bytes that wait. */
#define SERVER_OWN_BYTES (64u << 20)

/* Servers may see a client that pings more often than every 5 minutes as an attacker. */
#define CLIENT_KEEPALIVE_MS  310000
#define KEEPALIVE_TIMEOUT_MS 20000
#define CLIENT_PING_MIN_MS   5000 /* what we ask of our clients */
#define RECONNECT_BACKOFF_MS 1000

static int to_int(uint64_t value)
{
	return value > INT_MAX ? INT_MAX : (int)value;
}

static void set(pyr__args *args, const char *key, int value)
{
	args->items[args->core.num_args++] =
		(grpc_arg){.type = GRPC_ARG_INTEGER, .key = (char *)key, .value.integer = value};
}

/*
 * What is left out costs 10 % of a call. Core's minimal stack would cost still less, but has no
 * limit on a message's size.
 */
static void set_common(
	pyr__args *args, uint32_t message_max, uint32_t metadata_max, uint32_t compress_from)
{
	args->quota = NULL;
	args->core.num_args = 0;
	args->core.args = args->items;
	set(args, GRPC_ARG_ENABLE_CENSUS, 0);
	set(args, GRPC_ARG_ENABLE_CHANNELZ, 0);
	set(args, GRPC_ARG_MAX_CHANNEL_TRACE_EVENT_MEMORY_PER_NODE, 0);
	set(args, GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, compress_from > 0);
	set(args, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0); /* unpack.c knows a limit */
	set(args, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, to_int(message_max));
	set(args, GRPC_ARG_MAX_METADATA_SIZE, to_int(metadata_max));
	set(args, GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, LOOKAHEAD_BYTES);
	set(args, GRPC_ARG_HTTP2_BDP_PROBE, 0);
}

void pyr__args_client(
	pyr__args *args, const pyr__grpc_client_options *options, const char *server_name)
{
	set_common(args, options->message_max, options->metadata_max, options->compress_from);
	if (options->compress_from)
		set(args, GRPC_COMPRESSION_CHANNEL_DEFAULT_ALGORITHM, GRPC_COMPRESS_GZIP);
	if (server_name)
		args->items[args->core.num_args++] = (grpc_arg){
			.type = GRPC_ARG_STRING,
			.key = (char *)GRPC_SSL_TARGET_NAME_OVERRIDE_ARG,
			.value.string = (char *)server_name,
		};
	set(args, GRPC_ARG_ENABLE_RETRIES, 0); /* a proxy knows better what may be tried again */
	set(args, GRPC_ARG_ENABLE_HTTP_PROXY, 0);
	set(args, GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
	set(args, GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
	set(args, GRPC_ARG_CLIENT_IDLE_TIMEOUT_MS, INT_MAX);
	set(args, GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, to_int(options->connect_timeout_ms));
	set(args, GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, RECONNECT_BACKOFF_MS);
	set(args, GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, RECONNECT_BACKOFF_MS);
	set(args, GRPC_ARG_KEEPALIVE_TIME_MS, CLIENT_KEEPALIVE_MS);
	set(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, KEEPALIVE_TIMEOUT_MS);
}

/*
 * Core's only bound on what it reads: it takes in all of a message before it looks whether that is
 * too long. Past it core ends streams with RESOURCE_EXHAUSTED, and closes idle connections.
 */
static void set_memory_max(pyr__args *args, size_t bytes)
{
	args->quota = grpc_resource_quota_create("pyrite");
	grpc_resource_quota_resize(args->quota, bytes);
	args->items[args->core.num_args++] = (grpc_arg){
		.type = GRPC_ARG_POINTER,
		.key = (char *)GRPC_ARG_RESOURCE_QUOTA,
		.value.pointer = {.p = args->quota, .vtable = grpc_resource_quota_arg_vtable()},
	};
}

void pyr__args_server(pyr__args *args, const pyr__grpc_server_options *options)
{
	set_common(args, options->message_max, options->metadata_max, options->compress_from);
	/* a level, and not an algorithm: then core looks what the caller takes */
	if (options->compress_from)
		set(args, GRPC_COMPRESSION_CHANNEL_DEFAULT_LEVEL, GRPC_COMPRESS_LEVEL_LOW);
	set(args, GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, to_int(options->handshake_timeout_ms));
	set(args, GRPC_ARG_ALLOW_REUSEPORT, 0);
	set(args, GRPC_ARG_MAX_CONCURRENT_STREAMS, to_int(options->streams_max));
	set(args, GRPC_ARG_KEEPALIVE_TIME_MS, to_int(options->stall_timeout_ms));
	set(args, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, to_int(options->handshake_timeout_ms));
	set(args, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
	set(args, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
	set(args, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, CLIENT_PING_MIN_MS);
	set_memory_max(args, options->bytes_max + SERVER_OWN_BYTES);
}

void pyr__args_done(pyr__args *args)
{
	if (args->quota)
		grpc_resource_quota_unref(args->quota);
}
