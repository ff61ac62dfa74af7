/* SPDX-License-Identifier: Apache-2.0 */
/* One timer for all leases. */
#include "expiry.h"

#include "service_internal.h"

/* At most about so many changes in one commit, so that a great death does not stop the rest. */
#define CHANGES_MAX 2000

/* What could not be ended because the disk failed is tried again, but not without a pause. */
#define AFTER_FAILURE_US 1000000

static void arm(ns_service *service, uint64_t due_us)
{
	ns_expiry *expiry = &service->expiry;
	expiry->due_us = due_us;
	if (due_us == UINT64_MAX) {
		event_del(expiry->timer);
		return;
	}
	uint64_t now_us = ns_now_us();
	/* a little late rather than a little early, when there would be nothing to do yet */
	ns_run_after(expiry->timer, due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0);
}

static void expire(ns_service *service)
{
	uint64_t next_us = ns_store_expire(service->store, ns_now_us(), CHANGES_MAX);
	if (ns_store_staged(service->store))
		ns_commit_soon(service);
	arm(service, next_us);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ns_service *service = arg;
	service->expiry.due_us = 0; /* from now on it is late */
	if (!ns_commit_under_way(service))
		expire(service);
}

void ns_expiry_init(ns_service *service)
{
	service->expiry.timer = ns_new_event(service, -1, 0, on_timer, service);
	arm(service, 0); /* leases that the store has kept */
}

void ns_expiry_done(ns_service *service)
{
	if (service->expiry.timer)
		event_free(service->expiry.timer);
	service->expiry.timer = NULL;
}

void ns_expiry_granted(ns_service *service, uint64_t ends_us)
{
	if (ends_us < service->expiry.due_us)
		arm(service, ends_us);
}

void ns_expiry_committed(ns_service *service, bool failed)
{
	if (!service->expiry.timer)
		return;
	if (failed)
		arm(service, ns_now_us() + AFTER_FAILURE_US);
	else if (service->expiry.due_us == 0)
		expire(service);
}
