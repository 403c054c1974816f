/* Entries that leave the spool behind the backs of those who sent them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "store/db.h"
#include "store/settled.h"
#include "store/spool.h"
#include "t/test.h"

static struct db *
open_db(void)
{
	static int number;
	char path[256];
	struct db_options o = { .path = path, .threaded = true };
	struct buf why = BUF_INIT;
	struct db *db;

	snprintf(path, sizeof(path), "%s/%d.db", test_tmpdir(), ++number);
	if (db_open(&db, &o, &why) != ST_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		exit(99);
	}
	return db;
}

static enum status
add_job(struct db *db, void *arg)
{
	struct spool_entry e = {
		.role = "ai", .group = "x", .body = "m", .len = 1
	};
	enum status st = spool_add(db, &e);

	*(int64_t *)arg = e.id;
	return st;
}

static int64_t
add(struct db *db)
{
	int64_t id = 0;

	CU_ASSERT_EQUAL(db_write(db, add_job, &id), ST_OK);
	return id;
}

static enum status
depth_job(struct db *db, void *arg)
{
	int64_t oldest;

	return spool_stats(db, INT64_MAX, arg, &oldest);
}

static int64_t
depth(struct db *db)
{
	int64_t n = -1;

	CU_ASSERT_EQUAL(db_read(db, depth_job, &n), ST_OK);
	return n;
}

/* Is it empty, at last? */
static bool
empties(struct db *db)
{
	int64_t end = clock_mono_us() + 10000000;

	while (depth(db) > 0 && clock_mono_us() < end)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	return depth(db) == 0;
}

static enum status
remove_job(struct db *db, void *arg)
{
	return settled_remove(db, arg);
}

/* A thread that may not write holds what is noted. */
static enum status
hold_job(struct db *db, void *arg)
{
	struct settled *s = arg;
	struct settled_ids ids;
	int64_t i;

	(void)db;
	for (i = 1; i <= SETTLED_MAX; i++)
		CU_ASSERT_TRUE(settled_note(s, i));
	CU_ASSERT_FALSE(settled_note(s, i));
	settled_list(s, &ids);
	CU_ASSERT_EQUAL(ids.n, SETTLED_MAX);
	/* Some go, the others stay. */
	ids.n = 100;
	settled_forget(s, &ids);
	settled_list(s, &ids);
	CU_ASSERT_EQUAL(ids.n, SETTLED_MAX - 100);
	CU_ASSERT_EQUAL(ids.ids[0], 101);
	CU_ASSERT_TRUE(settled_note(s, i));
	return ST_OK;
}

static void
test_full(void)
{
	struct db *db = open_db();
	struct settled *s;

	CU_ASSERT_EQUAL_FATAL(settled_open(&s, db, NULL), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, hold_job, s), ST_OK);
	settled_close(s);
	db_close(db);
}

static void
test_thread(void)
{
	struct db *db = open_db();
	struct settled *s;
	int64_t stays;
	int i;

	CU_ASSERT_EQUAL_FATAL(settled_open(&s, db, NULL), ST_OK);
	for (i = 0; i < 300; i++)
		while (!settled_note(s, add(db)))
			;
	CU_ASSERT_TRUE(empties(db));
	/* The end waits for what is noted, and takes nothing else. */
	stays = add(db);
	CU_ASSERT_TRUE(settled_note(s, add(db)));
	settled_close(s);
	CU_ASSERT_EQUAL(depth(db), 1);
	CU_ASSERT(stays > 0);
	db_close(db);
}

static void
test_by_another(void)
{
	struct db *db = open_db();
	struct settled_ids ids = { { add(db), add(db) }, 2 };

	CU_ASSERT_EQUAL(db_write(db, remove_job, &ids), ST_OK);
	CU_ASSERT_EQUAL(depth(db), 0);
	/* In vain, as when the thread was quicker. */
	CU_ASSERT_EQUAL(db_write(db, remove_job, &ids), ST_OK);
	db_close(db);
}

static void
test_none(void)
{
	struct settled_ids ids = { { 1 }, 1 };

	CU_ASSERT_FALSE(settled_note(NULL, 1));
	settled_forget(NULL, &ids);
	settled_list(NULL, &ids);
	CU_ASSERT_EQUAL(ids.n, 0);
	settled_close(NULL);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "full", test_full },
		{ "by its thread", test_thread },
		{ "by another", test_by_another },
		{ "none", test_none },
	};

	return test_main("settled", tests, TEST_COUNT(tests));
}
