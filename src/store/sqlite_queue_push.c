/* Putting items on queues of the embedded database. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_queue_impl.h"

#define BODY_MAX ((size_t)4 << 20)
#define SECOND_US INT64_C(1000000)

/* Deduplication ids forgotten with each that is kept. */
#define FORGET_BITE 10

struct push_op {
	const struct sqlite_queue *queue;
	const struct queue_message *message;
	int64_t now_us;
	bool dedupes;
	int64_t id; /* of the item, or of the first */
};

static enum status
add_item(struct db *db, struct push_op *c)
{
	const struct queue_message *m = c->message;
	const char *name = c->queue->name;
	enum status st;

	/*
	 * The id is the time, but more than every other: items that are due at
	 * the same time leave in order of id, and no id comes twice even if
	 * the table has been empty meanwhile.
	 */
	st = db_run(db,
	    "INSERT INTO queue_item (id, queue, state, available_us,"
	    " created_us, attempts, ordered_by, checksum, body, reason, behind,"
	    " since_us, attributes)"
	    " VALUES (max(?1, (SELECT coalesce(max(id), 0) + 1"
	    " FROM queue_item)), ?2, ?7, ?3, ?1, 0, ?4, ?5, ?6, ?8,"
	    " EXISTS (SELECT 1 FROM queue_item INDEXED BY queue_item_group"
	    "  WHERE queue = ?2 AND ordered_by = ?4 AND state < 2), ?1, ?9)",
	    "ititibitt", c->now_us, name, c->now_us + m->delay_s * SECOND_US,
	    m->group,
	    sqlite_queue_checksum(
		name, m->group, m->body, m->len, m->attributes),
	    m->body, m->len,
	    (int64_t)(m->dead == NULL ? ITEM_WAITS : ITEM_DEAD), m->dead,
	    m->attributes);
	c->id = db_last_id(db);
	return st;
}

/* ST_EXISTS: this queue took it of late. By a clock that was ahead it did not. */
static enum status
find_first(struct db *db, struct push_op *c)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT item FROM queue_dedupe WHERE queue = ?1 AND dedupe = ?2"
	    " AND at_us BETWEEN ?3 AND ?4",
	    "ttii", c->queue->name, c->message->dedupe,
	    c->now_us - SQLITE_QUEUE_DEDUPE_US, c->now_us + SECOND_US);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		c->id = db_int(rows, 0);
		st = ST_EXISTS;
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
remember(struct db *db, const struct push_op *c)
{
	enum status st;

	st = db_run(db,
	    "DELETE FROM queue_dedupe WHERE (queue, dedupe) IN"
	    " (SELECT queue, dedupe FROM queue_dedupe"
	    "  WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
	    "ii", c->now_us - SQLITE_QUEUE_DEDUPE_US, (int64_t)FORGET_BITE);
	if (st != ST_OK)
		return st;
	return db_run(db,
	    "INSERT OR REPLACE INTO queue_dedupe (queue, dedupe, item, at_us)"
	    " VALUES (?1, ?2, ?3, ?4)",
	    "ttii", c->queue->name, c->message->dedupe, c->id, c->now_us);
}

static enum status
push_job(struct db *db, void *arg)
{
	struct push_op *c = arg;
	enum status st = c->dedupes ? find_first(db, c) : ST_OK;

	if (st == ST_OK)
		st = add_item(db, c);
	return st == ST_OK && c->dedupes ? remember(db, c) : st;
}

static enum status
push(struct push_op *c)
{
	const struct queue_message *m = c->message;

	if (m->len > BODY_MAX)
		return ST_TOOBIG;
	if (m->body == NULL || m->len == 0 || !sqlite_queue_span_ok(m->delay_s))
		return ST_MALFORMED;
	return db_write(c->queue->db, push_job, c);
}

enum status
sqlite_queue_push_plain(struct queue *q, const struct queue_message *m)
{
	struct push_op c = { .queue = (const struct sqlite_queue *)q,
		.message = m,
		.now_us = clock_us() };

	return push(&c);
}

enum status
sqlite_queue_push(struct queue *q, const struct queue_message *m,
    char id[static QUEUE_ID_MAX])
{
	struct push_op c = { .queue = (const struct sqlite_queue *)q,
		.message = m,
		.now_us = clock_us(),
		.dedupes = !str_empty(m->dedupe) };
	enum status st = push(&c);

	snprintf(id, QUEUE_ID_MAX, "%" PRId64, c.id);
	return st;
}
