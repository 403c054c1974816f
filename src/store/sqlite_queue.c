#include "store/sqlite_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/sqlite_queue_impl.h"

#define SPAN_MAX_S (INT64_C(366) * 24 * 3600)
#define SECOND_US INT64_C(1000000)

/* Items that a jump of the clock has put off, mended at a time. */
#define REBASE_BITE 100

/* One operation: its parameters and where its result goes. */
struct queue_op {
	const struct sqlite_queue *queue;
	struct sqlite_queue_receipt receipt;
	char *group; /* of the row that the receipt names */
	int64_t now_us;
	int64_t span_s; /* delay, or visibility */
	int64_t since_us, until_us; /* taken then, and until then */
	const char *reason;
	char secret[STR_UUID_MAX];
	bool dead;
	struct queue_item *item;
	enum status found; /* what a job that must be recorded has to tell */
};

int64_t
sqlite_queue_checksum(const char *queue, const char *group, const char *body,
    size_t len, const char *attributes)
{
	uint64_t hash = STR_HASH;

	hash = str_hash(hash, queue, strlen(queue) + 1);
	if (group != NULL)
		hash = str_hash(hash, group, strlen(group) + 1);
	hash = str_hash(hash, body, len);
	if (attributes != NULL)
		hash = str_hash(hash, attributes, strlen(attributes) + 1);
	return (int64_t)hash;
}

static const struct sqlite_queue *
of(struct queue *q)
{
	return (const struct sqlite_queue *)q;
}

bool
sqlite_queue_span_ok(int64_t seconds)
{
	return seconds >= 0 && seconds <= SPAN_MAX_S;
}

/* Looked for first: an UPDATE costs more, even of nothing. */
static enum status
queue_find_ahead(struct db *db, int64_t from_us)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT 1 FROM queue_item INDEXED BY queue_item_since"
	    " WHERE state < 2 AND since_us > ?1 LIMIT 1",
	    "i", from_us);
	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st;
}

enum status
sqlite_queue_rebase(struct db *db, int64_t now_us)
{
	enum status st = queue_find_ahead(db, now_us + SECOND_US);

	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_OK : st;
	return db_run(db,
	    "UPDATE queue_item SET available_us = available_us - since_us + ?1,"
	    " since_us = ?1, created_us = min(created_us, ?1)"
	    " WHERE id IN (SELECT id FROM queue_item"
	    "  INDEXED BY queue_item_since WHERE state < 2"
	    "  AND since_us > ?1 + ?2 ORDER BY since_us LIMIT ?3)",
	    "iii", now_us, SECOND_US, (int64_t)REBASE_BITE);
}

enum status
sqlite_queue_promote(
    const struct sqlite_queue *q, struct db *db, const char *group)
{
	if (group == NULL)
		return ST_OK;
	return db_run(db,
	    "UPDATE queue_item SET behind = 0 WHERE NOT EXISTS"
	    " (SELECT 1 FROM queue_item INDEXED BY queue_item_group"
	    "  WHERE queue = ?1 AND ordered_by = ?2 AND behind = 0"
	    "  AND state < 2) AND id = (SELECT min(id) FROM"
	    " (SELECT min(id) AS id FROM queue_item INDEXED BY queue_item_group"
	    "  WHERE queue = ?1 AND ordered_by = ?2 AND behind = 1"
	    "  AND state < 2 UNION ALL"
	    "  SELECT min(id) FROM queue_item INDEXED BY queue_item_group"
	    "  WHERE queue = ?1 AND ordered_by = ?2 AND behind = 2"
	    "  AND state < 2))",
	    "tt", q->name, group);
}

