/* SPDX-License-Identifier: Apache-2.0 */
/* Calls through names: what they lead to, how the load spreads, and what outlives what. */
#include "client/numbered_host.h"

#include <stdio.h>
#include <string.h>

/* The number of who is behind the reference, through a new proxy. */
static uint64_t who(served *s, const char *reference)
{
	uint64_t number = 0;
	pyrite_names *proxy = proxy_for(s, reference);
	assert_ok(s, ask(s, proxy, &number));
	pyrite_names__close(proxy);
	return number;
}

static void run(void (*body)(served *s))
{
	run_served("memory", body);
}

static void every_way_to_write(served *s)
{
	host h;
	char text[400];
	start_host(s, &h, 7, "calc");
	assert_ok(s, put(s, "example.calc", h.reference));
	assert_ok(s, put(s, "odd:na@me", h.reference));
	cr_assert_eq(who(s, "example.calc"), 7);
	cr_assert_eq(who(s, "name:example.calc"), 7);
	cr_assert_eq(who(s, "name:odd%3Ana%40me"), 7);
	snprintf(text, sizeof text, "name:example.calc@%s", s->endpoint);
	cr_assert_eq(who(s, text), 7);
	stop_host(&h);
}

Test(names, a_bare_name_and_a_name_with_a_server_lead_to_the_object)
{
	run(every_way_to_write);
}

static void unknown_names(served *s)
{
	uint64_t number;
	pyrite_names *proxy = proxy_for(s, "nobody.home");
	assert_fails(s, PYR_NOT_FOUND, "\"nobody.home\"", ask(s, proxy, &number));
	cr_assert_eq(s->err.executed, PYR_EXECUTED_NO);
	cr_assert(strstr(s->err.where, s->endpoint), "%s", s->err.where);
	pyrite_names__close(proxy);
	served_stop(s);
	proxy = proxy_for(s, "nobody.home");
	assert_fails(s, PYR_UNAVAILABLE, "", ask(s, proxy, &number));
	cr_assert(strstr(s->err.where, s->endpoint), "%s", s->err.where);
	pyrite_names__close(proxy);
}

Test(names, an_unknown_one_is_not_found_and_an_absent_server_unavailable)
{
	run(unknown_names);
}

/* Which of hosts 0 .. 2 answer, as bits, when so many new proxies ask. */
static unsigned who_answers(served *s, const char *reference, int times)
{
	unsigned seen = 0;
	for (int i = 0; i < times; i++)
		seen |= 1u << who(s, reference);
	return seen;
}

static void replicas(served *s)
{
	host hosts[3];
	for (int i = 0; i < 3; i++) {
		start_host(s, &hosts[i], (uint64_t)i, "calc");
		assert_ok(s, add(s, "calc", hosts[i].reference, NULL, true, false));
	}
	cr_assert_eq(who_answers(s, "calc", 9), 7);
	/* one that is bound to each of them */
	pyrite_names *bound[3];
	uint64_t number;
	for (int i = 0; i < 3; i++) {
		bound[i] = proxy_for(s, "calc");
		assert_ok(s, ask(s, bound[i], &number));
	}
	stop_host(&hosts[0]);
	stop_host(&hosts[2]);
	cr_assert_eq(who_answers(s, "calc", 12), 2);
	for (int i = 0; i < 3; i++) {
		assert_ok(s, ask(s, bound[i], &number));
		cr_assert_eq(number, 1);
		pyrite_names__close(bound[i]);
	}
	stop_host(&hosts[1]);
	pyrite_names *proxy = proxy_for(s, "calc");
	assert_fails(s, PYR_UNAVAILABLE, "", ask(s, proxy, &number));
	pyrite_names__close(proxy);
}

Test(names, N9_load_spreads_over_replicas_and_dead_ones_are_skipped)
{
	run(replicas);
}

