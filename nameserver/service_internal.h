/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the servant, shared by the files that it consists of. */
#ifndef NS_SERVICE_INTERNAL_H
#define NS_SERVICE_INTERNAL_H

#include <event2/event.h>
#include "commit.h"
#include "expiry.h"
#include "quota.h"
#include "region.h"
#include "service.h"
#include "waiting.h"
#include "walk.h"
#include "watch.h"

struct ns_service {
	pyr_daemon *daemon;
	struct event_base *base;
	ns_store *store;
	ns_service_options options;
	uint64_t started_us;
	char own_user[16]; /* the principal that the server itself would be, "uid:1000" */
	bool stopping;
	ns_region region; /* of the message that is being made */
	ns_commit commit;
	ns_expiry expiry;
	ns_walks walks;
	ns_waiting waiting;
	ns_watches watches;
};

/* Microseconds of a clock that never goes back. */
uint64_t ns_now_us(void);

/* On whose behalf the call is made; borrowed from it. */
ns_caller ns_caller_of(const ns_service *service, const pyr_call *call);

/* UNAUTHENTICATED for nobody in particular, where changes need somebody. */
pyr_status ns_may_ask_for_change(const ns_service *service, const pyr_call *call, pyr_error *err);

/* Ends the call with this error. It has run, unless err says otherwise. */
void ns_fail(pyr_call *call, pyr_error *err);

/* An event of the service on the daemon's loop; never NULL. */
struct event *ns_new_event(
	ns_service *service, int fd, short what, event_callback_fn run, void *arg);

/* Runs the event after so many milliseconds; after 0 the loop looks at its sockets first. */
void ns_run_after(struct event *event, uint64_t delay_ms);

/* change.c: the methods that change something */
void ns_do_register(void *self, pyr_call *call, const Pyrite__RegisterRequest *request);
void ns_do_remove(void *self, pyr_call *call, const Pyrite__RemoveRequest *request);
void ns_do_set_tags(void *self, pyr_call *call, const Pyrite__SetTagsRequest *request);
void ns_do_grant(void *self, pyr_call *call, const Pyrite__GrantRequest *request);
void ns_do_revoke(void *self, pyr_call *call, const Pyrite__RevokeRequest *request);

/* After a commit: revisions first .. last are new. */
void ns_tell_news(ns_service *service, uint64_t first, uint64_t last);

#endif
