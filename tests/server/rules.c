/* SPDX-License-Identifier: Apache-2.0 */
/* Access rules: what a pattern matches, which rule decides, and files with mistakes. */
#include "server/rules.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "leaks.h"

static pyr_error err;

static pyr__text text(const char *t)
{
	return (pyr__text){t, strlen(t)};
}

/* Patterns */

Test(rules, a_pattern_is_for_the_whole_text)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} tries[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "a", true},
		{"a", "", false},
		{"a", "ab", false},
		{"ab", "a", false},
		{"*", "", true},
		{"*", "anything", true},
		{"?*", "", false},
		{"?*", "x", true},
		{"?*", "xyz", true},
		{"?", "x", true},
		{"?", "xy", false},
		{"?", "\xc3\xa4", true},
		{"??", "\xc3\xa4", false},
		{"*?", "\xc3\xa4", true},
		{"*??", "\xc3\xa4", false},
		{"CN*", "CN=alice", true},
		{"CN*", "XCN=alice", false},
		{"*.Calculator/*", "demo.Calculator/Add", true},
		{"*.Calculator/*", "demo.Calculator", false},
		{"demo.*/A*d", "demo.Calculator/Add", true},
		{"demo.*/A*d", "demo.Calculator/Adder", false},
		{"*a*b", "aXbXaXb", true},
		{"*a*b", "aXbXaX", false},
		{"a**b", "ab", true},
		{"a\\b", "a\\b", true},
		{"[a]", "a", false},
	};
	for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++)
		cr_assert_eq(pyr__rules_match(tries[i].pattern, text(tries[i].text)),
			tries[i].matches, "'%s' and '%s'", tries[i].pattern, tries[i].text);
}

Test(rules, a_text_has_no_end_but_its_own)
{
	cr_assert(!pyr__rules_match("calc", (pyr__text){"calc\0x", 6}));
	cr_assert(pyr__rules_match("calc", (pyr__text){"calculator", 4}));
	cr_assert(pyr__rules_match("", (pyr__text){NULL, 0}));
}

/* The longest texts that a peer can send, and a pattern that goes back as often as it can. */
Test(rules, a_pattern_takes_no_longer_than_its_size_times_the_texts, .timeout = 20)
{
	static char pattern[1024], called[1024];
	memset(called, 'a', sizeof called);
	for (size_t i = 0; i + 2 < sizeof pattern; i += 2)
		memcpy(pattern + i, "*a", 2);
	pattern[1022] = 'b';
	for (int i = 0; i < 1000; i++)
		cr_assert(!pyr__rules_match(pattern, (pyr__text){called, sizeof called}));
}

/* Tables */

static pyr__verdict judge(
	const pyr__rules *rules, const char *principal, const char *object, const char *method)
{
	pyr__access access = {text(principal), text(object), text(method)};
	return pyr__rules_judge(rules, &access);
}

Test(rules, the_first_that_matches_decides)
{
	const pyr_rule rules[] = {
		{"mallory", NULL, NULL, false},
		{NULL, "calc", "demo.Calculator/Add", true},
		{"?*", "calc", NULL, true},
		{"", NULL, NULL, false},
		{"uid:0", NULL, NULL, true},
	};
	pyr__rules *table = pyr__rules_new(rules, sizeof rules / sizeof rules[0]);
	cr_assert_eq(judge(table, "mallory", "calc", "demo.Calculator/Add"), PYR__VERDICT_DENY);
	cr_assert_eq(judge(table, "", "calc", "demo.Calculator/Add"), PYR__VERDICT_ALLOW);
	cr_assert_eq(judge(table, "", "calc", "demo.Calculator/Divide"), PYR__VERDICT_DENY);
	cr_assert_eq(judge(table, "alice", "calc", "demo.Calculator/Divide"), PYR__VERDICT_ALLOW);
	cr_assert_eq(judge(table, "alice", "other", "demo.Calculator/Add"), PYR__VERDICT_NONE);
	cr_assert_eq(judge(table, "uid:0", "other", "x.Y/Z"), PYR__VERDICT_ALLOW);
	pyr__rules_unref(table);
	table = pyr__rules_new(NULL, 0);
	cr_assert_eq(judge(table, "uid:0", "calc", "x.Y/Z"), PYR__VERDICT_NONE);
	pyr__rules_unref(table);
	CHECK_LEAKS();
}

/* Text */

static pyr__rules *parse(const char *lines)
{
	pyr__rules *table = NULL;
	cr_assert_eq(pyr__rules_parse(lines, strlen(lines), "rules", &table, &err), PYR_OK, "%s",
		err.message);
	return table;
}

