/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a daemon's objects by id and interface, and saying what there is instead. */
#include "server/objects.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include "base/utf8.h"
#include "leaks.h"

static const pyr_method clock_methods[] = {{.name = "Now"}, {.name = "Set"}};
static const pyr_method bell_methods[] = {{.name = "Ring"}};
static const pyr_interface clock_interface = {
	.name = "demo.Clock", .method_count = 2, .methods = clock_methods};
static const pyr_interface bell_interface = {
	.name = "demo.Bell", .method_count = 1, .methods = bell_methods};
static const pyr_interface empty_interface = {.name = "demo.Empty"};

static pyr__objects objects;
static pyr_error err;

static pyr__text text(const char *t)
{
	return (pyr__text){t, strlen(t)};
}

static void begin(void)
{
	pyr__objects_init(&objects);
}

static void end(void)
{
	pyr__objects_done(&objects);
	CHECK_LEAKS();
}

static pyr_status add(const char *id, const pyr_interface *interface, void *self)
{
	return pyr__objects_add(&objects, id, interface, NULL, self, false, &err);
}

#define ADD(id, interface, self) cr_assert_eq(add(id, interface, self), PYR_OK, "%s", err.message)

/* As a call does it. The object, or NULL and an error. */
static pyr__object *find(const char *id, const char *method)
{
	pyr__object *object = NULL;
	const pyr__bound *bound = pyr__objects_bind(&objects, text(method));
	pyr_status status =
		pyr__objects_find(&objects, text(id), text(method), bound, &object, &err);
	cr_assert_eq(status == PYR_OK, object != NULL);
	return object;
}

static void expect(const char *id, const char *method, const void *self)
{
	pyr__object *object = find(id, method);
	cr_assert(object, "%s", err.message);
	cr_assert_eq(object->self, self);
	pyr__object_unref(object);
}

static void expect_none(const char *id, const char *method, pyr_status status, const char *why)
{
	cr_assert_null(find(id, method));
	cr_assert_eq(err.status, status, "%s", pyr_status_name(err.status));
	cr_assert_str_eq(err.message, why);
}

Test(object, has_an_id_of_1_to_255_bytes_of_utf8)
{
	char longest[PYR_OBJECT_ID_MAX + 2];
	begin();
	memset(longest, 'i', sizeof longest);
	longest[PYR_OBJECT_ID_MAX + 1] = '\0';
	cr_assert_eq(add(longest, &clock_interface, NULL), PYR_INVALID_ARGUMENT);
	cr_assert_str_eq(err.message, "an object id has 1 to 255 bytes, this one has 256");
	longest[PYR_OBJECT_ID_MAX] = '\0';
	ADD(longest, &clock_interface, longest);
	expect(longest, "demo.Clock/Now", longest);
	cr_assert_eq(add("", &clock_interface, NULL), PYR_INVALID_ARGUMENT);
	cr_assert_str_eq(err.message, "an object id has 1 to 255 bytes, this one has 0");
	cr_assert_eq(add("caf\xe9", &clock_interface, NULL), PYR_INVALID_ARGUMENT);
	cr_assert_str_eq(err.message, "an object id is UTF-8; byte 4 of this one is not");
	cr_assert_eq(add("pyr.x", &clock_interface, NULL), PYR_INVALID_ARGUMENT);
	cr_assert_str_eq(err.message, "object ids that begin with 'pyr.' are reserved: 'pyr.x'");
	ADD("pyr", &clock_interface, NULL);
	ADD("caf\xc3\xa9 @:%", &clock_interface, NULL);
	end();
}

Test(object, is_found_by_id_and_interface)
{
	int a, b, c;
	begin();
	ADD("hall", &clock_interface, &a);
	ADD("hall", &bell_interface, &b);
	ADD("attic", &clock_interface, &c);
	expect("hall", "demo.Clock/Now", &a);
	expect("hall", "demo.Clock/Set", &a);
	expect("hall", "demo.Bell/Ring", &b);
	expect("attic", "demo.Clock/Set", &c);
	cr_assert_eq(add("hall", &bell_interface, &c), PYR_ALREADY_EXISTS);
	cr_assert_str_eq(
		err.message, "an object 'hall' with the interface demo.Bell is registered already");
	expect("hall", "demo.Bell/Ring", &b);
	ADD("hall", &empty_interface, &b); /* an interface without methods is one */
	end();
}

Test(object, says_what_there_is_instead)
{
	begin();
	ADD("hall", &clock_interface, NULL);
	expect_none("cellar", "demo.Clock/Now", PYR_NOT_FOUND, "no object 'cellar' here");
	expect_none("cellar", "demo.Nothing/Now", PYR_NOT_FOUND, "no object 'cellar' here");
	expect_none("hall", "demo.Clock/Stop", PYR_UNIMPLEMENTED,
		"the object 'hall' has no method demo.Clock/Stop");
	expect_none("hall", "demo.Bell/Ring", PYR_UNIMPLEMENTED,
		"the object 'hall' has the interface demo.Clock, not demo.Bell");
	expect_none("hall", "nonsense", PYR_UNIMPLEMENTED,
		"the object 'hall' has the interface demo.Clock, not nonsense");
	expect_none("hall", "", PYR_UNIMPLEMENTED,
		"the object 'hall' has the interface demo.Clock, not ");
	ADD("hall", &empty_interface, NULL);
	expect_none("hall", "demo.Bell/Ring", PYR_UNIMPLEMENTED,
		"the object 'hall' has the interface demo.Clock and others, not demo.Bell");
	end();
}

