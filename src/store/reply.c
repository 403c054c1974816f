#include "store/reply.h"

#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "db/db.h"

#define COLUMNS \
	"id, conversation_id, client_id, author, machine, sender, receiver," \
	" service_sid, channel, body, media, created_us, state, sid," \
	" error_code, error, attempt_us, attempts, due_us"

static void
read_row(struct db_rows *rows, struct reply *r)
{
	r->id = db_int(rows, 0);
	r->conversation_id = db_text(rows, 1);
	r->client_id = db_text(rows, 2);
	r->author = db_text(rows, 3);
	r->machine = db_int(rows, 4) != 0;
	r->from = db_text(rows, 5);
	r->to = db_text(rows, 6);
	r->service_sid = db_text(rows, 7);
	r->channel = db_text(rows, 8);
	r->text = db_text(rows, 9);
	r->media = db_text(rows, 10);
	r->created_us = db_int(rows, 11);
	r->state = db_text(rows, 12);
	r->sid = db_text(rows, 13);
	r->error_code = db_text(rows, 14);
	r->error = db_text(rows, 15);
	r->attempt_us = db_int(rows, 16);
	r->attempts = db_int(rows, 17);
	r->due_us = db_int(rows, 18);
}

/* The first row, passed on. */
static enum status
pass_first(enum status st, struct db_rows *rows, reply_fn *fn, void *arg)
{
	struct reply r;

	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		read_row(rows, &r);
		st = fn(&r, arg);
	}
	db_done(rows);
	return st;
}

/* --- storing ---------------------------------------------------------------- */

/* Text and media, so that a repeat is told when they are forgotten. */
static enum status
digest_of(const struct reply *r, unsigned char out[static CRYPT_SHA256_SIZE])
{
	const char *text = r->text != NULL ? r->text : "";
	const char *media = r->media != NULL ? r->media : "";
	const struct crypt_piece pieces[] = { { text, strlen(text) + 1 },
		{ media, strlen(media) } };

	return crypt_sha256(pieces, 2, out);
}

static enum status
find_client(
    struct db *db, struct reply *r, const unsigned char *digest, bool *same)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT id, digest = ?3 FROM reply WHERE conversation_id = ?1"
	    " AND client_id = ?2",
	    "ttb", r->conversation_id, r->client_id, digest,
	    (size_t)CRYPT_SHA256_SIZE);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		r->id = db_int(rows, 0);
		*same = db_int(rows, 1) != 0;
	}
	db_done(rows);
	return st;
}

