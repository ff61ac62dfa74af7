/* SPDX-License-Identifier: Apache-2.0 */
/* Stores to test, and short words. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const ns_caller anybody = {"", false, false};
const ns_caller server = {"", false, true};

static void open_store(fixture *f)
{
	pyr_status status =
		strcmp(f->kind, "memory") == 0
			? ns_store_open_memory(&f->limits, &f->store, &f->err)
			: ns_store_open_sqlite(f->path, &f->limits, f->now_us, &f->store, &f->err);
	assert_ok(f, status);
}

void fixture_open(fixture *f, const char *kind)
{
	*f = (fixture){.kind = kind, .limits = NS_LIMITS_DEFAULT, .now_us = 5000000};
	snprintf(f->directory, sizeof f->directory, "/tmp/pyrite-store-XXXXXX");
	cr_assert(mkdtemp(f->directory));
	snprintf(f->path, sizeof f->path, "%s/names.db", f->directory);
	open_store(f);
}

void fixture_close(fixture *f)
{
	ns_store_close(f->store);
	const char *const ends[] = {"", "-wal", "-shm", "-journal"};
	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		char file[128];
		snprintf(file, sizeof file, "%s%s", f->path, ends[i]);
		unlink(file);
	}
	cr_assert_eq(rmdir(f->directory), 0, "a file is left in %s", f->directory);
}

void fixture_reopen(fixture *f)
{
	ns_store_close(f->store);
	open_store(f);
}

void run_on(const char *kind, void (*body)(fixture *f))
{
	fixture f;
	fixture_open(&f, kind);
	body(&f);
	fixture_close(&f);
	CHECK_LEAKS();
}

void commit(fixture *f)
{
	assert_ok(f, ns_store_commit(f->store, &f->err));
}

pyr_status put_with(fixture *f, const ns_registration *registration, uint64_t *ret_revision)
{
	uint64_t revision;
	pyr_status status = ns_store_register(f->store, registration, &anybody, &revision, &f->err);
	if (status == PYR_OK)
		status = ns_store_commit(f->store, &f->err);
	if (status == PYR_OK && ret_revision)
		*ret_revision = revision;
	return status;
}

pyr_status put(fixture *f, const char *name, const char *reference)
{
	ns_registration registration = {
		.name = name, .references = &reference, .reference_count = 1};
	return put_with(f, &registration, NULL);
}

pyr_status take(fixture *f, const char *name)
{
	ns_removal removal = {.name = name};
	pyr_status status = ns_store_remove(f->store, &removal, &anybody, &f->err);
	return status ? status : ns_store_commit(f->store, &f->err);
}

uint64_t lease(fixture *f, uint32_t ttl_ms)
{
	uint64_t id;
	assert_ok(f, ns_store_grant(f->store, ttl_ms, f->now_us, &anybody, &id, &f->err));
	commit(f);
	return id;
}

void pass_ms(fixture *f, uint64_t ms)
{
	f->now_us += ms * 1000;
	ns_store_expire(f->store, f->now_us, SIZE_MAX);
	commit(f);
}

static const char *append(char *buffer, size_t size, const char *sign, const char *text)
{
	size_t used = strlen(buffer);
	cr_assert(used + strlen(text) + 3 < size);
	sprintf(buffer + used, "%s%s%s", used ? " " : "", sign, text);
	return buffer;
}

const char *list(fixture *f, ns_filter filter)
{
	static char names[4096];
	ns_cursor cursor = NS_CURSOR_INIT(filter);
	names[0] = '\0';
	while (!cursor.done) {
		uint32_t budget = 3; /* so few that every walk goes in several steps */
		const ns_record *record;
		assert_ok(f, ns_cursor_next(f->store, &cursor, &budget, &record, &f->err));
		if (record)
			append(names, sizeof names, "", record->name);
	}
	return names;
}

const char *list_regex(fixture *f, const char *regex)
{
	ns_pattern *pattern;
	assert_ok(f, ns_pattern_new(regex, &pattern, &f->err));
	const char *names = list(f, FILTER(.pattern = pattern));
	ns_pattern_free(pattern);
	return names;
}

const char *reference_of(fixture *f, const char *name)
{
	const ns_record *record = ns_store_lookup(f->store, name);
	return record ? record->holders[0].references[0] : NULL;
}

const char *changes_from(fixture *f, uint64_t revision)
{
	static char changes[4096];
	changes[0] = '\0';
	for (; revision <= ns_store_revision(f->store); revision++) {
		const ns_event *event = ns_store_event(f->store, revision);
		cr_assert(event, "revision %llu is not kept", (unsigned long long)revision);
		cr_assert_eq(event->revision, revision);
		const ns_record *record = event->after ? event->after : event->before;
		append(changes, sizeof changes, event->after ? "+" : "-", record->name);
	}
	return changes;
}
