/* SPDX-License-Identifier: Apache-2.0 */
/* Watches over a socket. */
#include "served.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pyr_stream *watch(served *s, const Pyrite__WatchRequest *request)
{
	pyr_stream *stream;
	const Pyrite__WatchReply *reply;
	assert_ok(s, pyrite_names_watch(s->names, request, &stream, &s->err));
	assert_ok(s, pyrite_names_watch__next(stream, &reply, &s->err));
	cr_assert(reply, "the watch ended at once");
	cr_assert_eq(reply->n_events, 0);
	cr_assert_eq(reply->store_id.len, NS_STORE_ID_SIZE);
	return stream;
}

static char sign(const Pyrite__Event *event)
{
	return event->kind == PYRITE__EVENT__KIND__SET       ? '+'
	       : event->kind == PYRITE__EVENT__KIND__REMOVED ? '-'
	       : event->kind == PYRITE__EVENT__KIND__LEFT    ? '~'
							     : '?';
}

/* Reads until so many events have come: "+a -b", in a static buffer. */
static const char *events(served *s, pyr_stream *stream, size_t count)
{
	static char all[4096];
	size_t size = 0, seen = 0;
	uint64_t last = 0;
	*all = '\0';
	while (seen < count) {
		const Pyrite__WatchReply *reply;
		assert_ok(s, pyrite_names_watch__next(stream, &reply, &s->err));
		cr_assert(reply, "the watch ended");
		for (size_t i = 0; i < reply->n_events; i++, seen++) {
			const Pyrite__Event *event = reply->events[i];
			cr_assert_gt(event->revision, last, "out of order");
			last = event->revision;
			size += (size_t)snprintf(all + size, sizeof all - size, "%s%c%s",
				size ? " " : "", sign(event), event->name->name);
		}
		cr_assert_geq(reply->revision, last);
	}
	cr_assert_eq(seen, count, "%s", all);
	return all;
}

static uint64_t watches(served *s)
{
	Pyrite__StatusRequest request = PYRITE__STATUS_REQUEST__INIT;
	Pyrite__StatusReply *reply;
	assert_ok(s, pyrite_names_status(s->names, &request, &reply, &s->err));
	uint64_t count = reply->watches;
	pyrite__status_reply__free_unpacked(reply, NULL);
	return count;
}

SERVED_TEST(watches, N8_every_change_comes_once_and_in_order)
{
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	assert_ok(s, put(s, "before", "pyr:x@127.0.0.1:1"));
	pyr_stream *stream = watch(s, &request);
	assert_ok(s, put(s, "a", "pyr:x@127.0.0.1:1"));
	assert_ok(s, put(s, "b", "pyr:x@127.0.0.1:1"));
	assert_ok(s, take(s, "a"));
	assert_ok(s, put(s, "a", "pyr:x@127.0.0.1:1"));
	cr_assert_str_eq(events(s, stream, 4), "+a +b -a +a");
	uint64_t id = lease(s, 200);
	assert_ok(s, put_leased(s, "l", id));
	cr_assert_str_eq(events(s, stream, 2), "+l -l");
	pyr_stream_close(stream);
	wait_until(watches(s) == 0);
}

SERVED_TEST(watches, N8_a_burst_larger_than_any_message_comes_whole)
{
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	request.prefix = "n";
	pyr_stream *stream = watch(s, &request);
	put_many(s, "n", 20000);
	size_t seen = 0;
	while (seen < 20000) {
		const Pyrite__WatchReply *reply;
		assert_ok(s, pyrite_names_watch__next(stream, &reply, &s->err));
		for (size_t i = 0; i < reply->n_events; i++, seen++) {
			char name[32];
			snprintf(name, sizeof name, "n%07zu", seen);
			cr_assert_str_eq(reply->events[i]->name->name, name);
		}
	}
	pyr_stream_close(stream);
}

/* Resumes at what it has seen, again and again, while names change: no gap and nothing twice. */
SERVED_TEST(watches, N8_resumes_without_a_gap)
{
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	uint8_t store_id[NS_STORE_ID_SIZE];
	request.prefix = "n";
	pyr_stream *stream = watch(s, &request);
	size_t seen = 0;
	for (size_t round = 0; round < 20; round++) {
		char prefix[16];
		snprintf(prefix, sizeof prefix, "n%02zu.", round);
		put_many(s, prefix, 50);
		while (seen < round * 50 + 25) {
			const Pyrite__WatchReply *reply;
			assert_ok(s, pyrite_names_watch__next(stream, &reply, &s->err));
			for (size_t i = 0; i < reply->n_events; i++, seen++) {
				char name[32];
				snprintf(name, sizeof name, "n%02zu.%07zu", seen / 50, seen % 50);
				cr_assert_str_eq(reply->events[i]->name->name, name);
			}
			request.from_revision = reply->revision + 1;
			memcpy(store_id, reply->store_id.data, sizeof store_id);
		}
		request.store_id = (ProtobufCBinaryData){sizeof store_id, store_id};
		pyr_stream_close(stream);
		if (round == 10 && strcmp(s->kind, "sqlite") != 0)
			assert_ok(s, put(s, "other", "pyr:x@127.0.0.1:1"));
		stream = watch(s, &request);
	}
	pyr_stream_close(stream);
}