static void transports(served *s)
{
	host h;
	char dead[200];
	start_host(s, &h, 5, "calc");
	snprintf(dead, sizeof dead, "pyr:calc@unix:%s/nobody", s->directory);
	assert_ok(s, add(s, "calc", dead, h.reference, false, false));
	for (int i = 0; i < 4; i++)
		cr_assert_eq(who(s, "calc"), 5);
	assert_ok(s, add(s, "also.grpc", "grpc:calc@127.0.0.1:1", h.reference, false, false));
	cr_assert_eq(who(s, "also.grpc"), 5);
	stop_host(&h);
}

Test(names, N9_of_several_transports_one_that_works_is_taken)
{
	run(transports);
}

static void tags(served *s)
{
	host hosts[3];
	char name[16];
	Pyrite__SetTagsRequest request = PYRITE__SET_TAGS_REQUEST__INIT;
	Pyrite__SetTagsReply *reply;
	char *both[] = {"gpu", "big"};
	request.add = both;
	for (int i = 0; i < 3; i++) {
		start_host(s, &hosts[i], (uint64_t)i, "calc");
		snprintf(name, sizeof name, "n%d", i);
		assert_ok(s, put(s, name, hosts[i].reference));
		request.name = name;
		request.n_add = i == 2 ? 1 : 2;
		assert_ok(s, pyrite_names_set_tags(s->names, &request, &reply, &s->err));
		pyrite__set_tags_reply__free_unpacked(reply, NULL);
	}
	cr_assert_eq(who_answers(s, "tag:gpu", 9), 7);
	cr_assert_eq(who_answers(s, "tag:gpu,big", 6), 3);
	stop_host(&hosts[0]);
	cr_assert_eq(who_answers(s, "tag:gpu,big", 6), 2);
	uint64_t number;
	pyrite_names *proxy = proxy_for(s, "tag:gpu,blue");
	assert_fails(s, PYR_NOT_FOUND, "'gpu,blue'", ask(s, proxy, &number));
	pyrite_names__close(proxy);
	stop_host(&hosts[1]);
	stop_host(&hosts[2]);
}

Test(names, N5_a_tag_reference_picks_every_match_in_the_end)
{
	run(tags);
}

/* More names than one page holds, of which all but the very last lead to a dead daemon. */
static void many_tagged(served *s)
{
	host h;
	start_host(s, &h, 9, "calc");
	for (int i = 0; i < 1100; i++) {
		char name[16];
		snprintf(name, sizeof name, "n%04d", i);
		assert_ok(s, put_tagged(s, name, "gpu", NULL));
	}
	Pyrite__SetTagsRequest request = PYRITE__SET_TAGS_REQUEST__INIT;
	Pyrite__SetTagsReply *reply;
	char *tag[] = {"gpu"};
	assert_ok(s, put(s, "zzz", h.reference));
	request.name = "zzz";
	request.add = tag;
	request.n_add = 1;
	assert_ok(s, pyrite_names_set_tags(s->names, &request, &reply, &s->err));
	pyrite__set_tags_reply__free_unpacked(reply, NULL);
	cr_assert_eq(who(s, "tag:gpu"), 9);
	stop_host(&h);
}

Test(names, N5_a_tag_reference_knows_more_than_a_page)
{
	run(many_tagged);
}

static void without_server(served *s)
{
	host h;
	uint64_t number;
	start_host(s, &h, 3, "calc");
	assert_ok(s, put(s, "calc", h.reference));
	pyrite_names *bound = proxy_for(s, "calc");
	assert_ok(s, ask(s, bound, &number));
	served_stop(s);
	assert_ok(s, ask(s, bound, &number));
	cr_assert_eq(who(s, "calc"), 3); /* a new proxy of the same context */
	pyrite_names__close(bound);
	stop_host(&h);
}

Test(names, bindings_keep_working_with_the_name_server_down)
{
	run(without_server);
}

