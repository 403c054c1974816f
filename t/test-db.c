/* The engine: jobs and statements, in each way of using a database. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "t/databases.h"
#include "t/notes.h"
#include "t/shim-fs.h"
#include "t/test.h"

static struct db *
begin(void)
{
	database_fresh();
	return database_open(&notes_schema);
}

static void
test_recorded(void)
{
	struct db *db = begin();

	CU_ASSERT_EQUAL(notes_count(db, NULL), 0);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, "a"), 1);
	db_close(db);
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(notes_count(db, "a"), 1);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_EXISTS);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 1);
	db_close(db);
}

static void
test_failure_undoes(void)
{
	struct note n = { .name = "a", .result = ST_DENIED };
	struct db *db = begin();

	CU_ASSERT_EQUAL(db_write(db, note_job, &n), ST_DENIED);
	CU_ASSERT_EQUAL(n.runs, 1);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 0);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	db_close(db);
}

static enum status
two_writes(struct db *db, void *arg)
{
	struct note *n = arg;
	enum status st;

	st = note_write(db, "inner");
	return st == ST_OK ? note_job(db, n) : st;
}

static void
test_nested(void)
{
	struct note n = { .name = "outer", .result = ST_DENIED };
	struct db *db = begin();

	CU_ASSERT_EQUAL(db_write(db, two_writes, &n), ST_DENIED);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 0);
	n.result = ST_OK;
	CU_ASSERT_EQUAL(db_write(db, two_writes, &n), ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 2);
	db_close(db);
}

static enum status
write_then_count(struct db *db, void *arg)
{
	*(int64_t *)arg = -1;
	if (note_write(db, "a") == ST_OK)
		*(int64_t *)arg = notes_count(db, "a");
	return ST_DENIED;
}

static enum status
write_in_a_read(struct db *db, void *arg)
{
	enum status *st = arg;

	st[0] = note_write(db, "a");
	st[1] = db_run(db, "DELETE FROM note", "");
	return ST_OK;
}

static void
test_reading(void)
{
	enum status st[2] = { ST_OK, ST_OK };
	struct db *db = begin();
	struct db_rows *rows;
	int64_t n = 0;

	/* A job's own reads see what it has written so far. */
	CU_ASSERT_EQUAL(db_write(db, write_then_count, &n), ST_DENIED);
	CU_ASSERT_EQUAL(n, 1);
	CU_ASSERT_EQUAL(note_write(db, "b"), ST_OK);
	CU_ASSERT_EQUAL(db_read(db, write_in_a_read, st), ST_IO);
	CU_ASSERT_EQUAL(st[0], ST_UNSUPPORTED);
	CU_ASSERT_NOT_EQUAL(st[1], ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 1);
	/* Outside of a job there is nothing to work on. */
	CU_ASSERT_EQUAL(db_run(db, "DELETE FROM note", ""), ST_UNSUPPORTED);
	CU_ASSERT_EQUAL(db_query(db, &rows, "SELECT 1", ""), ST_UNSUPPORTED);
	CU_ASSERT_PTR_NULL(rows);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 1);
	db_close(db);
}

static enum status
check_values(struct db *db, void *arg)
{
	static const char bytes[] = "a\0b";
	struct db_rows *rows;

	(void)arg;
	CU_ASSERT_EQUAL(db_query(db, &rows, "SELECT ?1, ?2, ?3, ?4, ?5, ?6",
			    "tibtib", "text", INT64_MIN, bytes, (size_t)4, NULL,
			    INT64_MAX, "", (size_t)0),
	    ST_OK);
	CU_ASSERT_EQUAL_FATAL(db_next(rows), ST_OK);
	CU_ASSERT_STRING_EQUAL(db_text(rows, 0), "text");
	CU_ASSERT_EQUAL(db_size(rows, 0), 4);
	CU_ASSERT_EQUAL(db_int(rows, 1), INT64_MIN);
	CU_ASSERT_EQUAL(db_size(rows, 2), 4);
	CU_ASSERT_EQUAL(memcmp(db_text(rows, 2), bytes, 4), 0);
	CU_ASSERT_PTR_NULL(db_text(rows, 3));
	CU_ASSERT_EQUAL(db_int(rows, 3), 0);
	CU_ASSERT_EQUAL(db_int(rows, 4), INT64_MAX);
	CU_ASSERT_EQUAL(db_size(rows, 5), 0);
	CU_ASSERT_EQUAL(db_next(rows), ST_NOTFOUND);
	CU_ASSERT_EQUAL(db_next(rows), ST_NOTFOUND);
	db_done(rows);
	db_done(rows);
	db_done(NULL);
	return ST_OK;
}

