/* Queues as an operator sees them: looking, counting, dead letters. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/sqlite_queue_impl.h"

/* Dead letters made due again in one transaction. */
#define REDRIVE_BITE 500

/* One operation: its parameters and where its result goes. */
struct call {
	const struct sqlite_queue *queue;
	int64_t now_us;
	bool dead;
	int64_t limit;
	queue_row_fn *fn;
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
show(const struct call *c, const struct sqlite_queue_row *r)
{
	struct queue_item i = {
		.queue = c->queue->url,
		.body = (char *)r->body,
		.len = r->len,
		.attempts = r->attempts,
		.available_us = r->available_us,
		.created_us = r->created_us,
		.state = state_of(r, c->now_us),
		.reason = (char *)r->reason,
	};
	char id[QUEUE_ID_MAX], damaged[] = SQLITE_QUEUE_DAMAGED;

	snprintf(id, sizeof(id), "%" PRId64, r->id);
	i.id = id;
	if (!sqlite_queue_undamaged(c->queue, r))
		i.reason = damaged;
	return c->fn(&i, c->arg);
}

static enum status
peek_job(struct db *db, void *arg)
{
	struct call *c = arg;
	struct db_rows *rows;
	enum status st;
	struct sqlite_queue_row r;

	st = c->dead
	    ? db_query(db, &rows,
		  "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
		  " WHERE queue = ?1 AND state = 2 ORDER BY id LIMIT ?2",
		  "ti", c->queue->name, c->limit)
	    : db_query(db, &rows,
		  "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item"
		  " WHERE id IN (SELECT id FROM queue_item WHERE queue = ?1"
		  " AND state < 2 ORDER BY id LIMIT ?2) ORDER BY id",
		  "ti", c->queue->name, c->limit);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		st = show(c, &r);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sqlite_queue_peek(
    struct queue *q, bool dead, size_t limit, queue_row_fn *fn, void *arg)
{
	struct call c = { .queue = of(q),
		.now_us = clock_us(),
		.dead = dead,
		.limit = limit > INT64_MAX ? INT64_MAX : (int64_t)limit,
		.fn = fn,
		.arg = arg };

	return db_read(of(q)->db, peek_job, &c);
}

/* The next dead letter, by id. ST_NOTFOUND: there is none. */
static enum status
revive_next(struct db *db, const struct call *c)
{
	struct db_rows *rows;
	char *group = NULL;
	int64_t id = 0;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT id, ordered_by FROM queue_item WHERE queue = ?1"
	    " AND state = 2 AND id BETWEEN ?2 AND ?3 ORDER BY id LIMIT 1",
	    "tii", c->queue->name, c->id, c->id == 0 ? INT64_MAX : c->id);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		id = db_int(rows, 0);
		st = str_dup(db_text(rows, 1), &group);
	}
	db_done(rows);
	if (st == ST_OK)
		st = db_run(db,
		    "UPDATE queue_item SET state = 0, attempts = 0,"
		    " available_us = ?2, since_us = ?2, reason = NULL,"
		    " behind = ordered_by IS NOT NULL WHERE id = ?1",
		    "ii", id, c->now_us);
	if (st == ST_OK)
		st = sqlite_queue_promote(c->queue, db, group);
	free(group);
	return st;
}

static enum status
redrive_job(struct db *db, void *arg)
{
	struct call *c = arg;
	enum status st = ST_OK;

	c->count = 0;
	while (c->count < (c->id == 0 ? REDRIVE_BITE : 1)) {
		if ((st = revive_next(db, c)) != ST_OK)
			break;
		c->count++;
	}
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
sqlite_queue_redrive(struct queue *q, const char *id, int64_t *count)
{
	struct call c = { .queue = of(q), .now_us = clock_us() };
	uint64_t number = 0;
	enum status st;

	*count = 0;
	if (id != NULL &&
	    (str_u64(id, INT64_MAX, &number) != ST_OK || number == 0))
		return ST_NOTFOUND;
	c.id = (int64_t)number;
	do {
		st = db_write(of(q)->db, redrive_job, &c);
		if (st == ST_OK)
			*count += c.count;
	} while (st == ST_OK && id == NULL && c.count == REDRIVE_BITE);
	return st == ST_OK && id != NULL && *count == 0 ? ST_NOTFOUND : st;
}

static enum status
stats_job(struct db *db, void *arg)
{
	struct call *c = arg;
	struct db_rows *rows;
	enum status st;

	/* One walk over the index: of those that are due or will be, and of
	 * the taken, whose state is 1. An item's id is when it came. */
	st = db_query(db, &rows,
	    "SELECT ready, later, taken,"
	    " (SELECT count(*) FROM queue_item WHERE queue = ?1"
	    "  AND state = 2),"
	    " (SELECT created_us FROM queue_item WHERE id = oldest)"
	    " FROM (SELECT sum(available_us <= ?2) AS ready,"
	    "  sum(available_us > ?2 AND state = 0) AS later,"
	    "  sum(available_us > ?2 AND state = 1) AS taken,"
	    "  min(id) AS oldest"
	    "  FROM queue_item INDEXED BY queue_item_due"
	    "  WHERE queue = ?1 AND state < 2)",
	    "ti", c->queue->name, c->now_us);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*c->stats = (struct queue_stats){
			.ready = db_int(rows, 0),
			.delayed = db_int(rows, 1),
			.taken = db_int(rows, 2),
			.dead = db_int(rows, 3),
			.oldest_us = db_int(rows, 4),
		};
	db_done(rows);
	return st;
}

enum status
sqlite_queue_stats(struct queue *q, struct queue_stats *out)
{
	struct call c = { .queue = of(q), .now_us = clock_us(), .stats = out };

	*out = (struct queue_stats){ 0 };
	return db_read(of(q)->db, stats_job, &c);
}
