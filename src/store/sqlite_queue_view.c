/* Queues as an operator sees them: looking, counting, dead letters. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_queue_impl.h"

/* Dead letters made due again in one transaction. */
#define REDRIVE_BITE 500

/* One operation: its parameters and where its result goes. */
struct view_op {
	const struct sqlite_queue *queue;
	int64_t now_us;
	bool dead;
	int64_t limit;
	queue_row_fn *fn;
	queue_listed_fn *listed; /* in place of fn */
	const struct queue_cursor *at; /* of the row, for it */
	void *arg;
	int64_t id; /* 0: all */
	int64_t count;
	struct queue_stats *stats;
};

static const struct sqlite_queue *
of(struct queue *q)
{
	return (const struct sqlite_queue *)q;
}

static enum queue_state
state_of(const struct sqlite_queue_row *r, int64_t now_us)
{
	if (r->state == ITEM_DEAD)
		return QUEUE_DEAD;
	if (r->available_us <= now_us)
		return QUEUE_READY;
	return r->state == ITEM_TAKEN ? QUEUE_TAKEN : QUEUE_DELAYED;
}

/* Show a row to the walk; nobody writes through its strings. */
static enum status
show(const struct view_op *op, const struct sqlite_queue_row *r)
{
	struct queue_item i = {
		.queue = op->queue->url,
		.body = (char *)r->body,
		.len = r->len,
		.attempts = r->attempts,
		.available_us = r->available_us,
		.created_us = r->created_us,
		.state = state_of(r, op->now_us),
		.reason = (char *)r->reason,
	};
	char id[QUEUE_ID_MAX], damaged[] = SQLITE_QUEUE_DAMAGED;

	snprintf(id, sizeof(id), "%" PRId64, r->id);
	i.id = id;
	if (!sqlite_queue_undamaged(op->queue, r))
		i.reason = damaged;
	return op->listed != NULL ? op->listed(&i, op->at, op->arg)
				  : op->fn(&i, op->arg);
}

