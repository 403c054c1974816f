#include "store/spool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "db/db.h"

#define COLUMNS \
	"id, role, ordered_by, sid, sender, trace, reason, received_us," \
	" visible_us, due_us, attempts, body, taken, queue_group, digest, " \
	"brief"

/* No due_us is further away, unless the clock was ahead as it was set: between
 * tries it is a minute, and half of one for what is taken. */
#define WAIT_MAX_US INT64_C(120000000)

enum status
spool_add(struct db *db, struct spool_entry *e)
{
	enum status st;

	st = db_run(db,
	    "INSERT INTO spool (role, ordered_by, sid, sender, trace,"
	    " received_us, visible_us, due_us, taken, attempts, body,"
	    " queue_group, digest, brief)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, ?10, ?11, ?12,"
	    " ?13)",
	    "tttttiiiibtti", e->role, e->group, e->sid, e->from, e->trace,
	    e->received_us, e->visible_us, e->due_us, (int64_t)e->taken,
	    e->body, e->len, e->queue_group, e->digest, (int64_t)e->brief);
	e->id = db_last_id(db);
	return st;
}

enum status
spool_idle(struct db *db, const char *group)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT 1 FROM spool WHERE ordered_by = ?1 LIMIT 1", "t", group);
	if (st == ST_OK)
		st = db_next(rows);
	db_done(rows);
	if (st == ST_NOTFOUND)
		return ST_OK;
	return st == ST_OK ? ST_EXISTS : st;
}

/* The row as it stands; its strings live as long as the row. */
static void
read_row(struct db_rows *rows, struct spool_entry *e)
{
	*e = (struct spool_entry){
		.id = db_int(rows, 0),
		.role = db_text(rows, 1),
		.group = db_text(rows, 2),
		.sid = db_text(rows, 3),
		.from = db_text(rows, 4),
		.trace = db_text(rows, 5),
		.reason = db_text(rows, 6),
		.received_us = db_int(rows, 7),
		.visible_us = db_int(rows, 8),
		.due_us = db_int(rows, 9),
		.attempts = db_int(rows, 10),
		.body = db_text(rows, 11),
		.len = db_size(rows, 11),
		.taken = db_int(rows, 12) != 0,
		.queue_group = db_text(rows, 13),
		.digest = db_text(rows, 14),
		.brief = db_int(rows, 15) != 0,
	};
}

/* Strings of a taken entry are its own: where they are. */
static const size_t strings[] = {
	offsetof(struct spool_entry, role),
	offsetof(struct spool_entry, group),
	offsetof(struct spool_entry, sid),
	offsetof(struct spool_entry, from),
	offsetof(struct spool_entry, trace),
	offsetof(struct spool_entry, reason),
	offsetof(struct spool_entry, body),
	offsetof(struct spool_entry, queue_group),
	offsetof(struct spool_entry, digest),
};

#define STRINGS_N (sizeof(strings) / sizeof(strings[0]))

static const char **
string_of(struct spool_entry *e, size_t i)
{
	return (const char **)(void *)((char *)e + strings[i]);
}

void
spool_entry_release(struct spool_entry *e)
{
	size_t i;

	for (i = 0; i < STRINGS_N; i++)
		free((char *)*string_of(e, i));
	*e = (struct spool_entry){ 0 };
}

/* The row's strings become the entry's own. */
static enum status
copy_strings(struct spool_entry *e)
{
	enum status st = ST_OK;
	char *copy;
	size_t i;

	for (i = 0; i < STRINGS_N; i++) {
		copy = NULL;
		if (st == ST_OK)
			st = str_dup(*string_of(e, i), &copy);
		*string_of(e, i) = copy;
	}
	if (st != ST_OK)
		spool_entry_release(e);
	return st;
}

enum status
spool_rebase(struct db *db, int64_t now_us)
{
	enum status st;

	st = db_run(db,
	    "UPDATE spool SET due_us = ?1 + taken * ?2"
	    " WHERE due_us > ?1 + ?3 AND due_us < ?4",
	    "iiii", now_us, SPOOL_TAKEN_US, WAIT_MAX_US, SPOOL_HELD);
	if (st != ST_OK)
		return st;
	return db_run(db,
	    "UPDATE spool SET visible_us = visible_us - received_us + ?1,"
	    " received_us = ?1 WHERE id = (SELECT min(id) FROM spool)"
	    " AND received_us > ?1 + 1000000",
	    "i", now_us);
}

enum status
spool_take(
    struct db *db, int64_t now_us, int64_t until_us, struct spool_entry *e)
{
	struct db_rows *rows;
	enum status st;