static enum status
check_errors(struct db *db, void *arg)
{
	(void)arg;
	CU_ASSERT_EQUAL(
	    db_run(db, "INSERT INTO note VALUES (?1, 1, NULL)", "t", "a"),
	    ST_OK);
	CU_ASSERT_EQUAL(db_changes(db), 1);
	CU_ASSERT_EQUAL(db_last_id(db), 1);
	CU_ASSERT_EQUAL(
	    db_run(db, "INSERT INTO note VALUES (?1, 2, NULL)", "t", "a"),
	    ST_EXISTS);
	CU_ASSERT_EQUAL(
	    db_run(db, "INSERT INTO note VALUES (?1, 2, NULL)", "t", NULL),
	    ST_MALFORMED);
	CU_ASSERT_EQUAL(db_run(db, "UPDATE note SET number = 9", ""), ST_OK);
	CU_ASSERT_EQUAL(db_changes(db), 1);
	return ST_OK;
}

/* A job that shrugs at an error of the engine's is not recorded. */
static enum status
shrug(struct db *db, void *arg)
{
	CU_ASSERT_EQUAL(note_job(db, arg), ST_OK);
	CU_ASSERT_EQUAL(db_run(db, "no such thing", ""), ST_IO);
	CU_ASSERT_EQUAL(db_run(db, "SELECT ?1", "x", 1), ST_IO);
	return ST_OK;
}

/* A row set within itself, and ones that nobody closes. */
static enum status
leave_open(struct db *db, void *arg)
{
	static const char sql[] = "SELECT number FROM note ORDER BY number";
	struct db_rows *outer, *inner;
	int64_t *sum = arg;

	*sum = 0;
	CU_ASSERT_EQUAL(db_query(db, &outer, sql, ""), ST_OK);
	while (db_next(outer) == ST_OK) {
		CU_ASSERT_EQUAL(db_query(db, &inner, sql, ""), ST_OK);
		CU_ASSERT_PTR_NOT_EQUAL(outer, inner);
		while (db_next(inner) == ST_OK)
			*sum += db_int(outer, 0) * db_int(inner, 0);
	}
	CU_ASSERT_EQUAL(db_query(db, &outer, sql, ""), ST_OK);
	CU_ASSERT_EQUAL(db_next(outer), ST_OK);
	CU_ASSERT_EQUAL(db_query(db, &inner, sql, ""), ST_OK);
	CU_ASSERT_EQUAL(db_next(inner), ST_OK);
	return ST_OK;
}

static void
test_statements(void)
{
	struct note n = { .name = "b", .number = 5 };
	struct db *db = begin();
	int64_t sum;

	CU_ASSERT_EQUAL(db_write(db, shrug, &n), ST_IO);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 0);

	CU_ASSERT_EQUAL(db_read(db, check_values, NULL), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, check_values, NULL), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, check_errors, NULL), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, note_job, &n), ST_OK);
	CU_ASSERT_EQUAL(db_read(db, leave_open, &sum), ST_OK);
	CU_ASSERT_EQUAL(sum, (9 + 5) * (9 + 5));
	CU_ASSERT_EQUAL(db_write(db, leave_open, &sum), ST_OK);
	CU_ASSERT_EQUAL(sum, (9 + 5) * (9 + 5));
	CU_ASSERT_EQUAL(notes_count(db, NULL), 2);
	CU_ASSERT_EQUAL(note_write(db, "c"), ST_OK);
	db_close(db);
}

