#include "db/db.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "db/db_conn.h"
#include "db/db_log.h"

/* Prepared statements kept; a program has some forty. */
#define CACHE_SIZE 128

#define DB_PAGE 4096 /* SQLite's own choice */

/*
 * How long SQLite itself waits for a lock of its own: a reader in rollback
 * mode, a recovery, or an operator's sqlite3 shell, which knows no flock.
 */
#define SQLITE_WAIT_MS 3000

struct db_rows {
	struct db_conn *conn;
	sqlite3_stmt *stmt;
	const char *sql;
	bool open; /* between db_query and its end */
	struct db_rows *next; /* among those that are not in the cache */
};

struct db_conn {
	sqlite3 *sqlite;
	struct db_rows *cache[CACHE_SIZE];
	struct db_rows *loose; /* a statement used within itself */
	size_t open_rows;
	bool no_memory; /* a column could not be given */
	bool stale;
	int64_t wal_pages;
	int64_t allocated; /* pages that the file has room for */
	int64_t scans;
	enum status fault; /* until it is asked for */
	enum status trouble; /* in the present transaction */
	char why[160];
};

static enum status
status_of(int rc)
{
	if (rc == SQLITE_CONSTRAINT_UNIQUE ||
	    rc == SQLITE_CONSTRAINT_PRIMARYKEY)
		return ST_EXISTS;
	if (rc == SQLITE_IOERR_NOMEM)
		return ST_NOMEM;
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return ST_OK;
	case SQLITE_NOMEM:
		return ST_NOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_PROTOCOL:
		return ST_BUSY;
	case SQLITE_FULL:
		return ST_FULL;
	case SQLITE_TOOBIG:
		return ST_TOOBIG;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return ST_CORRUPT;
	case SQLITE_CONSTRAINT:
		return ST_MALFORMED;
	}
	return ST_IO;
}

/* Tell the file of the log or the journal, if one is open. */
static void
log_control(struct db_conn *c, int what, void *arg)
{
	sqlite3_file *f = NULL;

	sqlite3_file_control(c->sqlite, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &f);
	if (f != NULL && f->pMethods != NULL)
		f->pMethods->xFileControl(f, what, arg);
}

/*
 * SQLite calls a read that failed with EIO a damaged database, but that may
 * pass. Only the files know the difference.
 */
static bool
device_failed(struct db_conn *c)
{
	int db = 0, log = 0;

	sqlite3_file_control(c->sqlite, NULL, SQLITE_FCNTL_LAST_ERRNO, &db);
	log_control(c, SQLITE_FCNTL_LAST_ERRNO, &log);
	return db != 0 || log != 0;
}

/* The status of a result; a fault's words are kept for db_conn_fault. */
static enum status
result(struct db_conn *c, int rc)
{
	enum status st = status_of(rc);
	int number;

	if (st == ST_OK || st == ST_EXISTS || st == ST_MALFORMED)
		return st;
	/* Pages in the cache may be the damaged ones; a lock that could not
	 * be let go is met again as somebody else's. */
	if (st == ST_CORRUPT || (rc & 0xff) == SQLITE_PROTOCOL ||
	    rc == SQLITE_IOERR_UNLOCK)
		c->stale = true;
	if (st == ST_CORRUPT && device_failed(c))
		rc = SQLITE_IOERR_READ;
	st = status_of(rc);
	number = st == ST_IO ? sqlite3_system_errno(c->sqlite) : 0;
	c->fault = st;
	c->trouble = st;
	/* A statement that is wrong: of a table that is not there. */
	snprintf(c->why, sizeof(c->why), "%s%s%s",
	    rc == SQLITE_ERROR ? sqlite3_errmsg(c->sqlite) : sqlite3_errstr(rc),
	    number != 0 ? ": " : "", number != 0 ? strerror(number) : "");
	return st;
}

enum status
db_conn_fault(struct db_conn *c, const char **why)
{
	enum status st = c->fault;

	*why = c->why;
	c->fault = ST_OK;
	return st;
}

/* Called after each commit in place of SQLite's automatic checkpoint. */
static int
note_wal(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
	struct db_conn *c = arg;

	(void)sqlite;
	(void)name;
	c->wal_pages = pages;
	return SQLITE_OK;
}

