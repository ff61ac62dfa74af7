/* SPDX-License-Identifier: Apache-2.0 */
/* What only a store with a file has: restarts, files that are not right, disks that fail. */
#include "fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* SQLITE_TEST(what_holds) { ... f->store ... } */
#define SQLITE_TEST(name)                                                                          \
	static void name(fixture *f);                                                              \
	Test(store_sqlite, name)                                                                   \
	{                                                                                          \
		run_on("sqlite", name);                                                            \
	}                                                                                          \
	static void name(fixture *f)

static pyr_status reopen(fixture *f)
{
	ns_store *store = NULL;
	f->err.message[0] = '\0';
	pyr_status status = ns_store_open_sqlite(f->path, &f->limits, f->now_us, &store, &f->err);
	cr_assert((status == PYR_OK) == (store != NULL));
	if (store)
		f->store = store;
	return status;
}

static void close_store(fixture *f)
{
	ns_store_close(f->store);
	f->store = NULL;
}

/* Runs SQL on the closed file. */
static void sql(fixture *f, const char *text)
{
	sqlite3 *db;
	char *why = NULL;
	cr_assert_eq(sqlite3_open(f->path, &db), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, text, NULL, NULL, &why), SQLITE_OK, "%s", why);
	sqlite3_close(db);
}

SQLITE_TEST(has_everything_again_after_a_restart)
{
	uint8_t id[NS_STORE_ID_SIZE];
	memcpy(id, ns_store_id(f->store), sizeof id);
	uint64_t lease_id = lease(f, 1000);
	ns_registration a = {.name = "a",
		.references = TEXTS("pyr:a@h:1", "grpc:a@h:2"),
		.tags = TEXTS("x", "y"),
		.lease_id = lease_id,
		.replica = true};
	ns_registration by_hand = {
		.name = "a", .references = TEXTS("pyr:a@\xc3\xa4:3"), .replica = true};
	assert_ok(f, put_with(f, &a, NULL));
	assert_ok(f, put_with(f, &by_hand, NULL));
	assert_ok(f, put(f, "b", "pyr:b@h:1"));
	assert_ok(f, take(f, "b"));
	assert_ok(f, put(f, "c", "pyr:c@h:1"));
	fixture_reopen(f);
	cr_assert_arr_eq(ns_store_id(f->store), id, sizeof id);
	cr_assert_eq(ns_store_revision(f->store), 5);
	cr_assert_eq(ns_store_oldest(f->store), 6, "the history begins anew");
	cr_assert_str_eq(list(f, FILTER(0)), "a c");
	cr_assert_str_eq(list(f, FILTER(.tags_all = TEXTS("x"))), "a");
	const ns_record *record = ns_store_lookup(f->store, "a");
	cr_assert_eq(record->create_revision, 1);
	cr_assert_eq(record->mod_revision, 2);
	cr_assert_eq(record->version, 2);
	cr_assert(record->shared);
	cr_assert_eq(record->holder_count, 2);
	cr_assert_eq(record->holders[0].lease_id, lease_id);
	cr_assert_eq(record->holders[0].reference_count, 2);
	cr_assert_str_eq(record->holders[0].references[1], "grpc:a@h:2");
	cr_assert_str_eq(record->holders[1].references[0], "pyr:a@\xc3\xa4:3");
	assert_ok(f, put(f, "d", "pyr:d@h:1"));
	cr_assert_eq(ns_store_revision(f->store), 6);
}

SQLITE_TEST(gives_leases_their_full_time_after_a_restart)
{
	uint64_t id = lease(f, 1000);
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:1"), .lease_id = id};
	assert_ok(f, put_with(f, &r, NULL));
	f->now_us += 900000;
	close_store(f);
	f->now_us = 77; /* the clock of another boot */
	assert_ok(f, reopen(f));
	pass_ms(f, 999);
	cr_assert_str_eq(list(f, FILTER(0)), "a");
	uint32_t ttl_ms;
	assert_ok(f, ns_store_renew(f->store, id, f->now_us, &anybody, &ttl_ms, &f->err));
	pass_ms(f, 1000);
	cr_assert_str_eq(list(f, FILTER(0)), "");
}

