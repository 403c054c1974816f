/*
 * The store when memory runs out, at every allocation: once, and for good.
 * What was acknowledged is there, what was refused is not, what is read is
 * right or refused. By an allocator of our own over glibc's, so not under a
 * sanitizer.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "message/backends.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/sender.h"
#include "store/store.h"
#include "t/databases.h"
#include "t/memory.h"
#include "t/notes.h"
#include "t/shim-fs.h"
#include "t/test.h"

/* Opening, one note, closing. */
static void
try_note(long after, bool good, const char *name)
{
	struct buf why = BUF_INIT;
	enum status opened, st = ST_NOMEM;
	struct db *db = NULL;
	int64_t n;

	memory_starve(after, good);
	opened = database_try(&db, &notes_schema, &why);
	if (opened == ST_OK) {
		st = note_write(db, name);
		db_close(db);
	}
	memory_feed();
	CU_ASSERT(opened == ST_OK || db == NULL);
	db = database_open(&notes_schema);
	n = notes_count(db, name);
	if (st == ST_OK)
		CU_ASSERT_EQUAL(n, 1)
	else if (st == ST_TIMEOUT)
		CU_ASSERT(n == 0 || n == 1)
	else
		CU_ASSERT_EQUAL(n, 0);
	db_close(db);
	buf_release(&why);
}

static void
test_opening(void)
{
	char name[32];
	long i;
	int good;

	for (good = 0; good < 2; good++) {
		database_fresh();
		i = 0;
		do {
			snprintf(name, sizeof(name), "%d-%ld", good, i);
			try_note(i, good, name);
		} while (memory_failures() > 0 && ++i < 20000);
		CU_ASSERT(i > 100);
		CU_ASSERT_EQUAL(memory_failures(), 0);
	}
}

/* The same on a database that stays open: it must recover by itself. */
static void
test_staying(void)
{
	struct db *db;
	enum status st;
	char name[32];
	int64_t n;
	long i;
	int good;

	for (good = 0; good < 2; good++) {
		database_fresh();
		db = database_open(&notes_schema);
		i = 0;
		do {
			snprintf(name, sizeof(name), "%d-%ld", good, i);
			memory_starve(i, good);
			st = note_write(db, name);
			memory_feed();
			n = notes_count(db, name);
			CU_ASSERT(n == (st == ST_OK) || st == ST_TIMEOUT);
			CU_ASSERT_EQUAL(
			    note_write(db, name), n == 1 ? ST_EXISTS : ST_OK);
		} while (memory_failures() > 0 && ++i < 20000);
		CU_ASSERT(i > 1);
		CU_ASSERT_EQUAL(memory_failures(), 0);
		CU_ASSERT(notes_sound(db));
		db_close(db);
	}
}

static struct db *db;
static struct store *store;
static struct queue *queue;

static void
open_ports(void)
{
	struct conversation c = { .id = (char *)"c1",
		.tel = (char *)"+1",
		.thread_id = (char *)"th_1",
		.company_id = (char *)"co_1",
		.project_id = (char *)"pr_1",
		.handoff = true,
		.created_us = 5 };
	struct backends b;
	struct buf why = BUF_INIT;

	database_fresh();
	db = database_open(NULL);
	b = (struct backends){ .db = db };
	CU_ASSERT_EQUAL(backend_store(&b, "sqlite:", &store, &why), 0);
	CU_ASSERT_EQUAL(backend_queue(&b, "sqlite:a", &queue, &why), 0);
	CU_ASSERT_EQUAL(store->ops->add(store, &c), ST_OK);
	c.id = (char *)"c2";
	c.tel = (char *)"+554188887777";
	CU_ASSERT_EQUAL(store->ops->add(store, &c), ST_OK);
	buf_release(&why);
}

static void
close_ports(void)
{
	queue->ops->close(queue);
	store->ops->close(store);
	db_close(db);
}

/* A conversation is read whole or not at all: a thread_id that is missing
 * for want of memory would send a message astray. */
static enum status
read_conversation(void)
{
	struct conversation c;
	enum status st = store->ops->newest(store, "+1", &c);

	if (st != ST_OK)
		return st;
	CU_ASSERT(str_eq(c.id, "c1") && str_eq(c.tel, "+1") &&
	    str_eq(c.thread_id, "th_1") && str_eq(c.company_id, "co_1") &&
	    str_eq(c.project_id, "pr_1") && c.handoff && c.created_us == 5);
	conversation_release(&c);
	return ST_OK;
}

static enum status
learn_job(struct db *d, void *arg)
{
	(void)arg;
	return sender_learn(d, "+5541988887777", "BR.1");
}

static enum status
read_learnt(struct db *d, void *arg)
{
	return sender_names(d, "BR.1", NULL, arg);
}

/* Nor is a sender taken for one that is known by no other name. */
static enum status
learn_and_find(void)
{
	struct sender_names names;
	struct conversation c;
	enum status st;

	st = db_write(db, learn_job, NULL);
	if (st == ST_OK)
		st = db_read(db, read_learnt, &names);
	if (st != ST_OK)
		return st;
	CU_ASSERT_EQUAL(names.n, 3);
	CU_ASSERT(str_eq(names.name[1], "+554188887777") &&
	    str_eq(names.name[2], "+5541988887777"));
	if ((st = sender_newest(store, &names, &c)) != ST_OK)
		return st == ST_NOTFOUND ? ST_CORRUPT : st;
	CU_ASSERT(str_eq(c.id, "c2"));
	conversation_release(&c);
	return ST_OK;
}

static enum status
one_row(const struct conversation *c, void *arg)
{
	++*(int *)arg;
	return str_eq(c->thread_id, "th_1") ? ST_OK : ST_NOMEM;
}

