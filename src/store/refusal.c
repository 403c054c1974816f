#include "store/refusal.h"

#include "base/str.h"
#include "db/db.h"

/* One of a time that is still to come is a clock's that was ahead, and counts
 * for nothing. */
static enum status
check_due(struct db *db, int64_t at_us)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT 1 FROM refusal WHERE id > 0 AND at_us > ?1 AND at_us <= ?2"
	    " LIMIT 1",
	    "ii", at_us - REFUSAL_SPAN_US, at_us);
	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st == ST_OK ? ST_EXISTS : st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
record_job(struct db *db, void *arg)
{
	const struct refusal *r = arg;
	enum status st;

	if ((st = check_due(db, r->at_us)) == ST_OK)
		st = db_run(db,
		    "INSERT INTO refusal (at_us, passed, request_id, method,"
		    " route, url, verdict, cause, explanation)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
		    "iittttttt", r->at_us, (int64_t)r->passed, r->request_id,
		    r->method, r->route, r->url, r->verdict, r->cause,
		    r->explanation);
	if (st == ST_OK)
		st = db_run(db,
		    "DELETE FROM refusal WHERE cause = ?1 AND id <="
		    " (SELECT id FROM refusal WHERE id > 0 AND cause = ?1"
		    " ORDER BY id DESC LIMIT 1 OFFSET ?2)",
		    "ti", r->cause, (int64_t)REFUSALS_OF_A_CAUSE);
	if (st == ST_OK)
		st = db_run(db,
		    "DELETE FROM refusal WHERE id <="
		    " (SELECT id FROM refusal WHERE id > 0"
		    " ORDER BY id DESC LIMIT 1 OFFSET ?1)",
		    "i", (int64_t)REFUSALS_KEPT);
	return st;
}

enum status
refusal_record(struct db *db, const struct refusal *r)
{
	return db_write(db, record_job, (void *)r);
}

/* --- reading -------------------------------------------------------------- */

struct reading {
	const char *id; /* NULL: all */
	refusal_fn *fn;
	void *arg;
	bool found;
};

#define SELECT_REFUSALS \
	"SELECT id, at_us, passed, request_id, method, route, url, verdict," \
	" cause, explanation FROM refusal"

static enum status
give(struct reading *g, struct db_rows *rows)
{
	const struct refusal r = {
		.id = db_int(rows, 0),
		.at_us = db_int(rows, 1),
		.passed = db_int(rows, 2) != 0,
		.request_id = db_text(rows, 3),
		.method = db_text(rows, 4),
		.route = db_text(rows, 5),
		.url = db_text(rows, 6),
		.verdict = db_text(rows, 7),
		.cause = db_text(rows, 8),
		.explanation = db_text(rows, 9),
	};

	g->found = true;
	return g->fn(&r, g->arg);
}

/* There are few: whichever is asked for, all are looked at. */
static enum status
read_job(struct db *db, void *arg)
{
	struct reading *g = arg;
	struct db_rows *rows;
	uint64_t id = 0;
	enum status st;

	if (g->id != NULL && str_u64(g->id, INT64_MAX, &id) != ST_OK)
		id = 0;
	g->found = false;
	st = db_query(db, &rows,
	    SELECT_REFUSALS " WHERE id > 0 AND"
			    " (?1 IS NULL OR id = ?2 OR request_id = ?1)"
			    " ORDER BY id DESC",
	    "ti", g->id, (int64_t)id);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = give(g, rows);
	db_done(rows);
	if (st == ST_NOTFOUND && (g->id == NULL || g->found))
		st = ST_OK;
	return st;
}

enum status
refusal_list(struct db *db, refusal_fn *fn, void *arg)
{
	struct reading g = { .fn = fn, .arg = arg };

	return db_read(db, read_job, &g);
}

enum status
refusal_find(struct db *db, const char *id, refusal_fn *fn, void *arg)
{
	struct reading g = { .id = id, .fn = fn, .arg = arg };

	return db_read(db, read_job, &g);
}