void
sqlite_queue_row(struct db_rows *rows, struct sqlite_queue_row *r)
{
	r->id = db_int(rows, 0);
	r->state = db_int(rows, 1);
	r->available_us = db_int(rows, 2);
	r->created_us = db_int(rows, 3);
	r->attempts = db_int(rows, 4);
	r->reason = db_text(rows, 5);
	r->group = db_text(rows, 6);
	r->checksum = db_int(rows, 7);
	r->body = db_text(rows, 8);
	r->len = db_size(rows, 8);
	r->attributes = db_text(rows, 9);
	r->behind = db_int(rows, 10);
}

bool
sqlite_queue_undamaged(
    const struct sqlite_queue *q, const struct sqlite_queue_row *r)
{
	return r->body != NULL &&
	    r->checksum ==
	    sqlite_queue_checksum(
		q->name, r->group, r->body, r->len, r->attributes);
}

enum status
sqlite_queue_count_damaged(struct db *db, int64_t *n)
{
	struct sqlite_queue_row r;
	struct sqlite_queue q;
	struct db_rows *rows;
	enum status st;

	*n = 0;
	st = db_query(db, &rows,
	    "SELECT " SQLITE_QUEUE_COLUMNS ", queue FROM queue_item"
	    " WHERE state < 2",
	    "");
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		q.name = (char *)db_text(rows, SQLITE_QUEUE_COLUMNS_N);
		*n += !sqlite_queue_undamaged(&q, &r);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sqlite_queue_item(struct queue_item *i, const struct sqlite_queue *q,
    const struct sqlite_queue_row *r, const char *secret)
{
	struct buf id = BUF_INIT, receipt = BUF_INIT, body = BUF_INIT;
	enum status st;

	queue_item_release(i); /* of a run before this one */
	buf_printf(&id, "%" PRId64, r->id);
	buf_printf(&receipt, "%" PRId64 "-%s", r->id, secret);
	buf_put(&body, r->body, r->len);
	i->id = buf_detach(&id);
	i->receipt = buf_detach(&receipt);
	i->body = buf_detach(&body);
	if (i->id == NULL || i->receipt == NULL || i->body == NULL)
		return ST_NOMEM;
	i->len = r->len;
	i->created_us = r->created_us;
	if ((st = str_dup(q->url, &i->queue)) == ST_OK &&
	    (st = str_dup(r->group, &i->group)) == ST_OK &&
	    (st = str_dup(r->attributes, &i->attributes)) == ST_OK)
		st = str_dup(r->reason, &i->reason);
	return st;
}

/* The item as its receiver gets it. */
static enum status
fill(struct queue_item *i, const struct queue_op *c,
    const struct sqlite_queue_row *r)
{
	enum status st = sqlite_queue_item(i, c->queue, r, c->secret);

	i->attempts = r->attempts + 1;
	i->available_us = c->until_us;
	i->state = QUEUE_TAKEN;
	return st;
}

static enum status
take_row(struct db *db, const struct queue_op *c, int64_t id, int64_t behind)
{
	return db_run(db,
	    "UPDATE queue_item SET state = 1, available_us = ?2,"
	    " attempts = attempts + 1, receipt = ?3, since_us = ?4,"
	    " behind = ?5 WHERE id = ?1",
	    "iitii", id, c->until_us, c->secret, c->since_us, behind);
}

static enum status
take(struct db *db, struct queue_op *c, const struct sqlite_queue_row *r)
{
	enum status st;

	if (!sqlite_queue_undamaged(c->queue, r)) {
		c->found = ST_CORRUPT;
		st = db_run(db,
		    "UPDATE queue_item SET state = 2, available_us = ?2,"
		    " attempts = attempts + 1, receipt = NULL,"
		    " reason = '" SQLITE_QUEUE_DAMAGED "' WHERE id = ?1",
		    "ii", r->id, c->now_us);
		return st == ST_OK
		    ? sqlite_queue_promote(c->queue, db, r->group)
		    : st;
	}
	if ((c->found = fill(c->item, c, r)) != ST_OK)
		return c->found;
	if ((st = take_row(db, c, r->id, 0)) != ST_OK || r->group == NULL)
		return st;
	/* What was taken with another, and has run out, waits as others do. */
	return db_run(db,
	    "UPDATE queue_item INDEXED BY queue_item_group"
	    " SET behind = 1, state = 0, receipt = NULL"
	    " WHERE queue = ?1 AND ordered_by = ?2 AND behind = 2"
	    " AND state < 2",
	    "tt", c->queue->name, r->group);
}

static enum status
receive_job(struct db *db, void *arg)
{
	struct queue_op *c = arg;
	struct db_rows *rows;
	enum status st;
	struct sqlite_queue_row r;
	bool rebased;

	if ((st = sqlite_queue_rebase(db, c->now_us)) != ST_OK)
		return st;
	rebased = db_changes(db) > 0;
	st = db_query(db, &rows,
	    "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item AS item"
	    " WHERE queue = ?1 AND behind = 0 AND state < 2"
	    " AND available_us <= ?2 AND NOT EXISTS"
	    " (SELECT 1 FROM queue_item INDEXED BY queue_item_group"
	    "  WHERE queue = ?1 AND ordered_by = item.ordered_by"
	    "  AND behind = 2 AND state < 2 AND available_us > ?2)"
	    " ORDER BY available_us, state, id LIMIT 1",
	    "ti", c->queue->name, c->now_us);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		st = take(db, c, &r);
	}
	db_done(rows);
	/* Nothing is due yet; to fail would undo that bite, for ever. */
	if (st == ST_NOTFOUND && rebased) {
		c->found = st;
		st = ST_OK;
	}
	return st;
}

