#include "store/call.h"

#include "base/buf.h"
#include "base/str.h"
#include "db/db.h"
#include "store/message.h"
#include "store/seen.h"

/* Longer than any call lasts: a duration that is longer is none. */
#define LONGEST_S (INT64_C(7) * 24 * 3600)

#define SECOND_US INT64_C(1000000)

/* What the events make of a call. */
struct replay {
	struct buf status, direction, from, to, parent_sid, error_code;
	struct call_summary call;
	bool lived; /* there is an event before its end */
};

static void
replay_release(struct replay *r)
{
	buf_release(&r->status);
	buf_release(&r->direction);
	buf_release(&r->from);
	buf_release(&r->to);
	buf_release(&r->parent_sid);
	buf_release(&r->error_code);
}

/* What was not sent leaves what was sent before. */
static enum status
replace(struct buf *b, const char *text)
{
	if (str_empty(text))
		return ST_OK;
	buf_reset(b);
	return buf_puts(b, text);
}

static enum status
replay_values(struct replay *r, const struct call_event *e)
{
	enum status st;

	if ((st = replace(&r->status, e->status)) == ST_OK &&
	    (st = replace(&r->direction, e->direction)) == ST_OK &&
	    (st = replace(&r->from, e->from)) == ST_OK &&
	    (st = replace(&r->to, e->to)) == ST_OK &&
	    (st = replace(&r->parent_sid, e->parent_sid)) == ST_OK)
		st = replace(&r->error_code, e->error_code);
	if (e->duration_s >= 0)
		r->call.duration_s = e->duration_s;
	return st;
}

static void
replay_times(struct call_summary *c, int64_t sequence, int64_t at_us)
{
	if (c->start_us > at_us)
		c->start_us = at_us;
	if (c->last_us < at_us)
		c->last_us = at_us;
	if (c->sequence < sequence)
		c->sequence = sequence;
}

/* Of a call whose end alone is reported, which is all that Twilio does unless
 * it is asked for more, the end and the duration tell when it began. */
static void
replay_start(struct replay *r)
{
	struct call_summary *c = &r->call;
	int64_t start_us;

	if (r->lived || c->duration_s <= 0 || c->duration_s > LONGEST_S)
		return;
	start_us = c->last_us - c->duration_s * SECOND_US;
	if (c->start_us > start_us)
		c->start_us = start_us;
}

/*
 * All events of a call in the order of its life. An end comes last, whatever
 * the numbers say: what has ended stays so. Nothing depends on the order of
 * recording, and versions 4 and 11 of the schema filled the table in the same
 * way.
 */
static enum status
replay(struct db *db, const char *sid, struct replay *r)
{
	struct call_event e = { .sid = sid };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT status, direction, caller, callee, parent_sid, error_code,"
	    " duration_s, sequence, at_us, status IN ('completed', 'busy', "
	    "'failed',"
	    " 'no-answer', 'canceled') AS final FROM call_event WHERE sid = ?1"
	    " ORDER BY final, sequence, at_us, status",
	    "t", sid);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		e.status = db_text(rows, 0);
		e.direction = db_text(rows, 1);
		e.from = db_text(rows, 2);
		e.to = db_text(rows, 3);
		e.parent_sid = db_text(rows, 4);
		e.error_code = db_text(rows, 5);
		e.duration_s = db_int(rows, 6);
		replay_times(&r->call, db_int(rows, 7), db_int(rows, 8));
		r->call.ended = db_int(rows, 9) != 0;
		r->lived = r->lived || !r->call.ended;
		st = replay_values(r, &e);
	}
	db_done(rows);
	replay_start(r);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static const char *
text_or_null(const struct buf *b)
{
	return b->len == 0 ? NULL : buf_str(b);
}

/* Write the call's row from all its events. */
static enum status
update_call(struct db *db, const char *sid)
{
	struct replay r = { .call = { .duration_s = -1,
				.sequence = -1,
				.start_us = INT64_MAX } };
	enum status st;

	if ((st = replay(db, sid, &r)) == ST_OK)
		st = db_run(db,
		    "INSERT INTO call (sid, status, direction, caller, callee,"
		    " error_code, duration_s, sequence, start_us, last_us,"
		    " ended, parent_sid)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11,"
		    " ?12)"
		    " ON CONFLICT (sid) DO UPDATE SET status = ?2,"
		    " direction = ?3, caller = ?4, callee = ?5,"
		    " error_code = ?6, duration_s = ?7, sequence = ?8,"
		    " start_us = ?9, last_us = ?10, ended = ?11,"
		    " parent_sid = ?12",
		    "ttttttiiiiit", sid, buf_str(&r.status),
		    text_or_null(&r.direction), text_or_null(&r.from),
		    text_or_null(&r.to), text_or_null(&r.error_code),
		    r.call.duration_s, r.call.sequence, r.call.start_us,
		    r.call.last_us, (int64_t)r.call.ended,
		    text_or_null(&r.parent_sid));
	replay_release(&r);
	return st;
}