static enum status
peek_job(struct db *db, void *arg)
{
	struct view_op *op = arg;
	struct db_rows *rows;
	enum status st;
	struct sqlite_queue_row r;

	st = op->dead
	    ? db_query(db, &rows,
		  "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
		  " WHERE queue = ?1 AND state = 2 ORDER BY id LIMIT ?2",
		  "ti", op->queue->name, op->limit)
	    : db_query(db, &rows,
		  "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
		  " WHERE id IN (SELECT id FROM queue_item WHERE queue = ?1"
		  " AND state < 2 ORDER BY id LIMIT ?2) ORDER BY id",
		  "ti", op->queue->name, op->limit);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		st = show(op, &r);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sqlite_queue_peek(
    struct queue *q, bool dead, size_t limit, queue_row_fn *fn, void *arg)
{
	struct view_op op = { .queue = of(q),
		.now_us = clock_us(),
		.dead = dead,
		.limit = limit > INT64_MAX ? INT64_MAX : (int64_t)limit,
		.fn = fn,
		.arg = arg };

	return db_read(of(q)->db, peek_job, &op);
}

/* --- in pages ---------------------------------------------------------------- */

/* Of those that are not dead, by what the columns have: state is 1 of the
 * taken, of which those whose receipt has run out are ready again. */
struct range {
	int64_t from_us, to_us, low, high;
};

static struct range
range_of(const enum queue_state *state, int64_t now_us)
{
	struct range all = { INT64_MIN, INT64_MAX, ITEM_WAITS, ITEM_TAKEN };

	if (state == NULL)
		return all;
	if (*state == QUEUE_READY)
		all.to_us = now_us;
	else
		all.from_us = now_us + 1;
	if (*state == QUEUE_DELAYED)
		all.high = ITEM_WAITS;
	if (*state == QUEUE_TAKEN)
		all.low = ITEM_TAKEN;
	return all;
}

static enum status
list_rows(const struct view_op *op, struct db_rows *rows, int64_t *n)
{
	struct view_op each = *op;
	struct sqlite_queue_row r;
	struct queue_cursor at;
	enum status st = ST_OK;

	each.at = &at;
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		at = (struct queue_cursor){ r.state == ITEM_DEAD, r.behind,
			r.available_us, r.state, r.id };
		++*n;
		st = show(&each, &r);
	}
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* Those of a value of behind (sqlite_queue_impl.h). */
static enum status
list_behind(struct db *db, const struct view_op *op, const struct queue_page *p,
    int64_t behind, int64_t *n)
{
	static const struct queue_cursor none = { .available_us = INT64_MIN };
	const struct queue_cursor *c = &none;
	struct range in = range_of(p->state, op->now_us);
	struct db_rows *rows;
	enum status st;

	if (p->after != NULL && p->after->behind == behind)
		c = p->after;
	/* It begins where both let it: an index has one beginning. */
	if (c->available_us < in.from_us)
		c = &none;
	st = db_query(db, &rows,
	    "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
	    " INDEXED BY queue_item_due WHERE queue = ?1 AND behind = ?2"
	    " AND state < 2"
	    " AND (available_us, state, id) > (?3, ?4, ?5)"
	    " AND available_us <= ?6 AND state BETWEEN ?7 AND ?8"
	    " ORDER BY available_us, state, id LIMIT ?9",
	    "tiiiiiiii", p->queue, behind,
	    c == &none ? in.from_us : c->available_us,
	    c == &none ? -1 : c->state, c->id, in.to_us, in.low, in.high,
	    p->limit - *n);
	if (st == ST_OK)
		st = list_rows(op, rows, n);
	db_done(rows);
	return st;
}

static enum status
list_live(struct db *db, const struct view_op *op, const struct queue_page *p,
    int64_t *n)
{
	int64_t behind = p->after == NULL ? 0 : p->after->behind;
	enum status st = ST_OK;

	for (; st == ST_OK && behind <= 2 && *n < p->limit; behind++)
		st = list_behind(db, op, p, behind, n);
	return st;
}

static enum status
list_dead(struct db *db, const struct view_op *op, const struct queue_page *p,
    int64_t *n)
{
	int64_t after = p->after != NULL && p->after->dead ? p->after->id : 0;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
	    " INDEXED BY queue_item_dead WHERE queue = ?1 AND state = 2"
	    " AND id > ?2 ORDER BY id LIMIT ?3",
	    "tii", p->queue, after, p->limit - *n);
	if (st == ST_OK)
		st = list_rows(op, rows, n);
	db_done(rows);
	return st;
}

enum status
sqlite_queue_list(
    struct db *db, const struct queue_page *p, queue_listed_fn *fn, void *arg)
{
	struct buf url = BUF_INIT;
	struct sqlite_queue queue = { .db = db, .name = (char *)p->queue };
	struct view_op op = {
		.queue = &queue, .now_us = clock_us(), .listed = fn, .arg = arg
	};
	enum status st = buf_printf(&url, "sqlite:%s", p->queue);
	int64_t n = 0;

	queue.url = url.data;
	if (st == ST_OK && (p->state == NULL || *p->state != QUEUE_DEAD) &&
	    (p->after == NULL || !p->after->dead))
		st = list_live(db, &op, p, &n);
	if (st == ST_OK && (p->state == NULL || *p->state == QUEUE_DEAD) &&
	    n < p->limit)
		st = list_dead(db, &op, p, &n);
	buf_release(&url);
	return st;
}

/* --- dead letters ------------------------------------------------------------- */