static enum status
receive(struct queue *q, int64_t visibility_s, struct queue_item *item)
{
	struct queue_op c = { .queue = of(q),
		.now_us = clock_us(),
		.item = item,
		.found = ST_IO };
	enum status st;

	*item = (struct queue_item){ 0 };
	if (!sqlite_queue_span_ok(visibility_s))
		return ST_MALFORMED;
	c.since_us = c.now_us;
	c.until_us = c.now_us + visibility_s * SECOND_US;
	if ((st = str_uuid(c.secret)) == ST_OK)
		st = db_write_reserved(of(q)->db, receive_job, &c);
	/* A damaged database is not a damaged item: asking again would not
	 * get past it. */
	if (st == ST_CORRUPT)
		st = ST_IO;
	if (st == ST_OK)
		st = c.found;
	if (st != ST_OK)
		queue_item_release(item);
	return st;
}

enum status
sqlite_queue_receipt(const char *s, struct sqlite_queue_receipt *out)
{
	const char *p = s;
	int64_t id = 0;

	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(id, 10, &id) ||
		    __builtin_add_overflow(id, *p - '0', &id))
			return ST_NOTFOUND;
	if (p == s || *p != '-')
		return ST_NOTFOUND;
	*out = (struct sqlite_queue_receipt){ id, p + 1 };
	return ST_OK;
}

/* Whose receipt it is, and until when, is told by the row alone. */
static enum status
find_received(struct db *db, struct queue_op *c)
{
	struct db_rows *rows;
	enum status st;

	free(c->group); /* of a run before this one */
	c->group = NULL;
	st = db_query(db, &rows,
	    "SELECT ordered_by, since_us, available_us FROM queue_item"
	    " WHERE id = ?1 AND receipt = ?2"
	    " AND queue = ?3 AND state = 1 AND available_us > ?4",
	    "itti", c->receipt.id, c->receipt.secret, c->queue->name,
	    c->now_us);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		st = str_dup(db_text(rows, 0), &c->group);
		c->since_us = db_int(rows, 1);
		c->until_us = db_int(rows, 2);
	}
	db_done(rows);
	return st;
}

