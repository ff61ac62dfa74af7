/* SPDX-License-Identifier: Apache-2.0 */
/* A name server in the test's own process, on a Unix socket, and a client of it. */
#ifndef TESTS_NAMESERVER_SERVED_H
#define TESTS_NAMESERVER_SERVED_H

#include <criterion/criterion.h>
#include <pyrite/names.pyr.h>
#include <pyrite/pyrite.h>
#include "descriptors.h"
#include "leaks.h"
#include "nameserver/service.h"

typedef struct served {
	const char *kind; /* "memory" or "sqlite" */
	ns_limits limits; /* for the next start */
	ns_service_options options;
	char directory[64]; /* a temporary one */
	char endpoint[96];
	char store_path[96];
	pyr_daemon *daemon; /* while it runs */
	ns_service *service;
	pyr_context *context; /* whose name server it is */
	pyrite_names *names;
	pyr_error err; /* of the last call that failed */
	int descriptors;
} served;

void served_init(served *s, const char *kind);
void served_start(served *s);
void served_stop(served *s); /* clients stay, and find nobody */
void served_done(served *s); /* stops it, and checks that nothing is left */

/* Runs a test's body against a server with that store. */
void run_served(const char *kind, void (*body)(served *s));

/* SERVED_TEST(suite, what_holds) { ... s->names ... }: a test on each kind of store. */
#define SERVED_TEST(suite, name)                                                                   \
	static void suite##_##name(served *s);                                                     \
	Test(suite##_in_memory, name)                                                              \
	{                                                                                          \
		run_served("memory", suite##_##name);                                              \
	}                                                                                          \
	Test(suite##_in_sqlite, name)                                                              \
	{                                                                                          \
		run_served("sqlite", suite##_##name);                                              \
	}                                                                                          \
	static void suite##_##name(served *s)

/* A proxy of a context of its own, so on a connection of its own; free both. */
pyrite_names *served_open(served *s, pyr_context **ret_context);

pyr_status put(served *s, const char *name, const char *reference);
pyr_status put_tagged(served *s, const char *name, const char *tag1, const char *tag2);
pyr_status put_leased(served *s, const char *name, uint64_t lease_id);
pyr_status take(served *s, const char *name);
uint64_t lease(served *s, uint32_t ttl_ms);
bool is_there(served *s, const char *name);
uint64_t revision_of(served *s);

/* Lists with this request: "a b c", in a static buffer; pages are put together. */
pyr_status list(served *s, Pyrite__ListRequest request, const char **ret_names);

/* Registers COUNT names PREFIX0000000 ... with many calls at once. */
void put_many(served *s, const char *prefix, size_t count);

/* Until condition holds; fails after 10 s. */
#define wait_until(condition)                                                                      \
	do {                                                                                       \
		uint64_t until_ms = test_now_ms() + 10000;                                         \
		while (!(condition)) {                                                             \
			cr_assert(test_now_ms() < until_ms, "not in time: %s", #condition);        \
			test_pause();                                                              \
		}                                                                                  \
	} while (0)

uint64_t test_now_ms(void);
void test_pause(void); /* a millisecond, between two looks */

#define assert_ok(s, status)                                                                       \
	do {                                                                                       \
		pyr_status status_ = (status);                                                     \
		cr_assert(                                                                         \
			status_ == PYR_OK, "%s: %s", pyr_status_name(status_), (s)->err.message);  \
	} while (0)

/* That the status is so and the error's message contains the text. */
#define assert_fails(s, wanted, text, status)                                                      \
	do {                                                                                       \
		pyr_status status_ = (status);                                                     \
		cr_assert(status_ == (wanted), "%s: %s", pyr_status_name(status_),                 \
			status_ ? (s)->err.message : "");                                          \
		cr_assert(strstr((s)->err.message, text), "%s", (s)->err.message);                 \
	} while (0)

#endif