Test(rules, a_line_is_a_rule)
{
	pyr__rules *table = parse("# who may what\n"
				  "\n"
				  "allow alice calc demo.Calculator/* # but for\r\n"
				  "\tdeny \"\"  *\t* \n"
				  "allow \"CN=Alice Smith\" \"#1\" *");
	cr_assert_eq(judge(table, "alice", "calc", "demo.Calculator/Add"), PYR__VERDICT_ALLOW);
	cr_assert_eq(judge(table, "alice", "calc", "demo.Other/Add"), PYR__VERDICT_NONE);
	cr_assert_eq(judge(table, "", "calc", "demo.Calculator/Add"), PYR__VERDICT_DENY);
	cr_assert_eq(judge(table, "CN=Alice Smith", "#1", "a.B/C"), PYR__VERDICT_ALLOW);
	cr_assert_eq(judge(table, "CN=Alice", "#1", "a.B/C"), PYR__VERDICT_NONE);
	pyr__rules_unref(table);
	pyr__rules_unref(parse(""));
	CHECK_LEAKS();
}

static void refuses(const char *lines, size_t size, const char *message)
{
	pyr__rules *table = NULL;
	cr_assert_eq(pyr__rules_parse(lines, size, "/etc/rules", &table, &err),
		PYR_INVALID_ARGUMENT, "%s", lines);
	cr_assert_null(table);
	cr_assert(strstr(err.message, message), "'%s' is not in '%s'", message, err.message);
}

#define REFUSES(lines, message) refuses(lines, sizeof lines - 1, message)

Test(rules, a_mistake_is_told_with_its_line)
{
	REFUSES("permit a b *", "/etc/rules, line 1: it begins with neither allow nor deny");
	REFUSES("allow a b *\n\nallow a b", "/etc/rules, line 3: it is not of the form");
	REFUSES("allow", "line 1: it is not of the form");
	REFUSES("#\nallow a b * c", "line 2: it is not of the form");
	REFUSES("allow a # b *", "line 1: it is not of the form");
	REFUSES("allow \"a b *", "line 1: a quote is not closed");
	REFUSES("allow a b \"x", "line 1: a quote is not closed");
	REFUSES("allow a b * \"x", "line 1: a quote is not closed");
	REFUSES("allow a\"b\" c *", "line 1: a quote is beside something else than a blank");
	REFUSES("allow \"a\"b c *", "line 1: a quote is beside something else than a blank");
	REFUSES("deny a b demo.Calculator", "line 1: the method is not of the form");
	REFUSES("allow a b *\nallow a\0b c *", "line 2: it has a NUL byte");
	REFUSES("allow \xff b *", "line 1: the principal is longer than 1,023 bytes, or not");
	REFUSES("allow a \x1b b *", "line 1: it is not of the form");
	REFUSES("allow a b\x1b *", "line 1: the object is longer than 1,023 bytes, or not");
	CHECK_LEAKS();
}

Test(rules, a_file_has_10000_rules_and_no_more)
{
	static const char line[] = "allow a b *\n";
	size_t size = sizeof line - 1, count = PYR_RULES_MAX + 1;
	char *lines = malloc(size * count);
	for (size_t i = 0; i < count; i++)
		memcpy(lines + i * size, line, size);
	refuses(lines, size * count, "line 10001: there are more than 10,000 rules");
	pyr__rules *table = NULL;
	cr_assert_eq(pyr__rules_parse(lines, size * PYR_RULES_MAX, "rules", &table, &err), PYR_OK);
	pyr__rules_unref(table);
	free(lines);
	CHECK_LEAKS();
}

/* A daemon's */

typedef struct fixture {
	pyr_daemon *daemon;
	char folder[32], path[64];
} fixture;