static enum status
ack_job(struct db *db, void *arg)
{
	struct queue_op *c = arg;
	enum status st = find_received(db, c);

	if (st == ST_OK)
		st = db_run(db, "DELETE FROM queue_item WHERE id = ?1", "i",
		    c->receipt.id);
	return st == ST_OK ? sqlite_queue_promote(c->queue, db, c->group) : st;
}

static enum status
release_job(struct db *db, void *arg)
{
	struct queue_op *c = arg;
	enum status st = find_received(db, c);

	if (st == ST_OK)
		st = db_run(db,
		    "UPDATE queue_item SET state = ?2, available_us = ?3,"
		    " receipt = NULL, reason = ?4, since_us = ?5,"
		    " behind = min(behind, 1) WHERE id = ?1",
		    "iiiti", c->receipt.id,
		    (int64_t)(c->dead ? ITEM_DEAD : ITEM_WAITS),
		    c->now_us + c->span_s * SECOND_US, c->reason, c->now_us);
	return st == ST_OK && c->dead
	    ? sqlite_queue_promote(c->queue, db, c->group)
	    : st;
}

/* What is done with a receipt: the job does it, or tells that it is stale. */
static enum status
with_receipt(
    struct queue *q, const char *receipt, db_job *job, struct queue_op *c)
{
	enum status st;

	c->queue = of(q);
	c->now_us = clock_us();
	if (!sqlite_queue_span_ok(c->span_s))
		return ST_MALFORMED;
	if ((st = sqlite_queue_receipt(receipt, &c->receipt)) != ST_OK)
		return st;
	st = db_write_reserved(of(q)->db, job, c);
	free(c->group);
	return st;
}

static enum status
ack(struct queue *q, const char *receipt)
{
	struct queue_op c = { 0 };

	return with_receipt(q, receipt, ack_job, &c);
}

static enum status
release(
    struct queue *q, const char *receipt, int64_t delay_s, const char *reason)
{
	struct queue_op c = { .span_s = delay_s, .reason = reason };

	return with_receipt(q, receipt, release_job, &c);
}

static enum status
extend_job(struct db *db, void *arg)
{
	struct queue_op *c = arg;
	enum status st = find_received(db, c);

	if (st != ST_OK)
		return st;
	return db_run(db,
	    "UPDATE queue_item SET available_us = ?2, since_us = ?3"
	    " WHERE id = ?1",
	    "iii", c->receipt.id, c->now_us + c->span_s * SECOND_US, c->now_us);
}

static enum status
extend(struct queue *q, const char *receipt, int64_t visibility_s)
{
	struct queue_op c = { .span_s = visibility_s };

	return with_receipt(q, receipt, extend_job, &c);
}

static enum status
bury(struct queue *q, const char *receipt, const char *reason)
{
	struct queue_op c = { .dead = true, .reason = reason };

	return with_receipt(q, receipt, release_job, &c);
}

/* --- several of a group ---------------------------------------------------- */

/* receive_more: where the items go, and how many may. */
struct more_op {
	struct queue_op op; /* of the receipt that holds */
	struct queue_item *items;
	size_t n, max;
	bool early;
	size_t bytes, used;
	int64_t last; /* the id of the one before */
};

/* Take the next that waits. ST_NOTFOUND: there is none, or it is too much. */
static enum status
take_next(struct db *db, struct more_op *m)
{
	struct queue_op *c = &m->op;
	struct sqlite_queue_row r = { 0 };
	struct db_rows *rows;
	enum status st;

	if (m->n == m->max)
		return ST_NOTFOUND;
	st = db_query(db, &rows,
	    "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
	    " INDEXED BY queue_item_group"
	    " WHERE queue = ?1 AND ordered_by = ?2 AND behind = 1"
	    " AND state < 2 AND (state = 0 OR available_us <= ?3)"
	    " AND id > ?4 ORDER BY id LIMIT 1",
	    "ttii", c->queue->name, c->group, c->now_us, m->last);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		if (!sqlite_queue_undamaged(c->queue, &r) ||
		    r.len > m->bytes - m->used ||
		    (!m->early && r.available_us > c->now_us))
			st = ST_NOTFOUND;
		else
			st = fill(&m->items[m->n++], c, &r);
	}
	db_done(rows);
	m->last = r.id;
	m->used += r.len;
	return st == ST_OK ? take_row(db, c, r.id, 2) : st;
}