enum status
db_conn_open(
    struct db_conn **out, const char *uri, bool create, struct buf *why)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI |
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE |
	    (create ? SQLITE_OPEN_CREATE : 0);
	struct db_conn *c;
	const char *vfs;
	enum status st;

	*out = NULL;
	/* No accounts, which cost a mutex an allocation; refused once in use. */
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	if ((vfs = db_log_vfs()) == NULL || (c = calloc(1, sizeof(*c))) == NULL)
		return ST_NOMEM;
	st = result(c, sqlite3_open_v2(uri, &c->sqlite, flags, vfs));
	if (st != ST_OK) {
		buf_puts(why, c->why);
		db_conn_close(c);
		return st;
	}
	sqlite3_db_config(c->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	sqlite3_db_config(c->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_busy_timeout(c->sqlite, SQLITE_WAIT_MS);
	sqlite3_wal_hook(c->sqlite, note_wal, c);
	sqlite3_file_control(
	    c->sqlite, "main", SQLITE_FCNTL_CHUNK_SIZE, &(int){ DB_CHUNK });
	*out = c;
	return ST_OK;
}

static void
rows_free(struct db_rows *r)
{
	if (r != NULL)
		sqlite3_finalize(r->stmt);
	free(r);
}

static void
free_loose(struct db_conn *c)
{
	struct db_rows *r;

	while ((r = c->loose) != NULL) {
		c->loose = r->next;
		db_done(r);
		rows_free(r);
	}
}

void
db_conn_close(struct db_conn *c)
{
	size_t i;

	if (c == NULL)
		return;
	for (i = 0; i < CACHE_SIZE; i++)
		rows_free(c->cache[i]);
	free_loose(c);
	sqlite3_close_v2(c->sqlite);
	free(c);
}

bool
db_conn_stale(const struct db_conn *c)
{
	return c->stale;
}

enum status
db_conn_script(struct db_conn *c, const char *sql)
{
	return result(c, sqlite3_exec(c->sqlite, sql, NULL, NULL, NULL));
}

static enum status
prepare(struct db_conn *c, const char *sql, struct db_rows **out)
{
	struct db_rows *r;
	enum status st;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return ST_NOMEM;
	*r = (struct db_rows){ .conn = c, .sql = sql };
	st = result(c,
	    sqlite3_prepare_v3(
		c->sqlite, sql, -1, SQLITE_PREPARE_PERSISTENT, &r->stmt, NULL));
	if (st != ST_OK) {
		rows_free(r);
		return st;
	}
	*out = r;
	return ST_OK;
}

/* A prepared statement that is not in use: from the cache, or a new one. */
static enum status
rows_for(struct db_conn *c, const char *sql, struct db_rows **out)
{
	size_t at = ((uintptr_t)sql >> 3) % CACHE_SIZE, i;
	struct db_rows **slot = NULL, *r = NULL;
	enum status st;

	for (i = 0; i < CACHE_SIZE && slot == NULL; i++, r = NULL) {
		r = c->cache[(at + i) % CACHE_SIZE];
		if (r == NULL)
			slot = &c->cache[(at + i) % CACHE_SIZE];
		else if (r->sql == sql)
			break;
	}
	if (r != NULL && !r->open) {
		*out = r;
		return ST_OK;
	}
	if ((st = prepare(c, sql, &r)) != ST_OK)
		return st;
	if (slot != NULL) {
		*slot = r;
	} else {
		r->next = c->loose;
		c->loose = r;
	}
	*out = r;
	return ST_OK;
}

/* keep: the values outlive the statement's run, so it need not copy them. */
static int
bind(sqlite3_stmt *s, const char *types, va_list ap, bool keep)
{
	sqlite3_destructor_type how = keep ? SQLITE_STATIC : SQLITE_TRANSIENT;
	int i, rc = SQLITE_OK;
	const void *p;
	size_t n;

	for (i = 1; types[i - 1] != '\0' && rc == SQLITE_OK; i++) {
		switch (types[i - 1]) {
		case 't':
			rc = sqlite3_bind_text(
			    s, i, va_arg(ap, const char *), -1, how);
			break;
		case 'i':
			rc = sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
			break;
		case 'b':
			p = va_arg(ap, const void *);
			n = va_arg(ap, size_t);
			rc = sqlite3_bind_blob64(s, i, p, n, how);
			break;
		default:
			rc = SQLITE_MISUSE;
		}
	}
	return rc;
}

void
db_done(struct db_rows *r)
{
	if (r == NULL || !r->open)
		return;
	r->open = false;
	r->conn->open_rows--;
	r->conn->scans +=
	    sqlite3_stmt_status(r->stmt, SQLITE_STMTSTATUS_FULLSCAN_STEP, 1);
	sqlite3_reset(r->stmt);
}

static enum status
start(struct db_conn *c, struct db_rows **out, const char *sql,
    const char *types, va_list ap, bool keep)
{
	struct db_rows *r;
	enum status st;

	*out = NULL;
	if ((st = rows_for(c, sql, &r)) != ST_OK)
		return st;
	if ((st = result(c, bind(r->stmt, types, ap, keep))) != ST_OK)
		return st;
	r->open = true;
	c->open_rows++;
	*out = r;
	return ST_OK;
}

enum status
db_next(struct db_rows *r)
{
	enum status st = ST_NOTFOUND;
	int rc;

	if (!r->open)
		return ST_NOTFOUND;
	if ((rc = sqlite3_step(r->stmt)) == SQLITE_ROW)
		return ST_OK;
	if (rc != SQLITE_DONE)
		st = result(r->conn, rc);
	db_done(r);
	return st;
}

enum status
db_conn_run(struct db_conn *c, const char *sql, const char *types, va_list ap)
{
	struct db_rows *r;
	enum status st;

	if ((st = start(c, &r, sql, types, ap, true)) != ST_OK)
		return st;
	while ((st = db_next(r)) == ST_OK)
		continue;
	return st == ST_NOTFOUND ? ST_OK : st;
}

enum status
db_conn_query(struct db_conn *c, struct db_rows **out, const char *sql,
    const char *types, va_list ap)
{
	return start(c, out, sql, types, ap, false);
}

const char *
db_text(struct db_rows *r, int column)
{
	const unsigned char *text;

	if (sqlite3_column_type(r->stmt, column) == SQLITE_NULL)
		return NULL;
	if ((text = sqlite3_column_text(r->stmt, column)) == NULL)
		r->conn->no_memory = true;
	return (const char *)text;
}

size_t
db_size(struct db_rows *r, int column)
{
	return (size_t)sqlite3_column_bytes(r->stmt, column);
}

int64_t
db_int(struct db_rows *r, int column)
{
	return sqlite3_column_int64(r->stmt, column);
}

void
db_conn_counter(struct db_conn *c, uint32_t *out)
{
	unsigned char at_24[4];
	sqlite3_file *f = NULL;

	/* By SQLite's own descriptor: to close another would drop its locks. */
	sqlite3_file_control(c->sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &f);
	if (f == NULL || f->pMethods == NULL ||
	    f->pMethods->xRead(f, at_24, sizeof(at_24), 24) != SQLITE_OK)
		return;
	*out = (uint32_t)at_24[0] << 24 | (uint32_t)at_24[1] << 16 |
	    (uint32_t)at_24[2] << 8 | at_24[3];
}

/* Of the index of the log (sqlite.org/walformat.html, 2.1), as it is mapped. */
int64_t
db_conn_log_least(struct db_conn *c)
{
	const int region = 32768, header = 32, frame_header = 24;
	void volatile *index = NULL;
	sqlite3_file *f = NULL;
	uint16_t page;
	uint32_t frames;

	sqlite3_file_control(c->sqlite, "main", SQLITE_FCNTL_FILE_POINTER, &f);
	if (f == NULL || f->pMethods == NULL || f->pMethods->iVersion < 2 ||
	    f->pMethods->xShmMap(f, 0, region, 0, &index) != SQLITE_OK ||
	    index == NULL)
		return 0;
	memcpy(&page, (const char *)index + 14, sizeof(page));
	memcpy(&frames, (const char *)index + 16, sizeof(frames));
	return frames == 0
	    ? 0
	    : header + (int64_t)frames * (frame_header + (int64_t)page);
}

void
db_conn_forgive(struct db_conn *c)
{
	sqlite3_db_config(c->sqlite, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
	sqlite3_db_config(c->sqlite, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 1, NULL);
}

void
db_conn_numbers(struct db_conn *c, struct db_numbers *n)
{
	n->changes = sqlite3_changes64(c->sqlite);
	n->last_id = sqlite3_last_insert_rowid(c->sqlite);
	n->total_changes = sqlite3_total_changes64(c->sqlite);
	n->wal_pages = c->wal_pages;
}

enum status
db_conn_end_job(struct db_conn *c, int64_t *scans)
{
	enum status st = c->no_memory ? ST_NOMEM : ST_OK;
	size_t i;

	c->no_memory = false;
	for (i = 0; i < CACHE_SIZE && c->open_rows > 0; i++)
		db_done(c->cache[i]);
	free_loose(c);
	*scans = c->scans;
	c->scans = 0;
	return st;
}

static int
step_plain(struct db_conn *c, const char *sql)
{
	struct db_rows *r;
	int rc;

	if (rows_for(c, sql, &r) != ST_OK)
		return SQLITE_NOMEM;
	rc = sqlite3_step(r->stmt);
	sqlite3_reset(r->stmt);
	return rc;
}

enum status
db_conn_begin(struct db_conn *c, bool write)
{
	enum status st;

	st = result(c, step_plain(c, write ? "BEGIN IMMEDIATE" : "BEGIN"));
	/* A plain BEGIN does nothing yet; this looks at the file. */
	if (st == ST_OK && !write)
		st = result(c, step_plain(c, "PRAGMA user_version"));
	if (st == ST_CORRUPT)
		c->fault = st = ST_IO; /* opening it again will tell */
	if (st == ST_IO || st == ST_BUSY)
		c->stale = true;
	if (st != ST_OK)
		db_conn_rollback(c);
	c->trouble = st;
	return st;
}

static bool
in_transaction(const struct db_conn *c)
{
	return !sqlite3_get_autocommit(c->sqlite);
}

enum status
db_conn_trouble(const struct db_conn *c)
{
	return c->trouble == ST_OK && !in_transaction(c) ? ST_IO : c->trouble;
}

void
db_conn_rollback(struct db_conn *c)
{
	if (in_transaction(c))
		step_plain(c, "ROLLBACK");
	if (in_transaction(c))
		c->stale = true;
}

enum status
db_conn_allocate(struct db_conn *c)
{
	struct db_rows *r;
	int64_t pages = 0, size;
	int error = 0;
	enum status st;

	if ((st = rows_for(c, "PRAGMA page_count", &r)) != ST_OK)
		return st;
	if (sqlite3_step(r->stmt) == SQLITE_ROW)
		pages = sqlite3_column_int64(r->stmt, 0);
	sqlite3_reset(r->stmt);
	if (pages <= c->allocated)
		return ST_OK;
	size = pages * DB_PAGE;
	if (sqlite3_file_control(c->sqlite, "main", SQLITE_FCNTL_SIZE_HINT,
		&size) == SQLITE_OK) {
		c->allocated =
		    (size + DB_CHUNK - 1) / DB_CHUNK * DB_CHUNK / DB_PAGE;
		return ST_OK;
	}
	sqlite3_file_control(
	    c->sqlite, "main", SQLITE_FCNTL_LAST_ERRNO, &error);
	return result(
	    c, error == ENOSPC || error == EDQUOT ? SQLITE_FULL : SQLITE_IOERR);
}

enum status
db_conn_commit(struct db_conn *c)
{
	enum status st;
	int rc;

	log_control(c, DB_LOG_GATHER, NULL);
	rc = step_plain(c, "COMMIT");
	st = result(c, rc);

	/*
	 * Still open: it did not begin to write. A full disk and damage are
	 * met before the record that makes the transaction count. Any other
	 * error may have come after it: a log whose sync failed is in the
	 * file, and the next recovery may take it up; a failing unlock comes
	 * when all is done.
	 */
	if (st != ST_OK && !in_transaction(c) && st != ST_FULL &&
	    st != ST_CORRUPT)
		st = ST_TIMEOUT;
	db_conn_rollback(c);
	log_control(c, DB_LOG_GATHER_END, NULL);
	return st;
}

enum status
db_conn_checkpoint(struct db_conn *c, bool empty)
{
	int how =
	    empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
	int rc;

	sqlite3_busy_timeout(c->sqlite, 0); /* what a reader needs is kept */
	rc = sqlite3_wal_checkpoint_v2(c->sqlite, NULL, how, NULL, NULL);
	sqlite3_busy_timeout(c->sqlite, SQLITE_WAIT_MS);
	return rc == SQLITE_BUSY ? ST_BUSY : result(c, rc);
}
