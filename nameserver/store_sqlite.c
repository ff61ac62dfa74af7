/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store that keeps its names in an SQLite file: every commit is one transaction, synchronised
 * to the disk before anybody is told.
 *
 * The file is in WAL mode and locked for as long as the store is open, so that nobody else changes
 * it. The names are only read when it is opened, so no column but the key has an index, and new
 * names are appended: a commit of many names writes few pages.
 */
#include "store_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "alloc.h"
#include "store_sqlite_text.h"

#define APPLICATION_ID   0x50794e73 /* "PyNs"; in the file's header, for file(1) and for us */
#define SCHEMA_VERSION   1
#define CHECKPOINT_PAGES 4000 /* of the WAL before it is copied into the file */

/* The columns with lists are described in store_sqlite_text.h. */
static const char schema[] =
	"CREATE TABLE store (id BLOB NOT NULL, revision INTEGER NOT NULL) STRICT;"
	"CREATE TABLE names (create_revision INTEGER PRIMARY KEY, name TEXT NOT NULL,"
	" mod_revision INTEGER NOT NULL, version INTEGER NOT NULL, shared INTEGER NOT NULL,"
	" tags TEXT NOT NULL, holders TEXT NOT NULL) STRICT;"
	"CREATE TABLE leases (id INTEGER PRIMARY KEY, ttl_ms INTEGER NOT NULL,"
	" owner TEXT NOT NULL) STRICT;";

enum {
	BEGIN,
	COMMIT,
	ROLLBACK,
	PUT_NAME,
	DELETE_NAME,
	PUT_LEASE,
	DELETE_LEASE,
	SET_REVISION,
	STATEMENT_COUNT,
};

static const char *const statements[STATEMENT_COUNT] = {
	[BEGIN] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[PUT_NAME] = "INSERT OR REPLACE INTO names (create_revision, name, mod_revision, version,"
		     " shared, tags, holders) VALUES (?, ?, ?, ?, ?, ?, ?)",
	[DELETE_NAME] = "DELETE FROM names WHERE create_revision = ?",
	[PUT_LEASE] = "INSERT INTO leases (id, ttl_ms, owner) VALUES (?, ?, ?)",
	[DELETE_LEASE] = "DELETE FROM leases WHERE id = ?",
	[SET_REVISION] = "UPDATE store SET revision = ?",
};

typedef struct backend {
	sqlite3 *db;
	char *path;
	sqlite3_stmt *statements[STATEMENT_COUNT];
	ns_scratch tags, holders;
	bool broken; /* a write reached the disk, or not: nobody knows */
} backend;

static pyr_status status_of(int code)
{
	switch (code & 0xff) {
	case SQLITE_FULL:
		return PYR_RESOURCE_EXHAUSTED;
	case SQLITE_ERROR: /* no such table: the SQL itself is right */
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return PYR_DATA_LOSS;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return PYR_PERMISSION_DENIED;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return PYR_FAILED_PRECONDITION;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return PYR_UNAVAILABLE;
	default:
		return PYR_INTERNAL;
	}
}

/* What the last call on the database was told, in terms of the store. */
static pyr_status fail(const backend *b, const char *doing, pyr_error *err)
{
	int code = sqlite3_extended_errcode(b->db);
	if ((code & 0xff) == SQLITE_BUSY)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the store file \"%.300s\" is in use by another process", b->path);
	if ((code & 0xff) == SQLITE_NOTADB)
		return pyr_error_set(
			err, PYR_DATA_LOSS, "\"%.300s\" is not an SQLite database", b->path);
	return pyr_error_set(err, status_of(code), "cannot %s the store file \"%.300s\": %s (%d)",
		doing, b->path, sqlite3_errmsg(b->db), code);
}

static void close_backend(void *opaque)
{
	backend *b = opaque;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		sqlite3_finalize(b->statements[i]);
	sqlite3_close(b->db);
	ns_scratch_done(&b->tags);
	ns_scratch_done(&b->holders);
	free(b->path);
	free(b);
}

static bool run(backend *b, int statement)
{
	int code = sqlite3_step(b->statements[statement]);
	/* reset tells the same failure again, and keeps its text */
	return (sqlite3_reset(b->statements[statement]) == SQLITE_OK) & (code == SQLITE_DONE);
}