/* The next dead letter, by id. ST_NOTFOUND: there is none. */
static enum status
revive_next(struct db *db, const struct view_op *op)
{
	struct db_rows *rows;
	char *group = NULL;
	int64_t id = 0;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT id, ordered_by FROM queue_item WHERE queue = ?1"
	    " AND state = 2 AND id BETWEEN ?2 AND ?3 ORDER BY id LIMIT 1",
	    "tii", op->queue->name, op->id, op->id == 0 ? INT64_MAX : op->id);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		id = db_int(rows, 0);
		st = str_dup(db_text(rows, 1), &group);
	}
	db_done(rows);
	if (st == ST_OK)
		st = db_run(db,
		    "UPDATE queue_item SET state = 0, attempts = 0,"
		    " available_us = ?2, since_us = ?2, reason = NULL, receipt "
		    "= NULL,"
		    " behind = ordered_by IS NOT NULL WHERE id = ?1",
		    "ii", id, op->now_us);
	/* It came before those that wait, and so is before them again. */
	if (st == ST_OK && group != NULL)
		st = db_run(db,
		    "UPDATE queue_item INDEXED BY queue_item_group"
		    " SET behind = 1, state = 0, receipt = NULL"
		    " WHERE queue = ?1 AND ordered_by = ?2 AND behind = 0"
		    " AND state < 2 AND (state = 0 OR available_us <= ?3)",
		    "tti", op->queue->name, group, op->now_us);
	if (st == ST_OK)
		st = sqlite_queue_promote(op->queue, db, group);
	free(group);
	return st;
}

static enum status
redrive_job(struct db *db, void *arg)
{
	struct view_op *op = arg;
	enum status st = ST_OK;

	op->count = 0;
	while (op->count < (op->id == 0 ? REDRIVE_BITE : 1)) {
		if ((st = revive_next(db, op)) != ST_OK)
			break;
		op->count++;
	}
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sqlite_queue_redrive(struct queue *q, const char *id, int64_t *count)
{
	struct view_op op = { .queue = of(q), .now_us = clock_us() };
	uint64_t number = 0;
	enum status st;

	*count = 0;
	if (id != NULL &&
	    (str_u64(id, INT64_MAX, &number) != ST_OK || number == 0))
		return ST_NOTFOUND;
	op.id = (int64_t)number;
	do {
		st = db_write(of(q)->db, redrive_job, &op);
		if (st == ST_OK)
			*count += op.count;
	} while (st == ST_OK && id == NULL && op.count == REDRIVE_BITE);
	return st == ST_OK && id != NULL && *count == 0 ? ST_NOTFOUND : st;
}

/* --- how much waits ---------------------------------------------------------- */

/*
 * By ranges of the indexes, so that it is quick whatever waits: a million items
 * take some hundredths of a second, unless the counts end before. Of the taken,
 * whose state is 1, there is the sum. A queue that has nothing is all zeros.
 */
static enum status
measure(struct db *db, const char *name, int64_t now_us, int64_t most,
    struct queue_depth *d)
{
	struct db_rows *rows;
	enum status st;

	*d = (struct queue_depth){ .name = name };
	st = db_query(db, &rows,
	    "SELECT"
	    " (SELECT count(*) FROM (SELECT 1 FROM queue_item"
	    "  INDEXED BY queue_item_due"
	    "  WHERE queue = ?1 AND behind IN (0, 1, 2) AND state < 2"
	    "  AND available_us <= ?2 LIMIT ?3)),"
	    " later, taken,"
	    " (SELECT count(*) FROM (SELECT 1 FROM queue_item"
	    "  INDEXED BY queue_item_dead"
	    "  WHERE queue = ?1 AND state = 2 LIMIT ?3)),"
	    " (SELECT created_us FROM queue_item INDEXED BY queue_item_due"
	    "  WHERE queue = ?1 AND behind = 0 AND state < 2"
	    "  ORDER BY available_us LIMIT 1)"
	    " FROM (SELECT count(*) AS later, sum(state) AS taken FROM"
	    "  (SELECT state FROM queue_item INDEXED BY queue_item_due"
	    "  WHERE queue = ?1 AND behind IN (0, 1, 2) AND state < 2"
	    "  AND available_us > ?2 LIMIT ?3))",
	    "tii", name, now_us, most);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		d->items.ready = db_int(rows, 0);
		d->items.delayed = db_int(rows, 1) - db_int(rows, 2);
		d->items.taken = db_int(rows, 2);
		d->items.dead = db_int(rows, 3);
		d->next_us = db_int(rows, 4);
	}
	db_done(rows);
	return st;
}

