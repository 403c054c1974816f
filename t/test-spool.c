/* The spool of messages that a remote queue has not taken yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "db/db.h"
#include "store/schema.h"
#include "store/spool.h"
#include "t/test.h"

static struct db *
open_db(void)
{
	static int number;
	char path[256];
	struct db_options o = { .path = path, .schema = &store_schema };
	struct buf why = BUF_INIT;
	struct db *db;

	snprintf(path, sizeof(path), "%s/%d.db", test_tmpdir(), ++number);
	if (db_open(&db, &o, &why) != ST_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		exit(99);
	}
	return db;
}

/* A call of the spool as a job. */
struct step {
	enum { ADD, TAKE, REMOVE, DEFER, LATER, HURRY, IDLE, LIST } what;
	struct spool_entry entry;
	const char *group;
	int64_t now, until, count;
	struct buf listing;
};

static enum status
list_row(const struct spool_entry *e, void *arg)
{
	return buf_printf(arg, "%s/%s/%lld/%d ", e->group, e->body,
	    (long long)e->attempts, e->taken);
}

static enum status
step_job(struct db *db, void *arg)
{
	struct step *s = arg;

	switch (s->what) {
	case ADD:
		return spool_add(db, &s->entry);
	case TAKE:
		return spool_take(db, s->now, s->until, &s->entry);
	case REMOVE:
		return spool_remove(db, s->entry.id);
	case DEFER:
		return spool_defer(db, s->entry.id, s->until, "down");
	case LATER:
		return spool_defer(db, s->entry.id, s->until, NULL);
	case HURRY:
		return spool_hurry(db, s->now, &s->count);
	case IDLE:
		return spool_idle(db, s->group);
	case LIST:
		buf_reset(&s->listing);
		return spool_list(db, 100, list_row, &s->listing);
	}
	return ST_IO;
}

static void
add(struct db *db, const char *group, const char *body, int64_t due)
{
	struct step s = { .what = ADD,
		.entry = { .role = "ai",
		    .group = group,
		    .sid = "SM1",
		    .body = body,
		    .len = strlen(body),
		    .due_us = due,
		    .received_us = due == SPOOL_AFTER ? 20 : due } };

	CU_ASSERT_EQUAL(db_write(db, step_job, &s), ST_OK);
	CU_ASSERT(s.entry.id > 0);
}

/* Take what is due; its body, or "" for nothing. *id is kept. */
static const char *
take(struct db *db, int64_t now, int64_t *id)
{
	static char body[64];
	struct step s = { .what = TAKE, .now = now, .until = now + 100 };
	enum status st = db_write(db, step_job, &s);

	body[0] = '\0';
	CU_ASSERT(st == ST_OK || st == ST_NOTFOUND);
	if (st == ST_OK) {
		snprintf(body, sizeof(body), "%s", s.entry.body);
		*id = s.entry.id;
	}
	spool_entry_release(&s.entry);
	return body;
}

static enum status
with_id(struct db *db, int what, int64_t id, int64_t until)
{
	struct step s = { .what = what, .entry = { .id = id }, .until = until };

	return db_write(db, step_job, &s);
}

static void
test_order_within_group(void)
{
	struct db *db = open_db();
	int64_t a, b;

	add(db, "x", "x1", 10);
	add(db, "x", "x2", 5);
	add(db, "y", "y1", 20);
	CU_ASSERT_STRING_EQUAL(take(db, 9, &a), "");
	CU_ASSERT_STRING_EQUAL(take(db, 50, &a), "x1");
	/* x2 waits for x1, y does not. */
	CU_ASSERT_STRING_EQUAL(take(db, 50, &b), "y1");
	CU_ASSERT_STRING_EQUAL(take(db, 50, &b), "");
	CU_ASSERT_EQUAL(with_id(db, REMOVE, a, 0), ST_OK);
	CU_ASSERT_EQUAL(with_id(db, REMOVE, a, 0), ST_OK);
	CU_ASSERT_STRING_EQUAL(take(db, 50, &a), "x2");
	db_close(db);
}

static void
test_taken_runs_out(void)
{
	struct db *db = open_db();
	int64_t id;

	add(db, "x", "x1", 10);
	CU_ASSERT_STRING_EQUAL(take(db, 50, &id), "x1");
	CU_ASSERT_STRING_EQUAL(take(db, 149, &id), "");
	CU_ASSERT_STRING_EQUAL(take(db, 150, &id), "x1");
	db_close(db);
}

static void
test_defer_and_hurry(void)
{
	struct db *db = open_db();
	struct step s = { .what = HURRY, .now = 60 };
	int64_t id;

	add(db, "x", "x1", 10);
	add(db, "y", "y1", 10);
	CU_ASSERT_STRING_EQUAL(take(db, 50, &id), "x1");
	CU_ASSERT_EQUAL(with_id(db, DEFER, id, 500), ST_OK);
	CU_ASSERT_STRING_EQUAL(take(db, 55, &id), "y1");
	CU_ASSERT_STRING_EQUAL(take(db, 55, &id), "");
	/* y is with somebody: it is left to them. */
	CU_ASSERT_EQUAL(db_write(db, step_job, &s), ST_OK);
	CU_ASSERT_EQUAL(s.count, 1);
	s.what = LIST;
	CU_ASSERT_EQUAL(db_read(db, step_job, &s), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&s.listing), "x/x1/1/0 y/y1/0/1 ");
	CU_ASSERT_STRING_EQUAL(take(db, 60, &id), "x1");
	buf_release(&s.listing);
	db_close(db);
}

