/* The engine as its users have it: opening, reading, statements, health. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "db/db_impl.h"

/* How long a job waits for its turn; and one that only tests the water. */
#define TURN_US 8000000
#define READY_TURN_US 2000000

/* After so long without a job the log is copied into the file. */
#define IDLE_US 60000000

/* At a stop others must not hold one up. */
#define SETTLE_WAIT_US 100000

/* With less than this left on the disk it is as good as full. */
#define ROOM (1 << 20)

static ino_t
inode_of(const struct db *db)
{
	struct stat st;

	if (db->file.path == NULL) /* not looked up yet */
		return 0;
	return stat(db->file.path, &st) == 0 ? st.st_ino : 0;
}

void
db_note_fault(struct db *db, enum status st, const char *why)
{
	struct db_health *h = &db->health;
	bool news;

	pthread_mutex_lock(&h->mutex);
	news = h->fault != st;
	h->fault = st;
	snprintf(h->why, sizeof(h->why), "%s", why);
	pthread_mutex_unlock(&h->mutex);
	if (news)
		log_error(db->log, "store fails",
		    LOG_STR("error", status_text(st)), LOG_STR("why", why));
}

/* What a job met in the file does not go away by itself. */
static void
note_damage(struct db *db)
{
	struct db_health *h = &db->health;

	pthread_mutex_lock(&h->mutex);
	h->damaged = true;
	h->inode = inode_of(db);
	pthread_mutex_unlock(&h->mutex);
}

void
db_note_success(struct db *db)
{
	struct db_health *h = &db->health;
	bool news;

	pthread_mutex_lock(&h->mutex);
	news = h->fault != ST_OK;
	h->fault = ST_OK;
	pthread_mutex_unlock(&h->mutex);
	if (news)
		log_info(db->log, "store works again");
}

enum status
db_end_job(struct db *db, struct db_conn *c, enum status st)
{
	enum status end;
	int64_t scans;

	end = db_conn_end_job(c, &scans);
	if (scans > 0)
		atomic_fetch_add(&db->counters.scans, scans);
	if (st == ST_OK)
		st = end;
	if (db_conn_trouble(c) == ST_CORRUPT)
		note_damage(db);
	/* It may have shrugged at an error; the disk does not. */
	return st == ST_OK ? db_conn_trouble(c) : st;
}

/* The connection that this thread's job works on; NULL outside of a job. */
static struct db_conn *
here(struct db *db)
{
	uintptr_t self = (uintptr_t)pthread_self();

	if (atomic_load_explicit(&db->write_thread, memory_order_relaxed) ==
	    self)
		return db->writer;
	if (atomic_load_explicit(&db->read_thread, memory_order_relaxed) ==
	    self)
		return db->reader;
	return NULL;
}

static enum status
write_job(struct db *db, db_job *fn, void *arg, bool reserved)
{
	struct db_conn *c = here(db);

	if (c == NULL && db->inspects)
		return ST_UNSUPPORTED; /* it is open to be looked at */
	if (c == NULL)
		return db_commit(db, fn, arg, TURN_US, reserved);
	/* A reading job has no right to write, and must not wait for one. */
	return c == db->writer ? fn(db, arg) : ST_UNSUPPORTED;
}

enum status
db_write(struct db *db, db_job *fn, void *arg)
{
	return write_job(db, fn, arg, false);
}

enum status
db_write_reserved(struct db *db, db_job *fn, void *arg)
{
	return write_job(db, fn, arg, true);
}

void
db_submit(struct db *db, struct db_job_entry *j)
{
	if (db->inspects)
		j->told(j, ST_UNSUPPORTED);
	else
		db_commit_later(db, j, TURN_US);
}

void
db_tick(struct db *db)
{
	db_commit_expire(db);
}

/* A connection to read on; its mutex is held. */
static enum status
renew_reader(struct db *db)
{
	enum db_change change =
	    db_identity_glance(&db->file.identity, db->file.path);
	struct buf why = BUF_INIT;
	enum status st = ST_OK;

	if (db->reader != NULL && db_conn_stale(db->reader)) {
		db_conn_close(db->reader);
		db->reader = NULL;
	}
	if (change != DB_SAME) {
		st = ST_UNAVAILABLE;
		db_change_explain(change, &why);
	} else if (db->reader == NULL) {
		st = db_file_reader(&db->file, &db->reader, &why);
	}
	if (st != ST_OK)
		db_note_fault(db, st, buf_str(&why));
	buf_release(&why);
	return st;
}