/* When the oldest came in, which is a walk over all that are not dead. An
 * item's id is when it came. */
static enum status
stats_job(struct db *db, void *arg)
{
	const struct view_op *op = arg;
	struct queue_depth d;
	struct db_rows *rows;
	enum status st =
	    measure(db, op->queue->name, op->now_us, INT64_MAX, &d);

	*op->stats = d.items;
	if (st != ST_OK)
		return st;
	st = db_query(db, &rows,
	    "SELECT created_us FROM queue_item WHERE id = (SELECT min(id)"
	    " FROM queue_item INDEXED BY queue_item_due"
	    " WHERE queue = ?1 AND state < 2)",
	    "t", op->queue->name);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		op->stats->oldest_us = db_int(rows, 0);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sqlite_queue_stats(struct queue *q, struct queue_stats *out)
{
	struct view_op op = {
		.queue = of(q), .now_us = clock_us(), .stats = out
	};

	*out = (struct queue_stats){ 0 };
	return db_read(of(q)->db, stats_job, &op);
}

static enum status
due_job(struct db *db, void *arg)
{
	const struct sqlite_queue *q = arg;
	struct db_rows *rows;
	enum status st = db_query(db, &rows,
	    "SELECT 1 FROM queue_item INDEXED BY queue_item_due"
	    " WHERE queue = ?1 AND behind = 0 AND state < 2"
	    " AND available_us <= ?2 LIMIT 1",
	    "ti", q->name, clock_us());

	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st;
}

enum status
sqlite_queue_due(struct queue *q)
{
	return db_read(of(q)->db, due_job, q);
}

/* The first name behind this one: one look into each index, however much is on
 * the queues between. ST_NOTFOUND: there is none. */
static enum status
next_name(struct db *db, const char *after, char **out)
{
	struct db_rows *rows;
	enum status st;

	*out = NULL;
	st = db_query(db, &rows,
	    "SELECT min(name) FROM ("
	    "SELECT (SELECT min(queue) FROM queue_item"
	    "  INDEXED BY queue_item_due WHERE state < 2 AND queue > ?1)"
	    "  AS name UNION ALL "
	    "SELECT (SELECT min(queue) FROM queue_item"
	    "  INDEXED BY queue_item_dead WHERE state = 2 AND queue > ?1))",
	    "t", after);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = str_dup(db_text(rows, 0), out);
	db_done(rows);
	return st == ST_OK && *out == NULL ? ST_NOTFOUND : st;
}

enum status
sqlite_queue_depth(
    struct db *db, const char *name, int64_t most, struct queue_depth *d)
{
	return measure(db, name, clock_us(), most, d);
}

struct depths_op {
	int64_t most;
	queue_depth_fn *fn;
	void *arg;
};

static enum status
depths_job(struct db *db, void *arg)
{
	const struct depths_op *op = arg;
	struct queue_depth d;
	char *name, *next;
	enum status st = next_name(db, "", &name);

	while (st == ST_OK) {
		next = NULL;
		if ((st = measure(db, name, clock_us(), op->most, &d)) ==
			ST_OK &&
		    (st = op->fn(&d, op->arg)) == ST_OK)
			st = next_name(db, name, &next);
		free(name);
		name = next;
	}
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sqlite_queue_depths(struct db *db, int64_t most, queue_depth_fn *fn, void *arg)
{
	struct depths_op op = { most, fn, arg };

	return db_read(db, depths_job, &op);
}
