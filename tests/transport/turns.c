/* SPDX-License-Identifier: Apache-2.0 */
/* A loop whose peer is never silent has time for everything else. */
#include <event2/event.h>
#include <pthread.h>
#include "transport/suite.h"

#define CALLS 20000

/* Core's queue is given 1,024 turns of its own; a connection that looks sees to 16 lots of calls.
 */
#define TURN_MOST 1500

typedef struct caller {
	suite *s;
	tally done;
} caller;

static void *call_without_pause(void *arg)
{
	caller *c = arg;
	for (unsigned i = 0; i < CALLS; i++) {
		pyr_error err;
		Suite__Nothing request = SUITE__NOTHING__INIT;
		Suite__Number *reply;
		CHECK_OK(suite_suite_count(c->s->proxy, &request, &reply, &err));
		suite__number__free_unpacked(reply, NULL);
	}
	tally_add(&c->done, 1);
	return NULL;
}

/* Each turn of libevent's loop looks at timers and other sockets once. */
Test(turns, come_to_an_end_though_a_peer_calls_without_pause)
{
	suite_config config = {.undispatched = true};
	suite *s = suite_begin(&config);
	caller c = {.s = s, .done = TALLY_INIT};
	pthread_t thread;
	unsigned most = 0;
	if (suite_under_test.same_context || suite_under_test.any_thread) {
		suite_end(s);
		cr_skip_test("others run what nobody dispatches");
	}
	cr_assert_eq(pthread_create(&thread, NULL, call_without_pause, &c), 0);
	while (tally_get(&c.done) == 0) {
		unsigned before = tally_get(&s->servant.count_count);
		event_base_loop(s->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		unsigned came = tally_get(&s->servant.count_count) - before;
		most = came > most ? came : most;
	}
	pthread_join(thread, NULL);
	cr_assert_eq(tally_get(&s->servant.count_count), CALLS);
	cr_assert_leq(most, TURN_MOST, "%u calls in one turn", most);
	suite_end(s);
}
