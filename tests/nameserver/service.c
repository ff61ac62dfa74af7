/* SPDX-License-Identifier: Apache-2.0 */
/* The name server's methods, called over a socket. */
#include "served.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

SERVED_TEST(names, N1_the_same_reference_comes_back)
{
	assert_ok(s, put(s, "example.calc", "pyr:calc@10.0.0.7:4711"));
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = "example.calc";
	assert_ok(s, pyrite_names_lookup(s->names, &request, &reply, &s->err));
	cr_assert_eq(reply->name->n_holders, 1);
	cr_assert_eq(reply->name->holders[0]->n_references, 1);
	cr_assert_str_eq(reply->name->holders[0]->references[0], "pyr:calc@10.0.0.7:4711");
	cr_assert_eq(reply->name->version, 1);
	cr_assert_eq(reply->store_id.len, NS_STORE_ID_SIZE);
	cr_assert_eq(reply->revision, reply->name->mod_revision);
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	assert_ok(s, take(s, "example.calc"));
	cr_assert_not(is_there(s, "example.calc"));
}

SERVED_TEST(names, N1_an_unknown_name_is_not_found_and_named)
{
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = "nobody.home";
	assert_fails(s, PYR_NOT_FOUND, "\"nobody.home\"",
		pyrite_names_lookup(s->names, &request, &reply, &s->err));
	assert_fails(s, PYR_NOT_FOUND, "\"nobody.home\"", take(s, "nobody.home"));
	cr_assert_eq(s->err.executed, PYR_EXECUTED_YES);
}

SERVED_TEST(names, N1_count_and_status_say_what_there_is)
{
	Pyrite__CountRequest count = PYRITE__COUNT_REQUEST__INIT;
	Pyrite__CountReply *counted;
	Pyrite__StatusRequest ask = PYRITE__STATUS_REQUEST__INIT;
	Pyrite__StatusReply *state;
	assert_ok(s, put(s, "a", "pyr:x@127.0.0.1:1"));
	lease(s, 60000);
	assert_ok(s, pyrite_names_count(s->names, &count, &counted, &s->err));
	cr_assert_eq(counted->count, 2); /* with its own */
	pyrite__count_reply__free_unpacked(counted, NULL);
	assert_ok(s, pyrite_names_status(s->names, &ask, &state, &s->err));
	cr_assert_eq(state->names, 2);
	cr_assert_eq(state->leases, 1);
	cr_assert_str_eq(state->store, s->kind);
	cr_assert_str_eq(state->version, pyr_version());
	cr_assert_eq(state->oldest_revision, 1);
	pyrite__status_reply__free_unpacked(state, NULL);
}

/* N2 */

#define RIVALS 32

typedef struct rival {
	served *s;
	pthread_barrier_t *barrier;
	pthread_t thread;
	pyr_status status;
	char reference[64];
} rival;

static void *compete(void *arg)
{
	rival *r = arg;
	pyr_context *context;
	pyrite_names *names = served_open(r->s, &context);
	char *references[] = {r->reference};
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	request.name = "throne";
	request.references = references;
	request.n_references = 1;
	pthread_barrier_wait(r->barrier);
	r->status = pyrite_names_register(names, &request, &reply, NULL);
	if (r->status == PYR_OK)
		pyrite__register_reply__free_unpacked(reply, NULL);
	pyrite_names__close(names);
	pyr_context_free(context);
	return NULL;
}

SERVED_TEST(names, N2_exactly_one_of_many_concurrent_registrations_wins)
{
	rival rivals[RIVALS];
	pthread_barrier_t barrier;
	pthread_barrier_init(&barrier, NULL, RIVALS);
	for (int i = 0; i < RIVALS; i++) {
		rivals[i] = (rival){.s = s, .barrier = &barrier};
		snprintf(rivals[i].reference, sizeof rivals[i].reference, "pyr:r%d@127.0.0.1:1", i);
		cr_assert_eq(pthread_create(&rivals[i].thread, NULL, compete, &rivals[i]), 0);
	}
	const rival *winner = NULL;
	for (int i = 0; i < RIVALS; i++) {
		pthread_join(rivals[i].thread, NULL);
		if (rivals[i].status == PYR_OK) {
			cr_assert_null(winner, "two have won");
			winner = &rivals[i];
		} else {
			cr_assert_eq(rivals[i].status, PYR_ALREADY_EXISTS);
		}
	}
	pthread_barrier_destroy(&barrier);
	cr_assert(winner, "none has won");
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = "throne";
	assert_ok(s, pyrite_names_lookup(s->names, &request, &reply, &s->err));
	cr_assert_str_eq(reply->name->holders[0]->references[0], winner->reference);
	pyrite__lookup_reply__free_unpacked(reply, NULL);
}

