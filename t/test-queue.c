/* Queues in SQLite: the contract, and what is its own. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "db/db.h"
#include "message/backends.h"
#include "store/sqlite_queue.h"
#include "t/contract-queue.h"
#include "t/databases.h"
#include "t/shim-fs.h"

#define BODY_MAX ((size_t)4 << 20)

static struct db *db;

static void
begin(void)
{
	database_fresh();
	db = database_open(NULL);
}

static struct queue *
open_queue(const char *name)
{
	struct buf why = BUF_INIT;
	struct queue *q = NULL;
	struct backends b = { .db = db };
	char url[128];

	snprintf(url, sizeof(url), "sqlite:%s", name);
	CU_ASSERT_EQUAL_FATAL(backend_queue(&b, url, &q, &why), ST_OK);
	CU_ASSERT_FALSE(backend_is_remote(url));
	CU_ASSERT_STRING_EQUAL(q->name, url);
	buf_release(&why);
	return q;
}

/* Whatever a case has done, it has done by index. */
static void
end(void)
{
	struct db_counters c;

	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.scans, 0);
	db_close(db);
}

static struct db *
database(void)
{
	return db;
}

static enum status
damage_job(struct db *d, void *arg)
{
	(void)arg;
	return db_run(d,
	    "UPDATE queue_item SET body = CAST('dbmaged' AS BLOB)"
	    " WHERE id = (SELECT max(id) FROM queue_item)",
	    "");
}

static void
damage(void)
{
	CU_ASSERT_EQUAL(db_write(db, damage_job, NULL), ST_OK);
}

static void
check_refused(const char *url, const char *says)
{
	struct buf why = BUF_INIT;
	struct queue *q = NULL;
	struct backends b = { .db = db };

	CU_ASSERT_EQUAL(backend_queue(&b, url, &q, &why), ST_CONFIG);
	CU_ASSERT_PTR_NULL(q);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), says));
	buf_release(&why);
}

static void
test_registry(void)
{
	char name[96];
	struct queue *q;

	begin();
	check_refused("", "write sqlite:NAME, or");
	check_refused("ai", "write sqlite:NAME, or");
	check_refused("ftp://host/queue", "write sqlite:NAME, or");
	check_refused("sqlite:", "1 to 80");
	check_refused("sqlite:a b", "1 to 80");
	check_refused("sqlite:a/b", "1 to 80");
	snprintf(name, sizeof(name), "sqlite:%081d", 0);
	check_refused(name, "1 to 80");
	snprintf(name, sizeof(name), "%080d", 0);
	q = open_queue(name);
	q->ops->close(q);
	q = open_queue("A.z_0-9");
	q->ops->close(q);
	end();
}

static enum status
count_row(const struct queue_item *i, void *arg)
{
	(void)i;
	++*(int *)arg;
	return ST_OK;
}

static void
bury_all(struct queue *q, int n)
{
	struct queue_message m = { .body = "x", .len = 1 };
	struct queue_item i;

	while (n-- > 0) {
		CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
		CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, 60, &i), ST_OK);
		CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "why"), ST_OK);
		queue_item_release(&i);
	}
}

struct bulk {
	struct queue *q;
	int n;
};

static enum status
bury_job(struct db *d, void *arg)
{
	struct bulk *b = arg;

	(void)d;
	bury_all(b->q, b->n);
	return ST_OK;
}

/* More dead letters than one transaction of a redrive takes. */
static void
test_large_redrive(void)
{
	struct bulk b = { .n = 1200 };
	int64_t count = 0;
	int rows = 0;

	begin();
	b.q = open_queue("a");
	CU_ASSERT_EQUAL(db_write(db, bury_job, &b), ST_OK);
	CU_ASSERT_EQUAL(b.q->ops->redrive(b.q, NULL, &count), ST_OK);
	CU_ASSERT_EQUAL(count, b.n);
	CU_ASSERT_EQUAL(
	    b.q->ops->peek(b.q, false, 9999, count_row, &rows), ST_OK);
	CU_ASSERT_EQUAL(rows, b.n);
	b.q->ops->close(b.q);
	end();
}

