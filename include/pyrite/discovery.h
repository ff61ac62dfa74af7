/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding name servers by asking the network: see docs/names.md. Contexts do so by themselves where
 * their name server is "discover".
 */
#ifndef PYRITE_DISCOVERY_H
#define PYRITE_DISCOVERY_H

#include <stdint.h>
#include <pyrite/daemon.h>
#include <pyrite/status.h>

PYR_BEGIN_DECLS

typedef struct pyr_discoverable_options {
	size_t size; /* sizeof(pyr_discoverable_options) */
	/*
	 * Where to be asked: "ADDRESS:PORT" of UDP, an IPv4 address of this machine's, or "*" for
	 * all of them. Port 0: any free one. NULL: *:9790
	 */
	const char *at;
	const char *group; /* only who asks for this group, or for all, is answered; NULL: "" */
} pyr_discoverable_options;

#define PYR_DISCOVERABLE_OPTIONS_INIT                                                              \
	{                                                                                          \
		sizeof(pyr_discoverable_options), NULL, NULL                                       \
	}

/*
 * Answers whoever asks the network for a name server: for a daemon that hosts one, and listens
 * already. The answer is the endpoint that whoever asks can reach best; without one there is no
 * answer. FAILED_PRECONDITION if nobody could be answered: a daemon that listens on loopback and
 * Unix sockets only has to say `at` a loopback address, and then is found from this machine only.
 * Ends when the daemon stops. options may be NULL.
 */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_make_discoverable(
	pyr_daemon *daemon, const pyr_discoverable_options *options, pyr_error *err);

/* How it goes. */
typedef struct pyr_discoverable_state {
	size_t size;        /* sizeof(pyr_discoverable_state), set by the caller */
	const char *at;     /* "0.0.0.0:9790", what is bound; lives as long as the daemon */
	uint64_t answered;  /* queries */
	uint64_t others;    /* for another group, or from where this daemon cannot be reached */
	uint64_t malformed; /* datagrams that are no query */
	uint64_t too_many;  /* queries beyond 200 a second */
} pyr_discoverable_state;

#define PYR_DISCOVERABLE_STATE_INIT                                                                \
	{                                                                                          \
		sizeof(pyr_discoverable_state), NULL, 0, 0, 0, 0                                   \
	}

/* FAILED_PRECONDITION for a daemon that is not discoverable. */
PYR_API PYR_MUST_USE pyr_status pyr_daemon_discoverable_state(
	pyr_daemon *daemon, pyr_discoverable_state *ret_state, pyr_error *err);

/* A name server that has answered. */
typedef struct pyr_discovered {
	size_t size;           /* sizeof(pyr_discovered) */
	const char *reference; /* "pyrs:pyrite.nameserver@10.0.0.7:9790" */
	const char *group;     /* "" for none */
} pyr_discovered;

/*
 * Asks the network, and calls `each` in this thread for every name server that has answered within
 * timeout_ms (0: 1,000). where: as a context's name_server, "discover[:[GROUP@][ADDRESS:PORT]]",
 * but without GROUP@ every group is asked; NULL: "discover". UNAVAILABLE if none has answered; the
 * message says what was asked, and where. Blocks: FAILED_PRECONDITION on a loop's thread.
 *
 * Anybody in those networks can answer anything: see docs/names.md.
 */
PYR_API PYR_MUST_USE pyr_status pyr_discover(const char *where, uint32_t timeout_ms,
	void (*each)(void *ctx, const pyr_discovered *found), void *ctx, pyr_error *err);

PYR_END_DECLS

#endif