static enum status
read_on(struct db *db, struct db_conn *c, db_job *fn, void *arg)
{
	uintptr_t self = (uintptr_t)pthread_self();
	const char *why;
	enum status st, fault;

	if ((st = db_conn_begin(c, false)) != ST_OK)
		return st;
	atomic_store_explicit(&db->read_thread, self, memory_order_relaxed);
	st = fn(db, arg);
	atomic_store_explicit(&db->read_thread, 0, memory_order_relaxed);
	st = db_end_job(db, c, st);
	db_conn_rollback(c); /* ends the snapshot; there is nothing to undo */
	if ((fault = db_conn_fault(c, &why)) != ST_OK)
		db_note_fault(db, fault, why);
	return st;
}

static enum status
no_job(struct db *db, void *arg)
{
	(void)db;
	(void)arg;
	return ST_OK;
}

enum status
db_read(struct db *db, db_job *fn, void *arg)
{
	enum status st;

	if (here(db) != NULL)
		return fn(db, arg);
	/* Opened late, the file may not have been made yet. */
	if (!db->opened && (st = db_look(db, no_job, NULL, TURN_US)) != ST_OK)
		return st;
	pthread_mutex_lock(&db->reading);
	if ((st = renew_reader(db)) == ST_OK)
		st = read_on(db, db->reader, fn, arg);
	pthread_mutex_unlock(&db->reading);
	return st;
}

enum status
db_run(struct db *db, const char *sql, const char *types, ...)
{
	struct db_conn *c = here(db);
	enum status st;
	va_list ap;

	if (c == NULL)
		return ST_UNSUPPORTED;
	va_start(ap, types);
	st = db_conn_run(c, sql, types, ap);
	va_end(ap);
	return st;
}

enum status
db_query(struct db *db, struct db_rows **rows, const char *sql,
    const char *types, ...)
{
	struct db_conn *c = here(db);
	enum status st;
	va_list ap;

	*rows = NULL;
	if (c == NULL)
		return ST_UNSUPPORTED;
	va_start(ap, types);
	st = db_conn_query(c, rows, sql, types, ap);
	va_end(ap);
	return st;
}

enum status
db_sum(struct db *db, const char *name, const char *label)
{
	db_sum_fn *write = db->file.schema->sum;

	if (here(db) == NULL || here(db) != db->writer || write == NULL)
		return ST_UNSUPPORTED;
	if (db_sums_add(&db->sums, name, label))
		return ST_OK;
	return write(db, name, label, 1);
}

int64_t
db_changes(struct db *db)
{
	struct db_numbers n = { 0 };

	if (here(db) != NULL)
		db_conn_numbers(here(db), &n);
	return n.changes;
}

int64_t
db_last_id(struct db *db)
{
	struct db_numbers n = { 0 };

	if (here(db) != NULL)
		db_conn_numbers(here(db), &n);
	return n.last_id;
}

void
db_counters(struct db *db, struct db_counters *out)
{
	out->jobs = atomic_load(&db->counters.jobs);
	out->commits = atomic_load(&db->counters.commits);
	out->checkpoints = atomic_load(&db->counters.checkpoints);
	out->scans = atomic_load(&db->counters.scans);
}

/* Is every table there? In a server, writes and syncs a page besides, without
 * changing anything in it. */
static enum status
probe_job(struct db *db, void *arg)
{
	const char *sql = db->file.schema->probe;
	struct db_rows *rows = NULL;
	enum status st = ST_NOTFOUND;

	(void)arg;
	if (sql != NULL && (st = db_query(db, &rows, sql, "")) == ST_OK)
		st = db_next(rows);
	db_done(rows);
	if (st != ST_NOTFOUND)
		return st;
	return db_file_touch(&db->file, db->writer, db->threaded);
}

/* Room for the messages of a while. Writing over a page that exists proves
 * nothing of that. */
