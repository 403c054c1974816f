#include "db/db_copy.h"

#include "base/clock.h"
#include "base/status.h"
#include "db/db_impl.h"
#include "db/db_target.h"

/* Waiting for the lock. */
#define COPY_WAIT_US 8000000

static enum status
copy_run(struct db_conn *c, const char *sql, const char *types, ...)
{
	enum status st;
	va_list ap;

	va_start(ap, types);
	st = db_conn_run(c, sql, types, ap);
	va_end(ap);
	return st;
}

static void
copy_explain(
    struct db_conn *c, enum status st, const char *path, struct buf *why)
{
	const char *words = NULL;

	if (st == ST_OK || why->len > 0)
		return;
	if (c != NULL)
		db_conn_fault(c, &words);
	buf_printf(why, "%s: %s", path,
	    st == ST_CORRUPT ? "the database is damaged: see switchhook store "
			       "check, and switchhook store recover"
		: words == NULL || *words == '\0' ? status_text(st)
						  : words);
}

/* VACUUM INTO gives one file, without what was deleted, and does not sync. */
static enum status
copy_into(struct db_file *f, const char *to, struct buf *why)
{
	struct db_conn *c = NULL;
	enum status st;

	if ((st = db_conn_open(&c, f->uri, false, why)) != ST_OK)
		return st;
	st = copy_run(c, "VACUUM INTO ?1", "t", to);
	copy_explain(c, st, f->path, why);
	db_conn_close(c);
	return st;
}

/* What a copy must not do by itself, as the original still may. */
static enum status
copy_hold(const struct db_schema *schema, const char *to, struct buf *why)
{
	struct db_conn *c = NULL;
	enum status st;

	if (schema->copied == NULL)
		return ST_OK;
	if ((st = db_conn_open(&c, to, false, why)) != ST_OK)
		return st;
	st = db_conn_script(c, "PRAGMA journal_mode = MEMORY");
	if (st == ST_OK)
		st = db_conn_script(c, schema->copied);
	copy_explain(c, st, to, why);
	db_conn_close(c);
	return st;
}

enum status
db_copy(struct db *db, const char *to, struct buf *why)
{
	struct db_file *f = &db->file;
	struct db_target t;
	enum status st;

	if ((st = db_target_open(&t, to, why)) == ST_OK) {
		/* There readers are in the way of writers, who shall wait for
		 * the lock rather than fail. */
		if (f->journal == DB_ROLLBACK)
			st = db_lock_take(
			    &f->lock, clock_mono_us() + COPY_WAIT_US);
		if (st == ST_OK)
			st = copy_into(f, t.partial, why);
		if (f->lock.held)
			db_lock_drop(&f->lock);
	}
	if (st == ST_OK)
		st = copy_hold(f->schema, t.partial, why);
	copy_explain(NULL, st, to, why);
	return db_target_close(&t, st, why);
}