/* Threads that write at once. */
#define WRITERS 16

struct writer {
	pthread_t thread;
	struct db *db;
	struct note note;
	char name[32];
	enum status st;
	int n; /* how many notes; with the result of note */
	int failures;
};

static void *
write_notes(void *arg)
{
	struct writer *w = arg;
	char name[48];
	int i;

	if (w->n == 0)
		w->st = db_write(w->db, note_job, &w->note);
	for (i = 0; i < w->n; i++) {
		snprintf(name, sizeof(name), "%s-%d", w->name, i);
		if (note_write(w->db, name) != ST_OK)
			w->failures++;
	}
	return NULL;
}

static struct writer *
writers_make(struct db *db)
{
	struct writer *w = calloc(WRITERS, sizeof(*w));
	int i;

	for (i = 0; i < WRITERS; i++) {
		w[i].db = db;
		w[i].st = ST_IO;
		snprintf(w[i].name, sizeof(w[i].name), "w%d", i);
		w[i].note.name = w[i].name;
	}
	return w;
}

static void
writers_run(struct writer *w)
{
	int i;

	for (i = 0; i < WRITERS; i++)
		pthread_create(&w[i].thread, NULL, write_notes, &w[i]);
	for (i = 0; i < WRITERS; i++)
		pthread_join(w[i].thread, NULL);
}

/* One fails after it has written: its neighbours do not. */
static void
test_failing_neighbour(void)
{
	struct db *db = begin();
	struct writer *w = writers_make(db);
	int i, again = 0;

	w[5].note.result = ST_DENIED;
	w[6].note.name = w[7].name; /* one of these finds it taken */
	shim.sync_delay_us = 100000; /* so that they meet */
	writers_run(w);
	shim_reset();
	for (i = 0; i < WRITERS; i++) {
		if (i != 5 && i != 6 && i != 7)
			CU_ASSERT_EQUAL(w[i].st, ST_OK);
		if (i != 5 && i != 6)
			CU_ASSERT_EQUAL(notes_count(db, w[i].name), 1);
		again += w[i].note.runs - 1;
	}
	CU_ASSERT_EQUAL(w[5].st, ST_DENIED);
	CU_ASSERT_EQUAL(notes_count(db, w[5].name), 0);
	CU_ASSERT_EQUAL(w[6].st == ST_OK, w[7].st == ST_EXISTS);
	CU_ASSERT_EQUAL(w[6].st == ST_EXISTS, w[7].st == ST_OK);
	/* It did happen: neighbours were run again. */
	CU_ASSERT_EQUAL(again > 0, database_way()->threaded);
	free(w);
	db_close(db);
}

static void
test_shared_syncs(void)
{
	struct db *db = begin();
	struct writer *w = writers_make(db);
	struct db_counters c;
	int i, failures = 0;

	CU_ASSERT_EQUAL(note_write(db, "first"), ST_OK);
	shim_reset();
	shim.sync_delay_us = 5000;
	for (i = 0; i < WRITERS; i++)
		w[i].n = 20;
	writers_run(w);
	for (i = 0; i < WRITERS; i++)
		failures += w[i].failures;
	CU_ASSERT_EQUAL(failures, 0);
	CU_ASSERT_EQUAL(notes_count(db, NULL), WRITERS * 20 + 1);
	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.jobs, WRITERS * 20 + 1);
	if (database_way()->threaded) {
		CU_ASSERT(c.commits < c.jobs / 4);
		/* Some four syncs a commit with a rollback journal. */
		CU_ASSERT(shim.syncs < c.jobs);
	} else {
		CU_ASSERT_EQUAL(c.commits, c.jobs);
		CU_ASSERT(shim.syncs >= c.jobs - 1);
	}
	shim_reset();
	free(w);
	db_close(db);
}