SERVED_TEST(names, N2_a_change_is_refused_when_the_revision_has_moved)
{
	assert_ok(s, put(s, "a", "pyr:x@127.0.0.1:1"));
	uint64_t revision = revision_of(s);
	Pyrite__RegisterRequest request = PYRITE__REGISTER_REQUEST__INIT;
	Pyrite__RegisterReply *reply;
	char *references[] = {"pyr:y@127.0.0.1:2"};
	request.name = "a";
	request.references = references;
	request.n_references = 1;
	pyrite__register_request__set_expected_revision(&request, revision);
	assert_ok(s, pyrite_names_register(s->names, &request, &reply, &s->err));
	cr_assert_eq(reply->revision, revision + 1);
	pyrite__register_reply__free_unpacked(reply, NULL);
	assert_fails(s, PYR_ABORTED, "revision",
		pyrite_names_register(s->names, &request, &reply, &s->err));
	pyrite__register_request__set_expected_revision(&request, 0);
	assert_fails(s, PYR_ALREADY_EXISTS, "\"a\"",
		pyrite_names_register(s->names, &request, &reply, &s->err));
}

/* N3 */

#define LISTED(wanted, ...)                                                                        \
	do {                                                                                       \
		const char *names_;                                                                \
		Pyrite__ListRequest request_ = PYRITE__LIST_REQUEST__INIT;                         \
		__VA_ARGS__;                                                                       \
		assert_ok(s, list(s, request_, &names_));                                          \
		cr_assert_str_eq(names_, wanted);                                                  \
	} while (0)

SERVED_TEST(names, N3_lists_by_prefix_byte_by_byte_and_by_anchored_regex)
{
	const char *const all[] = {"a_1", "axb", "A_b", "b%c", "bxc"};
	for (size_t i = 0; i < 5; i++)
		assert_ok(s, put(s, all[i], "pyr:x@127.0.0.1:1"));
	LISTED("A_b a_1 axb b%c bxc pyrite.nameserver", (void)0);
	LISTED("a_1", request_.prefix = "a_");
	LISTED("b%c", request_.prefix = "b%");
	LISTED("a_1 axb", request_.regex = "a.");
	LISTED("axb bxc", request_.regex = ".x");
	LISTED("axb", request_.regex = "ax|xb");
	LISTED("", request_.regex = "x");
	LISTED("A_b a_1 axb b%c bxc pyrite.nameserver", request_.page_size = 1);
}

SERVED_TEST(names, N3_lists_by_all_or_any_tags)
{
	assert_ok(s, put_tagged(s, "a", "gpu", "big"));
	assert_ok(s, put_tagged(s, "b", "gpu", NULL));
	assert_ok(s, put_tagged(s, "c", "big", NULL));
	assert_ok(s, put_tagged(s, "d", NULL, NULL));
	char *both[] = {"gpu", "big"}, *none[] = {"blue"};
	LISTED("a", request_.tags_all = both, request_.n_tags_all = 2);
	LISTED("a b c", request_.tags_any = both, request_.n_tags_any = 2);
	LISTED("a b", request_.tags_any = both, request_.n_tags_any = 2, request_.regex = "[ab]");
	LISTED("", request_.tags_all = none, request_.n_tags_all = 1);
}

SERVED_TEST(names, N3_two_filters_of_a_kind_or_a_bad_one_are_refused)
{
	Pyrite__ListRequest request = PYRITE__LIST_REQUEST__INIT;
	const char *names;
	char *tags[] = {"a"}, *bad[] = {"a,b"};
	request.prefix = "a";
	request.regex = "a";
	assert_fails(s, PYR_INVALID_ARGUMENT, "prefix and regex", list(s, request, &names));
	request.prefix = "";
	request.regex = "ab(c";
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte 5", list(s, request, &names));
	request.regex = "";
	request.tags_all = request.tags_any = tags;
	request.n_tags_all = request.n_tags_any = 1;
	assert_fails(s, PYR_INVALID_ARGUMENT, "tags_all and tags_any", list(s, request, &names));
	request.n_tags_any = 0;
	request.tags_all = bad;
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte 2", list(s, request, &names));
}

