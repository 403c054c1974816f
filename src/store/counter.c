#include "store/counter.h"

#include "store/db.h"

enum status
counter_sum(struct db *db, const char *name, const char *label, int64_t n)
{
	return db_run(db,
	    "INSERT INTO counter (name, label, value) VALUES (?1, ?2, ?3)"
	    " ON CONFLICT DO UPDATE SET value = value + excluded.value",
	    "tti", name, label, n);
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