SQLITE_TEST(keeps_what_has_ended_ended)
{
	uint64_t id = lease(f, 1000);
	ns_registration r = {.name = "a", .references = TEXTS("pyr:a@h:1"), .lease_id = id};
	assert_ok(f, put_with(f, &r, NULL));
	pass_ms(f, 1000);
	fixture_reopen(f);
	cr_assert_str_eq(list(f, FILTER(0)), "");
	cr_assert_eq(ns_store_leases(f->store), 0);
	cr_assert_eq(ns_store_revision(f->store), 2, "its end had a revision");
}

SQLITE_TEST(forgets_what_was_not_committed)
{
	uint64_t revision, id;
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	ns_registration r = {.name = "b", .references = TEXTS("pyr:a@h:1")};
	assert_ok(f, ns_store_grant(f->store, 1000, f->now_us, &anybody, &id, &f->err));
	assert_ok(f, ns_store_register(f->store, &r, &anybody, &revision, &f->err));
	fixture_reopen(f);
	cr_assert_str_eq(list(f, FILTER(0)), "a");
	cr_assert_eq(ns_store_leases(f->store), 0);
	cr_assert_eq(ns_store_revision(f->store), 1);
}

SQLITE_TEST(is_readable_by_its_owner_only)
{
	struct stat st;
	cr_assert_eq(stat(f->path, &st), 0);
	cr_assert_eq(st.st_mode & 0777, 0600);
}

SQLITE_TEST(refuses_a_file_that_is_in_use)
{
	ns_store *store = f->store;
	assert_fails(f, PYR_FAILED_PRECONDITION, "in use by another process", reopen(f));
	cr_assert_eq(f->store, store);
	assert_ok(f, put(f, "a", "pyr:a@h:1")); /* the first goes on */
}

SQLITE_TEST(refuses_what_is_no_database)
{
	close_store(f);
	FILE *file = fopen(f->path, "w");
	for (int i = 0; i < 1000; i++)
		fputs("name=value\n", file);
	fclose(file);
	assert_fails(f, PYR_DATA_LOSS, "is not an SQLite database", reopen(f));
}

SQLITE_TEST(refuses_the_database_of_another_program)
{
	close_store(f);
	unlink(f->path);
	sql(f, "CREATE TABLE contacts (name TEXT)");
	assert_fails(f, PYR_FAILED_PRECONDITION, "another program", reopen(f));
	sql(f, "PRAGMA application_id = 1234");
	assert_fails(f, PYR_FAILED_PRECONDITION, "another program", reopen(f));
	sql(f, "SELECT name FROM contacts"); /* and has left it alone */
}

SQLITE_TEST(refuses_a_newer_schema)
{
	close_store(f);
	sql(f, "PRAGMA user_version = 2");
	assert_fails(f, PYR_FAILED_PRECONDITION, "newer version: its schema is 2", reopen(f));
}

SQLITE_TEST(takes_an_empty_file_for_a_new_store)
{
	close_store(f);
	cr_assert_eq(truncate(f->path, 0), 0);
	assert_ok(f, reopen(f));
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
}

