#include "store/counter.h"

#include "base/clock.h"
#include "db/db.h"

#define HOUR_US INT64_C(3600000000)
#define KEPT_HOURS 48

int64_t
counter_hour(int64_t us)
{
	return us / HOUR_US;
}

enum status
counter_sum(struct db *db, const char *name, const char *label, int64_t n)
{
	enum status st;

	st = db_run(db,
	    "INSERT INTO counter (name, label, value) VALUES (?1, ?2, ?3)"
	    " ON CONFLICT DO UPDATE SET value = value + excluded.value",
	    "tti", name, label, n);
	if (st == ST_OK)
		st = db_run(db,
		    "INSERT INTO counter_hour (hour, name, label, value)"
		    " VALUES (?1, ?2, ?3, ?4)"
		    " ON CONFLICT DO UPDATE SET value = value + excluded.value",
		    "itti", counter_hour(clock_us()), name, label, n);
	return st;
}

enum status
counter_purge(struct db *db, int64_t now_us)
{
	return db_run(db, "DELETE FROM counter_hour WHERE hour < ?1", "i",
	    counter_hour(now_us) - KEPT_HOURS);
}

enum status
counter_add(struct db *db, const char *name, const char *label)
{
	return db_sum(db, name, label);
}

struct listing {
	counter_fn *fn;
	void *arg;
};

static enum status
list_job(struct db *db, void *arg)
{
	const struct listing *l = arg;
	struct db_rows *rows;
	enum status st;

	/* In the order of the key, which an ORDER BY would only sort again. */
	st = db_query(db, &rows,
	    "SELECT name, label, value FROM counter WHERE name >= ''", "");
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = l->fn(db_text(rows, 0), db_text(rows, 1), db_int(rows, 2),
		    l->arg);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
counter_list(struct db *db, counter_fn *fn, void *arg)
{
	struct listing l = { fn, arg };

	return db_read(db, list_job, &l);
}

struct hours {
	int64_t from, to;
	counter_hour_fn *fn;
	void *arg;
};

static enum status
hours_job(struct db *db, void *arg)
{
	const struct hours *h = arg;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT hour, name, label, value FROM counter_hour"
	    " WHERE hour BETWEEN ?1 AND ?2",
	    "ii", h->from, h->to);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = h->fn(db_int(rows, 0), db_text(rows, 1), db_text(rows, 2),
		    db_int(rows, 3), h->arg);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
counter_hours(
    struct db *db, int64_t from, int64_t to, counter_hour_fn *fn, void *arg)
{
	struct hours h = { from, to, fn, arg };

	return db_read(db, hours_job, &h);
}

/* Something said now and then: when it was said last is its value. */
struct notice {
	const char *name, *label;
	int64_t at_us, span_us;
};

/* What was said by a clock that was ahead counts for nothing. */
static enum status
said_job(struct db *db, void *arg)
{
	const struct notice *n = arg;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT value FROM counter WHERE name = ?1 AND label = ?2"
	    " AND value > ?3 AND value <= ?4",
	    "ttii", n->name, n->label, n->at_us - n->span_us, n->at_us);
	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st == ST_OK ? ST_EXISTS : st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
say_job(struct db *db, void *arg)
{
	const struct notice *n = arg;
	enum status st = said_job(db, arg);

	return st != ST_OK ? st
			   : db_run(db,
				 "INSERT INTO counter (name, label, value)"
				 " VALUES (?1, ?2, ?3)"
				 " ON CONFLICT DO UPDATE SET value = ?3",
				 "tti", n->name, n->label, n->at_us);
}

enum status
counter_due(struct db *db, const char *name, const char *label, int64_t at_us,
    int64_t span_us)
{
	struct notice n = { name, label, at_us, span_us };
	/* Almost always it was said: no need to write then. */
	enum status st = db_read(db, said_job, &n);

	return st == ST_OK ? db_write(db, say_job, &n) : st;
}
