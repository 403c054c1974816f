#include "t/notes.h"

#include <string.h>

static const char *const migrations[] = {
	"CREATE TABLE note (name TEXT NOT NULL UNIQUE, number INTEGER NOT "
	"NULL, filler BLOB);",
	NULL,
};

const struct db_schema notes_schema = { .migrations = migrations };

enum status
note_job(struct db *db, void *arg)
{
	static const char filler[700] = "filler";
	struct note *n = arg;
	enum status st;

	n->runs++;
	st = db_run(db,
	    "INSERT INTO note (name, number, filler) VALUES (?1, ?2, ?3)",
	    "tib", n->name, n->number, filler, sizeof(filler));
	return st == ST_OK ? n->result : st;
}

enum status
note_write(struct db *db, const char *name)
{
	struct note n = { .name = name };

	return db_write(db, note_job, &n);
}

struct count {
	const char *name;
	int64_t n;
};

static enum status
count_job(struct db *db, void *arg)
{
	struct count *c = arg;
	struct db_rows *rows;
	enum status st;

	st = c->name == NULL
	    ? db_query(db, &rows, "SELECT count(*) FROM note", "")
	    : db_query(db, &rows, "SELECT count(*) FROM note WHERE name = ?1",
		  "t", c->name);
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		c->n = db_int(rows, 0);
	db_done(rows);
	return st;
}

int64_t
notes_count(struct db *db, const char *name)
{
	struct count c = { name, -1 };

	return db_read(db, count_job, &c) == ST_OK ? c.n : -1;
}

static enum status
check_job(struct db *db, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, "PRAGMA integrity_check", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*(int *)arg = strcmp(db_text(rows, 0), "ok") == 0;
	db_done(rows);
	return st;
}

int
notes_sound(struct db *db)
{
	int sound = 0;

	return db_read(db, check_job, &sound) == ST_OK && sound;
}