static enum status
list_conversations(void)
{
	int n = 0;
	enum status st = store->ops->list(store, NULL, 9, one_row, &n);

	CU_ASSERT(st != ST_OK || n == 2);
	return st;
}

static enum status
one_item(const struct queue_item *i, void *arg)
{
	++*(int *)arg;
	return str_eq(i->body, "hello") && i->reason == NULL ? ST_OK : ST_NOMEM;
}

static enum status
look_at_queue(void)
{
	struct queue_stats s;
	int n = 0;
	enum status st = queue->ops->peek(queue, false, 9, one_item, &n);

	CU_ASSERT(st != ST_OK || n == 1);
	if (st == ST_OK && (st = queue->ops->stats(queue, &s)) == ST_OK)
		CU_ASSERT_EQUAL(s.ready, 1);
	return st;
}

/* Nothing that is short of memory is taken for a damaged item. */
static enum status
receive_and_release(void)
{
	struct queue_item i;
	enum status st = queue->ops->receive(queue, 600, &i);

	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_CORRUPT : st;
	CU_ASSERT(str_eq(i.body, "hello") && str_eq(i.queue, "sqlite:a") &&
	    !str_empty(i.id) && !str_empty(i.receipt));
	memory_feed();
	CU_ASSERT_EQUAL(queue->ops->release(queue, i.receipt, 0, NULL), ST_OK);
	queue_item_release(&i);
	return ST_OK;
}

/* A batch is taken and settled whole or not at all. */
static enum status
receive_and_release_batch(void)
{
	static const struct queue_end released = { .how = QUEUE_RELEASE };
	struct queue_item i[2] = { { 0 } };
	const char *receipts[2];
	size_t n = 0;
	enum status st = queue->ops->receive(queue, 600, &i[0]);

	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_CORRUPT : st;
	receipts[0] = i[0].receipt;
	st = queue->ops->receive_more(
	    queue, i[0].receipt, true, 99, &i[1], 1, &n);
	CU_ASSERT_EQUAL(n, st == ST_OK);
	if (n == 1) {
		CU_ASSERT(str_eq(i[1].body, "again") && i[1].receipt != NULL);
		receipts[1] = i[1].receipt;
		st = queue->ops->settle(queue, receipts, 2, &released);
	}
	memory_feed();
	if (st != ST_OK)
		CU_ASSERT_EQUAL(
		    queue->ops->settle(queue, receipts, n + 1, &released),
		    ST_OK);
	queue_item_release(&i[0]);
	queue_item_release(&i[1]);
	return st;
}

static void sweep(enum status (*fn)(void))
{
	enum status st;
	long i;
	int good;

	for (good = 0; good < 2; good++) {
		i = 0;
		do {
			memory_starve(i, good);
			st = fn();
			memory_feed();
			CU_ASSERT(memory_failures() > 0 || st == ST_OK);
			CU_ASSERT(st == ST_OK || st == ST_NOMEM ||
			    st == ST_IO || st == ST_BUSY);
		} while (memory_failures() > 0 && ++i < 20000);
		CU_ASSERT_EQUAL(memory_failures(), 0);
		CU_ASSERT_EQUAL(fn(), ST_OK);
	}
}

/* SQLite must make room to hand this out as text. */
static enum status
starved_column(struct db *d, void *arg)
{
	struct db_rows *rows;

	CU_ASSERT_EQUAL(
	    db_query(d, &rows, "SELECT zeroblob(100000), NULL", ""), ST_OK);
	CU_ASSERT_EQUAL(db_next(rows), ST_OK);
	memory_starve(0, true);
	*(const char **)arg = db_text(rows, 0);
	memory_feed();
	CU_ASSERT_PTR_NULL(db_text(rows, 1));
	return ST_OK;
}

/* It is NULL, as SQL's NULL is; what a job makes of that does not count. */
static void
test_columns(void)
{
	const char *text = "";

	database_fresh();
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(db_read(db, starved_column, &text), ST_NOMEM);
	CU_ASSERT_PTR_NULL(text);
	CU_ASSERT_EQUAL(db_write(db, starved_column, &text), ST_NOMEM);
	CU_ASSERT_EQUAL(note_write(db, "after"), ST_OK);
	db_close(db);
}

static void
test_ports(void)
{
	struct queue_message m = { .body = "hello", .len = 5 };
	struct queue_item alone;

	open_ports();
	CU_ASSERT_EQUAL(queue->ops->push(queue, &m), ST_OK);
	sweep(read_conversation);
	sweep(learn_and_find);
	sweep(list_conversations);
	sweep(look_at_queue);
	sweep(receive_and_release);
	m.group = "A";
	CU_ASSERT_EQUAL(queue->ops->push(queue, &m), ST_OK);
	m.body = "again";
	CU_ASSERT_EQUAL(queue->ops->push(queue, &m), ST_OK);
	CU_ASSERT_EQUAL(queue->ops->receive(queue, 600, &alone), ST_OK);
	sweep(receive_and_release_batch);
	queue_item_release(&alone);
	close_ports();
}

static const struct test tests[] = {
	{ "opening", test_opening },
	{ "staying open", test_staying },
	{ "columns", test_columns },
	{ "conversations and queues", test_ports },
};

int
main(void)
{
	int bad = 0;
	size_t i;

	if (!memory_is_ours())
		return 77;
	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		if (database_ways[i].threaded)
			continue; /* whose allocation it is, is chance there */
		database_use(&database_ways[i]);
		bad |=
		    test_main(database_ways[i].name, tests, TEST_COUNT(tests));
	}
	return bad;
}