enum status
call_event_record(struct db *db, const struct call_event *e)
{
	int64_t at_us = e->at_us;
	enum status st = seen_keep_under(db, &at_us);

	if (st == ST_OK)
		st = db_run(db,
		    "INSERT INTO call_event (sid, sequence, status, duration_s,"
		    " direction, caller, callee, error_code, at_us,"
		    " parent_sid)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
		    "titittttit", e->sid, e->sequence, e->status, e->duration_s,
		    e->direction, e->from, e->to, e->error_code, at_us,
		    e->parent_sid);
	return st == ST_OK ? update_call(db, e->sid) : st;
}

enum status
call_digits_record(struct db *db, const struct call_digits *d)
{
	int64_t at_us = d->at_us;
	enum status st = seen_keep_under(db, &at_us);

	if (st == ST_OK)
		st = db_run(db,
		    "INSERT INTO call_digits"
		    " (call_sid, target, value, caller, at_us, digest)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		    "ttttib", d->call_sid, d->target, d->value, d->caller,
		    at_us, d->digest, (size_t)MESSAGE_DIGEST_KEPT);
	return st;
}

enum status
call_digits_forget(struct db *db, const struct call_digits *d)
{
	return db_run(db,
	    "DELETE FROM call_digits"
	    " WHERE call_sid = ?1 AND target = ?2 AND value = ?3",
	    "ttt", d->call_sid, d->target, d->value);
}

/* Each row of a query on call_event, whose columns are in this order. */
static enum status
walk_events(struct db_rows *rows, call_event_fn *fn, void *arg)
{
	struct call_event e;
	enum status st;

	while ((st = db_next(rows)) == ST_OK) {
		e.seq = db_int(rows, 0);
		e.sid = db_text(rows, 1);
		e.sequence = db_int(rows, 2);
		e.status = db_text(rows, 3);
		e.duration_s = db_int(rows, 4);
		e.direction = db_text(rows, 5);
		e.from = db_text(rows, 6);
		e.to = db_text(rows, 7);
		e.error_code = db_text(rows, 8);
		e.at_us = db_int(rows, 9);
		if ((st = fn(&e, arg)) != ST_OK)
			return st;
	}
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
call_events(struct db *db, const char *sid, call_event_fn *fn, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT seq, sid, sequence, status, duration_s, direction, caller,"
	    " callee, error_code, at_us FROM call_event WHERE sid = ?1"
	    " ORDER BY sequence, at_us",
	    "t", sid);
	if (st == ST_OK)
		st = walk_events(rows, fn, arg);
	db_done(rows);
	return st;
}

enum status
call_events_after(
    struct db *db, int64_t seq, size_t limit, call_event_fn *fn, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT seq, sid, sequence, status, duration_s, direction, caller,"
	    " callee, error_code, at_us FROM call_event WHERE seq > ?1"
	    " ORDER BY seq LIMIT ?2",
	    "ii", seq, (int64_t)limit);
	if (st == ST_OK)
		st = walk_events(rows, fn, arg);
	db_done(rows);
	return st;
}

enum status
call_events_tail(struct db *db, size_t n, int64_t *seq)
{
	struct db_rows *rows;
	enum status st;

	*seq = 0;
	st = db_query(db, &rows,
	    "SELECT seq FROM call_event WHERE seq <= ?1"
	    " ORDER BY seq DESC LIMIT 1 OFFSET ?2",
	    "ii", INT64_MAX, (int64_t)n);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*seq = db_int(rows, 0);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
call_digits(struct db *db, const char *sid, call_digits_fn *fn, void *arg)
{
	struct call_digits d = { .call_sid = sid };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT target, value, caller, at_us FROM call_digits"
	    " WHERE call_sid = ?1 ORDER BY at_us",
	    "t", sid);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		d.target = db_text(rows, 0);
		d.value = db_text(rows, 1);
		d.caller = db_text(rows, 2);
		d.at_us = db_int(rows, 3);
		st = fn(&d, arg);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}