static void
more_release(struct more_op *m)
{
	while (m->n > 0)
		queue_item_release(&m->items[--m->n]);
}

static enum status
more_job(struct db *db, void *arg)
{
	struct more_op *m = arg;
	struct queue_op *c = &m->op;
	enum status st = find_received(db, c);

	more_release(m); /* of a run before this one */
	m->used = 0;
	m->last = c->receipt.id;
	if (st != ST_OK || c->group == NULL)
		return st;
	while (st == ST_OK)
		st = take_next(db, m);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
receive_more(struct queue *q, const char *receipt, bool early, size_t bytes,
    struct queue_item *items, size_t max, size_t *n)
{
	struct more_op m = { .op = { .queue = of(q), .now_us = clock_us() },
		.items = items,
		.max = max,
		.early = early,
		.bytes = bytes };
	enum status st;

	for (size_t i = 0; i < max; i++)
		items[i] = (struct queue_item){ 0 };
	if ((st = sqlite_queue_receipt(receipt, &m.op.receipt)) == ST_OK &&
	    (st = str_uuid(m.op.secret)) == ST_OK)
		st = db_write_reserved(of(q)->db, more_job, &m);
	free(m.op.group);
	if (st != ST_OK)
		more_release(&m);
	*n = m.n;
	return st;
}

struct settle_op {
	struct queue_op op;
	const char *const *receipts;
	size_t n;
	db_job *job; /* for each */
};

static enum status
settle_job(struct db *db, void *arg)
{
	struct settle_op *s = arg;
	enum status st = ST_OK;

	for (size_t i = 0; i < s->n && st == ST_OK; i++)
		if ((st = sqlite_queue_receipt(
			 s->receipts[i], &s->op.receipt)) == ST_OK)
			st = s->job(db, &s->op);
	return st;
}

static enum status
settle(struct queue *q, const char *const *receipts, size_t n,
    const struct queue_end *end)
{
	struct settle_op s = { .op = { .queue = of(q),
				   .now_us = clock_us(),
				   .reason = end->reason,
				   .dead = end->how == QUEUE_BURY },
		.receipts = receipts,
		.n = n,
		.job = end->how == QUEUE_ACK ? ack_job : release_job };
	enum status st;

	if (end->how == QUEUE_RELEASE)
		s.op.span_s = end->delay_s;
	if (!sqlite_queue_span_ok(s.op.span_s))
		return ST_MALFORMED;
	st = db_write_reserved(of(q)->db, settle_job, &s);
	free(s.op.group);
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
	.push = sqlite_queue_push_plain,
	.receive = receive,
	.ack = ack,
	.release = release,
	.bury = bury,
	.extend = extend,
	.receive_more = receive_more,
	.settle = settle,
	.peek = sqlite_queue_peek,
	.redrive = sqlite_queue_redrive,
	.stats = sqlite_queue_stats,
	.close = close_queue,
};

enum status
sqlite_queue_open(
    struct db *db, const char *url, const char *name, struct queue **out)
{
	struct sqlite_queue *q;
	enum status st;

	*out = NULL;
	if ((q = calloc(1, sizeof(*q))) == NULL)
		return ST_NOMEM;
	q->queue.ops = &ops;
	q->db = db;
	if ((st = str_dup(url, &q->url)) == ST_OK)
		st = str_dup(name, &q->name);
	if (st != ST_OK) {
		close_queue(&q->queue);
		return st;
	}
	q->queue.name = q->url;
	*out = &q->queue;
	return ST_OK;
}
