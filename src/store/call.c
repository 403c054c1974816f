#include "store/call.h"

#include "store/db.h"

enum status
call_event_record(struct db *db, const struct call_event *e)
{
	return db_run(db,
	    "INSERT INTO call_event (sid, sequence, status, duration_s,"
	    " direction, caller, callee, error_code, at_us)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    "tititttti", e->sid, e->sequence, e->status, e->duration_s,
	    e->direction, e->from, e->to, e->error_code, e->at_us);
}

enum status
call_digits_record(struct db *db, const struct call_digits *d)
{
	return db_run(db,
	    "INSERT INTO call_digits (call_sid, target, value, caller, at_us)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    "tttti", d->call_sid, d->target, d->value, d->caller, d->at_us);
}

enum status
call_digits_forget(struct db *db, const struct call_digits *d)
{
	return db_run(db,
	    "DELETE FROM call_digits"
	    " WHERE call_sid = ?1 AND target = ?2 AND value = ?3",
	    "ttt", d->call_sid, d->target, d->value);
}

enum status
call_events(struct db *db, const char *sid, call_event_fn *fn, void *arg)
{
	struct call_event e = { .sid = sid };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT sequence, status, duration_s, direction, caller, callee,"
	    " error_code, at_us FROM call_event WHERE sid = ?1"
	    " ORDER BY sequence, at_us",
	    "t", sid);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		e.sequence = db_int(rows, 0);
		e.status = db_text(rows, 1);
		e.duration_s = db_int(rows, 2);
		e.direction = db_text(rows, 3);
		e.from = db_text(rows, 4);
		e.to = db_text(rows, 5);
		e.error_code = db_text(rows, 6);
		e.at_us = db_int(rows, 7);
		st = fn(&e, arg);
	}
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
