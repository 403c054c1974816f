#include "store/transcript.h"

#include "base/str.h"
#include "db/db.h"

/* --- writing ---------------------------------------------------------------- */

static enum status
keep_text(struct db *db, const struct transcript_said *s)
{
	return db_run(db,
	    "INSERT INTO said (conversation_id, at_us, key, sid, sender,"
	    " receiver, channel, route, body, media)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)"
	    " ON CONFLICT DO NOTHING",
	    "tittttttt"
	    "t",
	    s->conversation_id, s->at_us, s->key, s->sid, s->from, s->to,
	    s->channel, s->route, s->text, s->media);
}

enum status
transcript_add(struct db *db, const struct transcript_said *s,
    const struct conversation *c, bool keep)
{
	enum status st = keep ? keep_text(db, s) : ST_OK;

	if (st != ST_OK)
		return st;
	return db_run(db,
	    "INSERT INTO activity (conversation_id, tel, handoff, last_us,"
	    " unanswered, name, our_address, their_address, channel,"
	    " service_sid) VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6, ?7, ?8, ?9)"
	    " ON CONFLICT (conversation_id) DO UPDATE SET"
	    " tel = excluded.tel, handoff = excluded.handoff,"
	    " last_us = max(last_us, excluded.last_us),"
	    " unanswered = unanswered + 1,"
	    " name = coalesce(excluded.name, name),"
	    " our_address = coalesce(excluded.our_address, our_address),"
	    " their_address = excluded.their_address,"
	    " channel = excluded.channel, service_sid = excluded.service_sid",
	    "ttiittttt", c->id, c->tel, (int64_t)c->handoff, s->at_us, s->name,
	    s->to, s->from, s->channel, s->service_sid);
}

enum status
transcript_note(
    struct db *db, const struct conversation *c, const char *by, int64_t at_us)
{
	return db_run(db,
	    "INSERT INTO activity (conversation_id, tel, handoff, last_us,"
	    " unanswered, handoff_us, handoff_by)"
	    " VALUES (?1, ?2, ?3, ?4, 0, CASE WHEN ?3 THEN ?5 ELSE 0 END,"
	    "  CASE WHEN ?3 THEN ?6 END)"
	    " ON CONFLICT (conversation_id) DO UPDATE SET"
	    " tel = excluded.tel, handoff = excluded.handoff,"
	    " handoff_us = CASE WHEN handoff = excluded.handoff"
	    "  THEN handoff_us ELSE ?5 END,"
	    " handoff_by = CASE WHEN handoff = excluded.handoff"
	    "  THEN handoff_by ELSE ?6 END",
	    "ttiiit", c->id, c->tel, (int64_t)c->handoff, c->created_us, at_us,
	    by);
}

enum status
transcript_forget(struct db *db, const char *id)
{
	enum status st =
	    db_run(db, "DELETE FROM said WHERE conversation_id = ?1", "t", id);

	if (st == ST_OK)
		st = db_run(db,
		    "DELETE FROM activity WHERE conversation_id = ?1", "t", id);
	if (st == ST_OK)
		st = db_run(db,
		    "UPDATE reply SET body = NULL, media = NULL,"
		    " due_us = CASE state WHEN 'sending' THEN due_us ELSE 0"
		    "  END,"
		    " state = CASE state WHEN 'queued' THEN 'dropped'"
		    "  ELSE state END"
		    " WHERE conversation_id = ?1",
		    "t", id);
	return st;
}

enum status
transcript_purge(struct db *db, int64_t before_us, int64_t limit)
{
	return db_run(db,
	    "DELETE FROM said WHERE (conversation_id, at_us, key) IN"
	    " (SELECT conversation_id, at_us, key FROM said"
	    "  INDEXED BY said_age WHERE at_us < ?1 ORDER BY at_us LIMIT ?2)",
	    "ii", before_us, limit);
}

/* --- conversations ---------------------------------------------------------- */

/* What a row is read from. */
#define SUMMARY \
	"SELECT a.conversation_id, tel, name, handoff, handoff_us," \
	" handoff_by, last_us, unanswered, our_address, their_address," \
	" channel, service_sid, (SELECT body FROM" \
	"  (SELECT * FROM (SELECT at_us, body FROM said" \
	"    WHERE conversation_id = a.conversation_id" \
	"    ORDER BY at_us DESC LIMIT 1)" \
	"   UNION ALL SELECT * FROM (SELECT created_us, body FROM reply" \
	"    WHERE conversation_id = a.conversation_id" \
	"    ORDER BY created_us DESC LIMIT 1))" \
	"  ORDER BY at_us DESC LIMIT 1)" \
	" FROM activity AS a"

static enum status
show_summary(struct db_rows *rows, transcript_summary_fn *fn, void *arg)
{
	const struct transcript_summary s = {
		.conversation_id = db_text(rows, 0),
		.tel = db_text(rows, 1),
		.name = db_text(rows, 2),
		.handoff = db_int(rows, 3) != 0,
		.handoff_us = db_int(rows, 4),
		.handoff_by = db_text(rows, 5),
		.last_us = db_int(rows, 6),
		.unanswered = db_int(rows, 7),
		.our_address = db_text(rows, 8),
		.their_address = db_text(rows, 9),
		.channel = db_text(rows, 10),
		.service_sid = db_text(rows, 11),
		.last_text = db_text(rows, 12),
	};

	return fn(&s, arg);
}

struct summaries {
	const char *id;
	const struct transcript_query *query;
	transcript_summary_fn *fn;
	void *arg;
};