static enum status
insert(struct db *db, struct reply *r, const unsigned char *digest)
{
	struct db_rows *rows;
	enum status st;

	st = db_run(db,
	    "INSERT INTO reply (conversation_id, client_id, author, machine,"
	    " sender, receiver, service_sid, channel, body, media, digest,"
	    " created_us, state, attempts, attempt_us, due_us)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,"
	    " 'queued', 0, 0, ?12)",
	    "tttittttttbi", r->conversation_id, r->client_id, r->author,
	    (int64_t)r->machine, r->from, r->to, r->service_sid, r->channel,
	    r->text, r->media, digest, (size_t)CRYPT_SHA256_SIZE,
	    r->created_us);
	if (st != ST_OK)
		return st;
	st = db_query(db, &rows, "SELECT last_insert_rowid()", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		r->id = db_int(rows, 0);
	db_done(rows);
	return st;
}

enum status
reply_add(struct db *db, struct reply *r)
{
	unsigned char digest[CRYPT_SHA256_SIZE];
	bool same = false;
	enum status st;

	if ((st = digest_of(r, digest)) != ST_OK)
		return st;
	if (r->client_id != NULL) {
		st = find_client(db, r, digest, &same);
		if (st == ST_OK)
			return same ? ST_EXISTS : ST_DENIED;
		if (st != ST_NOTFOUND)
			return st;
	}
	if ((st = insert(db, r, digest)) != ST_OK)
		return st;
	return db_run(db,
	    "UPDATE activity SET unanswered = 0, last_us = max(last_us, ?2)"
	    " WHERE conversation_id = ?1",
	    "ti", r->conversation_id, r->created_us);
}

/* --- looking ---------------------------------------------------------------- */

struct getting {
	int64_t id;
	reply_fn *fn;
	void *arg;
};

static enum status
get_job(struct db *db, void *arg)
{
	const struct getting *g = arg;
	struct db_rows *rows;
	enum status st = db_query(db, &rows,
	    "SELECT " COLUMNS " FROM reply WHERE id = ?1", "i", g->id);

	return pass_first(st, rows, g->fn, g->arg);
}

enum status
reply_get(struct db *db, int64_t id, reply_fn *fn, void *arg)
{
	struct getting g = { id, fn, arg };

	return db_read(db, get_job, &g);
}

static enum status
next_job(struct db *db, void *arg)
{
	int64_t *due_us = arg;
	struct db_rows *rows;
	enum status st;

	*due_us = 0;
	st = db_query(db, &rows,
	    "SELECT due_us FROM reply INDEXED BY reply_due WHERE due_us > 0"
	    " ORDER BY due_us LIMIT 1",
	    "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*due_us = db_int(rows, 0);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
reply_next(struct db *db, int64_t *due_us)
{
	return db_read(db, next_job, due_us);
}

enum status
reply_of_sid(struct db *db, const char *sid)
{
	struct db_rows *rows;
	enum status st =
	    db_query(db, &rows, "SELECT 1 FROM reply WHERE sid = ?1", "t", sid);

	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st;
}

/* --- sending ---------------------------------------------------------------- */

static enum status
first_id(enum status st, struct db_rows *rows, int64_t *id)
{
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*id = db_int(rows, 0);
	db_done(rows);
	return st;
}

/* Replies of a conversation leave in their order; one that is unknown holds up
 * none. */
#define IS_FIRST \
	" AND NOT EXISTS (SELECT 1 FROM reply AS o INDEXED BY reply_open" \
	"  WHERE o.conversation_id = r.conversation_id AND o.id < r.id" \
	"  AND o.state IN ('queued', 'sending'))" \
	" AND NOT EXISTS (SELECT 1 FROM reply AS o INDEXED BY reply_open" \
	"  WHERE o.conversation_id = r.conversation_id AND o.id > r.id" \
	"  AND o.state IN ('queued', 'sending') AND o.state = 'sending')"

enum status
reply_take(struct db *db, int64_t id, int64_t now_us, int64_t until_us,
    reply_fn *fn, void *arg)
{
	struct getting g = { id, fn, arg };
	struct db_rows *rows;
	enum status st;

	st = id == 0
	    ? db_query(db, &rows,
		  "SELECT id FROM reply AS r INDEXED BY reply_due"
		  " WHERE due_us > 0 AND due_us <= ?1 AND state = "
		  "'queued'" IS_FIRST " ORDER BY due_us, id LIMIT 1",
		  "i", now_us)
	    : db_query(db, &rows,
		  "SELECT id FROM reply AS r WHERE id = ?2 AND due_us <= ?1"
		  " AND state = 'queued'" IS_FIRST,
		  "ii", now_us, id);
	if ((st = first_id(st, rows, &g.id)) != ST_OK)
		return st;
	st = db_run(db,
	    "UPDATE reply SET state = 'sending', attempt_us = ?2, due_us = ?3"
	    " WHERE id = ?1",
	    "iii", g.id, now_us, until_us);
	return st == ST_OK ? get_job(db, &g) : st;
}

enum status
reply_overdue(struct db *db, int64_t now_us)
{
	return db_run(db,
	    "UPDATE reply SET state = 'unknown', due_us = CASE"
	    "  WHEN body IS NULL AND media IS NULL THEN 0 ELSE ?1 END"
	    " WHERE id IN (SELECT id FROM reply INDEXED BY reply_due"
	    "  WHERE due_us > 0 AND due_us <= ?1 AND state = 'sending')",
	    "i", now_us);
}

enum status
reply_hurry(struct db *db, int64_t now_us)
{
	return db_run(db,
	    "UPDATE reply SET due_us = ?1 WHERE id IN (SELECT id FROM reply"
	    "  INDEXED BY reply_due WHERE due_us > 0 AND due_us > ?1"
	    "  AND state = 'queued')",
	    "i", now_us);
}

enum status
reply_doubtful(
    struct db *db, int64_t now_us, int64_t until_us, reply_fn *fn, void *arg)
{
	struct getting g = { 0, fn, arg };
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT id FROM reply INDEXED BY reply_due WHERE due_us > 0"
	    " AND due_us <= ?1 AND state = 'unknown' ORDER BY due_us LIMIT 1",
	    "i", now_us);
	if ((st = first_id(st, rows, &g.id)) != ST_OK)
		return st;
	st = db_run(db, "UPDATE reply SET due_us = ?2 WHERE id = ?1", "ii",
	    g.id, until_us);
	return st == ST_OK ? get_job(db, &g) : st;
}

/* Whose this SID is, its own answer or callback says; who has it otherwise took
 * it from Twilio's list, which cannot tell one from another of the same text. */
static enum status
take_sid(struct db *db, int64_t id, const char *sid)
{
	return db_run(db,
	    "UPDATE reply SET state = 'unknown', sid = NULL, due_us = 1"
	    " WHERE sid = ?1 AND id <> ?2",
	    "ti", sid, id);
}

enum status
reply_settle(struct db *db, int64_t id, const struct reply_outcome *o)
{
	enum status st = ST_OK;

	if (o->sid != NULL && !o->guessed)
		st = take_sid(db, id, o->sid);
	if (st != ST_OK)
		return st;
	st = db_run(db,
	    "UPDATE reply SET state = ?2, sid = coalesce(?3, sid),"
	    " error_code = ?4, error = ?5, due_us = ?6,"
	    " attempts = attempts + ?7"
	    " WHERE id = ?1 AND state IN ('sending', 'unknown')"
	    " AND (?3 IS NOT NULL OR attempt_us = ?8)",
	    "itttt"
	    "iii",
	    id, o->state, o->sid, o->error_code, o->error, o->due_us,
	    (int64_t)o->attempted, o->attempt_us);
	return st == ST_OK && db_changes(db) == 0 ? ST_NOTFOUND : st;
}

#define RANK_FAILED 4

/* How far a state is; what Twilio says later than that counts. */
static int
rank_of(const char *status)
{
	static const struct {
		const char *status;
		int rank;
	} ranks[] = { { "sent", 2 }, { "delivered", 3 },
		{ "undelivered", RANK_FAILED }, { "failed", RANK_FAILED },
		{ "canceled", RANK_FAILED }, { "read", 5 } };

	for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++)
		if (strcmp(status, ranks[i].status) == 0)
			return ranks[i].rank;
	/* queued, accepted, sending, …: Twilio has it. */
	return 1;
}

struct known {
	int64_t id;
	int rank;
	bool queued;
	bool open; /* its message is not known */
};

static enum status
note_known(const struct reply *r, void *arg)
{
	struct known *k = arg;
	bool ours = strcmp(r->state, REPLY_REFUSED) == 0 ||
	    strcmp(r->state, REPLY_DROPPED) == 0;

	k->id = r->id;
	k->queued = strcmp(r->state, REPLY_QUEUED) == 0;
	k->open = k->queued || strcmp(r->state, REPLY_SENDING) == 0 ||
	    strcmp(r->state, REPLY_UNKNOWN) == 0;
	k->rank = k->open || ours ? 0 : rank_of(r->state);
	return ST_OK;
}

/* By its SID, or by the number in the callback's URL. */
static enum status
find_known(struct db *db, int64_t id, const char *sid, struct known *k)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, "SELECT " COLUMNS " FROM reply WHERE sid = ?1",
	    "t", sid);
	st = pass_first(st, rows, note_known, k);
	/* An earlier attempt, which people gave up: it says nothing of the one
	 * that they asked for. */
	if (st == ST_OK && k->open)
		return ST_NOTFOUND;
	if (id == 0 || (st == ST_OK && k->id == id) ||
	    (st != ST_OK && st != ST_NOTFOUND))
		return st;
	st = db_query(db, &rows,
	    "SELECT " COLUMNS " FROM reply WHERE id = ?1 AND attempt_us > 0"
	    " AND (sid IS NULL OR state IN ('queued', 'sending', 'unknown'))",
	    "i", id);
	st = pass_first(st, rows, note_known, k);
	return st == ST_NOTFOUND && k->id != 0 ? ST_OK : st;
}