/* Rows that SQLite takes, but no store has written. */
static const struct {
	const char *sql, *complaint;
} damages[] = {
	{"DELETE FROM store", "no id"},
	{"UPDATE store SET id = x'00'", "no id"},
	{"DROP TABLE leases", "no such table"},
	{"UPDATE names SET name = ''", "is no name"},
	{"UPDATE names SET mod_revision = 99", "impossible revisions"},
	{"UPDATE names SET version = 0", "impossible revisions"},
	{"UPDATE names SET holders = ''", "number of holders"},
	{"UPDATE names SET holders = '0' || char(9) || char(10)", "garbled"},
	{"UPDATE names SET holders = 'x' || char(9,9) || 'pyr:a@h:1' || char(10)", "garbled"},
	{"UPDATE names SET holders = holders || 'x'", "garbled"},
	{"UPDATE names SET holders = holders || holders", "number of holders"},
	{"UPDATE names SET holders = '0' || char(9,9,10)", "reference"},
	{"UPDATE names SET holders = '7' || char(9,9) || 'pyr:a@h:1' || char(10)", "lease"},
	{"UPDATE names SET tags = 'b,a'", "impossible tags"},
	{"UPDATE names SET tags = ','", "impossible tags"},
	{"INSERT INTO names SELECT 0 - create_revision, name, mod_revision, version, shared, tags,"
	 " holders FROM names",
		"impossible revisions"},
	{"UPDATE store SET revision = 5; INSERT INTO names SELECT 4, name, 5, version, shared, "
	 "tags,"
	 " holders FROM names",
		"is there twice"},
	{"INSERT INTO leases VALUES (0, 1000, '')", "lease 0"},
	{"INSERT INTO leases VALUES (5, 1, '')", "lease 5"},
	{"INSERT INTO leases VALUES (5, 4294968296, '')", "lease 5"},
	{"INSERT INTO leases VALUES (5, 1000, char(10))", "lease 5"},
};

SQLITE_TEST(tells_damage_of_every_kind)
{
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	char copy[128], command[300];
	close_store(f);
	snprintf(copy, sizeof copy, "%s.good", f->path);
	snprintf(command, sizeof command, "cp %s %s", f->path, copy);
	cr_assert_eq(system(command), 0);
	snprintf(command, sizeof command, "cp %s %s", copy, f->path);
	for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
		cr_assert_eq(system(command), 0);
		sql(f, damages[i].sql);
		assert_fails(f, PYR_DATA_LOSS, damages[i].complaint, reopen(f));
	}
	unlink(copy);
}

SQLITE_TEST(tells_overwritten_pages)
{
	char name[32];
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof name, "name.%d", i);
		uint64_t revision;
		ns_registration r = {.name = name, .references = TEXTS("pyr:a@h:1")};
		assert_ok(f, ns_store_register(f->store, &r, &anybody, &revision, &f->err));
	}
	commit(f);
	close_store(f);
	int fd = open(f->path, O_RDWR);
	char garbage[4096];
	memset(garbage, 0xa5, sizeof garbage);
	cr_assert_eq(pwrite(fd, garbage, sizeof garbage, 4 * 4096), (ssize_t)sizeof garbage);
	close(fd);
	assert_fails(f, PYR_DATA_LOSS, "damaged", reopen(f));
	fd = open(f->path, O_RDWR); /* and a file that has been cut */
	cr_assert_eq(ftruncate(fd, 3 * 4096), 0);
	close(fd);
	assert_fails(f, PYR_DATA_LOSS, "malformed", reopen(f));
}

SQLITE_TEST(says_what_is_wrong_with_a_path)
{
	ns_store *store;
	assert_fails(f, PYR_NOT_FOUND, "No such file",
		ns_store_open_sqlite("/nonexistent/names.db", NULL, 0, &store, &f->err));
	assert_fails(f, PYR_UNAVAILABLE, "Is a directory",
		ns_store_open_sqlite(f->directory, NULL, 0, &store, &f->err));
}

SQLITE_TEST(takes_special_names_for_files)
{
	ns_store *store;
	cr_assert_eq(chdir(f->directory), 0);
	assert_ok(f, ns_store_open_sqlite(":memory:", NULL, 0, &store, &f->err));
	ns_store_close(store);
	cr_assert_eq(unlink(":memory:"), 0);
}