static void bind_number(backend *b, int statement, int at, uint64_t number)
{
	sqlite3_bind_int64(b->statements[statement], at, (sqlite3_int64)number);
}

static void bind_text(backend *b, int statement, int at, const char *text, size_t size)
{
	sqlite3_bind_text64(
		b->statements[statement], at, text ? text : "", size, SQLITE_STATIC, SQLITE_UTF8);
}

static bool put_name(backend *b, const ns_record *record)
{
	ns_write_tags(&b->tags, record);
	ns_write_holders(&b->holders, record);
	bind_number(b, PUT_NAME, 1, record->create_revision);
	bind_text(b, PUT_NAME, 2, record->name, strlen(record->name));
	bind_number(b, PUT_NAME, 3, record->mod_revision);
	bind_number(b, PUT_NAME, 4, record->version);
	bind_number(b, PUT_NAME, 5, record->shared);
	bind_text(b, PUT_NAME, 6, b->tags.text, b->tags.size);
	bind_text(b, PUT_NAME, 7, b->holders.text, b->holders.size);
	return run(b, PUT_NAME);
}

static bool put_lease(backend *b, const ns_lease *lease)
{
	bind_number(b, PUT_LEASE, 1, lease->id);
	bind_number(b, PUT_LEASE, 2, lease->ttl_ms);
	bind_text(b, PUT_LEASE, 3, lease->owner, strlen(lease->owner));
	return run(b, PUT_LEASE);
}

static bool write_change(backend *b, const ns_change *change)
{
	switch (change->kind) {
	case NS_LEASE_GRANTED:
		return put_lease(b, change->lease);
	case NS_LEASE_ENDED:
		bind_number(b, DELETE_LEASE, 1, change->lease->id);
		return run(b, DELETE_LEASE);
	default:
		if (change->after)
			return put_name(b, change->after);
		bind_number(b, DELETE_NAME, 1, change->before->create_revision);
		return run(b, DELETE_NAME);
	}
}

static bool write_all(backend *b, const ns_change *changes, size_t count, uint64_t revision)
{
	for (size_t i = 0; i < count; i++)
		if (!write_change(b, &changes[i]))
			return false;
	bind_number(b, SET_REVISION, 1, revision);
	return run(b, SET_REVISION) && run(b, COMMIT);
}

/* Failed synchronising leaves open what a crash would bring back. */
static bool leaves_doubt(int code)
{
	return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC ||
	       (code & 0xff) == SQLITE_CORRUPT;
}

static pyr_status write_changes(
	void *opaque, const ns_change *changes, size_t count, uint64_t revision, pyr_error *err)
{
	backend *b = opaque;
	if (b->broken)
		return pyr_error_set(err, PYR_UNAVAILABLE,
			"the store file \"%.300s\" has failed; start the name server anew",
			b->path);
	if (!run(b, BEGIN))
		return fail(b, "write to", err);
	if (write_all(b, changes, count, revision))
		return PYR_OK;
	pyr_status status = fail(b, "write to", err);
	b->broken = leaves_doubt(sqlite3_extended_errcode(b->db));
	if (!sqlite3_get_autocommit(b->db))
		run(b, ROLLBACK);
	return status;
}

static const ns_backend_ops sqlite_ops = {
	.kind = "sqlite",
	.write = write_changes,
	.close = close_backend,
};

/* Opening */