/* However many wait behind it, only the first of a group is looked at. */
static void
test_due_after_another(void)
{
	struct db *db = open_db();
	struct step s = { .what = HURRY, .now = 60 };
	int64_t id;

	add(db, "x", "x1", 10);
	add(db, "x", "x2", SPOOL_AFTER);
	add(db, "x", "x3", SPOOL_AFTER);
	CU_ASSERT_STRING_EQUAL(take(db, 50, &id), "x1");
	CU_ASSERT_EQUAL(with_id(db, DEFER, id, 500), ST_OK);
	CU_ASSERT_STRING_EQUAL(take(db, 55, &id), "");
	CU_ASSERT_EQUAL(db_write(db, step_job, &s), ST_OK);
	CU_ASSERT_EQUAL(s.count, 1);
	CU_ASSERT_STRING_EQUAL(take(db, 60, &id), "x1");
	CU_ASSERT_EQUAL(with_id(db, REMOVE, id, 0), ST_OK);
	CU_ASSERT_STRING_EQUAL(take(db, 60, &id), "x2");
	CU_ASSERT_STRING_EQUAL(take(db, 60, &id), "");
	db_close(db);
}

static void
test_not_tried(void)
{
	struct db *db = open_db();
	struct step s = { .what = LATER, .until = 90 };
	int64_t id;

	add(db, "x", "x1", 10);
	CU_ASSERT_STRING_EQUAL(take(db, 50, &id), "x1");
	s.entry.id = id;
	CU_ASSERT_EQUAL(db_write(db, step_job, &s), ST_OK);
	CU_ASSERT_STRING_EQUAL(take(db, 89, &id), "");
	s.what = LIST;
	CU_ASSERT_EQUAL(db_read(db, step_job, &s), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&s.listing), "x/x1/0/0 ");
	buf_release(&s.listing);
	db_close(db);
}

/* What came while the clock was ahead is due at once; what somebody was at is
 * his for its own span. */
static void
test_clock_ahead(void)
{
	const int64_t ahead = INT64_C(2500000000000000);
	struct db *db = open_db();
	struct spool_depth d;
	int64_t id;

	add(db, "x", "x1", ahead);
	add(db, "x", "x2", SPOOL_AFTER);
	add(db, "y", "y1", ahead);
	CU_ASSERT_STRING_EQUAL(take(db, ahead, &id), "x1");
	CU_ASSERT_STRING_EQUAL(take(db, 50, &id), "y1");
	CU_ASSERT_EQUAL(spool_depth(db, INT64_MAX, &d), ST_OK);
	CU_ASSERT_EQUAL(d.oldest_us, 50);
	CU_ASSERT_STRING_EQUAL(take(db, 49 + SPOOL_TAKEN_US, &id), "y1");
	CU_ASSERT_EQUAL(with_id(db, REMOVE, id, 0), ST_OK);
	CU_ASSERT_STRING_EQUAL(take(db, 49 + SPOOL_TAKEN_US, &id), "");
	CU_ASSERT_STRING_EQUAL(take(db, 50 + SPOOL_TAKEN_US, &id), "x1");
	CU_ASSERT_EQUAL(with_id(db, REMOVE, id, 0), ST_OK);
	CU_ASSERT_STRING_EQUAL(take(db, 50 + SPOOL_TAKEN_US, &id), "x2");
	db_close(db);
}

static void
test_idle_and_depth(void)
{
	struct db *db = open_db();
	struct step s = { .what = IDLE, .group = "x" };
	struct spool_depth d;

	CU_ASSERT_EQUAL(spool_depth(db, INT64_MAX, &d), ST_OK);
	CU_ASSERT_EQUAL(d.waiting, 0);
	CU_ASSERT_EQUAL(d.oldest_us, 0);
	add(db, "x", "x1", 10);
	add(db, "x", "x2", 30);
	CU_ASSERT_EQUAL(spool_depth(db, 1, &d), ST_OK);
	CU_ASSERT_EQUAL(d.waiting, 1);
	CU_ASSERT_EQUAL(spool_depth(db, INT64_MAX, &d), ST_OK);
	CU_ASSERT_EQUAL(d.waiting, 2);
	CU_ASSERT_EQUAL(d.oldest_us, 10);
	CU_ASSERT_EQUAL(db_read(db, step_job, &s), ST_EXISTS);
	s.group = "z";
	CU_ASSERT_EQUAL(db_read(db, step_job, &s), ST_OK);
	db_close(db);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "order within a group", test_order_within_group },
		{ "what is taken runs out", test_taken_runs_out },
		{ "defer and hurry", test_defer_and_hurry },
		{ "due after another", test_due_after_another },
		{ "not tried", test_not_tried },
		{ "a clock that was ahead", test_clock_ahead },
		{ "idle and depth", test_idle_and_depth },
	};

	return test_main("spool", tests, TEST_COUNT(tests));
}