	*e = (struct spool_entry){ 0 };
	if ((st = spool_rebase(db, now_us)) != ST_OK)
		return st;
	st = db_query(db, &rows,
	    "SELECT " COLUMNS " FROM spool AS s WHERE due_us <= ?1"
	    " AND NOT EXISTS (SELECT 1 FROM spool AS p"
	    "  WHERE p.ordered_by = s.ordered_by AND p.id < s.id)"
	    " ORDER BY due_us, id LIMIT 1",
	    "i", now_us);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		read_row(rows, e);
		st = copy_strings(e);
	}
	db_done(rows);
	if (st != ST_OK)
		return st;
	st = db_run(db, "UPDATE spool SET due_us = ?2, taken = 1 WHERE id = ?1",
	    "ii", e->id, until_us);
	if (st != ST_OK)
		spool_entry_release(e);
	return st;
}

enum status
spool_remove(struct db *db, int64_t id)
{
	enum status st;

	st = db_run(db,
	    "UPDATE spool SET due_us = received_us WHERE due_us = ?2 AND id ="
	    " (SELECT n.id FROM spool AS p JOIN spool AS n"
	    "  ON n.ordered_by = p.ordered_by AND n.id > p.id"
	    "  WHERE p.id = ?1 ORDER BY n.id LIMIT 1)",
	    "ii", id, SPOOL_AFTER);
	if (st != ST_OK)
		return st;
	return db_run(db, "DELETE FROM spool WHERE id = ?1", "i", id);
}

enum status
spool_defer(struct db *db, int64_t id, int64_t due_us, const char *reason)
{
	return db_run(db,
	    "UPDATE spool SET due_us = ?2, reason = coalesce(?3, reason),"
	    " taken = 0, attempts = attempts + (?3 IS NOT NULL)"
	    " WHERE id = ?1",
	    "iit", id, due_us, reason);
}

enum status
spool_hurry(struct db *db, int64_t now_us, int64_t *count)
{
	enum status st;

	st = db_run(db,
	    "UPDATE spool SET due_us = ?1 WHERE due_us > ?1 AND taken = 0"
	    " AND due_us <> ?2 AND NOT EXISTS (SELECT 1 FROM spool AS p"
	    "  WHERE p.ordered_by = spool.ordered_by AND p.id < spool.id)",
	    "ii", now_us, SPOOL_HELD);
	*count = st == ST_OK ? db_changes(db) : 0;
	return st;
}

enum status
spool_restore(struct db *db, int64_t now_us, int64_t *count)
{
	enum status st;

	st = db_run(db,
	    "UPDATE spool SET reason = NULL, due_us = CASE WHEN EXISTS"
	    " (SELECT 1 FROM spool AS p"
	    "  WHERE p.ordered_by = spool.ordered_by AND p.id < spool.id)"
	    " THEN ?3 ELSE ?1 END WHERE due_us = ?2",
	    "iii", now_us, SPOOL_HELD, SPOOL_AFTER);
	*count = st == ST_OK ? db_changes(db) : 0;
	return st;
}

enum status
spool_list(struct db *db, size_t limit, spool_row_fn *fn, void *arg)
{
	struct spool_entry e;
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows,
	    "SELECT " COLUMNS " FROM spool ORDER BY id LIMIT ?1", "i",
	    (int64_t)limit);
	while (st == ST_OK && (st = db_next(rows)) == ST_OK) {
		read_row(rows, &e);
		st = fn(&e, arg);
	}
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

struct depth_op {
	int64_t limit;
	struct spool_depth *depth;
};

static enum status
depth_job(struct db *db, void *arg)
{
	const struct depth_op *op = arg;
	struct db_rows *rows;
	enum status st;

	*op->depth = (struct spool_depth){ 0 };
	st = db_query(db, &rows,
	    "SELECT count(*), coalesce((SELECT received_us FROM spool"
	    " ORDER BY id LIMIT 1), 0)"
	    " FROM (SELECT 1 FROM spool WHERE id > 0 LIMIT ?1)",
	    "i", op->limit);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*op->depth =
		    (struct spool_depth){ db_int(rows, 0), db_int(rows, 1) };
	db_done(rows);
	return st;
}

enum status
spool_depth(struct db *db, int64_t limit, struct spool_depth *depth)
{
	struct depth_op op = { limit, depth };

	return db_read(db, depth_job, &op);
}

enum status
spool_installation(struct db *db, char name[static SPOOL_INSTALLATION_MAX])
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, "SELECT name FROM installation", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		snprintf(name, SPOOL_INSTALLATION_MAX, "%s", db_text(rows, 0));
	db_done(rows);
	return st;
}