/* An emptied queue gives no id out again, so no receipt or log line of an
 * older item can be taken for a new one's. */
static void
test_ids_are_not_reused(void)
{
	struct queue_message m = { .body = "x", .len = 1 };
	struct queue_item first, second;
	struct queue *q;

	begin();
	q = open_queue("a");
	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, 60, &first), ST_OK);
	CU_ASSERT_EQUAL(q->ops->ack(q, first.receipt), ST_OK);
	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, 60, &second), ST_OK);
	CU_ASSERT_STRING_NOT_EQUAL(first.id, second.id);
	CU_ASSERT_EQUAL(q->ops->ack(q, first.receipt), ST_NOTFOUND);
	queue_item_release(&first);
	queue_item_release(&second);
	q->ops->close(q);
	end();
}

static struct queue *
open_dead(const char *name)
{
	struct queue *q = NULL;
	char url[128];

	snprintf(url, sizeof(url), "sqlite:%s", name);
	CU_ASSERT_EQUAL_FATAL(sqlite_queue_open_dead(db, url, name, &q), ST_OK);
	return q;
}

static int64_t
count_dead(struct queue *q)
{
	struct queue_stats s;

	CU_ASSERT_EQUAL(q->ops->stats(q, &s), ST_OK);
	return s.dead;
}

/* The dead letters of a queue as one of their own. */
static void
test_dead(void)
{
	struct queue_message m = {
		.body = "bad", .len = 3, .group = "g", .attributes = "{}"
	};
	struct queue *q, *dead;
	struct queue_stats s;
	struct queue_item i;
	int64_t count;

	begin();
	q = open_queue("a");
	dead = open_dead("a");
	CU_ASSERT_EQUAL(dead->ops->push(dead, &m), ST_MALFORMED);
	m.dead = "why";
	CU_ASSERT_EQUAL(dead->ops->push(dead, &m), ST_OK);
	CU_ASSERT_EQUAL(dead->ops->receive(dead, 60, &i), ST_OK);
	CU_ASSERT_STRING_EQUAL(i.body, "bad");
	CU_ASSERT_STRING_EQUAL(i.reason, "why");
	CU_ASSERT_STRING_EQUAL(i.group, "g");
	CU_ASSERT_STRING_EQUAL(i.attributes, "{}");
	CU_ASSERT_EQUAL(i.attempts, 1);
	queue_item_release(&i);
	/* Hidden, and still a dead letter that looking shows. */
	CU_ASSERT_EQUAL(dead->ops->receive(dead, 60, &i), ST_NOTFOUND);
	CU_ASSERT_EQUAL(dead->ops->stats(dead, &s), ST_OK);
	CU_ASSERT_EQUAL(s.ready, 1);
	CU_ASSERT_EQUAL(count_dead(q), 1);
	/* Redriven meanwhile it is one no more. */
	CU_ASSERT_EQUAL(q->ops->redrive(q, NULL, &count), ST_OK);
	CU_ASSERT_EQUAL(count, 1);
	CU_ASSERT_EQUAL(q->ops->receive(q, 60, &i), ST_OK);
	CU_ASSERT_EQUAL(dead->ops->ack(dead, i.receipt), ST_NOTFOUND);
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "again"), ST_OK);
	queue_item_release(&i);
	CU_ASSERT_EQUAL(dead->ops->receive(dead, 60, &i), ST_OK);
	CU_ASSERT_EQUAL(dead->ops->extend(dead, i.receipt, 0), ST_OK);
	CU_ASSERT_EQUAL(dead->ops->ack(dead, i.receipt), ST_NOTFOUND);
	queue_item_release(&i);
	CU_ASSERT_EQUAL(dead->ops->receive(dead, 60, &i), ST_OK);
	CU_ASSERT_EQUAL(sqlite_queue_known(db, i.receipt), ST_OK);
	CU_ASSERT_EQUAL(dead->ops->ack(dead, i.receipt), ST_OK);
	CU_ASSERT_EQUAL(sqlite_queue_known(db, i.receipt), ST_NOTFOUND);
	CU_ASSERT_EQUAL(sqlite_queue_known(db, "x"), ST_MALFORMED);
	queue_item_release(&i);
	CU_ASSERT_EQUAL(count_dead(q), 0);
	q->ops->close(q);
	dead->ops->close(dead);
	end();
}

