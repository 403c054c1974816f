/* Calls: listed, looked up, forgotten. */
#include "db/db.h"
#include "store/call.h"

#define SELECT_CALLS \
	"SELECT sid, status, direction, caller, callee, error_code," \
	" duration_s, sequence, start_us, last_us, ended, parent_sid FROM " \
	"call"

/* The present row of SELECT_CALLS. */
static enum status
give_call(struct db_rows *rows, call_summary_fn *fn, void *arg)
{
	struct call_summary c = {
		.sid = db_text(rows, 0),
		.status = db_text(rows, 1),
		.direction = db_text(rows, 2),
		.from = db_text(rows, 3),
		.to = db_text(rows, 4),
		.error_code = db_text(rows, 5),
		.duration_s = db_int(rows, 6),
		.sequence = db_int(rows, 7),
		.start_us = db_int(rows, 8),
		.last_us = db_int(rows, 9),
		.ended = db_int(rows, 10) != 0,
		.parent_sid = db_text(rows, 11),
	};

	return fn(&c, arg);
}

/* A part of the list: from, then what comes behind (before, sid) from above. */
struct span {
	int64_t from_us;
	int64_t before_us;
	const char *sid;
	int64_t limit;
};

/*
 * The statements differ in what leads: each walks the index that has its
 * columns, backwards, and passes over what else does not fit ("+": no index).
 * start_us is compared by itself too because SQLite does not see a bound in
 * the pair.
 */
#define LIST(lead) \
	SELECT_CALLS " WHERE " lead "(?5 IS NULL OR +status = ?5)" \
		     " AND (?6 IS NULL OR +direction = ?6)" \
		     " AND (?7 IS NULL OR +caller = ?7)" \
		     " AND (?8 IS NULL OR +callee = ?8)" \
		     " AND (?9 IS NULL OR +parent_sid = ?9)" \
		     " AND start_us BETWEEN ?1 AND ?2" \
		     " AND (start_us, sid) < (?2, ?3)" \
		     " ORDER BY start_us DESC, sid DESC LIMIT ?4"

/* What has the fewest calls leads: a call has few legs, a caller fewer calls
 * than there are with one state. */
static const char *
statement_of(const struct call_filter *f)
{
	if (f->parent_sid != NULL)
		return LIST("parent_sid = ?9 AND ");
	if (f->from != NULL)
		return LIST("caller = ?7 AND ");
	if (f->to != NULL)
		return LIST("callee = ?8 AND ");
	if (f->status != NULL && f->direction != NULL)
		return LIST("status = ?5 AND direction = ?6 AND ");
	if (f->status != NULL)
		return LIST("status = ?5 AND ");
	if (f->direction != NULL)
		return LIST("direction = ?6 AND ");
	return LIST("");
}

/* No sid is below "": a bound without one leaves out all of its moment. */
static struct span
span_of(
    const struct call_filter *f, const struct call_cursor *after, size_t limit)
{
	struct span s = {
		.from_us = f->from_us,
		.before_us = f->before_us != 0 ? f->before_us : INT64_MAX,
		.sid = "",
		.limit = limit > INT64_MAX ? INT64_MAX : (int64_t)limit,
	};

	if (after != NULL && after->start_us < s.before_us) {
		s.before_us = after->start_us;
		s.sid = after->sid;
	}
	return s;
}

enum status
call_list(struct db *db, const struct call_filter *f,
    const struct call_cursor *after, size_t limit, call_summary_fn *fn,
    void *arg)
{
	struct span s = span_of(f, after, limit);
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, statement_of(f), "iitittttt", s.from_us,
	    s.before_us, s.sid, s.limit, f->status, f->direction, f->from,
	    f->to, f->parent_sid);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = give_call(rows, fn, arg);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
call_get(struct db *db, const char *sid, call_summary_fn *fn, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, SELECT_CALLS " WHERE sid = ?1", "t", sid);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = give_call(rows, fn, arg);
	db_done(rows);
	return st;
}

/* Oldest first, by start: those still heard of since are few. */
enum status
call_purge(struct db *db, int64_t before_us, size_t limit)
{
	int64_t n = (int64_t)limit;
	enum status st;

	st = db_run(db,
	    "DELETE FROM call_digits WHERE call_sid IN (SELECT sid FROM call"
	    " WHERE start_us < ?1 AND last_us < ?1 ORDER BY start_us, sid"
	    " LIMIT ?2)",
	    "ii", before_us, n);
	if (st == ST_OK)
		st = db_run(db,
		    "DELETE FROM call_event WHERE sid IN (SELECT sid FROM call"
		    " WHERE start_us < ?1 AND last_us < ?1"
		    " ORDER BY start_us, sid LIMIT ?2)",
		    "ii", before_us, n);
	if (st == ST_OK)
		st = db_run(db,
		    "DELETE FROM call WHERE sid IN (SELECT sid FROM call"
		    " WHERE start_us < ?1 AND last_us < ?1"
		    " ORDER BY start_us, sid LIMIT ?2)",
		    "ii", before_us, n);
	if (st == ST_OK)
		st = db_run(db,
		    "DELETE FROM call_digits WHERE (call_sid, target, value) IN"
		    " (SELECT call_sid, target, value FROM call_digits AS d"
		    " WHERE at_us < ?1 AND NOT EXISTS"
		    "  (SELECT 1 FROM call WHERE sid = d.call_sid)"
		    " ORDER BY at_us LIMIT ?2)",
		    "ii", before_us, n);
	return st;
}