/* N4 */

static pyr_status remove_matching(
	served *s, const char *prefix, const char *regex, uint64_t *ret_count)
{
	Pyrite__RemoveRequest request = PYRITE__REMOVE_REQUEST__INIT;
	Pyrite__RemoveReply *reply;
	request.prefix = (char *)prefix;
	request.regex = (char *)regex;
	pyr_status status = pyrite_names_remove(s->names, &request, &reply, &s->err);
	if (status)
		return status;
	*ret_count = reply->count;
	pyrite__remove_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

SERVED_TEST(names, N4_removes_by_prefix_and_regex_and_returns_the_count)
{
	uint64_t count;
	put_many(s, "many.", 5000);
	put_many(s, "more.", 100);
	assert_ok(s, remove_matching(s, "many.", "", &count));
	cr_assert_eq(count, 5000);
	assert_ok(s, remove_matching(s, "many.", "", &count));
	cr_assert_eq(count, 0);
	assert_ok(s, remove_matching(s, "", "more.00000[0-4]", &count));
	cr_assert_eq(count, 50);
	LISTED("more.0000050", request_.prefix = "more.0000050");
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte 1", remove_matching(s, "", "*", &count));
	assert_fails(s, PYR_INVALID_ARGUMENT, "one of", remove_matching(s, "a", "a", &count));
	assert_fails(s, PYR_INVALID_ARGUMENT, "one of", remove_matching(s, "", "", &count));
}

SERVED_TEST(names, N4_the_servers_own_entry_stays)
{
	uint64_t count;
	assert_fails(s, PYR_PERMISSION_DENIED, "own", take(s, NS_OWN_NAME));
	assert_fails(s, PYR_PERMISSION_DENIED, "own", put(s, NS_OWN_NAME, "pyr:x@127.0.0.1:1"));
	assert_ok(s, put(s, "pyrite.other", "pyr:x@127.0.0.1:1"));
	assert_ok(s, remove_matching(s, "", ".", &count));
	cr_assert_eq(count, 1);
	LISTED(NS_OWN_NAME, (void)0);
}

/* N5 */

static pyr_status set_tags(served *s, const char *name, bool replace, const char *add,
	const char *drop, char *ret_tags)
{
	Pyrite__SetTagsRequest request = PYRITE__SET_TAGS_REQUEST__INIT;
	Pyrite__SetTagsReply *reply;
	char *adds[] = {(char *)add}, *drops[] = {(char *)drop};
	request.name = (char *)name;
	request.replace = replace;
	request.add = adds;
	request.n_add = add != NULL;
	request.remove = drops;
	request.n_remove = drop != NULL;
	pyr_status status = pyrite_names_set_tags(s->names, &request, &reply, &s->err);
	if (status)
		return status;
	*ret_tags = '\0';
	for (size_t i = 0; i < reply->n_tags; i++)
		sprintf(ret_tags + strlen(ret_tags), "%s ", reply->tags[i]);
	pyrite__set_tags_reply__free_unpacked(reply, NULL);
	return PYR_OK;
}

SERVED_TEST(names, N5_tags_are_set_replaced_and_looked_up)
{
	char tags[256];
	assert_ok(s, put_tagged(s, "a", "x", NULL));
	assert_ok(s, set_tags(s, "a", false, "y", NULL, tags));
	cr_assert_str_eq(tags, "x y ");
	uint64_t revision = revision_of(s);
	assert_ok(s, set_tags(s, "a", false, "y", "z", tags));
	cr_assert_eq(revision_of(s), revision, "nothing has changed, but the revision");
	assert_ok(s, set_tags(s, "a", false, NULL, "x", tags));
	cr_assert_str_eq(tags, "y ");
	assert_ok(s, set_tags(s, "a", true, "new", NULL, tags));
	cr_assert_str_eq(tags, "new ");
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = "a";
	assert_ok(s, pyrite_names_lookup(s->names, &request, &reply, &s->err));
	cr_assert_eq(reply->name->n_tags, 0, "tags that were not asked for");
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	request.with_tags = true;
	assert_ok(s, pyrite_names_lookup(s->names, &request, &reply, &s->err));
	cr_assert_eq(reply->name->n_tags, 1);
	cr_assert_str_eq(reply->name->tags[0], "new");
	pyrite__lookup_reply__free_unpacked(reply, NULL);
	assert_fails(s, PYR_NOT_FOUND, "\"b\"", set_tags(s, "b", false, "y", NULL, tags));
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte 1", set_tags(s, "a", false, ",", NULL, tags));
}

/* Bad input */

SERVED_TEST(names, malformed_names_and_references_are_refused_with_the_byte)
{
	char longest[NS_NAME_MAX + 2];
	memset(longest, 'n', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte 2", put(s, "a\nb", "pyr:x@127.0.0.1:1"));
	assert_fails(s, PYR_INVALID_ARGUMENT, "empty", put(s, "", "pyr:x@127.0.0.1:1"));
	assert_fails(s, PYR_INVALID_ARGUMENT, "255", put(s, longest, "pyr:x@127.0.0.1:1"));
	longest[NS_NAME_MAX] = '\0';
	assert_ok(s, put(s, longest, "pyr:x@127.0.0.1:1"));
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte", put(s, "a", "pyr:x@127.0.0.1:99999"));
	assert_fails(s, PYR_INVALID_ARGUMENT, "what", put(s, "a", "what:x@127.0.0.1:9"));
	assert_fails(s, PYR_INVALID_ARGUMENT, "itself a name", put(s, "a", "name:b"));
	assert_fails(s, PYR_INVALID_ARGUMENT, "itself a name", put(s, "a", "b"));
	assert_fails(s, PYR_INVALID_ARGUMENT, "one process", put(s, "a", "local:b"));
	cr_assert_not(is_there(s, "a"));
	Pyrite__LookupRequest request = PYRITE__LOOKUP_REQUEST__INIT;
	Pyrite__LookupReply *reply;
	request.name = "x\x7f";
	assert_fails(s, PYR_INVALID_ARGUMENT, "byte 2",
		pyrite_names_lookup(s->names, &request, &reply, &s->err));
}

Test(names, what_does_not_fit_the_limits_is_refused)
{
	served s;
	served_init(&s, "memory");
	s.limits.names_max = 3; /* with its own */
	s.limits.tags_per_name_max = 1;
	s.limits.leases_max = 1;
	served_start(&s);
	assert_fails(&s, PYR_RESOURCE_EXHAUSTED, "tags", put_tagged(&s, "t", "1", "2"));
	assert_ok(&s, put(&s, "a", "pyr:x@127.0.0.1:1"));
	assert_ok(&s, put(&s, "b", "pyr:x@127.0.0.1:1"));
	assert_fails(&s, PYR_RESOURCE_EXHAUSTED, "3 names", put(&s, "c", "pyr:x@127.0.0.1:1"));
	lease(&s, 1000);
	Pyrite__GrantRequest request = PYRITE__GRANT_REQUEST__INIT;
	Pyrite__GrantReply *reply;
	request.ttl_ms = 1000;
	assert_fails(&s, PYR_RESOURCE_EXHAUSTED, "leases",
		pyrite_names_grant(s.names, &request, &reply, &s.err));
	request.ttl_ms = 1;
	assert_fails(&s, PYR_INVALID_ARGUMENT, "100",
		pyrite_names_grant(s.names, &request, &reply, &s.err));
	served_done(&s);
	CHECK_LEAKS();
}

Test(names, N6_names_outlive_the_server_in_a_file)
{
	served s;
	served_init(&s, "sqlite");
	served_start(&s);
	assert_ok(&s, put_tagged(&s, "a", "t", NULL));
	uint64_t revision = revision_of(&s);
	served_stop(&s);
	assert_fails(&s, PYR_UNAVAILABLE, "", put(&s, "b", "pyr:x@127.0.0.1:1"));
	served_start(&s);
	cr_assert(is_there(&s, "a"));
	cr_assert_not(is_there(&s, "b"));
	cr_assert_geq(revision_of(&s), revision);
	served_done(&s);
	CHECK_LEAKS();
}
