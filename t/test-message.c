/* The message log: each sid once, each status once, forgotten in time. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/db.h"
#include "store/message.h"
#include "store/schema.h"
#include "t/databases.h"
#include "t/shim-fs.h"
#include "t/test.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* The tests count from here, where upkeep forgets nothing: the year 2100. */
#define THEN INT64_C(4102444800000000)

static struct db *
begin(void)
{
	database_fresh();
	return database_open(NULL);
}

static enum status
record_at(struct db *db, const char *sid, int64_t at_us)
{
	struct message_record r = { sid, "ai", "c1", at_us, NULL, false };

	return message_record(db, &r);
}

static enum status
event_at(struct db *db, const char *sid, const char *status, const char *error,
    int64_t at_us)
{
	struct message_event e = { sid, status, error, at_us };

	return message_event(db, &e);
}

static enum status
digest_at(struct db *db, const char *sid, unsigned char digest, bool brief,
    int64_t at_us)
{
	unsigned char bytes[MESSAGE_DIGEST_SIZE] = { digest };
	struct message_record r = {
		.sid = sid,
		.route = "ai",
		.at_us = at_us,
		.digest = bytes,
		.brief = brief,
	};

	return message_record(db, &r);
}

/* The same signature is the same message, whatever SID it shows or has not. */
static void
test_digest(void)
{
	struct db *db = begin();

	CU_ASSERT_EQUAL(digest_at(db, "SM1", 1, false, THEN), ST_OK);
	CU_ASSERT_EQUAL(digest_at(db, "SM1", 1, false, THEN), ST_EXISTS);
	CU_ASSERT_EQUAL(digest_at(db, "SM1", 2, false, THEN), ST_EXISTS);
	CU_ASSERT_EQUAL(digest_at(db, "SM2", 1, false, THEN), ST_EXISTS);
	CU_ASSERT_EQUAL(
	    digest_at(db, "d1", 1, false, THEN + DAY_US), ST_EXISTS);
	CU_ASSERT_EQUAL(digest_at(db, "d2", 2, false, THEN), ST_OK);
	CU_ASSERT_EQUAL(digest_at(db, "SM2", 2, false, THEN), ST_EXISTS);
	/* None of one that an older version has recorded. */
	CU_ASSERT_EQUAL(record_at(db, "SM3", THEN), ST_OK);
	CU_ASSERT_EQUAL(record_at(db, "SM4", THEN), ST_OK);
	db_close(db);
}

/* What rightly has no SID may come again, but not at once; a clock that was
 * wrong keeps nobody away for longer. */
static void
test_digest_is_brief(void)
{
	const int64_t span = MESSAGE_BRIEF_US;
	struct db *db = begin();

	CU_ASSERT_EQUAL(digest_at(db, "d1", 1, true, THEN), ST_OK);
	CU_ASSERT_EQUAL(
	    digest_at(db, "d1", 1, true, THEN + span - 1), ST_EXISTS);
	CU_ASSERT_EQUAL(
	    digest_at(db, "d1", 1, true, THEN - span + 1), ST_EXISTS);
	CU_ASSERT_EQUAL(digest_at(db, "d1", 1, true, THEN + span), ST_OK);
	CU_ASSERT_EQUAL(digest_at(db, "d1", 1, true, THEN + span), ST_EXISTS);
	CU_ASSERT_EQUAL(digest_at(db, "d1", 1, true, THEN - DAY_US), ST_OK);
	CU_ASSERT_EQUAL(digest_at(db, "d1", 1, true, THEN - DAY_US), ST_EXISTS);
	db_close(db);
}

struct shown {
	char text[512];
	size_t rows;
	size_t stop_after; /* 0: never */
};

static enum status
shown_next(struct shown *s)
{
	return ++s->rows == s->stop_after ? ST_DENIED : ST_OK;
}

