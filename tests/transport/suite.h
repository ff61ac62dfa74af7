/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One suite of tests that every transport passes. A transport is told to the suite by a file of a
 * few lines that defines suite_under_test; the suite is linked with each of them.
 */
#ifndef TESTS_TRANSPORT_SUITE_H
#define TESTS_TRANSPORT_SUITE_H

#include <criterion/criterion.h>
#include "descriptors.h"
#include "leaks.h"
#include "transport/caller.h"
#include "transport/servant.h"

/* Where a transport cannot do what the others do; all zero for nowhere. */
typedef struct suite_differences {
	/* Of one stream, that a writer may be ahead of a reader that has stopped; 0: 256 KiB. */
	uint32_t window_bytes;
	/* A servant may see a caller's time-out so much longer. */
	unsigned timeout_percent;
	/* A deadline may pass so much early. */
	unsigned early_percent;
	/* Oneway calls under way at once whose order is kept; 0: all. */
	unsigned ordered_oneways;
	/* A send cannot fail because the peer takes no message of that size: the stream does. */
	bool limits_untold;
	/* That the process has from the first call on, and how long more may stay open. */
	int descriptors_kept;
	unsigned descriptors_ms;
	uint32_t connect_timeout_ms; /* of contexts; 0: the default */
} suite_differences;

/*
 * gRPC's, with what its documents say:
 *
 *   window_bytes     what waits at either end besides HTTP/2's own window, and for one write
 *   timeout_percent  the header grpc-timeout has few digits, and core rounds up
 *   early_percent    core counts the processor's ticks, and finds out in a few milliseconds of its
 *                    start how many a second has: on a busy machine it is wrong by some percent
 *   ordered_oneways  core works on several threads, each of which may be held up before it hands
 *                    out what it has read, so that a later call overtakes
 *   limits_untold    nothing in the protocol says how large a message may be; one that is too
 *                    large ends the call with RESOURCE_EXHAUSTED
 *   descriptors...   core has an epoll and an eventfd for the rest of the process's life, and
 *                    grpc_shutdown() finishes on a thread of its own
 *   connect_...      that thread waits for connections that were being made when their context
 *                    was freed, until this time is over
 */
#define SUITE_GRPC_DIFFERS                                                                         \
	{                                                                                          \
		.window_bytes = 1 << 20, .timeout_percent = 1, .early_percent = 10,                \
		.ordered_oneways = 1, .limits_untold = true, .descriptors_kept = 2,                \
		.descriptors_ms = 20000, .connect_timeout_ms = 8000                                \
	}

typedef struct suite_transport {
	const char *peer;   /* what a caller's address begins with */
	bool same_context;  /* clients use the daemon's own context */
	bool any_thread;    /* the object runs on the threads that call it, where those wait */
	bool calls_one_way; /* who is called cannot call back on the same connection */
	bool ends_unseen;   /* nobody tells the daemon when a connection ends */
	/*
	 * A reset right behind data may be heard of only at the call's deadline: gRPC's core reads
	 * what there is, is told by the kernel that nothing is left (TCP_INQ), and waits for an
	 * edge of epoll that has been already. It takes a thread that is held up.
	 */
	bool resets_late;
	/* Adds an endpoint to the daemon. */
	pyr_status (*listen)(pyr_daemon *daemon, pyr_error *err);
	/* Writes a reference to an object there into PYR_REFERENCE_MAX bytes. */
	pyr_status (*refer)(
		pyr_daemon *daemon, const char *object, char *ret_reference, pyr_error *err);
	/* For contexts, with one reference. NULL: there are none. */
	pyr_credentials *(*credentials)(void);
	suite_differences differs;
} suite_transport;

extern const suite_transport suite_under_test;

/* For `listen`: in the abstract namespace, so that no file is left behind. */
pyr_status suite_listen_unix(pyr_daemon *daemon, pyr_error *err);

/* For `refer`: at the daemon's first endpoint, as it says, and over gRPC instead. */
pyr_status suite_refer_first(
	pyr_daemon *daemon, const char *object, char *ret_reference, pyr_error *err);
pyr_status suite_refer_grpc(
	pyr_daemon *daemon, const char *object, char *ret_reference, pyr_error *err);

/* A daemon with the object "suite", on a thread of its own, and a proxy for it. */
typedef struct suite {
	pyr_context *context;      /* the clients' */
	pyr_context *host_context; /* the daemon's, perhaps the same */
	pyr_daemon *daemon;
	servant servant;
	char reference[PYR_REFERENCE_MAX];
	suite_suite *proxy;
	struct event_base *base; /* the daemon's, if nobody dispatches it but the test */
	int descriptors;         /* open before */
	unsigned threads;        /* there before */
} suite;

/* What a test may want to be different; all zero for nothing. */
typedef struct suite_config {
	pyr_daemon_options daemon; /* size and context are filled in */
	pyr_context_options context;
	bool undispatched; /* the daemon takes calls only while the test dispatches `base` */
} suite_config;

/* NULL: servants on the loop, default limits. */
suite *suite_begin(const suite_config *config);

/* The last statement of a test: frees all, and looks for leaked memory and descriptors. */
void suite_end(suite *s);

/* With servants in a pool. */
suite *suite_begin_pool(uint32_t workers);

/* Another context for clients, with what the transport needs. */
pyr_context *suite_new_context(void);

/* Another daemon like it, with the object "suite" served by the same servant. */
pyr_daemon *suite_new_daemon(suite *s, const suite_config *config);

/* A proxy of the context with these options. */
suite_suite *suite_open(suite *s, const pyr_proxy_options *options);
suite_suite *suite_open_timeout(suite *s, uint32_t timeout_ms);
void suite_refer(pyr_daemon *daemon, const char *object, char *ret_reference);

/* A Blob of that many bytes; free its data. */
Suite__Blob suite_blob(size_t size);

int64_t suite_now_ms(void);

/* As suite_echo, with a callback that is waited for. */
pyr_status suite_echo_later(suite_suite *proxy, pyr_error *ret_err);

/* What a callback of __invoke has seen; ctx of the functions below. */
typedef struct suite_reply {
	tally done;
	pyr_status status;
	uint64_t value; /* of a Number; the size of a Blob */
	pyr_error err;
	pthread_t thread;
} suite_reply;

#define SUITE_REPLY_INIT                                                                           \
	{                                                                                          \
		.done = TALLY_INIT                                                                 \
	}

void suite_on_blob(void *ctx, pyr_status status, const Suite__Blob *reply, const pyr_error *err);
void suite_on_number(
	void *ctx, pyr_status status, const Suite__Number *reply, const pyr_error *err);

#define CHECK_OK(call)                                                                             \
	do {                                                                                       \
		pyr_status status_ = (call);                                                       \
		cr_assert(status_ == PYR_OK, "%s: %s: %s", #call, pyr_status_name(status_),        \
			err.message);                                                              \
	} while (0)

#define CHECK_STATUS(wanted, call)                                                                 \
	do {                                                                                       \
		pyr_status status_ = (call);                                                       \
		cr_assert(status_ == (wanted), "%s: %s instead of %s: %s", #call,                  \
			pyr_status_name(status_), #wanted, status_ ? err.message : "");            \
	} while (0)

#define CHECK_AWAIT(tally, count)                                                                  \
	cr_assert(tally_await(tally, count), "%s stays at %u, not %u", #tally, tally_get(tally),   \
		(unsigned)(count))

#endif
