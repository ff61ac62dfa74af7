/* SPDX-License-Identifier: Apache-2.0 */
/* One suite of tests over every kind of store, with short words for what they do all the time. */
#ifndef TESTS_NAMESERVER_FIXTURE_H
#define TESTS_NAMESERVER_FIXTURE_H

#include <criterion/criterion.h>
#include "leaks.h"
#include "nameserver/store.h"

typedef struct fixture {
	const char *kind; /* "memory" or "sqlite" */
	ns_limits limits; /* for the next opening */
	uint64_t now_us;
	ns_store *store;
	char directory[64]; /* with sqlite: a temporary one, and the file in it */
	char path[96];
	pyr_error err; /* of the last call that failed */
} fixture;

void fixture_open(fixture *f, const char *kind);
void fixture_close(fixture *f);

/* Closes the store and opens it again: with memory there is nothing in it. */
void fixture_reopen(fixture *f);

/* STORE_TEST(suite, what_holds) { ... f->store ... }: a test on each kind of store. */
#define STORE_TEST(suite, name)                                                                    \
	static void suite##_##name(fixture *f);                                                    \
	Test(suite##_in_memory, name)                                                              \
	{                                                                                          \
		run_on("memory", suite##_##name);                                                  \
	}                                                                                          \
	Test(suite##_in_sqlite, name)                                                              \
	{                                                                                          \
		run_on("sqlite", suite##_##name);                                                  \
	}                                                                                          \
	static void suite##_##name(fixture *f)

void run_on(const char *kind, void (*body)(fixture *f));

/* An array of texts and its length, as two arguments or two initialisers. */
#define TEXTS(...)                                                                                 \
	(const char *const[]){__VA_ARGS__},                                                        \
		sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

#define FILTER(...) ((ns_filter){__VA_ARGS__})

extern const ns_caller anybody;
extern const ns_caller server; /* the name server itself */

/* Registers name for a reference and commits. */
pyr_status put(fixture *f, const char *name, const char *reference);

/* Stages as anybody, and commits if that went well. ret_revision may be NULL. */
pyr_status put_with(fixture *f, const ns_registration *registration, uint64_t *ret_revision);

/* Removes by name, and commits. */
pyr_status take(fixture *f, const char *name);

/* A lease of anybody, committed. */
uint64_t lease(fixture *f, uint32_t ttl_ms);

/* Lets time pass, ends what has ended, and commits. */
void pass_ms(fixture *f, uint64_t ms);

void commit(fixture *f);

/* "a b c": the names that match, in order; in a static buffer. */
const char *list(fixture *f, ns_filter filter);
const char *list_regex(fixture *f, const char *regex);

/* The name's first reference; NULL if it is not registered. */
const char *reference_of(fixture *f, const char *name);

/* "+a -a": the changes from a revision on, in order; in a static buffer. */
const char *changes_from(fixture *f, uint64_t revision);

#define assert_ok(f, status)                                                                       \
	do {                                                                                       \
		pyr_status status_ = (status);                                                     \
		cr_assert(                                                                         \
			status_ == PYR_OK, "%s: %s", pyr_status_name(status_), (f)->err.message);  \
	} while (0)

/* That the status is so and the error's message contains the text. */
#define assert_fails(f, wanted, text, status)                                                      \
	do {                                                                                       \
		pyr_status status_ = (status);                                                     \
		cr_assert(status_ == (wanted), "%s: %s", pyr_status_name(status_),                 \
			status_ ? (f)->err.message : "");                                          \
		cr_assert(strstr((f)->err.message, text), "%s", (f)->err.message);                 \
	} while (0)

#endif