static void begin(fixture *f)
{
	strcpy(f->folder, "/tmp/pyrite-rules-XXXXXX");
	cr_assert(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/rules", f->folder);
	cr_assert_eq(pyr_daemon_new(NULL, &f->daemon, &err), PYR_OK, "%s", err.message);
}

static void end(fixture *f)
{
	pyr_daemon_free(f->daemon);
	unlink(f->path);
	rmdir(f->folder);
	CHECK_LEAKS();
}

static void write_file(const fixture *f, const char *lines, mode_t mode)
{
	FILE *file = fopen(f->path, "w");
	cr_assert(file && fputs(lines, file) >= 0);
	fclose(file);
	cr_assert_eq(chmod(f->path, mode), 0);
}

static void load_fails(fixture *f, const char *path, pyr_status status, const char *message)
{
	cr_assert_eq(pyr_daemon_load_rules(f->daemon, path, &err), status);
	cr_assert(strstr(err.message, path) && strstr(err.message, message), "%s", err.message);
}

Test(rules, a_file_that_is_none_is_refused)
{
	fixture f;
	begin(&f);
	load_fails(&f, f.path, PYR_FAILED_PRECONDITION, "cannot read");
	load_fails(&f, f.folder, PYR_FAILED_PRECONDITION, "is not a file");
	load_fails(&f, "/dev/zero", PYR_FAILED_PRECONDITION, "is not a file");
	write_file(&f, "allow * * *\n", 0622);
	load_fails(&f, f.path, PYR_FAILED_PRECONDITION, "chmod go-w");
	write_file(&f, "allow * * *\nallow\n", 0644);
	load_fails(&f, f.path, PYR_INVALID_ARGUMENT, "line 2");
	write_file(&f, "allow * * *\n", 0644);
	cr_assert_eq(pyr_daemon_load_rules(f.daemon, f.path, &err), PYR_OK, "%s", err.message);
	cr_assert_eq(truncate(f.path, (4 << 20) + 1), 0);
	load_fails(&f, f.path, PYR_INVALID_ARGUMENT, "larger than 4 MiB");
	end(&f);
}

Test(rules, a_table_with_a_mistake_is_refused)
{
	fixture f;
	char long_text[PYR_RULE_TEXT_MAX + 1];
	memset(long_text, 'x', sizeof long_text);
	long_text[PYR_RULE_TEXT_MAX] = '\0';
	const pyr_rule good = {"a", "b", "*", true};
	const pyr_rule bad[][2] = {
		{good, {long_text, NULL, NULL, true}},
		{good, {NULL, "\xff", NULL, true}},
		{good, {NULL, NULL, "demo.Calculator", false}},
	};
	begin(&f);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_assert_eq(pyr_daemon_set_rules(f.daemon, bad[i], 2, &err), PYR_INVALID_ARGUMENT);
		cr_assert(strstr(err.message, "rule number 1: the "), "%s", err.message);
	}
	long_text[PYR_RULE_TEXT_MAX - 1] = '\0';
	const pyr_rule longest = {long_text, long_text, NULL, true};
	cr_assert_eq(pyr_daemon_set_rules(f.daemon, &longest, 1, &err), PYR_OK);
	pyr_rule *many = calloc(PYR_RULES_MAX + 1, sizeof *many);
	cr_assert_eq(pyr_daemon_set_rules(f.daemon, many, PYR_RULES_MAX + 1, &err),
		PYR_INVALID_ARGUMENT);
	cr_assert(strstr(err.message, "the most is 10000"), "%s", err.message);
	cr_assert_eq(pyr_daemon_set_rules(f.daemon, many, PYR_RULES_MAX, &err), PYR_OK);
	free(many);
	end(&f);
}

/* Readers of a slot whose table is replaced: each sees one table or the other, in whole. */

typedef struct readers {
	pyr__rules_slot slot;
	atomic_bool over;
	atomic_uint judged, wrong;
} readers;

static void *read_on(void *arg)
{
	readers *r = arg;
	while (!atomic_load(&r->over)) {
		for (int i = 0; i < 200; i++) /* most of the time a table is taken, or given back */
			pyr__rules_unref(pyr__rules_slot_get(&r->slot));
		pyr__rules *table = pyr__rules_slot_get(&r->slot);
		bool one = judge(table, "a", "b", "x.Y/One") == PYR__VERDICT_ALLOW;
		bool two = judge(table, "a", "b", "x.Y/Two") == PYR__VERDICT_ALLOW;
		atomic_fetch_add(&r->wrong, one == two);
		atomic_fetch_add(&r->judged, 1);
		pyr__rules_unref(table);
	}
	return NULL;
}

Test(rules, a_table_is_replaced_in_whole_while_it_is_read)
{
	readers r = {.over = false};
	pthread_t threads[3];
	const pyr_rule one[] = {{"a", "b", "x.Y/One", true}, {"a", "b", "x.Y/Two", false}};
	const pyr_rule two[] = {{"a", "b", "x.Y/One", false}, {"a", "b", "x.Y/Two", true}};
	pyr__rules_slot_init(&r.slot);
	cr_assert(!pyr__rules_slot_filled(&r.slot) && !pyr__rules_slot_get(&r.slot));
	pyr__rules_slot_put(&r.slot, pyr__rules_new(one, 2));
	for (int i = 0; i < 3; i++)
		pthread_create(&threads[i], NULL, read_on, &r);
	for (unsigned i = 0; i < 20000 || atomic_load(&r.judged) < 10000; i++)
		pyr__rules_slot_put(&r.slot, pyr__rules_new(i % 2 ? one : two, 2));
	atomic_store(&r.over, true);
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	cr_assert_eq(atomic_load(&r.wrong), 0);
	pyr__rules_slot_done(&r.slot);
	CHECK_LEAKS();
}
