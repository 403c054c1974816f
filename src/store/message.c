#include "store/message.h"

#include "db/db.h"
#include "store/seen.h"

/* One operation: its parameters. */
struct message_op {
	const struct message_record *record;
	const struct message_event *event;
	const char *sid;
	message_record_fn *record_fn;
	message_event_fn *event_fn;
	void *arg;
	int64_t before_us;
	int64_t limit;
};

/*
 * Does what was recorded at at_us still make a repeat of what comes now? What
 * lies as far ahead was recorded by a clock that was wrong.
 */
static bool
brief_holds(int64_t at_us, int64_t now_us)
{
	return at_us > now_us - MESSAGE_BRIEF_US &&
	    at_us < now_us + MESSAGE_BRIEF_US;
}

/* A brief record that does not count any more at at_us makes room. */
static enum status
forget_outdated(struct db *db, const char *sid, int64_t at_us)
{
	struct db_rows *rows;
	bool outdated = false;
	enum status st;

	st = db_query(
	    db, &rows, "SELECT at_us FROM message WHERE sid = ?1", "t", sid);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		outdated = !brief_holds(db_int(rows, 0), at_us);
	db_done(rows);
	if (st == ST_NOTFOUND)
		st = ST_OK;
	return outdated ? message_forget(db, sid) : st;
}

static enum status
record_job(struct db *db, void *arg)
{
	const struct message_record *r = ((struct message_op *)arg)->record;
	int64_t at_us = r->at_us;
	enum status st = seen_keep_under(db, &at_us);

	if (st == ST_OK && r->brief)
		st = forget_outdated(db, r->sid, at_us);
	if (st == ST_OK)
		st = db_run(db,
		    "INSERT INTO message"
		    " (sid, route, conversation_id, at_us, digest)"
		    " VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
		    "tttib", r->sid, r->route, r->conversation_id, at_us,
		    r->digest, (size_t)MESSAGE_DIGEST_KEPT);
	return st == ST_OK && db_changes(db) == 0 ? ST_EXISTS : st;
}

enum status
message_record(struct db *db, const struct message_record *r)
{
	struct message_op c = { .record = r };

	return db_write(db, record_job, &c);
}

static enum status
event_job(struct db *db, void *arg)
{
	const struct message_event *e = ((struct message_op *)arg)->event;
	int64_t at_us = e->at_us;
	enum status st = seen_keep_under(db, &at_us);

	if (st == ST_OK)
		st = db_run(db,
		    "INSERT INTO message_event (sid, status, error_code, at_us)"
		    " VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
		    "ttti", e->sid, e->status, e->error_code, at_us);
	return st == ST_OK && db_changes(db) == 0 ? ST_EXISTS : st;
}

enum status
message_forget(struct db *db, const char *sid)
{
	return db_run(db, "DELETE FROM message WHERE sid = ?1", "t", sid);
}

enum status
message_reroute(struct db *db, const char *sid, const char *route,
    const char *conversation_id)
{
	return db_run(db,
	    "UPDATE message SET route = ?2, conversation_id = ?3 WHERE sid = "
	    "?1",
	    "ttt", sid, route, conversation_id);
}

enum status
message_event(struct db *db, const struct message_event *e)
{
	struct message_op c = { .event = e };

	return db_write(db, event_job, &c);
}

static enum status
show_record(struct db *db, const struct message_op *c)
{
	struct message_record r = { .sid = c->sid };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT route, conversation_id, at_us FROM message WHERE sid = ?1",
	    "t", c->sid);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		r.route = db_text(rows, 0);
		r.conversation_id = db_text(rows, 1);
		r.at_us = db_int(rows, 2);
		st = c->record_fn(&r, c->arg);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
show_events(struct db *db, const struct message_op *c)
{
	struct message_event e = { .sid = c->sid };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT status, error_code, at_us FROM message_event"
	    " WHERE sid = ?1 ORDER BY at_us",
	    "t", c->sid);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		e.status = db_text(rows, 0);
		e.error_code = db_text(rows, 1);
		e.at_us = db_int(rows, 2);
		st = c->event_fn(&e, c->arg);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
show_job(struct db *db, void *arg)
{
	enum status st = show_record(db, arg);

	return st == ST_OK ? show_events(db, arg) : st;
}

enum status
message_show(struct db *db, const char *sid, message_record_fn *record_fn,
    message_event_fn *event_fn, void *arg)
{
	struct message_op c = { .sid = sid,
		.record_fn = record_fn,
		.event_fn = event_fn,
		.arg = arg };

	return db_read(db, show_job, &c);
}

static enum status
purge_job(struct db *db, void *arg)
{
	struct message_op *c = arg;
	enum status st;

	st = db_run(db,
	    "DELETE FROM message WHERE sid IN (SELECT sid FROM message"
	    " WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
	    "ii", c->before_us, c->limit);
	if (st == ST_OK)
		st = db_run(db,
		    "DELETE FROM message_event WHERE (sid, status) IN"
		    " (SELECT sid, status FROM message_event"
		    " WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
		    "ii", c->before_us, c->limit);
	return st;
}

enum status
message_purge(struct db *db, int64_t before_us, int64_t limit)
{
	struct message_op c = { .before_us = before_us, .limit = limit };

	return db_write(db, purge_job, &c);
}
