/* Refused signatures as they are kept: the last ones, few of a cause, one in a
 * second. */
#include <stdio.h>
#include <string.h>

#include "db/db.h"
#include "store/refusal.h"
#include "store/schema.h"
#include "t/databases.h"
#include "t/shim-fs.h"
#include "t/test.h"

#define THEN INT64_C(1795287000000000)

static struct db *
begin(void)
{
	database_fresh();
	return database_open(NULL);
}

/* At a number of seconds. */
static enum status
record(struct db *db, double s, const char *cause, const char *request)
{
	const struct refusal r = { .at_us = THEN + (int64_t)(s * 1e6),
		.passed = *request == 'p',
		.request_id = request,
		.method = "POST",
		.route = "/whatsapp",
		.url = "https://a.example/whatsapp?a=***",
		.verdict = "wrong",
		.cause = cause,
		.explanation = "words; what to do" };

	return refusal_record(db, &r);
}

static enum status
put_name(const struct refusal *r, void *text)
{
	strcat(text, r->request_id);
	strcat(text, " ");
	return ST_OK;
}

static void
check_list(struct db *db, const char *text)
{
	char got[512] = "";

	CU_ASSERT_EQUAL(refusal_list(db, put_name, got), ST_OK);
	CU_ASSERT_STRING_EQUAL(got, text);
	if (strcmp(got, text) != 0)
		printf("\n%s\n", got);
}

static void
test_one(void)
{
	struct db *db = begin();

	check_list(db, "");
	CU_ASSERT_EQUAL(record(db, 0, "scheme", "a"), ST_OK);
	check_list(db, "a ");
	db_close(db);
}

/* One in a second, whoever asks; what a clock that was ahead wrote does not
 * silence the others. */
static void
test_span(void)
{
	struct db *db = begin();

	CU_ASSERT_EQUAL(record(db, 0, "scheme", "a"), ST_OK);
	CU_ASSERT_EQUAL(record(db, 0, "none", "b"), ST_EXISTS);
	CU_ASSERT_EQUAL(record(db, 0.9, "none", "b"), ST_EXISTS);
	CU_ASSERT_EQUAL(record(db, 1, "none", "c"), ST_OK);
	CU_ASSERT_EQUAL(record(db, 9000, "none", "d"), ST_OK);
	CU_ASSERT_EQUAL(record(db, 3, "none", "e"), ST_OK);
	CU_ASSERT_EQUAL(record(db, 3.5, "none", "f"), ST_EXISTS);
	check_list(db, "e d c a ");
	db_close(db);
}

/* Five of a cause, and the cause that anybody can bring about leaves the
 * others alone. */
static void
test_of_a_cause(void)
{
	struct db *db = begin();
	char name[16];
	int i;

	CU_ASSERT_EQUAL(record(db, 0, "scheme", "a"), ST_OK);
	for (i = 1; i < 40; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		CU_ASSERT_EQUAL(record(db, i, "header", name), ST_OK);
	}
	check_list(db, "h39 h38 h37 h36 h35 a ");
	db_close(db);
}

static void
test_twenty(void)
{
	struct db_counters c;
	struct db *db = begin();
	char name[16], cause[16];
	int i;

	for (i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "%d", i);
		snprintf(cause, sizeof(cause), "c%d", i / 4);
		CU_ASSERT_EQUAL(record(db, i, cause, name), ST_OK);
	}
	check_list(
	    db, "29 28 27 26 25 24 23 22 21 20 19 18 17 16 15 14 13 12 11 10 ");
	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.scans, 0);
	db_close(db);
}

static enum status
put_all(const struct refusal *r, void *text)
{
	sprintf(text, "%lld %lld %d %s %s %s %s %s %s %s", (long long)r->id,
	    (long long)(r->at_us - THEN), r->passed, r->request_id, r->method,
	    r->route, r->url, r->verdict, r->cause, r->explanation);
	return ST_OK;
}

static void
test_find(void)
{
	static const char *const none[] = { "0", "3", "-1", "", "x",
		"99999999999999999999" };
	struct db *db = begin();
	char text[512] = "";
	size_t i;

	CU_ASSERT_EQUAL(record(db, 0, "scheme", "a"), ST_OK);
	CU_ASSERT_EQUAL(record(db, 2, "host", "p"), ST_OK);
	CU_ASSERT_EQUAL(refusal_find(db, "1", put_all, text), ST_OK);
	CU_ASSERT_STRING_EQUAL(text,
	    "1 0 0 a POST /whatsapp https://a.example/whatsapp?a=*** wrong "
	    "scheme words; what to do");
	CU_ASSERT_EQUAL(refusal_find(db, "p", put_all, text), ST_OK);
	CU_ASSERT_STRING_EQUAL(text,
	    "2 2000000 1 p POST /whatsapp https://a.example/whatsapp?a=*** "
	    "wrong host words; what to do");
	for (i = 0; i < TEST_COUNT(none); i++)
		CU_ASSERT_EQUAL(
		    refusal_find(db, none[i], put_all, text), ST_NOTFOUND);
	db_close(db);
}

/* A database of the version before gets the table, and keeps what it has. */
static void
test_migration(void)
{
	const char *before[12] = { NULL };
	struct db_schema old = { .migrations = before };
	struct db *db;
	size_t i;

	for (i = 0; i < 11; i++)
		before[i] = store_schema.migrations[i];
	database_fresh();
	db = database_open(&old);
	CU_ASSERT_EQUAL(record(db, 0, "scheme", "a"), ST_IO);
	db_close(db);
	db = database_open(NULL);
	CU_ASSERT_EQUAL(record(db, 0, "scheme", "a"), ST_OK);
	check_list(db, "a ");
	db_close(db);
}

static const struct test tests[] = {
	{ "one", test_one },
	{ "one in a second", test_span },
	{ "five of a cause", test_of_a_cause },
	{ "twenty", test_twenty },
	{ "by number and by request", test_find },
	{ "an older database", test_migration },
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