static enum status
age_job(struct db *d, void *arg)
{
	return db_run(d, "UPDATE queue_dedupe SET at_us = at_us + ?1", "i",
	    *(int64_t *)arg);
}

/* Five minutes, by a clock that may have jumped. */
static void
test_dedupe(void)
{
	struct queue_message m = { .body = "x", .len = 1, .dedupe = "d" };
	int64_t by[] = { -SQLITE_QUEUE_DEDUPE_US, INT64_C(9000000000) };
	char first[QUEUE_ID_MAX], id[QUEUE_ID_MAX];
	struct queue *q;
	size_t i;

	begin();
	q = open_queue("a");
	CU_ASSERT_EQUAL(sqlite_queue_due(q), ST_NOTFOUND);
	CU_ASSERT_EQUAL(sqlite_queue_push(q, &m, first), ST_OK);
	CU_ASSERT_EQUAL(sqlite_queue_due(q), ST_OK);
	CU_ASSERT_EQUAL(sqlite_queue_push(q, &m, id), ST_EXISTS);
	CU_ASSERT_STRING_EQUAL(id, first);
	for (i = 0; i < TEST_COUNT(by); i++) {
		CU_ASSERT_EQUAL(db_write(db, age_job, &by[i]), ST_OK);
		CU_ASSERT_EQUAL(sqlite_queue_push(q, &m, id), ST_OK);
		CU_ASSERT_STRING_NOT_EQUAL(id, first);
		CU_ASSERT_EQUAL(sqlite_queue_push(q, &m, first), ST_EXISTS);
		CU_ASSERT_STRING_EQUAL(id, first);
	}
	/* Only who asks for it: a message's own SID is looked at before. */
	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	q->ops->close(q);
	end();
}

static enum status
stay(struct db *d, const char *body, size_t len, struct queue_moved *m,
    void *arg)
{
	(void)d;
	(void)body;
	(void)len;
	(void)m;
	(void)arg;
	return ST_NOTFOUND;
}

static enum status
move_nothing_job(struct db *d, void *arg)
{
	const struct queue_place from = { "held", "g" }, to = { "a", "g" };
	int64_t count = 0;
	enum status st = db_run(d,
	    "UPDATE queue_item SET reason = NULL"
	    " WHERE id = (SELECT max(id) FROM queue_item)",
	    "");

	if (st == ST_OK)
		st = sqlite_queue_move(d, &from, &to, stay, NULL, &count);
	/* That of the statement above. */
	*(int64_t *)arg = db_changes(d);
	return st;
}

/* This is asked with each message that comes in: what waits where it would go
 * to must not be touched, however much that is. */
static void
test_nothing_to_move(void)
{
	struct queue_message m = { .body = "x", .len = 1, .group = "g" };
	struct queue *q;
	int64_t changes = 0;
	int i;

	begin();
	q = open_queue("a");
	for (i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, move_nothing_job, &changes), ST_OK);
	CU_ASSERT_EQUAL(changes, 1);
	q->ops->close(q);
	end();
}

int
main(void)
{
	static const struct contract_queue sqlite = {
		.begin = begin,
		.open = open_queue,
		.end = end,
		.db = database,
		.damage = damage,
		.body_max = BODY_MAX,
		.ordered = true,
		.grouped = true,
		.batches = true,
		.binary = true,
		.peeks = true,
		.redrives = true,
	};
	static const struct test own[] = {
		{ "unknown back ends and names are refused", test_registry },
		{ "a large redrive", test_large_redrive },
		{ "ids are not reused", test_ids_are_not_reused },
		{ "nothing to move", test_nothing_to_move },
		{ "dead letters are a queue of their own", test_dead },
		{ "a repeat within five minutes", test_dedupe },
	};
	int bad = 0;
	size_t i;

	contract_queue_use(&sqlite);
	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |= test_main(database_ways[i].name, contract_queue_tests,
		    contract_queue_tests_n);
	}
	database_use(&database_ways[0]);
	return bad | test_main("sqlite queue", own, TEST_COUNT(own));
}