Test(object, needs_no_id_where_it_is_the_only_one)
{
	int a, b;
	begin();
	ADD("hall", &clock_interface, &a);
	ADD("hall", &bell_interface, &b);
	expect("", "demo.Clock/Now", &a);
	expect("", "demo.Bell/Ring", &b);
	expect_none("", "demo.Clock/Stop", PYR_UNIMPLEMENTED,
		"the object 'hall' has no method demo.Clock/Stop");
	expect_none("", "demo.Door/Open", PYR_UNIMPLEMENTED,
		"no object here has the interface demo.Door");
	ADD("attic", &clock_interface, &b);
	expect_none("", "demo.Clock/Now", PYR_NOT_FOUND,
		"the call names no object, and 2 have the interface demo.Clock: 'hall', 'attic'");
	end();
}

Test(object, names_some_of_many_candidates_and_cuts_no_character)
{
	char id[64];
	begin();
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof id, "%d", i);
		ADD(id, &clock_interface, NULL);
	}
	expect_none("", "demo.Clock/Now", PYR_NOT_FOUND,
		"the call names no object, and 20 have the interface demo.Clock: "
		"'0', '1', '2', '3', '4', '5', '6', '7'");
	end();
	begin();
	for (int i = 0; i < 3; i++) {
		char wide[PYR_OBJECT_ID_MAX + 1] = "";
		for (int at = 0; at < 80 + i; at++)
			strcat(wide, "\xe2\x82\xac");
		ADD(wide, &bell_interface, NULL);
	}
	cr_assert_null(find("", "demo.Bell/Ring"));
	size_t size = strlen(err.message);
	cr_assert_eq(pyr__utf8_valid_bytes(err.message, size), size, "it ends in half a character");
	cr_assert(strstr(err.message, "3 have the interface demo.Bell: '\xe2\x82\xac"));
	cr_assert_eq(err.message[size - 1], '\'', "an id is cut: %s", err.message);
	end();
}

static unsigned count_recent(void)
{
	unsigned count = 0;
	for (size_t i = 0; i < PYR__OBJECTS_RECENT; i++)
		count += objects.recent[i].objects[0] != NULL;
	return count;
}

Test(object, that_is_called_often_is_found_without_the_map)
{
	char id[48];
	begin();
	for (int i = 0; i < 64; i++) {
		snprintf(id, sizeof id, "a-rather-long-object-%d", i);
		ADD(id, &clock_interface, id);
		expect(id, "demo.Clock/Now", id);
	}
	/* places for them are few, but not so few that they take them from each other */
	cr_assert_gt(count_recent(), 45, "64 objects have %u places", count_recent());
	end();
}

Test(object, is_removed_by_interface_or_as_a_whole)
{
	int a, b, c;
	begin();
	ADD("hall", &clock_interface, &a);
	ADD("hall", &bell_interface, &b);
	ADD("hall", &empty_interface, &c);
	/* the first, whose id the table has as its key */
	cr_assert_eq(pyr__objects_remove(&objects, "hall", &clock_interface, &err), PYR_OK);
	expect("hall", "demo.Bell/Ring", &b);
	expect_none("hall", "demo.Clock/Now", PYR_UNIMPLEMENTED,
		"the object 'hall' has the interface demo.Empty and others, not demo.Clock");
	cr_assert_eq(pyr__objects_remove(&objects, "hall", &clock_interface, &err), PYR_NOT_FOUND);
	cr_assert_str_eq(
		err.message, "no object 'hall' with the interface demo.Clock is registered");
	cr_assert(pyr__objects_has(&objects, text("hall")));
	cr_assert_eq(pyr__objects_remove(&objects, "hall", NULL, &err), PYR_OK);
	cr_assert_not(pyr__objects_has(&objects, text("hall")));
	cr_assert_eq(pyr__objects_remove(&objects, "hall", NULL, &err), PYR_NOT_FOUND);
	cr_assert_str_eq(err.message, "no object 'hall' is registered");
	expect_none("hall", "demo.Bell/Ring", PYR_NOT_FOUND, "no object 'hall' here");
	ADD("hall", &clock_interface, &b);
	expect("hall", "demo.Clock/Now", &b);
	end();
}

Test(object, lives_as_long_as_a_call_runs_on_it)
{
	int a;
	begin();
	ADD("hall", &clock_interface, &a);
	pyr__object *object = find("hall", "demo.Clock/Now");
	cr_assert_eq(pyr__objects_remove(&objects, "hall", NULL, &err), PYR_OK);
	pyr__objects_done(&objects);
	cr_assert_str_eq(object->id, "hall");
	cr_assert_eq(object->self, &a);
	pyr__object_unref(object);
	pyr__object_unref(NULL);
	CHECK_LEAKS();
}