/* Each commit is synced before it is acknowledged. */
static void
test_synced(void)
{
	struct db *db = begin();
	char name[16];
	int64_t before;
	int i;

	for (i = 0; i < 20; i++) {
		before = shim.syncs;
		snprintf(name, sizeof(name), "%d", i);
		CU_ASSERT_EQUAL(note_write(db, name), ST_OK);
		CU_ASSERT(shim.syncs > before);
	}
	db_close(db);
}

static void *
close_it(void *arg)
{
	db_close(arg);
	return NULL;
}

static void
test_closing_finishes(void)
{
	struct db *db = begin();
	struct writer *w = writers_make(db);
	pthread_t closer;
	int i;

	if (!database_way()->threaded) {
		db_close(db);
		free(w);
		return;
	}
	shim.sync_delay_us = 100000;
	for (i = 0; i < WRITERS; i++)
		pthread_create(&w[i].thread, NULL, write_notes, &w[i]);
	usleep(50000); /* the first commit is under way, all others wait */
	pthread_create(&closer, NULL, close_it, db);
	for (i = 0; i < WRITERS; i++) {
		pthread_join(w[i].thread, NULL);
		CU_ASSERT_EQUAL(w[i].st, ST_OK);
	}
	pthread_join(closer, NULL);
	shim_reset();
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(notes_count(db, NULL), WRITERS);
	free(w);
	db_close(db);
}

static void
test_ready(void)
{
	struct buf why = BUF_INIT;
	struct db *db = begin();
	int64_t before = shim.syncs;

	CU_ASSERT(db_ready(db, &why));
	CU_ASSERT_EQUAL(why.len, 0);
	/* It is no guess in a server: something was written and synced. */
	CU_ASSERT_EQUAL(shim.syncs > before, database_way()->threaded);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 0);
	db_close(db);
	db = database_open(&notes_schema);
	db_close(db);
	buf_release(&why);
}

static off_t
size_of(const char *suffix)
{
	char path[600];
	struct stat st;

	snprintf(path, sizeof(path), "%s%s", database_path(), suffix);
	return stat(path, &st) == 0 ? st.st_size : -1;
}

static enum status
many_notes(struct db *db, void *arg)
{
	static const char filler[700] = "filler";
	enum status st = ST_OK;
	char name[32];
	int i;

	for (i = 0; i < 50 && st == ST_OK; i++) {
		snprintf(name, sizeof(name), "%d-%d", *(int *)arg, i);
		st = db_run(db, "INSERT INTO note VALUES (?1, ?2, ?3)", "tib",
		    name, (int64_t)i, filler, sizeof(filler));
	}
	return st;
}

/* The log is copied into the database: as it grows, and on closing. */
static void
test_checkpoints(void)
{
	struct db *db = begin();
	bool wal = database_way()->journal == DB_WAL;
	off_t largest = 0;
	int i;

	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	db_close(db);
	CU_ASSERT(size_of("-wal") <= 0);
	db = database_open(&notes_schema);
	for (i = 0; i < 300; i++) {
		CU_ASSERT_EQUAL(db_write(db, many_notes, &i), ST_OK);
		if (size_of("-wal") > largest)
			largest = size_of("-wal");
	}
	CU_ASSERT_EQUAL(notes_count(db, NULL), 300 * 50 + 1);
	CU_ASSERT(size_of("") > 5000000);
	if (wal)
		CU_ASSERT(
		    largest < (database_way()->threaded ? 24000000 : 1000000));
	db_close(db);
}