static void moved(served *s)
{
	host old, new;
	uint64_t number;
	start_host(s, &old, 1, "calc");
	start_host(s, &new, 2, "calc");
	assert_ok(s, put(s, "calc", old.reference));
	pyrite_names *bound = proxy_for(s, "calc");
	assert_ok(s, ask(s, bound, &number));
	cr_assert_eq(number, 1);
	assert_ok(s, add(s, "calc", new.reference, NULL, false, true));
	cr_assert_eq(who(s, "calc"), 2); /* a new one asks */
	/* the old daemon lives on, without the object */
	assert_ok(s, pyr_daemon_unregister(old.daemon, "calc", NULL, &s->err));
	assert_ok(s, ask(s, bound, &number));
	cr_assert_eq(number, 2);
	pyrite_names__close(bound);
	stop_host(&old);
	stop_host(&new);
}

Test(names, a_bound_proxy_follows_when_its_object_has_gone)
{
	run(moved);
}

/* The number of who runs a batch of one call. */
static pyr_status ask_by_batch(served *s, pyrite_names *proxy, uint64_t *ret_number)
{
	Pyrite__CountRequest request = PYRITE__COUNT_REQUEST__INIT;
	Pyrite__CountReply *reply;
	pyr_batch *batch = pyr_batch_new(pyrite_names__proxy(proxy));
	assert_ok(s, pyrite_names_count__batch(batch, &request, &s->err));
	pyr_status status = pyr_batch_run(batch, &s->err);
	if (status == PYR_OK) {
		assert_ok(s, pyrite_names_count__batched(batch, 0, &reply, &s->err));
		*ret_number = reply->count;
		pyrite__count_reply__free_unpacked(reply, NULL);
	}
	pyr_batch_free(batch);
	return status;
}

/* The proxy has not noticed yet, so the batch begins at the old place. */
static void batch_moved(served *s)
{
	host old, new;
	uint64_t number = 0;
	start_host(s, &old, 1, "calc");
	start_host(s, &new, 2, "calc");
	assert_ok(s, add(s, "calc", old.reference, NULL, false, false));
	pyrite_names *proxy = proxy_for(s, "calc");
	assert_ok(s, ask(s, proxy, &number));
	assert_ok(s, ask_by_batch(s, proxy, &number));
	cr_assert_eq(number, 1);
	assert_ok(s, add(s, "calc", new.reference, NULL, false, true));
	stop_host(&old);
	assert_ok(s, ask_by_batch(s, proxy, &number));
	cr_assert_eq(number, 2);
	pyrite_names__close(proxy);
	stop_host(&new);
}

Test(names, C4_a_batch_follows_when_its_object_has_gone)
{
	run(batch_moved);
}

/* Through a name server that says what the test wants. */
static void only_forward(served *s)
{
	host first, second, names;
	start_host(s, &first, 1, "calc");
	start_host(s, &second, 2, "calc");
	start_host(s, &names, 0, "pyrite.nameserver");
	char reference[400];
	snprintf(reference, sizeof reference, "name:calc@%s", strchr(names.reference, '@') + 1);
	names.says = first.reference;
	names.store = 1;
	names.revision = 10;
	cr_assert_eq(who(s, reference), 1);
	names.says = second.reference;
	names.revision = 9;
	cr_assert_eq(who(s, reference), 1, "went back");
	names.revision = 11;
	cr_assert_eq(who(s, reference), 2);
	names.says = first.reference;
	names.store = 2;
	names.revision = 1;
	cr_assert_eq(who(s, reference), 1, "another store starts anew");
	stop_host(&first);
	stop_host(&second);
	stop_host(&names);
}

Test(names, what_is_known_moves_only_forward_within_a_store)
{
	run(only_forward);
}

static void servants_not_found(served *s)
{
	host h, names;
	char reference[400];
	uint64_t number;
	start_host(s, &h, 1, "calc");
	start_host(s, &names, 0, "pyrite.nameserver");
	names.says = h.reference;
	snprintf(reference, sizeof reference, "name:calc@%s", strchr(names.reference, '@') + 1);
	pyrite_names *proxy = proxy_for(s, reference);
	for (int i = 0; i < 5; i++) {
		Pyrite__StatusRequest request = PYRITE__STATUS_REQUEST__INIT;
		Pyrite__StatusReply *reply;
		assert_fails(s, PYR_NOT_FOUND, "the servant's own",
			pyrite_names_status(proxy, &request, &reply, &s->err));
		assert_ok(s, ask(s, proxy, &number));
	}
	cr_assert_eq(atomic_load(&names.lookups), 1);
	pyrite_names__close(proxy);
	stop_host(&h);
	stop_host(&names);
}