/* As many as end with a lease, at once, and from a revision among those. */
SERVED_TEST(watches, N8_from_a_later_revision_miss_nothing_in_many_changes_at_once)
{
	const size_t many = 6000;
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	uint64_t id = lease(s, 60000);
	for (size_t i = 0; i < many; i++) {
		char name[32];
		snprintf(name, sizeof name, "n%04zu", i);
		assert_ok(s, put_leased(s, name, id));
	}
	Pyrite__CountRequest ask = PYRITE__COUNT_REQUEST__INIT;
	Pyrite__CountReply *now;
	assert_ok(s, pyrite_names_count(s->names, &ask, &now, &s->err));
	request.store_id = now->store_id;
	request.from_revision = now->revision + 10;
	pyr_stream *stream = watch(s, &request);
	pyrite__count_reply__free_unpacked(now, NULL);
	Pyrite__RevokeRequest revoke = PYRITE__REVOKE_REQUEST__INIT;
	Pyrite__RevokeReply *reply;
	revoke.lease_id = id;
	assert_ok(s, pyrite_names_revoke(s->names, &revoke, &reply, &s->err));
	pyrite__revoke_reply__free_unpacked(reply, NULL);
	size_t seen = 0;
	while (seen < many - 9) {
		const Pyrite__WatchReply *news;
		assert_ok(s, pyrite_names_watch__next(stream, &news, &s->err));
		cr_assert(news, "the watch ended");
		for (size_t i = 0; i < news->n_events; i++, seen++)
			cr_assert_eq(news->events[i]->revision, request.from_revision + seen);
	}
	pyr_stream_close(stream);
}

SERVED_TEST(watches, of_one_name_or_a_prefix_tell_of_nothing_else)
{
	Pyrite__WatchRequest one = PYRITE__WATCH_REQUEST__INIT, some = PYRITE__WATCH_REQUEST__INIT;
	one.name = "a.b";
	some.prefix = "a.";
	pyr_stream *of_one = watch(s, &one), *of_some = watch(s, &some);
	const char *const all[] = {"a", "a.", "a.b", "a.c", "b"};
	for (size_t i = 0; i < 5; i++)
		assert_ok(s, put(s, all[i], "pyr:x@127.0.0.1:1"));
	assert_ok(s, take(s, "a.b"));
	cr_assert_str_eq(events(s, of_one, 2), "+a.b -a.b");
	cr_assert_str_eq(events(s, of_some, 4), "+a. +a.b +a.c -a.b");
	pyr_stream_close(of_one);
	pyr_stream_close(of_some);
}

static void tag(served *s, const char *name, const char *tag1)
{
	Pyrite__SetTagsRequest request = PYRITE__SET_TAGS_REQUEST__INIT;
	Pyrite__SetTagsReply *reply;
	char *tags[] = {(char *)tag1};
	request.name = (char *)name;
	request.replace = true;
	request.add = tags;
	request.n_add = tag1 != NULL;
	assert_ok(s, pyrite_names_set_tags(s->names, &request, &reply, &s->err));
	pyrite__set_tags_reply__free_unpacked(reply, NULL);
}

SERVED_TEST(watches, of_tags_tell_who_comes_and_who_leaves)
{
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	char *tags[] = {"gpu"};
	request.tags = tags;
	request.n_tags = 1;
	pyr_stream *stream = watch(s, &request);
	assert_ok(s, put_tagged(s, "a", "gpu", NULL));
	assert_ok(s, put_tagged(s, "b", "cpu", NULL));
	tag(s, "b", "gpu");
	tag(s, "a", "cpu");
	assert_ok(s, take(s, "a"));
	assert_ok(s, take(s, "b"));
	cr_assert_str_eq(events(s, stream, 4), "+a +b ~a -b");
	pyr_stream_close(stream);
}

/* That the watch ends so when it is read. */
static void assert_ends(
	served *s, const Pyrite__WatchRequest *request, pyr_status wanted, const char *text)
{
	pyr_stream *stream;
	const Pyrite__WatchReply *reply;
	assert_ok(s, pyrite_names_watch(s->names, request, &stream, &s->err));
	assert_fails(s, wanted, text, pyrite_names_watch__next(stream, &reply, &s->err));
	pyr_stream_close(stream);
}