/* And when there has been nothing to do for a while. */
static void
test_idle(void)
{
	struct db_options o = { .journal = database_way()->journal,
		.threaded = database_way()->threaded,
		.idle_us = 100000,
		.schema = &notes_schema };
	struct buf why = BUF_INIT;
	struct db *db;
	int i;

	if (!o.threaded || o.journal != DB_WAL)
		return;
	database_fresh();
	o.path = database_path();
	CU_ASSERT_EQUAL_FATAL(db_open(&db, &o, &why), ST_OK);
	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	CU_ASSERT(size_of("-wal") > 0);
	for (i = 0; i < 500 && size_of("-wal") > 0; i++)
		usleep(10000);
	CU_ASSERT_EQUAL(size_of("-wal"), 0);
	CU_ASSERT_EQUAL(note_write(db, "b"), ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 2);
	db_close(db);
}

/* Processes that come and go: each would read a log that only grows. */
static void
test_short_lives(void)
{
	struct db *db = begin();
	off_t largest = 0;
	char name[16];
	int i;

	db_close(db);
	for (i = 0; i < 100 && !database_way()->threaded; i++) {
		db = database_open(&notes_schema);
		snprintf(name, sizeof(name), "%d", i);
		CU_ASSERT_EQUAL(note_write(db, name), ST_OK);
		db_close(db);
		if (size_of("-wal") > largest)
			largest = size_of("-wal");
	}
	CU_ASSERT(largest < 500000);
}

static void
test_modes(void)
{
	static const char *const suffixes[] = { "", ".lock", "-wal", "-shm",
		"-journal" };
	struct db *db = begin();
	char path[600];
	struct stat st;
	size_t i;

	CU_ASSERT_EQUAL(note_write(db, "a"), ST_OK);
	for (i = 0; i < TEST_COUNT(suffixes); i++) {
		snprintf(
		    path, sizeof(path), "%s%s", database_path(), suffixes[i]);
		if (stat(path, &st) == 0)
			CU_ASSERT_EQUAL(st.st_mode & 07777, 0600);
		CU_ASSERT(i > 1 || stat(path, &st) == 0);
	}
	db_close(db);
}

static enum status
chore(struct db *db, void *arg)
{
	(void)arg;
	return db_run(db,
	    "UPDATE note SET number = number + 1"
	    " WHERE name = 'counter'",
	    "");
}

static enum status
number_job(struct db *db, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(
	    db, &rows, "SELECT number FROM note WHERE name = 'counter'", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*(int64_t *)arg = db_int(rows, 0);
	return st;
}

static void
test_chore(void)
{
	struct db_schema s = notes_schema;
	struct db *db;
	int64_t number = 0;
	char name[16];
	int i;

	s.chore = chore;
	database_fresh();
	db = database_open(&s);
	CU_ASSERT_EQUAL(note_write(db, "counter"), ST_OK);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "%d", i);
		CU_ASSERT_EQUAL(note_write(db, name), ST_OK);
	}
	CU_ASSERT_EQUAL(db_read(db, number_job, &number), ST_OK);
	CU_ASSERT(number >= 1);
	CU_ASSERT(number < 100);
	db_close(db);
}

static const struct test each_way[] = {
	{ "a job is recorded", test_recorded },
	{ "a failure undoes what was written", test_failure_undoes },
	{ "a job within a job", test_nested },
	{ "reading", test_reading },
	{ "statements", test_statements },
	{ "a failing neighbour", test_failing_neighbour },
	{ "shared syncs", test_shared_syncs },
	{ "synced before it is acknowledged", test_synced },
	{ "closing finishes what waits", test_closing_finishes },
	{ "ready", test_ready },
	{ "checkpoints", test_checkpoints },
	{ "a checkpoint when idle", test_idle },
	{ "short lives", test_short_lives },
	{ "permissions", test_modes },
	{ "upkeep", test_chore },
};

int
main(void)
{
	int bad = 0;
	size_t i;

	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |= test_main(
		    database_ways[i].name, each_way, TEST_COUNT(each_way));
	}
	return bad;
}