Test(object, is_configured_by_interface_or_as_a_whole)
{
	pyr_object_options on_any_thread = PYR_OBJECT_OPTIONS_INIT, on_the_loop = on_any_thread;
	on_any_thread.any_thread = true;
	begin();
	ADD("hall", &clock_interface, NULL);
	ADD("hall", &bell_interface, NULL);
	pyr__object *clock = find("hall", "demo.Clock/Now"), *bell = find("hall", "demo.Bell/Ring");
	cr_assert_not(atomic_load(&clock->any_thread));
	cr_assert_eq(
		pyr__objects_configure(&objects, "hall", &bell_interface, &on_any_thread, &err),
		PYR_OK);
	cr_assert(atomic_load(&bell->any_thread));
	cr_assert_not(atomic_load(&clock->any_thread));
	cr_assert_eq(pyr__objects_configure(&objects, "hall", NULL, &on_any_thread, &err), PYR_OK);
	cr_assert(atomic_load(&clock->any_thread));
	cr_assert_eq(pyr__objects_configure(&objects, "hall", NULL, &on_the_loop, &err), PYR_OK);
	cr_assert_not(atomic_load(&clock->any_thread) || atomic_load(&bell->any_thread));
	cr_assert_eq(
		pyr__objects_configure(&objects, "hall", &empty_interface, &on_any_thread, &err),
		PYR_NOT_FOUND);
	cr_assert_str_eq(
		err.message, "no object 'hall' with the interface demo.Empty is registered");
	pyr__object_unref(clock);
	pyr__object_unref(bell);
	end();
}

Test(object, has_one_table_for_each_interface)
{
	static const pyr_interface twin = {
		.name = "demo.Clock", .method_count = 2, .methods = clock_methods};
	begin();
	ADD("hall", &clock_interface, NULL);
	cr_assert_eq(add("attic", &twin, NULL), PYR_FAILED_PRECONDITION);
	cr_assert_str_eq(err.message,
		"demo.Clock has been registered with another table: this program has its "
		"generated code twice");
	cr_assert_not(pyr__objects_has(&objects, text("attic")));
	/* for ever: connections keep what they have found by a method's name */
	cr_assert_eq(pyr__objects_remove(&objects, "hall", NULL, &err), PYR_OK);
	cr_assert_eq(add("attic", &twin, NULL), PYR_FAILED_PRECONDITION);
	end();
}

Test(object, of_the_daemons_own_answers_under_every_id)
{
	static const pyr_interface twin = {
		.name = "demo.Bell", .method_count = 1, .methods = bell_methods};
	int own, a;
	begin();
	pyr__objects_add_own(&objects, &bell_interface, NULL, &own);
	ADD("hall", &clock_interface, &a);
	expect("hall", "demo.Bell/Ring", &own);
	expect("there is none of this id", "demo.Bell/Ring", &own);
	expect("", "demo.Bell/Ring", &own);
	expect_none("cellar", "demo.Clock/Now", PYR_NOT_FOUND, "no object 'cellar' here");
	cr_assert_eq(add("door", &twin, NULL), PYR_ALREADY_EXISTS);
	cr_assert_str_eq(
		err.message, "the daemon serves demo.Bell itself, unless its options say no");
	end();
}

Test(object, tells_which_interfaces_there_are)
{
	const pyr_interface *found[3] = {NULL, NULL, NULL};
	begin();
	cr_assert_eq(pyr__objects_interfaces(&objects, found, 3), 0);
	ADD("hall", &clock_interface, NULL);
	ADD("attic", &clock_interface, NULL);
	ADD("attic", &bell_interface, NULL);
	cr_assert_eq(pyr__objects_interfaces(&objects, found, 1), 2);
	cr_assert_eq(found[0], &clock_interface);
	cr_assert_null(found[1], "more was written than there is room for");
	cr_assert_eq(pyr__objects_interfaces(&objects, found, 3), 2);
	cr_assert_eq(found[1], &bell_interface);
	end();
}

static bool is_id(const char *bytes, size_t size)
{
	return pyr__object_is_id((pyr__text){bytes, size});
}

/* What a peer sends as an id need not be one. */
Test(object, is_not_called_by_what_is_no_id)
{
	char longest[PYR_OBJECT_ID_MAX + 1];
	memset(longest, 'x', sizeof longest);
	cr_assert(is_id("a", 1));
	cr_assert(is_id(longest, PYR_OBJECT_ID_MAX));
	cr_assert_not(is_id("", 0));
	cr_assert_not(is_id(longest, PYR_OBJECT_ID_MAX + 1));
	cr_assert_not(is_id("a\0b", 3));
	cr_assert_not(is_id("\0", 1));
	cr_assert_not(is_id("a\xff", 2));
	cr_assert_not(is_id("pyr.x", 5));
}
