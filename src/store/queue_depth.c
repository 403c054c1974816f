#include "store/queue_depth.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "store/db.h"

struct walk {
	queue_depth_fn *fn;
	void *arg;
};

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

static enum status
measure(struct db *db, const char *name, struct queue_depth *d)
{
	struct db_rows *rows;
	enum status st;

	/* Of the taken, whose state is 1, there is the sum. */
	st = db_query(db, &rows,
	    "SELECT"
	    " (SELECT count(*) FROM queue_item INDEXED BY queue_item_due"
	    "  WHERE queue = ?1 AND behind IN (0, 1) AND state < 2"
	    "  AND available_us <= ?2),"
	    " later, taken,"
	    " (SELECT count(*) FROM queue_item INDEXED BY queue_item_dead"
	    "  WHERE queue = ?1 AND state = 2),"
	    " (SELECT created_us FROM queue_item INDEXED BY queue_item_due"
	    "  WHERE queue = ?1 AND behind = 0 AND state < 2"
	    "  ORDER BY available_us LIMIT 1)"
	    " FROM (SELECT count(*) AS later, sum(state) AS taken"
	    "  FROM queue_item INDEXED BY queue_item_due"
	    "  WHERE queue = ?1 AND behind IN (0, 1) AND state < 2"
	    "  AND available_us > ?2)",
	    "ti", name, clock_us());
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*d = (struct queue_depth){
			.name = name,
			.ready = db_int(rows, 0),
			.delayed = db_int(rows, 1) - db_int(rows, 2),
			.taken = db_int(rows, 2),
			.dead = db_int(rows, 3),
			.next_us = db_int(rows, 4),
		};
	db_done(rows);
	return st;
}

static enum status
walk_job(struct db *db, void *arg)
{
	const struct walk *w = arg;
	struct queue_depth d;
	char *name, *next;
	enum status st = next_name(db, "", &name);

	while (st == ST_OK) {
		if ((st = measure(db, name, &d)) == ST_OK)
			st = w->fn(&d, w->arg);
		if (st == ST_OK)
			st = next_name(db, name, &next);
		else
			next = NULL;
		free(name);
		name = next;
	}
	free(name);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
queue_depths(struct db *db, queue_depth_fn *fn, void *arg)
{
	struct walk w = { fn, arg };

	return db_read(db, walk_job, &w);
}