static enum status
get_job(struct db *db, void *arg)
{
	const struct summaries *s = arg;
	struct db_rows *rows;
	enum status st = db_query(
	    db, &rows, SUMMARY " WHERE a.conversation_id = ?1", "t", s->id);

	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = show_summary(rows, s->fn, s->arg);
	db_done(rows);
	return st;
}

enum status
transcript_get(
    struct db *db, const char *id, transcript_summary_fn *fn, void *arg)
{
	struct summaries s = { .id = id, .fn = fn, .arg = arg };

	return db_read(db, get_job, &s);
}

static const char *
tel_of(const struct transcript_query *q, size_t i)
{
	return i < q->tels_n ? q->tels[i] : NULL;
}

/* Those without an answer have an index of their own: they are few. */
static enum status
list_job(struct db *db, void *arg)
{
	static const char waiting[] =
	    SUMMARY " INDEXED BY activity_unanswered WHERE unanswered > 0"
		    " AND (last_us, a.conversation_id) < (?1, ?2)"
		    " AND (?3 < 0 OR handoff = ?3)"
		    " AND (?4 IS NULL OR tel IN (?4, ?5, ?6))"
		    " AND (?7 IS NULL OR instr(tel, ?7) > 0"
		    "  OR instr(lower(name), lower(?7)) > 0)"
		    " ORDER BY last_us DESC, a.conversation_id DESC LIMIT ?8";
	static const char any[] =
	    SUMMARY " INDEXED BY activity_last WHERE (?9 < 0 OR unanswered = 0)"
		    " AND (last_us, a.conversation_id) < (?1, ?2)"
		    " AND (?3 < 0 OR handoff = ?3)"
		    " AND (?4 IS NULL OR tel IN (?4, ?5, ?6))"
		    " AND (?7 IS NULL OR instr(tel, ?7) > 0"
		    "  OR instr(lower(name), lower(?7)) > 0)"
		    " ORDER BY last_us DESC, a.conversation_id DESC LIMIT ?8";
	const struct summaries *s = arg;
	const struct transcript_query *q = s->query;
	const char *id = q->before_id != NULL ? q->before_id : "";
	int64_t at = q->before_us != 0 ? q->before_us : INT64_MAX;
	struct db_rows *rows;
	enum status st;

	st = q->unanswered == 1
	    ? db_query(db, &rows, waiting,
		  "itittt"
		  "ti",
		  at, id, (int64_t)q->handoff, tel_of(q, 0), tel_of(q, 1),
		  tel_of(q, 2), q->part, (int64_t)q->limit)
	    : db_query(db, &rows, any,
		  "itittt"
		  "tii",
		  at, id, (int64_t)q->handoff, tel_of(q, 0), tel_of(q, 1),
		  tel_of(q, 2), q->part, (int64_t)q->limit,
		  (int64_t)q->unanswered);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = show_summary(rows, s->fn, s->arg);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
transcript_conversations(struct db *db, const struct transcript_query *query,
    transcript_summary_fn *fn, void *arg)
{
	struct summaries s = { .query = query, .fn = fn, .arg = arg };

	return db_read(db, list_job, &s);
}

/* --- messages --------------------------------------------------------------- */

struct messages {
	const char *conversation_id, *before_id;
	int64_t before_us;
	size_t limit;
	transcript_message_fn *fn;
	void *arg;
};

static enum status
messages_job(struct db *db, void *arg)
{
	static const char both[] =
	    "SELECT * FROM (SELECT * FROM (SELECT at_us, key, 0, sid, sender,"
	    "  receiver, channel, body, media, route, NULL, NULL, NULL, NULL"
	    "  FROM said WHERE conversation_id = ?1"
	    "  AND (at_us, key) < (?2, ?3)"
	    "  ORDER BY at_us DESC, key DESC LIMIT ?4)"
	    " UNION ALL SELECT * FROM (SELECT created_us, 'r' || id AS name, 1,"
	    "  sid, sender, receiver, channel, body, media, NULL, author, "
	    "state,"
	    "  error_code, error FROM reply WHERE conversation_id = ?1"
	    "  AND created_us <= ?2 AND (created_us, 'r' || id) < (?2, ?3)"
	    "  ORDER BY created_us DESC, name DESC LIMIT ?4))"
	    " ORDER BY 1 DESC, 2 DESC LIMIT ?4";
	const struct messages *m = arg;
	struct transcript_message row = { .conversation_id =
					      m->conversation_id };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, both, "titi", m->conversation_id,
	    m->before_us != 0 ? m->before_us : INT64_MAX,
	    m->before_id != NULL ? m->before_id : "", (int64_t)m->limit);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		row.at_us = db_int(rows, 0);
		row.id = db_text(rows, 1);
		row.outbound = db_int(rows, 2) != 0;
		row.sid = db_text(rows, 3);
		row.from = db_text(rows, 4);
		row.to = db_text(rows, 5);
		row.channel = db_text(rows, 6);
		row.text = db_text(rows, 7);
		row.media = db_text(rows, 8);
		row.route = db_text(rows, 9);
		row.author = db_text(rows, 10);
		row.state = db_text(rows, 11);
		row.error_code = db_text(rows, 12);
		row.error = db_text(rows, 13);
		st = m->fn(&row, m->arg);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
transcript_messages(struct db *db, const char *conversation_id,
    int64_t before_us, const char *before_id, size_t limit,
    transcript_message_fn *fn, void *arg)
{
	struct messages m = { conversation_id, before_id, before_us, limit, fn,
		arg };

	return db_read(db, messages_job, &m);
}