static enum status
show_record(const struct message_record *r, void *arg)
{
	struct shown *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s:%s:%s:%lld ", r->sid,
	    r->route, r->conversation_id == NULL ? "-" : r->conversation_id,
	    (long long)(r->at_us - THEN));
	return shown_next(s);
}

static enum status
show_event(const struct message_event *e, void *arg)
{
	struct shown *s = arg;
	size_t n = strlen(s->text);

	snprintf(s->text + n, sizeof(s->text) - n, "%s:%s:%s:%lld ", e->sid,
	    e->status, e->error_code == NULL ? "-" : e->error_code,
	    (long long)(e->at_us - THEN));
	return shown_next(s);
}

static void
check_shown(struct db *db, const char *sid, const char *text)
{
	struct shown s = { .rows = 0 };

	CU_ASSERT_EQUAL(
	    message_show(db, sid, show_record, show_event, &s), ST_OK);
	CU_ASSERT_STRING_EQUAL(s.text, text);
}

static void
test_records(void)
{
	struct message_record other = { "SM1", "human", NULL, THEN + 9, NULL,
		false };
	struct message_record none = { "SM2", "unrouted", NULL, THEN + 2, NULL,
		false };
	struct db *db = begin();

	check_shown(db, "SM1", "");
	CU_ASSERT_EQUAL(record_at(db, "SM1", THEN + 1), ST_OK);
	CU_ASSERT_EQUAL(message_record(db, &other), ST_EXISTS);
	CU_ASSERT_EQUAL(message_record(db, &none), ST_OK);
	check_shown(db, "SM1", "SM1:ai:c1:1 ");
	check_shown(db, "SM2", "SM2:unrouted:-:2 ");
	check_shown(db, "SM", "");
	db_close(db);
}

static void
test_events(void)
{
	struct shown s = { .stop_after = 2 };
	struct db *db = begin();

	CU_ASSERT_EQUAL(event_at(db, "SM1", "sent", NULL, THEN + 10), ST_OK);
	CU_ASSERT_EQUAL(event_at(db, "SM1", "read", NULL, THEN + 30), ST_OK);
	CU_ASSERT_EQUAL(
	    event_at(db, "SM1", "delivered", NULL, THEN + 20), ST_OK);
	CU_ASSERT_EQUAL(
	    event_at(db, "SM1", "sent", NULL, THEN + 40), ST_EXISTS);
	CU_ASSERT_EQUAL(
	    event_at(db, "SM2", "failed", "30007", THEN + 50), ST_OK);
	check_shown(
	    db, "SM1", "SM1:sent:-:10 SM1:delivered:-:20 SM1:read:-:30 ");
	check_shown(db, "SM2", "SM2:failed:30007:50 ");
	CU_ASSERT_EQUAL(record_at(db, "SM1", THEN + 5), ST_OK);
	check_shown(db, "SM1",
	    "SM1:ai:c1:5 SM1:sent:-:10 SM1:delivered:-:20 SM1:read:-:30 ");
	CU_ASSERT_EQUAL(
	    message_show(db, "SM1", show_record, show_event, &s), ST_DENIED);
	CU_ASSERT_EQUAL(s.rows, 2);
	db_close(db);
}

static void
test_purge(void)
{
	struct db *db = begin();
	struct db_counters c;
	char sid[16];
	int i;

	for (i = 1; i <= 9; i++) {
		snprintf(sid, sizeof(sid), "SM%d", i);
		CU_ASSERT_EQUAL(record_at(db, sid, THEN + i), ST_OK);
		CU_ASSERT_EQUAL(
		    event_at(db, sid, "sent", NULL, THEN + i), ST_OK);
	}
	CU_ASSERT_EQUAL(message_purge(db, THEN + 8, 3), ST_OK);
	check_shown(db, "SM3", "");
	check_shown(db, "SM4", "SM4:ai:c1:4 SM4:sent:-:4 ");
	CU_ASSERT_EQUAL(message_purge(db, THEN + 8, 100), ST_OK);
	check_shown(db, "SM7", "");
	check_shown(db, "SM8", "SM8:ai:c1:8 SM8:sent:-:8 ");
	CU_ASSERT_EQUAL(message_purge(db, THEN + 8, 100), ST_OK);
	check_shown(db, "SM9", "SM9:ai:c1:9 SM9:sent:-:9 ");
	/* What is forgotten is new again. */
	CU_ASSERT_EQUAL(record_at(db, "SM1", THEN + 1), ST_OK);
	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.scans, 0);
	db_close(db);
}

