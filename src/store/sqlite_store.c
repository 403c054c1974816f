#include "store/sqlite_store.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/db.h"

struct sqlite_store {
	struct store store;
	struct db *db;
};

/* What a row is read from, and what one is read into. */
#define COLUMNS \
	"id, tel, thread_id, company_id, project_id, handoff, created_us," \
	" opted_out"

/* One operation: its parameters and where its result goes. */
struct store_op {
	struct db *db;
	const char *id;
	const char *tel;
	size_t limit;
	const struct conversation *add;
	const struct conversation_change *change;
	struct conversation *out;
	store_row_fn *fn;
	void *arg;
};

static struct db *
db_of(struct store *s)
{
	return ((struct sqlite_store *)s)->db;
}

/* The present row, its strings still the row's: not to be released. */
static void
borrow(struct db_rows *rows, struct conversation *c)
{
	/* Nobody writes through these. */
	c->id = (char *)db_text(rows, 0);
	c->tel = (char *)db_text(rows, 1);
	c->thread_id = (char *)db_text(rows, 2);
	c->company_id = (char *)db_text(rows, 3);
	c->project_id = (char *)db_text(rows, 4);
	c->handoff = db_int(rows, 5) != 0;
	c->created_us = db_int(rows, 6);
	c->opted_out = db_int(rows, 7) != 0;
}

static enum status
copy(const struct conversation *from, struct conversation *to)
{
	enum status st;

	*to = (struct conversation){ 0 };
	to->handoff = from->handoff;
	to->created_us = from->created_us;
	to->opted_out = from->opted_out;
	if ((st = str_dup(from->id, &to->id)) == ST_OK &&
	    (st = str_dup(from->tel, &to->tel)) == ST_OK &&
	    (st = str_dup(from->thread_id, &to->thread_id)) == ST_OK &&
	    (st = str_dup(from->company_id, &to->company_id)) == ST_OK)
		st = str_dup(from->project_id, &to->project_id);
	if (st != ST_OK)
		conversation_release(to);
	return st;
}

/* The first row of a query becomes the result. */
static enum status
take_first(struct db_rows *rows, struct conversation *out)
{
	struct conversation row;
	enum status st;

	conversation_release(out); /* of a run before this one */
	if ((st = db_next(rows)) == ST_OK) {
		borrow(rows, &row);
		st = copy(&row, out);
	}
	db_done(rows);
	return st;
}

static enum status
newest_job(struct db *db, void *arg)
{
	struct store_op *c = arg;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT " COLUMNS " FROM conversation WHERE tel = ?1"
	    " ORDER BY created_us DESC, seq DESC LIMIT 1",
	    "t", c->tel);
	return st == ST_OK ? take_first(rows, c->out) : st;
}

static enum status
get_job(struct db *db, void *arg)
{
	struct store_op *c = arg;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT " COLUMNS " FROM conversation WHERE id = ?1", "t", c->id);
	return st == ST_OK ? take_first(rows, c->out) : st;
}

/* A result that the engine did not let stand is not handed out. */
static enum status
read_one(struct store *s, db_job *job, struct store_op *c)
{
	enum status st;

	*c->out = (struct conversation){ 0 };
	if ((st = db_read(db_of(s), job, c)) != ST_OK)
		conversation_release(c->out);
	return st;
}

static enum status
newest(struct store *s, const char *tel, struct conversation *out)
{
	struct store_op c = { .tel = tel, .out = out };

	return read_one(s, newest_job, &c);
}

static enum status
get(struct store *s, const char *id, struct conversation *out)
{
	struct store_op c = { .id = id, .out = out };

	return read_one(s, get_job, &c);
}

/*
 * What this sender has from while the clock was ahead is older than what is
 * added now. (Of equal times the later added is the newest.)
 */
static enum status
conversation_rebase(struct db *db, const struct conversation *a)
{
	int64_t now = clock_us();

	return db_run(db,
	    "UPDATE conversation SET created_us = min(?2, ?3)"
	    " WHERE tel = ?1 AND created_us > ?2",
	    "tii", a->tel, now, a->created_us);
}