SQLITE_TEST(refuses_a_file_that_it_may_not_write)
{
	close_store(f);
	cr_assert_eq(chmod(f->path, 0444), 0);
	uid_t me = geteuid();
	if (me == 0) { /* root may write everything: be somebody else for a moment */
		cr_assert_eq(chmod(f->directory, 0755), 0);
		cr_assert_eq(seteuid(65534), 0);
	}
	pyr_status status = reopen(f);
	cr_assert_eq(seteuid(me), 0);
	assert_fails(f, PYR_PERMISSION_DENIED, "Permission denied", status);
}

/* The disk is full: no file of this process may grow beyond this. */
static void limit_files(rlim_t size)
{
	struct rlimit limit;
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = size;
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static pyr_status put_many(fixture *f, int first, int count)
{
	pyr_error ignored;
	for (int i = first; i < first + count; i++) {
		char name[32];
		uint64_t revision;
		snprintf(name, sizeof name, "name.%d", i);
		ns_registration r = {.name = name, .references = TEXTS("pyr:a@h:1")};
		cr_assert_eq(
			ns_store_register(f->store, &r, &anybody, &revision, &ignored), PYR_OK);
	}
	return ns_store_commit(f->store, &f->err);
}

SQLITE_TEST(takes_back_what_does_not_fit_on_the_disk)
{
	assert_ok(f, put_many(f, 0, 10));
	limit_files(64 * 1024);
	assert_fails(f, PYR_UNAVAILABLE, "cannot write to", put_many(f, 1000, 5000));
	cr_assert_eq(ns_store_revision(f->store), 10);
	cr_assert_eq(ns_store_names(f->store), 10);
	cr_assert_null(ns_store_lookup(f->store, "name.1000"));
	limit_files(RLIM_INFINITY);
	assert_ok(f, put_many(f, 2000, 5)); /* goes on when there is room again */
	fixture_reopen(f);
	cr_assert_eq(ns_store_names(f->store), 15);
	cr_assert_eq(ns_store_revision(f->store), 15);
}

/* An SQLite VFS whose logs cannot be synchronised when it is told so. */
static const sqlite3_io_methods *real_methods;
static sqlite3_io_methods failing_methods;
static bool sync_fails;

static int failing_sync(sqlite3_file *file, int flags)
{
	return sync_fails ? SQLITE_IOERR_FSYNC : real_methods->xSync(file, flags);
}

static int (*real_open)(sqlite3_vfs *, const char *, sqlite3_file *, int, int *);

static int failing_open(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *ret_flags)
{
	int code = real_open(vfs, name, file, flags, ret_flags);
	if (file->pMethods && (flags & SQLITE_OPEN_WAL)) {
		real_methods = file->pMethods;
		failing_methods = *real_methods;
		failing_methods.xSync = failing_sync;
		file->pMethods = &failing_methods;
	}
	return code;
}

SQLITE_TEST(trusts_a_disk_no_more_that_has_failed_to_synchronise)
{
	close_store(f);
	static sqlite3_vfs failing;
	failing = *sqlite3_vfs_find(NULL);
	real_open = failing.xOpen;
	failing.xOpen = failing_open;
	failing.zName = "failing";
	cr_assert_eq(sqlite3_vfs_register(&failing, 1), SQLITE_OK);
	assert_ok(f, reopen(f));
	assert_ok(f, put(f, "a", "pyr:a@h:1"));
	sync_fails = true;
	assert_fails(f, PYR_UNAVAILABLE, "disk I/O error", put(f, "b", "pyr:a@h:1"));
	sync_fails = false;
	assert_fails(f, PYR_UNAVAILABLE, "start the name server anew", put(f, "c", "pyr:a@h:1"));
	cr_assert_str_eq(list(f, FILTER(0)), "a", "what was acknowledged, and nothing else");
	fixture_reopen(f);
	assert_ok(f, put(f, "c", "pyr:a@h:1"));
	close_store(f);
	sqlite3_vfs_unregister(&failing);
}