static bool execute(backend *b, const char *sql)
{
	return sqlite3_exec(b->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* The one number that a query gives. */
static bool query_number(backend *b, const char *sql, sqlite3_int64 *ret_number)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(b->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return false;
	bool found = sqlite3_step(statement) == SQLITE_ROW;
	if (found)
		*ret_number = sqlite3_column_int64(statement, 0);
	return (sqlite3_finalize(statement) == SQLITE_OK) & found;
}

/* Makes the file if need be, readable by its owner only, and sees whether it can be written. */
static pyr_status touch(const char *path, pyr_error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0) {
		close(fd);
		return PYR_OK;
	}
	pyr_status status = errno == ENOENT ? PYR_NOT_FOUND
			    : errno == EACCES || errno == EROFS || errno == EPERM
				    ? PYR_PERMISSION_DENIED
				    : PYR_UNAVAILABLE;
	return pyr_error_set(
		err, status, "cannot open the store file \"%.300s\": %s", path, strerror(errno));
}

static pyr_status open_database(backend *b, pyr_error *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
	if (sqlite3_open_v2(b->path, &b->db, flags, NULL) != SQLITE_OK)
		return fail(b, "open", err);
	if (!execute(b, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA trusted_schema = OFF;"
			"PRAGMA cell_size_check = ON"))
		return fail(b, "open", err);
	return PYR_OK;
}

/* Whether there is a store in the file, ours, and of a version that we know. */
static pyr_status inspect(backend *b, bool *ret_is_new, pyr_error *err)
{
	sqlite3_int64 application, version, tables;
	if (!query_number(b, "PRAGMA application_id", &application) ||
		!query_number(b, "PRAGMA user_version", &version) ||
		!query_number(b, "SELECT count(*) FROM sqlite_schema", &tables))
		return fail(b, "read", err);
	*ret_is_new = application == 0 && version == 0 && tables == 0;
	if (!*ret_is_new && application != APPLICATION_ID)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"\"%.300s\" is an SQLite database of another program", b->path);
	if (version > SCHEMA_VERSION)
		return pyr_error_set(err, PYR_FAILED_PRECONDITION,
			"the store file \"%.300s\" is of a newer version: its schema is %d, and"
			" this program knows up to %d",
			b->path, (int)version, SCHEMA_VERSION);
	return PYR_OK;
}

static bool create_store(backend *b)
{
	char sql[sizeof schema + 256], id[NS_STORE_ID_SIZE * 2 + 1];
	uint8_t bytes[NS_STORE_ID_SIZE];
	ns_random(bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bytes; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	snprintf(sql, sizeof sql,
		"BEGIN IMMEDIATE; %s INSERT INTO store VALUES (x'%s', 0);"
		"PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT",
		schema, id, APPLICATION_ID, SCHEMA_VERSION);
	return execute(b, sql);
}

/* The lock is held from the first transaction on. */
static bool prepare(backend *b, bool is_new)
{
	char sql[128];
	snprintf(sql, sizeof sql,
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
		"PRAGMA wal_autocheckpoint = %d",
		CHECKPOINT_PAGES);
	if (!execute(b, sql) || (is_new && !create_store(b)))
		return false;
	for (int i = 0; i < STATEMENT_COUNT; i++)
		if (sqlite3_prepare_v3(b->db, statements[i], -1, SQLITE_PREPARE_PERSISTENT,
			    &b->statements[i], NULL) != SQLITE_OK)
			return false;
	return run(b, BEGIN) && run(b, COMMIT);
}

/* DATA_LOSS that tells the first damage found. */
static pyr_status check_pages(backend *b, pyr_error *err)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(b->db, "PRAGMA quick_check(1)", -1, &statement, NULL) != SQLITE_OK)
		return fail(b, "read", err);
	pyr_status status = PYR_OK;
	if (sqlite3_step(statement) != SQLITE_ROW) {
		status = fail(b, "read", err);
	} else {
		const char *result = (const char *)sqlite3_column_text(statement, 0);
		if (!result || strcmp(result, "ok") != 0)
			status = pyr_error_set(err, PYR_DATA_LOSS,
				"the store file \"%.200s\" is damaged: %.200s", b->path,
				result ? result : "");
	}
	sqlite3_finalize(statement);
	return status;
}

/* Reads the rows of a query, each with `row`. */
static pyr_status read_rows(backend *b, ns_store *store, const char *sql,
	pyr_status (*row)(backend *b, ns_store *store, sqlite3_stmt *statement, const void *ctx,
		pyr_error *err),
	const void *ctx, pyr_error *err)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(b->db, sql, -1, &statement, NULL) != SQLITE_OK)
		return fail(b, "read", err);
	pyr_status status = PYR_OK;
	int code;
	while (status == PYR_OK && (code = sqlite3_step(statement)) != SQLITE_DONE)
		status = code == SQLITE_ROW ? row(b, store, statement, ctx, err)
					    : fail(b, "read", err);
	sqlite3_finalize(statement);
	return status;
}

static const char *text_at(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);
	return text ? text : "";
}