enum status
reply_status(struct db *db, int64_t id, const char *sid, const char *status,
    const char *error_code, const char *error)
{
	struct known k = { 0 };
	int rank = rank_of(status);
	enum status st = find_known(db, id, sid, &k);

	if (st != ST_OK)
		return st;
	/* That an attempt before failed is no reason not to try. */
	if (rank <= k.rank || (k.queued && rank == RANK_FAILED))
		return ST_OK;
	if ((st = take_sid(db, k.id, sid)) != ST_OK)
		return st;
	return db_run(db,
	    "UPDATE reply SET state = ?2, sid = ?3, error_code = ?4,"
	    " error = ?5, due_us = 0 WHERE id = ?1",
	    "ittt"
	    "t",
	    k.id,
	    rank == 1                             ? REPLY_SENT
		: strcmp(status, "canceled") == 0 ? REPLY_FAILED
						  : status,
	    sid, error_code, error);
}

/* --- by people -------------------------------------------------------------- */

static enum status
by_people(struct db *db, int64_t id, enum status st)
{
	struct db_rows *rows;

	if (st != ST_OK || db_changes(db) > 0)
		return st;
	st = db_query(db, &rows, "SELECT 1 FROM reply WHERE id = ?1", "i", id);
	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	return st == ST_OK ? ST_DENIED : st;
}