/* The product's upkeep: what is old enough goes, and nothing else. */
static void
test_upkeep(void)
{
	struct db *db = begin();
	int64_t now = clock_us();

	database_forget_by(db, now - 31 * DAY_US);
	CU_ASSERT_EQUAL(record_at(db, "SMold", now - 31 * DAY_US), ST_OK);
	CU_ASSERT_EQUAL(record_at(db, "SMyoung", now - 29 * DAY_US), ST_OK);
	database_forget_by(db, now);
	CU_ASSERT_EQUAL(db_write(db, store_schema.chore, NULL), ST_OK);
	CU_ASSERT_EQUAL(record_at(db, "SMold", now), ST_OK);
	CU_ASSERT_EQUAL(record_at(db, "SMyoung", now), ST_EXISTS);
	db_close(db);
}

static void
check_known(struct db *db, int64_t now)
{
	CU_ASSERT_EQUAL(db_write(db, store_schema.chore, NULL), ST_OK);
	CU_ASSERT_EQUAL(record_at(db, "SM1", now), ST_EXISTS);
	CU_ASSERT_EQUAL(event_at(db, "SM1", "sent", NULL, now), ST_EXISTS);
	CU_ASSERT_EQUAL(digest_at(db, "SM2", 1, false, now), ST_EXISTS);
}

/* What comes while the clock is months behind is not forgotten for it. */
static void
test_behind(void)
{
	struct db *db = begin();
	int64_t now = clock_us(), then = now - 120 * DAY_US;

	CU_ASSERT_EQUAL(record_at(db, "SM1", then), ST_OK);
	CU_ASSERT_EQUAL(event_at(db, "SM1", "sent", NULL, then), ST_OK);
	CU_ASSERT_EQUAL(digest_at(db, "d1", 1, false, then), ST_OK);
	check_known(db, then);
	check_known(db, now);
	/* Its hours go on: what is brief stays so. */
	CU_ASSERT_EQUAL(digest_at(db, "d2", 2, true, then), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, store_schema.chore, NULL), ST_OK);
	CU_ASSERT_EQUAL(digest_at(db, "d2", 2, true, then + 1), ST_EXISTS);
	CU_ASSERT_EQUAL(
	    digest_at(db, "d2", 2, true, then + MESSAGE_BRIEF_US), ST_OK);
	db_close(db);
}

/* Less is a clock that somebody has set, and is believed. */
static void
test_little_behind(void)
{
	struct db *db = begin();

	database_forget_by(db, THEN + 6 * DAY_US);
	CU_ASSERT_EQUAL(record_at(db, "SM1", THEN), ST_OK);
	check_shown(db, "SM1", "SM1:ai:c1:0 ");
	database_forget_by(db, THEN + 16 * DAY_US);
	CU_ASSERT_EQUAL(record_at(db, "SM2", THEN + 1), ST_OK);
	check_shown(db, "SM2", "SM2:ai:c1:1209600000001 ");
	db_close(db);
}

static const struct test tests[] = {
	{ "digest", test_digest },
	{ "digest is brief", test_digest_is_brief },
	{ "a sid is recorded once", test_records },
	{ "a status is recorded once", test_events },
	{ "forgetting", test_purge },
	{ "upkeep", test_upkeep },
	{ "a clock months behind", test_behind },
	{ "a clock days behind", test_little_behind },
};

int
main(void)
{
	int bad = 0;
	size_t i;

	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |=
		    test_main(database_ways[i].name, tests, TEST_COUNT(tests));
	}
	return bad;
}