Test(names, a_servants_own_not_found_does_not_undo_the_binding)
{
	run(servants_not_found);
}

/* Names that move while the old place lives on */

/* A context that asks again after a millisecond, and a proxy of it for a name. */
static pyrite_names *doubter_for(served *s, const char *name, pyr_context **ret_context)
{
	pyrite_names *proxy;
	pyr_context_options options = PYR_CONTEXT_OPTIONS_INIT;
	options.name_server = s->endpoint;
	options.name_age_max_ms = 1;
	assert_ok(s, pyr_context_new(&options, ret_context, &s->err));
	assert_ok(s, pyrite_names__open(*ret_context, name, NULL, &proxy, &s->err));
	return proxy;
}

static uint64_t number_of(served *s, pyrite_names *proxy)
{
	uint64_t number = 0;
	assert_ok(s, ask(s, proxy, &number));
	return number;
}

static void renewed(served *s)
{
	host old, new;
	pyr_context *context;
	start_host(s, &old, 1, "calc");
	start_host(s, &new, 2, "calc");
	assert_ok(s, put(s, "calc", old.reference));
	pyrite_names *doubter = doubter_for(s, "calc", &context), *sure = proxy_for(s, "calc");
	cr_assert_eq(number_of(s, doubter), 1);
	cr_assert_eq(number_of(s, sure), 1);
	assert_ok(s, add(s, "calc", new.reference, NULL, false, true));
	wait_until(number_of(s, doubter) == 2);
	cr_assert_eq(number_of(s, sure), 1, "nothing was wrong with it, and it is not old yet");
	assert_ok(s, take(s, "calc"));
	uint64_t number;
	wait_until(ask(s, doubter, &number) != PYR_OK);
	cr_assert_eq(s->err.status, PYR_NOT_FOUND, "%s", s->err.message);
	pyrite_names__close(doubter);
	pyrite_names__close(sure);
	pyr_context_free(context);
	stop_host(&old);
	stop_host(&new);
}

Test(names, a_bound_proxy_follows_a_name_that_moves_while_its_object_lives_on)
{
	run(renewed);
}

static void renewed_in_vain(served *s)
{
	host h;
	pyr_context *context;
	start_host(s, &h, 1, "calc");
	assert_ok(s, put(s, "calc", h.reference));
	pyrite_names *doubter = doubter_for(s, "calc", &context);
	cr_assert_eq(number_of(s, doubter), 1);
	served_stop(s);
	uint64_t before_ms = test_now_ms();
	for (int i = 0; i < 200; i++)
		cr_assert_eq(number_of(s, doubter), 1);
	cr_assert_lt(test_now_ms() - before_ms, 5000, "calls wait for a name server that is away");
	pyrite_names__close(doubter);
	pyr_context_free(context);
	stop_host(&h);
}

Test(names, a_bound_proxy_asks_again_without_waiting_for_the_answer)
{
	run(renewed_in_vain);
}

static void stays(served *s)
{
	host hosts[3];
	pyr_context *context;
	for (int i = 0; i < 3; i++) {
		start_host(s, &hosts[i], (uint64_t)i, "calc");
		assert_ok(s, add(s, "calc", hosts[i].reference, NULL, true, false));
	}
	pyrite_names *doubter = doubter_for(s, "calc", &context);
	uint64_t first = number_of(s, doubter), until_ms = test_now_ms() + 200;
	while (test_now_ms() < until_ms)
		cr_assert_eq(number_of(s, doubter), first);
	pyrite_names__close(doubter);
	pyr_context_free(context);
	for (int i = 0; i < 3; i++)
		stop_host(&hosts[i]);
}

Test(names, a_bound_proxy_stays_with_its_replica_as_long_as_that_has_the_name)
{
	run(stays);
}