static uint64_t number_at(sqlite3_stmt *statement, int column)
{
	return (uint64_t)sqlite3_column_int64(statement, column);
}

static pyr_status read_lease(
	backend *b, ns_store *store, sqlite3_stmt *row, const void *ctx, pyr_error *err)
{
	uint64_t ttl_ms = number_at(row, 1);
	return ns_store_load_lease(store, number_at(row, 0),
		ttl_ms <= UINT32_MAX ? (uint32_t)ttl_ms : 0, text_at(row, 2),
		*(const uint64_t *)ctx, err);
}

static pyr_status read_name(
	backend *b, ns_store *store, sqlite3_stmt *row, const void *ctx, pyr_error *err)
{
	ns_record draft = {
		.create_revision = number_at(row, 0),
		.name = text_at(row, 1),
		.mod_revision = number_at(row, 2),
		.version = number_at(row, 3),
		.shared = number_at(row, 4) != 0,
	};
	if (!ns_read_lists(&b->holders, text_at(row, 5), text_at(row, 6), &draft))
		return pyr_error_set(err, PYR_DATA_LOSS, "\"%.64s\" has garbled lists", draft.name);
	return ns_store_load_record(store, &draft, err);
}

/* On success the new store owns the backend. */
static pyr_status read_store(
	backend *b, const ns_limits *limits, ns_store **ret_store, pyr_error *err)
{
	sqlite3_stmt *statement;
	if (sqlite3_prepare_v2(b->db, "SELECT id, revision FROM store", -1, &statement, NULL) !=
		SQLITE_OK)
		return fail(b, "read", err);
	pyr_status status = PYR_OK;
	if (sqlite3_step(statement) != SQLITE_ROW ||
		sqlite3_column_bytes(statement, 0) != NS_STORE_ID_SIZE)
		status = pyr_error_set(err, PYR_DATA_LOSS,
			"the store file \"%.300s\" is damaged: it has no id", b->path);
	else
		*ret_store = ns_store_new(&sqlite_ops, b, sqlite3_column_blob(statement, 0),
			number_at(statement, 1), limits);
	sqlite3_finalize(statement);
	return status;
}

static pyr_status read_contents(backend *b, ns_store *store, uint64_t now_us, pyr_error *err)
{
	pyr_error inner;
	pyr_status status = read_rows(
		b, store, "SELECT id, ttl_ms, owner FROM leases", read_lease, &now_us, &inner);
	if (status == PYR_OK)
		status = read_rows(b, store,
			"SELECT create_revision, name, mod_revision, version, shared, tags, holders"
			" FROM names",
			read_name, NULL, &inner);
	if (status)
		pyr_error_set(err, status, "the store file \"%.200s\" is damaged: %.250s", b->path,
			inner.message);
	return status;
}

/* A path that SQLite does not take for something special, like ":memory:" or "". */
static char *plain_path(const char *path)
{
	size_t size = strlen(path) + 3;
	char *plain = ns_alloc(size);
	snprintf(plain, size, "%s%s", *path == '/' ? "" : "./", path);
	return plain;
}

static pyr_status open_backend(backend *b, bool *ret_is_new, pyr_error *err)
{
	pyr_status status = touch(b->path, err);
	if (status == PYR_OK)
		status = open_database(b, err);
	if (status == PYR_OK)
		status = inspect(b, ret_is_new, err);
	if (status == PYR_OK && !*ret_is_new)
		status = check_pages(b, err);
	if (status == PYR_OK && !prepare(b, *ret_is_new))
		status = fail(b, "open", err);
	return status;
}

pyr_status ns_store_open_sqlite(const char *path, const ns_limits *limits, uint64_t now_us,
	ns_store **ret_store, pyr_error *err)
{
	backend *b = ns_zalloc(sizeof *b);
	b->path = plain_path(path);
	bool is_new;
	ns_store *store = NULL;
	pyr_status status = open_backend(b, &is_new, err);
	if (status == PYR_OK)
		status = read_store(b, limits, &store, err);
	if (status) {
		close_backend(b);
		return status;
	}
	status = read_contents(b, store, now_us, err);
	if (status)
		ns_store_close(store);
	else
		*ret_store = store;
	return status;
}
