/*
 * One SQLite connection, in the engine's own terms: db.c knows SQLite, and
 * the rest of the engine (db_file.c, db_commit.c) knows locks and threads and
 * speaks to it in these. Private to the engine.
 *
 * A connection is used by one thread at a time; the callers see to that.
 */
#ifndef DB_CONN_H
#define DB_CONN_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "db/db.h"

struct db_conn;

/* The file grows by so much at a time; SQLite's shell cuts it to what is used,
 * should it copy the log. */
#define DB_CHUNK (1 << 18)

/*
 * Open a connection to the file that a SQLite URI names. Nothing of the file
 * has been read yet. On failure *why gets a few words. ST_OK, ST_NOMEM, ST_IO.
 */
enum status db_conn_open(
    struct db_conn **, const char *uri, bool create, struct buf *why);
void db_conn_close(struct db_conn *); /* NULL is allowed */

/* What SQLite complained of since this was asked before, and *why in words,
 * valid until the next failure; ST_OK: of nothing. */
enum status db_conn_fault(struct db_conn *, const char **why);

/* True if it should be closed and opened again before its next use: what the
 * connection remembers cannot be trusted. */
bool db_conn_stale(const struct db_conn *);

/* Run statements without parameters, one after another. Errors as db_run. */
enum status db_conn_script(struct db_conn *, const char *sql);

/* Statements with parameters, as db_run and db_query. */
enum status db_conn_run(
    struct db_conn *, const char *sql, const char *types, va_list);
enum status db_conn_query(struct db_conn *, struct db_rows **, const char *sql,
    const char *types, va_list);

/*
 * Close every row set that a job left open. ST_NOMEM if a column could not
 * be given for lack of memory: what the job made of it is not to be trusted.
 * *scans: rows it passed over for want of an index.
 */
enum status db_conn_end_job(struct db_conn *, int64_t *scans);

/* Begin a transaction; write: with the right to write, or ST_BUSY. */
enum status db_conn_begin(struct db_conn *, bool write);

/* What has gone wrong in the present transaction, so that it must not be
 * committed, whatever a job made of it; ST_OK: nothing. */
enum status db_conn_trouble(const struct db_conn *);

/*
 * Before a commit to a log: give the file itself the room for the pages that
 * the transaction adds, so that to copy the log needs none. ST_OK, ST_FULL,
 * ST_IO.
 */
enum status db_conn_allocate(struct db_conn *);

/*
 * ST_OK: synced. ST_BUSY, ST_FULL: undone. ST_TIMEOUT: it failed where it
 * cannot be known whether the transaction is in the file. No transaction is
 * open afterwards.
 */
enum status db_conn_commit(struct db_conn *);
void db_conn_rollback(struct db_conn *);

/*
 * Copy the log into the database, as far as no reader needs it; the caller
 * holds the lock. empty: cut it to nothing too. ST_BUSY: a reader was there.
 */
enum status db_conn_checkpoint(struct db_conn *, bool empty);

/* The header's count of changes as it is in the file; left as it is where it
 * cannot be read. */
void db_conn_counter(struct db_conn *, uint32_t *);

/* The least that the log's file must have, by its index, for all that was
 * committed to be in it; the caller holds the lock. */
int64_t db_conn_log_least(struct db_conn *);

/* Read on where SQLite would give up a damaged file: one that was cut. */
void db_conn_forgive(struct db_conn *);

struct db_numbers {
	int64_t changes; /* rows, of the last db_run */
	int64_t last_id;
	int64_t total_changes; /* rows, since the connection was opened */
	int64_t wal_pages; /* in the log after the last commit; 0: no log */
};
void db_conn_numbers(struct db_conn *, struct db_numbers *);

#endif