static enum status
check_room(const struct db *db)
{
	struct statvfs v;

	if (statvfs(db->file.path, &v) < 0)
		return ST_OK; /* there are file systems that do not tell */
	return (uint64_t)v.f_bavail * v.f_frsize < ROOM ? ST_FULL : ST_OK;
}

static void
say_fault(struct db *db, enum status st, struct buf *why)
{
	if (st == ST_BUSY)
		buf_puts(why, "another process has held its lock for too long");
	else if (st == ST_FULL)
		buf_puts(why, status_text(st));
	else if (st == ST_UNSUPPORTED)
		buf_puts(why,
		    "a newer version of this program has changed the "
		    "database; restart this one");
	else if (db->health.why[0] != '\0')
		buf_puts(why, db->health.why);
	else
		buf_puts(why, status_text(st));
}

bool
db_ready(struct db *db, struct buf *why)
{
	enum status st = db_look(db, probe_job, NULL, READY_TURN_US);
	ino_t inode = inode_of(db);
	bool damaged;

	if (st == ST_OK)
		st = check_room(db);
	pthread_mutex_lock(&db->health.mutex);
	damaged = db->health.damaged && db->health.inode == inode;
	if (st != ST_OK)
		say_fault(db, st, why);
	else if (damaged)
		buf_puts(why, "the database is damaged; restore a copy of it");
	pthread_mutex_unlock(&db->health.mutex);
	return st == ST_OK && !damaged;
}

static enum status
init(struct db *db, const struct db_options *o, struct buf *why)
{
	enum status st;

	db->log = o->log;
	db->inspects = o->inspect;
	db->brief = o->late && !o->threaded;
	db->idle_us = o->idle_us > 0 ? o->idle_us : IDLE_US;
	pthread_mutex_init(&db->health.mutex, NULL);
	pthread_mutex_init(&db->writing, NULL);
	pthread_mutex_init(&db->reading, NULL);
	if ((st = db_jobs_init(&db->jobs)) != ST_OK)
		return st;
	db->late = *o;
	if (o->late && !o->threaded)
		return ST_OK;
	if ((st = db_file_init(&db->file, o, why)) == ST_OK) {
		db->late.path = NULL;
		if (!o->inspect)
			st = db_file_writer(&db->file, &db->writer, why);
	}
	db->opened = st == ST_OK;
	if (!db->opened && (!o->late || st == ST_NOMEM))
		return st;
	if (!o->threaded || o->inspect)
		return ST_OK;
	/*
	 * What the log holds may never have been synced: its writer was killed
	 * before, or told that the sync failed. The copy is synced.
	 */
	if (db->opened)
		db_commit_settle(db, false, 0);
	return db_commit_start(db);
}

enum status
db_open(struct db **out, const struct db_options *o, struct buf *why)
{
	struct db *db;
	enum status st;

	*out = NULL;
	if ((db = calloc(1, sizeof(*db))) == NULL)
		return ST_NOMEM;
	db->file = (struct db_file)DB_FILE_INIT;
	if ((st = init(db, o, why)) != ST_OK) {
		if (why->len == 0)
			buf_puts(why, status_text(st));
		db_close(db);
		return st;
	}
	*out = db;
	return ST_OK;
}

enum status
db_judge(const struct db_options *o, struct buf *why)
{
	struct db_options look = *o;
	struct db_file file;
	enum status st;

	look.inspect = true;
	if ((st = db_file_init(&file, &look, why)) == ST_OK) {
		st = db_file_judge(&file, why);
		db_file_release(&file);
	}
	if (st != ST_OK && why->len == 0)
		buf_puts(why, status_text(st));
	return st;
}

bool
db_is_open(struct db *db)
{
	return db->opened;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	db_commit_stop(db);
	/* Whoever copies the file now has all of it. A plain CGI process has
	 * no time for that. */
	if (db->unsettled && !db->brief)
		db_commit_settle(db, true, SETTLE_WAIT_US);
	db_conn_close(db->reader);
	db_conn_close(db->writer);
	db_file_release(&db->file);
	db_jobs_release(&db->jobs);
	pthread_mutex_destroy(&db->reading);
	pthread_mutex_destroy(&db->writing);
	pthread_mutex_destroy(&db->health.mutex);
	free(db);
}
