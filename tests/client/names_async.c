/* SPDX-License-Identifier: Apache-2.0 */
/* Calls through names that are not waited for, and those that wait for names to come. */
#include "client/numbered_host.h"

#include <pthread.h>

/* Asynchronous */

typedef struct answers {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned left;
	unsigned by_status[17];
	uint64_t number;
} answers;

static void on_count(
	void *ctx, pyr_status status, const Pyrite__CountReply *reply, const pyr_error *err)
{
	(void)err;
	answers *a = ctx;
	pthread_mutex_lock(&a->lock);
	a->by_status[status]++;
	if (status == PYR_OK)
		a->number = reply->count;
	a->left--;
	pthread_cond_signal(&a->cond);
	pthread_mutex_unlock(&a->lock);
}

static void begin_many(served *s, pyrite_names *proxy, unsigned count, answers *a)
{
	*a = (answers){PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, .left = count};
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	for (unsigned i = 0; i < count; i++)
		assert_ok(
			s, pyrite_names_count__invoke(proxy, &request, on_count, a, NULL, &s->err));
}

static void await_all(answers *a)
{
	pthread_mutex_lock(&a->lock);
	while (a->left)
		pthread_cond_wait(&a->cond, &a->lock);
	pthread_mutex_unlock(&a->lock);
}

static void ask_many(served *s, pyrite_names *proxy, unsigned count, answers *a)
{
	begin_many(s, proxy, count, a);
	await_all(a);
}

static void without_waiting(served *s)
{
	host hosts[2];
	answers a;
	for (int i = 0; i < 2; i++) {
		start_host(s, &hosts[i], (uint64_t)i, "calc");
		assert_ok(s, add(s, "calc", hosts[i].reference, NULL, true, false));
	}
	pyrite_names *proxy = proxy_for(s, "calc"), *nobody = proxy_for(s, "nobody"),
		     *tagged = proxy_for(s, "tag:nothing");
	ask_many(s, proxy, 20, &a);
	cr_assert_eq(a.by_status[PYR_OK], 20);
	ask_many(s, nobody, 20, &a);
	cr_assert_eq(a.by_status[PYR_NOT_FOUND], 20);
	ask_many(s, tagged, 20, &a);
	cr_assert_eq(a.by_status[PYR_NOT_FOUND], 20);
	ask_many(s, proxy, 1, &a);
	stop_host(&hosts[a.number]); /* the one that it is bound to */
	ask_many(s, proxy, 1, &a);
	cr_assert_eq(a.by_status[PYR_OK], 1, "did not find the other one");
	pyrite_names__close(proxy);
	pyrite_names__close(nobody);
	pyrite_names__close(tagged);
	stop_host(&hosts[0]);
	stop_host(&hosts[1]);
}

Test(names, asynchronous_calls_find_their_way_too)
{
	run_served("memory", without_waiting);
}

/* Who waits */

static pyrite_names *patient_proxy_for(served *s, const char *reference)
{
	pyrite_names *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.wait_for_ready = true;
	assert_ok(s, pyrite_names__open(s->context, reference, &options, &proxy, &s->err));
	return proxy;
}

static unsigned left(answers *a)
{
	pthread_mutex_lock(&a->lock);
	unsigned count = a->left;
	pthread_mutex_unlock(&a->lock);
	return count;
}

static void late_name(served *s)
{
	host h;
	answers a;
	uint64_t number;
	start_host(s, &h, 8, "calc");
	pyrite_names *patient = patient_proxy_for(s, "late"), *hasty = proxy_for(s, "late");
	begin_many(s, patient, 5, &a);
	assert_fails(s, PYR_NOT_FOUND, "\"late\"", ask(s, hasty, &number));
	cr_assert_eq(left(&a), 5);
	assert_ok(s, put(s, "late", h.reference));
	await_all(&a);
	cr_assert_eq(a.by_status[PYR_OK], 5);
	assert_ok(s, ask(s, patient, &number));
	cr_assert_eq(number, 8);
	pyrite_names__close(patient);
	pyrite_names__close(hasty);
	stop_host(&h);
}

Test(names, C15_who_waits_reaches_a_name_that_is_registered_late)
{
	run_served("memory", late_name);
}

static void late_server(served *s)
{
	host h;
	answers a;
	uint64_t number;
	start_host(s, &h, 8, "calc");
	served_stop(s);
	pyrite_names *patient = patient_proxy_for(s, "late"), *hasty = proxy_for(s, "late");
	begin_many(s, patient, 5, &a);
	assert_fails(s, PYR_UNAVAILABLE, "", ask(s, hasty, &number));
	cr_assert_eq(left(&a), 5);
	served_start(s);
	assert_ok(s, put(s, "late", h.reference));
	await_all(&a);
	cr_assert_eq(a.by_status[PYR_OK], 5);
	pyrite_names__close(patient);
	pyrite_names__close(hasty);
	stop_host(&h);
}

Test(names, C15_who_waits_reaches_a_name_server_that_comes_late)
{
	run_served("memory", late_server);
}

static void never(served *s)
{
	uint64_t number;
	pyrite_names *proxy;
	pyr_proxy_options options = PYR_PROXY_OPTIONS_INIT;
	options.wait_for_ready = true;
	options.timeout_ms = 200;
	assert_ok(s, pyrite_names__open(s->context, "never", &options, &proxy, &s->err));
	uint64_t before_ms = test_now_ms();
	assert_fails(s, PYR_NOT_FOUND, "\"never\"", ask(s, proxy, &number));
	uint64_t took_ms = test_now_ms() - before_ms;
	cr_assert(took_ms >= 190 && took_ms < 3000, "it took %lu ms", (unsigned long)took_ms);
	pyrite_names__close(proxy);
}

Test(names, C15_who_waits_in_vain_hears_so_at_the_deadline)
{
	run_served("memory", never);
}
