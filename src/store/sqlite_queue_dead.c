/*
 * The dead letters of a queue as a queue of their own. One that is received
 * stays one: since_us is when it may be received again, for nothing else is
 * waited for of a dead letter, and the receipt is that of the last receiving.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_queue_impl.h"

#define SECOND_US INT64_C(1000000)

/* What is hidden for longer was hidden by a clock that was ahead. */
#define HIDDEN_MAX_US (INT64_C(12) * 3600 * SECOND_US)

struct dead_op {
	const struct sqlite_queue *queue;
	int64_t now_us, span_s;
	struct sqlite_queue_receipt receipt;
	char secret[STR_UUID_MAX];
	struct queue_item *item;
	bool drop;
};

static const struct sqlite_queue *
of(struct queue *q)
{
	return (const struct sqlite_queue *)q;
}

static enum status
push(struct queue *q, const struct queue_message *m)
{
	return m->dead == NULL ? ST_MALFORMED : sqlite_queue_push_plain(q, m);
}

static enum status
receive_job(struct db *db, void *arg)
{
	struct dead_op *c = arg;
	struct sqlite_queue_row r = { 0 };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
	    " INDEXED BY queue_item_dead WHERE queue = ?1 AND state = 2"
	    " AND (since_us <= ?2 OR since_us > ?3) ORDER BY id",
	    "tii", c->queue->name, c->now_us, c->now_us + HIDDEN_MAX_US);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		if (sqlite_queue_undamaged(c->queue, &r))
			break;
	}
	if (st == ST_OK)
		st = sqlite_queue_item(c->item, c->queue, &r, c->secret);
	db_done(rows);
	if (st != ST_OK)
		return st;
	c->item->attempts = r.attempts + 1;
	c->item->available_us = c->now_us + c->span_s * SECOND_US;
	c->item->state = QUEUE_TAKEN;
	return db_run(db,
	    "UPDATE queue_item SET receipt = ?2, since_us = ?3 WHERE id = ?1",
	    "iti", r.id, c->secret, c->item->available_us);
}

static enum status
receive(struct queue *q, int64_t visibility_s, struct queue_item *item)
{
	struct dead_op c = { .queue = of(q),
		.now_us = clock_us(),
		.span_s = visibility_s,
		.item = item };
	enum status st;

	*item = (struct queue_item){ 0 };
	if (!sqlite_queue_span_ok(visibility_s))
		return ST_MALFORMED;
	if ((st = str_uuid(c.secret)) == ST_OK)
		st = db_write_reserved(of(q)->db, receive_job, &c);
	if (st != ST_OK)
		queue_item_release(item);
	return st;
}

static enum status
receipt_job(struct db *db, void *arg)
{
	struct dead_op *c = arg;
	enum status st = c->drop
	    ? db_run(db,
		  "DELETE FROM queue_item WHERE id = ?1 AND receipt = ?2"
		  " AND queue = ?3 AND state = 2 AND since_us > ?4",
		  "itti", c->receipt.id, c->receipt.secret, c->queue->name,
		  c->now_us)
	    : db_run(db,
		  "UPDATE queue_item SET since_us = ?5 WHERE id = ?1"
		  " AND receipt = ?2 AND queue = ?3 AND state = 2"
		  " AND since_us > ?4",
		  "ittii", c->receipt.id, c->receipt.secret, c->queue->name,
		  c->now_us, c->now_us + c->span_s * SECOND_US);

	return st == ST_OK && db_changes(db) == 0 ? ST_NOTFOUND : st;
}

static enum status
with_receipt(struct queue *q, const char *receipt, struct dead_op *c)
{
	enum status st;

	c->queue = of(q);
	c->now_us = clock_us();
	if (!sqlite_queue_span_ok(c->span_s))
		return ST_MALFORMED;
	if ((st = sqlite_queue_receipt(receipt, &c->receipt)) != ST_OK)
		return st;
	return db_write_reserved(of(q)->db, receipt_job, c);
}

static enum status
ack(struct queue *q, const char *receipt)
{
	struct dead_op c = { .drop = true };

	return with_receipt(q, receipt, &c);
}

static enum status
extend(struct queue *q, const char *receipt, int64_t visibility_s)
{
	struct dead_op c = { .span_s = visibility_s };

	return with_receipt(q, receipt, &c);
}

/* The reason stays that of its burial. */
static enum status
release(
    struct queue *q, const char *receipt, int64_t delay_s, const char *reason)
{
	(void)reason;
	return extend(q, receipt, delay_s);
}

static enum status
bury(struct queue *q, const char *receipt, const char *reason)
{
	(void)q;
	(void)receipt;
	(void)reason;
	return ST_UNSUPPORTED;
}

static enum status
peek(struct queue *q, bool dead, size_t limit, queue_row_fn *fn, void *arg)
{
	(void)q;
	(void)dead;
	(void)limit;
	(void)fn;
	(void)arg;
	return ST_UNSUPPORTED;
}

static enum status
redrive(struct queue *q, const char *id, int64_t *count)
{
	(void)q;
	(void)id;
	*count = 0;
	return ST_UNSUPPORTED;
}

static enum status
stats(struct queue *q, struct queue_stats *out)
{
	struct queue_stats all;
	enum status st = sqlite_queue_stats(q, &all);

	*out = (struct queue_stats){ .ready = st == ST_OK ? all.dead : 0 };
	return st;
}

static void
close_queue(struct queue *base)
{
	struct sqlite_queue *q = (struct sqlite_queue *)base;

	free(q->url);
	free(q->name);
	free(q);
}

static const struct queue_ops ops = {
	.push = push,
	.receive = receive,
	.ack = ack,
	.release = release,
	.bury = bury,
	.extend = extend,
	.peek = peek,
	.redrive = redrive,
	.stats = stats,
	.close = close_queue,
};

enum status
sqlite_queue_open_dead(
    struct db *db, const char *url, const char *name, struct queue **out)
{
	enum status st = sqlite_queue_open(db, url, name, out);

	if (st == ST_OK)
		(*out)->ops = &ops;
	return st;
}

static enum status
known_job(struct db *db, void *arg)
{
	const struct sqlite_queue_receipt *r = arg;
	struct db_rows *rows;
	enum status st = db_query(
	    db, &rows, "SELECT 1 FROM queue_item WHERE id = ?1", "i", r->id);

	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st;
}

enum status
sqlite_queue_known(struct db *db, const char *receipt)
{
	struct sqlite_queue_receipt r;
	enum status st = sqlite_queue_receipt(receipt, &r);

	return st == ST_OK ? db_read(db, known_job, &r) : ST_MALFORMED;
}
