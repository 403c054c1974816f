#include "store/check.h"

#include <stdio.h>

#include "base/str.h"
#include "db/db.h"
#include "db/db_file.h"
#include "store/schema.h"
#include "store/sqlite_queue.h"

struct checking {
	store_found_fn *found;
	void *arg;
	int64_t version;
	int64_t damaged; /* items of queues */
};

/* What must not be, in terms of the tables: the number of such rows. */
static const struct rule {
	const char *sql, *wrong, *advice;
} rules[] = {
	{ "SELECT count(*) FROM queue_item WHERE state NOT IN (0, 1, 2)"
	  " OR (state = 1 AND receipt IS NULL)"
	  " OR (state = 0 AND receipt IS NOT NULL)",
	    "messages on queues are in no state that there is", STORE_RECOVER },
	{ "SELECT count(*) FROM spool AS s WHERE due_us = 9223372036854775807"
	  " AND NOT EXISTS (SELECT 1 FROM spool AS p"
	  " WHERE p.ordered_by = s.ordered_by AND p.id < s.id)",
	    "messages of the spool wait for none before them",
	    "run switchhook spool flush" },
	{ "SELECT count(*) FROM (SELECT sid FROM call_event"
	  " EXCEPT SELECT sid FROM call)",
	    "calls have events and are not in the list of calls",
	    STORE_RECOVER },
	{ "SELECT abs(count(*) - 1) FROM installation",
	    "the installation has no name, or several", STORE_RECOVER },
};

static enum status
form_job(struct db *db, void *arg)
{
	struct checking *c = arg;
	struct db_rows *rows;
	int64_t application = 0;
	enum status st;

	st = db_query(db, &rows, "PRAGMA application_id", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		application = db_int(rows, 0);
	db_done(rows);
	if (st == ST_OK)
		st = db_query(db, &rows, "PRAGMA user_version", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		c->version = db_int(rows, 0);
	db_done(rows);
	if (st == ST_OK && application != DB_FILE_APPLICATION) {
		c->version = -1;
		c->found("it is empty, or another program's database",
		    "restore a copy, or give store.path a file of its own",
		    c->arg);
	}
	return st;
}

/* The answer of SQLite's own check. */
static enum status
put_integrity(struct db_rows *rows, enum status st, const struct checking *c)
{
	while (st == ST_OK && (st = db_next(rows)) == ST_OK)
		if (!str_eq(db_text(rows, 0), "ok"))
			c->found(db_text(rows, 0), STORE_RECOVER, c->arg);
	db_done(rows);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
integrity_job(struct db *db, void *arg)
{
	struct db_rows *rows;
	enum status st = db_query(db, &rows, "PRAGMA integrity_check(20)", "");

	return put_integrity(rows, st, arg);
}

static enum status
quick_job(struct db *db, void *arg)
{
	struct db_rows *rows;
	enum status st = db_query(db, &rows, "PRAGMA quick_check(1)", "");

	return put_integrity(rows, st, arg);
}

static enum status
rules_job(struct db *db, void *arg)
{
	struct checking *c = arg;
	struct db_rows *rows;
	char wrong[128];
	enum status st = ST_OK;
	size_t i;

	for (i = 0; st == ST_OK && i < sizeof(rules) / sizeof(*rules); i++) {
		st = db_query(db, &rows, rules[i].sql, "");
		if (st == ST_OK && (st = db_next(rows)) == ST_OK &&
		    db_int(rows, 0) > 0) {
			snprintf(wrong, sizeof(wrong), "%lld %s",
			    (long long)db_int(rows, 0), rules[i].wrong);
			c->found(wrong, rules[i].advice, c->arg);
		}
		db_done(rows);
	}
	return st;
}

static enum status
queues_job(struct db *db, void *arg)
{
	struct checking *c = arg;
	char wrong[96];
	enum status st;

	st = sqlite_queue_count_damaged(db, &c->damaged);
	if (st == ST_OK && c->damaged > 0) {
		snprintf(wrong, sizeof(wrong),
		    "%lld messages on queues do not fit their checksum",
		    (long long)c->damaged);
		c->found(wrong,
		    "they become dead letters when they are received: "
		    "switchhook queue dead QUEUE shows them",
		    c->arg);
	}
	return st;
}

static enum status
version_found(struct checking *c)
{
	int64_t known = db_file_known(&store_schema);

	if (c->version > known)
		c->found("a newer version of this program made it",
		    "install that version", c->arg);
	return c->version == known ? ST_OK : ST_UNSUPPORTED;
}

/* What is damaged so that it cannot be looked at is found, too. */
static enum status
checked(enum status st, const struct checking *c)
{
	if (st == ST_NOMEM || st == ST_BUSY)
		return st;
	if (st != ST_OK)
		c->found("it cannot be read to its end", STORE_RECOVER, c->arg);
	return ST_OK;
}

enum status
store_check_quick(struct db *db, store_found_fn *found, void *arg)
{
	struct checking c = { .found = found, .arg = arg };

	return checked(db_read(db, quick_job, &c), &c);
}

enum status
store_check(struct db *db, store_found_fn *found, void *arg)
{
	static db_job *const jobs[] = { rules_job, queues_job };
	struct checking c = { .found = found, .arg = arg };
	enum status st;
	size_t i;

	st = db_read(db, form_job, &c);
	if (st == ST_OK)
		st = db_read(db, integrity_job, &c);
	/* Of an older version the next start makes one that can be looked
	 * into. */
	if (st == ST_OK && version_found(&c) == ST_OK)
		for (i = 0; st == ST_OK && i < 2; i++)
			st = db_read(db, jobs[i], &c);
	return checked(st, &c);
}
