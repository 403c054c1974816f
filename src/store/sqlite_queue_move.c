/* Items that wait, put into another queue of the embedded database. */
#include <stdlib.h>

#include "base/str.h"
#include "store/sqlite_queue.h"
#include "store/sqlite_queue_impl.h"

/* At a time, of one group: more wait for the next call. */
#define MOVE_BITE 500

/* The ids of what waits of a group, oldest first. */
static enum status
waiting_ids(struct db *db, const char *queue, const char *group,
    int64_t ids[static MOVE_BITE], size_t *n)
{
	struct db_rows *rows;
	enum status st;

	*n = 0;
	st = db_query(db, &rows,
	    "SELECT id FROM queue_item INDEXED BY queue_item_group"
	    " WHERE queue = ?1 AND ordered_by = ?2 AND state < 2 AND state = 0"
	    " ORDER BY id LIMIT ?3",
	    "tti", queue, group, (int64_t)MOVE_BITE);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		ids[(*n)++] = db_int(rows, 0);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* Most often nothing does: this is asked with each message that comes in. */
static enum status
any_waits(struct db *db, const struct queue_place *of)
{
	struct db_rows *rows;
	enum status st = db_query(db, &rows,
	    "SELECT 1 FROM queue_item INDEXED BY queue_item_group"
	    " WHERE queue = ?1 AND ordered_by = ?2 AND state < 2 AND state = 0"
	    " LIMIT 1",
	    "tt", of->queue, of->group);

	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st;
}

/*
 * The first of a group may be given out, the others are behind it: whoever has
 * taken one is first, or else the oldest is.
 */
static enum status
line_up(struct db *db, const char *queue, const char *group)
{
	return db_run(db,
	    "UPDATE queue_item SET behind = CASE id WHEN (SELECT id"
	    "  FROM queue_item INDEXED BY queue_item_group"
	    "  WHERE queue = ?1 AND ordered_by = ?2 AND state < 2"
	    "  ORDER BY state DESC, id LIMIT 1) THEN 0 ELSE 1 + state END"
	    " WHERE queue = ?1 AND ordered_by = ?2 AND state < 2",
	    "tt", queue, group);
}

static enum status
put_item(struct db *db, int64_t id, const struct queue_place *to,
    const struct queue_moved *m)
{
	if (to->queue == NULL)
		return db_run(
		    db, "DELETE FROM queue_item WHERE id = ?1", "i", id);
	return db_run(db,
	    "UPDATE queue_item SET queue = ?2, ordered_by = ?3, checksum = ?4,"
	    " body = ?5, available_us = ?6, since_us = min(?6, since_us),"
	    " reason = NULL, attributes = NULL, behind = 1 WHERE id = ?1",
	    "ittibi", id, to->queue, to->group,
	    sqlite_queue_checksum(
		to->queue, to->group, m->body.data, m->body.len, NULL),
	    m->body.data, m->body.len, m->available_us);
}

/* One item; ST_NOTFOUND: it stays. */
static enum status
move_item(struct db *db, int64_t id, const char *queue,
    const struct queue_place *to, queue_move_fn *fn, void *arg)
{
	const struct sqlite_queue from = { .name = (char *)queue };
	struct queue_moved m = { .body = BUF_INIT };
	struct sqlite_queue_row r;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT " SQLITE_QUEUE_COLUMNS " FROM queue_item WHERE id = ?1",
	    "i", id);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		sqlite_queue_row(rows, &r);
		m.available_us = r.available_us;
		/* Whoever receives it makes it a dead letter. */
		st = sqlite_queue_undamaged(&from, &r)
		    ? fn(db, r.body, r.len, &m, arg)
		    : ST_NOTFOUND;
	}
	db_done(rows);
	if (st == ST_OK)
		st = put_item(db, id, to, &m);
	buf_release(&m.body);
	return st;
}

enum status
sqlite_queue_move(struct db *db, const struct queue_place *from,
    const struct queue_place *to, queue_move_fn *fn, void *arg, int64_t *count)
{
	int64_t ids[MOVE_BITE];
	size_t n, moved;
	enum status st = any_waits(db, from);

	if (st != ST_OK)
		return st == ST_NOTFOUND ? ST_OK : st;
	do {
		st = waiting_ids(db, from->queue, from->group, ids, &n);
		moved = 0;
		for (size_t i = 0; i < n && st == ST_OK; i++) {
			st = move_item(db, ids[i], from->queue, to, fn, arg);
			moved += st == ST_OK;
			if (st == ST_NOTFOUND)
				st = ST_OK;
		}
		*count += (int64_t)moved;
	} while (st == ST_OK && n == MOVE_BITE && moved == n);
	if (st == ST_OK)
		st = line_up(db, from->queue, from->group);
	if (st == ST_OK && to->queue != NULL)
		st = line_up(db, to->queue, to->group);
	return st;
}

enum status
sqlite_queue_next_group(
    struct db *db, const char *queue, const char *after, char **group)
{
	struct db_rows *rows;
	enum status st;

	*group = NULL;
	st = db_query(db, &rows,
	    "SELECT ordered_by FROM queue_item INDEXED BY queue_item_group"
	    " WHERE queue = ?1 AND ordered_by > ?2 AND state < 2"
	    " AND ordered_by IS NOT NULL ORDER BY ordered_by LIMIT 1",
	    "tt", queue, after);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = str_dup(db_text(rows, 0), group);
	db_done(rows);
	return st;
}