static enum status
add_job(struct db *db, void *arg)
{
	const struct conversation *a = ((struct store_op *)arg)->add;
	enum status st = conversation_rebase(db, a);

	if (st != ST_OK)
		return st;
	st = db_run(db,
	    "INSERT INTO conversation (" COLUMNS ")"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
	    " ON CONFLICT (id) DO NOTHING",
	    "tttttiii", a->id, a->tel, a->thread_id, a->company_id,
	    a->project_id, (int64_t)a->handoff, a->created_us,
	    (int64_t)a->opted_out);
	return st == ST_OK && db_changes(db) == 0 ? ST_EXISTS : st;
}

static enum status
add(struct store *s, const struct conversation *a)
{
	struct store_op c = { .add = a };

	if (str_empty(a->id) || str_empty(a->tel))
		return ST_MALFORMED;
	return db_write(db_of(s), add_job, &c);
}

static enum status
set_job(struct db *db, void *arg)
{
	const struct store_op *c = arg;
	const struct conversation_change *to = c->change;
	enum status st;

	st = db_run(db,
	    "UPDATE conversation SET tel = coalesce(?2, tel),"
	    " thread_id = coalesce(?3, thread_id),"
	    " company_id = coalesce(?4, company_id),"
	    " project_id = coalesce(?5, project_id),"
	    " handoff = CASE WHEN ?6 THEN ?7 ELSE handoff END,"
	    " opted_out = CASE WHEN ?8 THEN ?9 ELSE opted_out END"
	    " WHERE id = ?1",
	    "tttttiiii", c->id, to->tel, to->thread_id, to->company_id,
	    to->project_id, (int64_t)(to->handoff != NULL),
	    (int64_t)(to->handoff != NULL && *to->handoff),
	    (int64_t)(to->opted_out != NULL),
	    (int64_t)(to->opted_out != NULL && *to->opted_out));
	return st == ST_OK && db_changes(db) == 0 ? ST_NOTFOUND : st;
}

static enum status
set(struct store *s, const char *id, const struct conversation_change *to)
{
	struct store_op c = { .id = id, .change = to };

	if (to->tel != NULL && *to->tel == '\0')
		return ST_MALFORMED;
	return db_write(db_of(s), set_job, &c);
}

static enum status
remove_job(struct db *db, void *arg)
{
	const struct store_op *c = arg;
	enum status st;

	st = db_run(db, "DELETE FROM conversation WHERE id = ?1", "t", c->id);
	return st == ST_OK && db_changes(db) == 0 ? ST_NOTFOUND : st;
}

static enum status
remove_one(struct store *s, const char *id)
{
	struct store_op c = { .id = id };

	return db_write(db_of(s), remove_job, &c);
}

static enum status
list_job(struct db *db, void *arg)
{
	struct store_op *c = arg;
	struct conversation row;
	struct db_rows *rows;
	enum status st;

	st = c->tel == NULL
	    ? db_query(db, &rows,
		  "SELECT " COLUMNS " FROM conversation"
		  " ORDER BY created_us DESC, seq DESC LIMIT ?1",
		  "i", (int64_t)c->limit)
	    : db_query(db, &rows,
		  "SELECT " COLUMNS " FROM conversation WHERE tel = ?2"
		  " ORDER BY created_us DESC, seq DESC LIMIT ?1",
		  "it", (int64_t)c->limit, c->tel);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		borrow(rows, &row);
		st = c->fn(&row, c->arg);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
list(
    struct store *s, const char *tel, size_t limit, store_row_fn *fn, void *arg)
{
	struct store_op c = {
		.tel = tel, .limit = limit, .fn = fn, .arg = arg
	};

	return db_read(db_of(s), list_job, &c);
}

static void
close_store(struct store *s)
{
	free(s);
}

static const struct store_ops ops = {
	.newest = newest,
	.get = get,
	.add = add,
	.set = set,
	.remove = remove_one,
	.list = list,
	.close = close_store,
};

enum status
sqlite_store_open(struct db *db, struct store **out)
{
	struct sqlite_store *s;

	*out = NULL;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		return ST_NOMEM;
	s->store.ops = &ops;
	s->db = db;
	*out = &s->store;
	return ST_OK;
}