enum status
reply_resend(struct db *db, int64_t id, int64_t now_us)
{
	return by_people(db, id,
	    db_run(db,
		"UPDATE reply SET state = 'queued', due_us = ?2,"
		" error_code = NULL, error = NULL, attempts = 0"
		" WHERE id = ?1 AND state IN ('unknown', 'refused', 'failed')"
		" AND (body IS NOT NULL OR media IS NOT NULL)",
		"ii", id, now_us));
}

enum status
reply_drop(struct db *db, int64_t id)
{
	return by_people(db, id,
	    db_run(db,
		"UPDATE reply SET state = 'dropped', due_us = 0 WHERE id = ?1"
		" AND state IN ('queued', 'unknown', 'refused', 'failed')",
		"i", id));
}

/* --- forgetting and counting ------------------------------------------------ */

enum status
reply_purge(struct db *db, int64_t before_us, int64_t limit)
{
	return db_run(db,
	    "UPDATE reply SET body = NULL, media = NULL WHERE id IN"
	    " (SELECT id FROM reply INDEXED BY reply_kept"
	    "  WHERE created_us < ?1 AND due_us = 0"
	    "  AND (body IS NOT NULL OR media IS NOT NULL)"
	    "  AND state <> 'unknown' ORDER BY created_us LIMIT ?2)",
	    "ii", before_us, limit);
}

struct counting {
	int64_t from_us;
	reply_count_fn *fn;
	void *arg;
};

static enum status
count_job(struct db *db, void *arg)
{
	const struct counting *c = arg;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT created_us / 3600000000, state, count(*) FROM reply"
	    " INDEXED BY reply_age WHERE created_us >= ?1 GROUP BY 1, 2",
	    "i", c->from_us);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		st = c->fn(
		    db_int(rows, 0), db_text(rows, 1), db_int(rows, 2), c->arg);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
reply_counts(struct db *db, int64_t from_us, reply_count_fn *fn, void *arg)
{
	struct counting c = { from_us, fn, arg };

	return db_read(db, count_job, &c);
}
