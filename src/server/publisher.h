/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keeps a daemon's names in the name server: registers them under a lease, renews it, registers
 * again when the name server has forgotten them, and finds out when somebody has taken one.
 *
 *               Grant             Register what is not under this lease
 *   NO LEASE  --------->  LEASED  <-----------------+
 *       ^                   |  every third of the TTL: Renew
 *       |                   v
 *       +------------- NOT_FOUND: the name server has lost or ended the lease
 *
 * The answer to Renew says how many names are under the lease. When that is not what it should be
 * each is looked up. One that is not ours then has been taken or removed, or the lease has just
 * ended with it; the next renewal tells which.
 *
 * The first registration of a name waits in the caller's thread, so that its error can be returned;
 * everything later runs on the daemon's loop. A later registration succeeds only while the name is
 * free; where somebody else has it, it is lost.
 */
#ifndef PYR_SERVER_PUBLISHER_H
#define PYR_SERVER_PUBLISHER_H

#include <pyrite/names.pyr.h>
#include "client/names.h"
#include "server/daemon_private.h"

typedef struct pyr__publication {
	atomic_uint refs; /* the list's or the caller's, and one for each answer that is awaited */
	pyr__link link;
	struct pyr__name_server *server;
	uint64_t lease_id;      /* what it is registered under; guarded by the publisher's lock */
	uint64_t next_lease_id; /* loop thread: what it is being registered under; 0: it is not */
	bool replica;
	bool looking;           /* loop thread: it is being looked up */
	pyr_error *gone;        /* loop thread: how it was found not to be ours; NULL: it was not */
	uint64_t gone_renewals; /* the server's renewals by then */
	void (*on_lost)(void *ctx, const char *name, const pyr_error *err);
	void *lost_ctx;
	char *name;
	char **references;
	size_t reference_count;
	char **tags;
	size_t tag_count;
} pyr__publication;

/* One name server, and the lease there that all names of this daemon with the same TTL share. */
typedef struct pyr__name_server {
	pyr__link link;
	struct pyr__publisher *publisher;
	char *address; /* as given; NULL: the context's */
	pyrite_names *names;
	uint64_t lease_id;   /* 0: none; guarded by the publisher's lock */
	uint64_t unsure_id;  /* a lease that may have names we do not know of; the same lock's */
	uint64_t renewed_id; /* loop thread: the lease whose renewal is under way */
	uint64_t renewals;   /* loop thread: that have been asked for */
	uint32_t ttl_ms;
	bool busy;   /* loop thread: a renewal or what follows it is under way */
	bool failed; /* loop thread: something has to be tried again soon */
	bool ticking;
	struct event timer;
	pyr__task tick_task;
	pyr__link publications; /* guarded by the publisher's lock */
} pyr__name_server;

typedef struct pyr__publisher {
	pyr_daemon *daemon;
	pyr_context *context;  /* of its own, on the daemon's loop */
	pthread_mutex_t lock;  /* guards the lists and the leases */
	pthread_mutex_t first; /* one first registration at a time */
	pyr__link servers;
	bool stopping;
	unsigned revoking; /* loop thread: answers to Revoke that are awaited */
} pyr__publisher;

/* publication.c: one reference. What is published is what the daemon listens on now. */
pyr_status pyr__publication_new(pyr__publisher *publisher, const char *object, const char *name,
	const pyr_publish_options *options, pyr__publication **ret_publication, pyr_error *err);
void pyr__publication_unref(pyr__publication *p); /* or NULL */

/* What registers it; the texts are the publication's. */
void pyr__publication_request(const pyr__publication *p, uint64_t lease_id, bool replace,
	Pyrite__RegisterRequest *request);

/* Among the server's; the publisher's lock held. */
pyr__publication *pyr__publication_find(pyr__name_server *server, const char *name);

/* Out of the server's list, whose reference becomes the caller's; or NULL. Lock held. */
pyr__publication *pyr__publication_unlist(pyr__publication *p);

/* publish.c: where a name server is; address NULL: the context's. */
pyr_status pyr__publisher_endpoint(const pyr__publisher *publisher, const char *address,
	pyr_reference *ret_endpoint, pyr_error *err);

/* lease.c: gets a new server's timer ready; posting its tick_task starts the renewals. */
void pyr__lease_init(pyr__name_server *server);
uint64_t pyr__lease_id(pyr__name_server *server); /* 0: none */

/* Registers under the lease, which is asked for if there is none. Blocks. */
pyr_status pyr__lease_register(pyr__publication *p, bool replace, pyr_error *err);

#endif
