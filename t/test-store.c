/* Conversations in SQLite: the contract, and what names a back end. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/db.h"
#include "message/backends.h"
#include "store/schema.h"
#include "t/contract-store.h"
#include "t/databases.h"
#include "t/shim-fs.h"

static struct db *db;

static void
begin(void)
{
	database_fresh();
	db = database_open(NULL);
}

static struct store *
open_store(void)
{
	struct buf why = BUF_INIT;
	struct store *s = NULL;
	struct backends b = { .db = db };

	CU_ASSERT_EQUAL_FATAL(backend_store(&b, "sqlite:", &s, &why), ST_OK);
	CU_ASSERT_FALSE(backend_is_remote("sqlite:"));
	buf_release(&why);
	return s;
}

static void
end(void)
{
	db_close(db);
}

static struct db *
database(void)
{
	return db;
}

static void
check_refused(const char *url, const char *says)
{
	struct buf why = BUF_INIT;
	struct store *s = NULL;
	struct backends b = { .db = db };

	CU_ASSERT_EQUAL(backend_store(&b, url, &s, &why), ST_CONFIG);
	CU_ASSERT_PTR_NULL(s);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), says));
	buf_release(&why);
}

static void
test_registry(void)
{
	begin();
	check_refused("sqlite:name", "store.path");
	check_refused("", "write sqlite:, or");
	check_refused("sqlite", "write sqlite:, or");
	check_refused("mysql:host", "write sqlite:, or");
	check_refused("SQLITE:", "write sqlite:, or");
	end();
}

static enum status
count_row(const struct conversation *c, void *arg)
{
	(void)c;
	++*(int *)arg;
	return ST_OK;
}

static void
check_newest(struct store *s, const char *id)
{
	struct conversation c = { 0 };

	CU_ASSERT_EQUAL(s->ops->newest(s, "+1", &c), ST_OK);
	CU_ASSERT(str_eq(c.id, id));
	conversation_release(&c);
}

/* What was made while the clock was ahead is not the newest until the clock is
 * there again. */
static void
test_clock_was_ahead(void)
{
	const int64_t day_us = INT64_C(24) * 3600 * 1000000, now = clock_us();
	struct conversation c = { .id = (char *)"first", .tel = (char *)"+1" };
	struct store *s;

	begin();
	s = open_store();
	c.created_us = now + 400 * day_us;
	CU_ASSERT_EQUAL(s->ops->add(s, &c), ST_OK);
	c.id = (char *)"second";
	c.created_us = now + 300 * day_us;
	CU_ASSERT_EQUAL(s->ops->add(s, &c), ST_OK);
	check_newest(s, "second");
	c.id = (char *)"now";
	c.created_us = clock_us();
	CU_ASSERT_EQUAL(s->ops->add(s, &c), ST_OK);
	check_newest(s, "now");
	s->ops->close(s);
	end();
}

/* However many conversations there are, each operation uses an index. */
static void
test_no_scans(void)
{
	static const bool on = true;
	const struct conversation_change to_people = { .handoff = &on };
	struct conversation c = { .tel = (char *)"+1" }, got;
	struct db_counters before, after;
	struct store *s;
	char id[32];
	int n = 0;

	begin();
	s = open_store();
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		c.id = id;
		c.created_us = i;
		CU_ASSERT_EQUAL(s->ops->add(s, &c), ST_OK);
	}
	db_counters(db, &before);
	CU_ASSERT_EQUAL(s->ops->newest(s, "+1", &got), ST_OK);
	conversation_release(&got);
	CU_ASSERT_EQUAL(s->ops->get(s, "c7", &got), ST_OK);
	conversation_release(&got);
	CU_ASSERT_EQUAL(s->ops->set(s, "c9", &to_people), ST_OK);
	CU_ASSERT_EQUAL(s->ops->list(s, "+1", 99, count_row, &n), ST_OK);
	CU_ASSERT_EQUAL(n, 50);
	CU_ASSERT_EQUAL(s->ops->remove(s, "c9"), ST_OK);
	db_counters(db, &after);
	CU_ASSERT_EQUAL(after.scans, before.scans);
	/* The counter does count: a list of all walks the whole index. */
	CU_ASSERT_EQUAL(s->ops->list(s, NULL, 99, count_row, &n), ST_OK);
	db_counters(db, &after);
	CU_ASSERT(after.scans > before.scans);
	s->ops->close(s);
	end();
}

/* Is each table one that the probe looks at? */
static enum status
probed_job(struct db *d, void *arg)
{
	struct db_rows *rows;
	char word[64];
	enum status st;

	st = db_query(d, &rows,
	    "SELECT name FROM sqlite_schema WHERE type = 'table'"
	    " AND name NOT LIKE 'sqlite!_%' ESCAPE '!'",
	    "");
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		snprintf(word, sizeof(word), " FROM %s ", db_text(rows, 0));
		CU_ASSERT_PTR_NOT_NULL(strstr(store_schema.probe, word));
		++*(int *)arg;
	}
	db_done(rows);
	return st;
}

static enum status
drop_job(struct db *d, void *arg)
{
	(void)arg;
	return db_run(d, "DROP TABLE counter", "");
}

static void
test_tables(void)
{
	struct buf why = BUF_INIT;
	int n = 0;

	begin();
	CU_ASSERT_EQUAL(db_read(db, probed_job, &n), ST_NOTFOUND);
	CU_ASSERT(n >= 10);
	CU_ASSERT(db_ready(db, &why));
	CU_ASSERT_EQUAL(db_write(db, drop_job, NULL), ST_OK);
	CU_ASSERT(!db_ready(db, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "no such table"));
	buf_release(&why);
	end();
}

int
main(void)
{
	static const struct contract_store sqlite = { begin, open_store, end,
		database };
	static const struct test own[] = {
		{ "unknown back ends are refused", test_registry },
		{ "no operation scans", test_no_scans },
		{ "the clock was ahead", test_clock_was_ahead },
		{ "tables are looked for", test_tables },
	};
	int bad = 0;
	size_t i;

	contract_store_use(&sqlite);
	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |= test_main(database_ways[i].name, contract_store_tests,
		    contract_store_tests_n);
	}
	return bad | test_main("sqlite store", own, TEST_COUNT(own));
}