Test(watches, N8_what_is_not_kept_any_more_is_out_of_range)
{
	served s;
	served_init(&s, "memory");
	s.limits.history_events_max = 16;
	served_start(&s);
	put_many(&s, "n", 100);
	Pyrite__StatusRequest ask = PYRITE__STATUS_REQUEST__INIT;
	Pyrite__StatusReply *state;
	assert_ok(&s, pyrite_names_status(s.names, &ask, &state, &s.err));
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	request.from_revision = state->oldest_revision - 1;
	assert_ends(&s, &request, PYR_INVALID_ARGUMENT, "store_id");
	request.store_id = state->store_id;
	assert_ends(&s, &request, PYR_OUT_OF_RANGE, "list the names again");
	request.from_revision++;
	pyr_stream *stream = watch(&s, &request);
	events(&s, stream, (size_t)(state->revision - state->oldest_revision + 1));
	pyr_stream_close(stream);
	state->store_id.data[3] ^= 1;
	assert_ends(&s, &request, PYR_OUT_OF_RANGE, "another store");
	pyrite__status_reply__free_unpacked(state, NULL);
	request = (Pyrite__WatchRequest)PYRITE__WATCH_REQUEST__INIT;
	request.name = request.prefix = "a";
	assert_ends(&s, &request, PYR_INVALID_ARGUMENT, "name and prefix");
	request.prefix = "";
	request.name = "a\nb";
	assert_ends(&s, &request, PYR_INVALID_ARGUMENT, "byte 2");
	served_done(&s);
	CHECK_LEAKS();
}

Test(watches, are_told_the_revision_now_and_then)
{
	served s;
	served_init(&s, "memory");
	s.options.progress_ms = 50;
	served_start(&s);
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	request.name = "never";
	pyr_stream *stream = watch(&s, &request);
	put_many(&s, "n", 10);
	uint64_t revision = revision_of(&s);
	const Pyrite__WatchReply *reply;
	do
		assert_ok(&s, pyrite_names_watch__next(stream, &reply, &s.err));
	while (reply->revision < revision);
	cr_assert_eq(reply->n_events, 0);
	pyr_stream_close(stream);
	served_done(&s);
	CHECK_LEAKS();
}

Test(watches, more_than_may_be_are_refused)
{
	served s;
	served_init(&s, "memory");
	s.options.watches_per_connection_max = 2;
	served_start(&s);
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	pyr_stream *first = watch(&s, &request), *second = watch(&s, &request);
	assert_ends(&s, &request, PYR_RESOURCE_EXHAUSTED, "this connection has 2 watches");
	pyr_stream_close(first);
	wait_until(watches(&s) == 1);
	first = watch(&s, &request);
	pyr_stream_close(first);
	pyr_stream_close(second);
	served_done(&s);
	CHECK_LEAKS();
}

/*
 * Nothing is queued for one that does not read, past the stream's window: it reads the history when
 * it can, and when that has gone on without it, it is told so. Nobody else notices.
 */
Test(watches, N8_one_that_does_not_read_is_left_behind_alone)
{
	served s;
	served_init(&s, "memory");
	s.limits.history_events_max = 4096;
	served_start(&s);
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	request.prefix = "n";
	pyr_stream *slow = watch(&s, &request), *swift = watch(&s, &request);
	size_t seen = 0;
	for (int i = 0; i < 20; i++) {
		char prefix[16];
		snprintf(prefix, sizeof prefix, "n%02d.", i);
		put_many(&s, prefix, 1000);
		while (seen < 1000 * ((size_t)i + 1)) {
			const Pyrite__WatchReply *reply;
			assert_ok(&s, pyrite_names_watch__next(swift, &reply, &s.err));
			seen += reply->n_events;
		}
	}
	cr_assert_eq(seen, 20000);
	const Pyrite__WatchReply *reply;
	pyr_status status;
	uint64_t last = 0;
	size_t late = 0;
	while ((status = pyrite_names_watch__next(slow, &reply, &s.err)) == PYR_OK) {
		cr_assert(reply);
		for (size_t i = 0; i < reply->n_events; i++, late++) {
			cr_assert(last == 0 || reply->events[i]->revision == last + 1, "a gap");
			last = reply->events[i]->revision;
		}
	}
	cr_assert(late > 0 && late < 20000 - 4096, "%zu events were kept for it", late);
	assert_fails(&s, PYR_OUT_OF_RANGE, "list the names again", status);
	pyr_stream_close(slow);
	pyr_stream_close(swift);
	wait_until(watches(&s) == 0);
	served_done(&s);
	CHECK_LEAKS();
}

Test(watches, end_when_the_server_stops)
{
	served s;
	served_init(&s, "memory");
	served_start(&s);
	Pyrite__WatchRequest request = PYRITE__WATCH_REQUEST__INIT;
	pyr_stream *stream = watch(&s, &request);
	request.name = "a";
	pyr_stream *other = watch(&s, &request);
	const Pyrite__WatchReply *reply;
	served_stop(&s);
	cr_assert_neq(pyrite_names_watch__next(stream, &reply, &s.err), PYR_OK);
	cr_assert_neq(pyrite_names_watch__next(other, &reply, &s.err), PYR_OK);
	pyr_stream_close(stream);
	pyr_stream_close(other);
	served_done(&s);
	CHECK_LEAKS();
}
