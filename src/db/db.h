/*
 * The embedded engine: one SQLite file, shared by threads and processes. What
 * lives in it is its users' (struct db_schema; store/schema.h).
 *
 * Every write transaction and every checkpoint, of every process, runs under
 * one flock on "<path>.lock"; automatic checkpoints are off. In a server one
 * store thread takes whatever jobs are waiting and runs them all in one
 * transaction, so that the cost of a sync is shared (group commit). A command
 * or a plain CGI process has no such thread: its jobs run where they are
 * called, by the same rules.
 *
 * db.c is the only file that knows SQLite; the others speak to it in the
 * terms below. While it is in use the database may be copied by db_copy.h, or
 * by SQLite's own means, only; nothing else may open it.
 */
#ifndef DB_H
#define DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/quit.h"
#include "base/status.h"

struct db;

enum db_journal { DB_WAL, DB_ROLLBACK };

/*
 * A job: what it does with the db_ calls below is one unit, wholly recorded or
 * not at all. A result other than ST_OK undoes what it wrote, and nothing else.
 * It may be run more than once (when a neighbour in the same commit failed),
 * and by another thread than asked for it (which leaves alone meanwhile what
 * arg has), so it must set all its outputs each time and touch nothing else.
 * One whose statements met a fault of the database is not recorded, whatever it
 * returns.
 */
typedef enum status db_job(struct db *, void *arg);

/* Add n to what is kept under name and label. ST_OK, or as db_run. */
typedef enum status db_sum_fn(
    struct db *, const char *name, const char *label, int64_t n);

/* What lives in the file. */
struct db_schema {
	/* Scripts, NULL at the end: the n-th takes a file from version n - 1
	 * to version n. They are only ever added to. */
	const char *const *migrations;
	/* Upkeep in small bites, now and then after a commit; its argument
	 * is that of the options. NULL: none. */
	db_job *chore;
	/* Run in a copy (db_copy) when it is made. NULL: nothing. */
	const char *copied;
	/* How sums are kept (db_sum), inside a job. NULL: there are none. */
	db_sum_fn *sum;
	/* A query of no rows that fails if a table is missing. NULL: none. */
	const char *probe;
};

struct db_options {
	const char *path; /* of the database; its directory must exist */
	enum db_journal journal;
	bool threaded; /* start the store thread (group commit); else jobs run
	                * in the threads that ask, one after another */
	bool existing; /* the file must be there, and is not made */
	bool inspect; /* look only, by db_read: the file must be there, and is
	                 neither migrated nor locked */
	bool late; /* what cannot be opened is tried again with the jobs, once a
	              second; they get what opening gives. Not threaded: it is
	              opened with the first job; a plain CGI process may have
	              none */
	int64_t idle_us; /* threaded: copy the log into the file after so long
	                    without a job; 0: a minute */
	struct log *log; /* may be NULL */
	const struct quit *quit; /* when it is due nobody waits for the lock
	                            any more; NULL, or must outlive this */
	const struct db_schema *schema; /* what lives in the file */
	const void *upkeep; /* for its chore; must outlive this, or NULL */
};

/*
 * Open, create or migrate. On failure *why is a sentence for the operator; of a
 * file that is opened late too, with ST_OK.
 * ST_OK, ST_NOMEM, ST_IO, ST_BUSY, ST_CORRUPT (not a database, or damaged),
 * ST_UNSUPPORTED (made by a newer version, or by another program),
 * ST_UNAVAILABLE (it was there before, and is not now).
 * A new file and its lock are for their owner only (0600); what root makes is
 * given to the owner of the directory.
 */
enum status db_open(struct db **, const struct db_options *, struct buf *why);

/*
 * Would db_open find something to work with? Nothing is made, migrated or
 * locked. ST_OK, also where there is no file yet; else as db_open.
 */
enum status db_judge(const struct db_options *, struct buf *why);

/* False while a file that is opened late never was. */
bool db_is_open(struct db *);

/* Finish what is waiting, then close. NULL is allowed. */
void db_close(struct db *);

/*
 * Run a job in a write transaction. When it returns ST_OK the work is synced
 * to the disk. From inside a job it simply calls job: that is how several
 * stores and queues on one database make one transaction.
 *
 * The job's own failure; ST_BUSY if it never ran (lock or queue too long; it
 * will not run later either); ST_IO or ST_FULL if it failed and left nothing;
 * ST_UNAVAILABLE if the file, or its log, was deleted, replaced or emptied
 * since it was opened, until it is back; ST_TIMEOUT if the commit's outcome is
 * unknown: a repeat must meet a unique key. From inside a db_read:
 * ST_UNSUPPORTED.
 */
enum status db_write(struct db *, db_job *, void *arg);

/* The same for a job that makes room, or leads to it: with a full disk it may
 * use what is reserved for such. */
enum status db_write_reserved(struct db *, db_job *, void *arg);

/*
 * The same without writing and without the lock, on a connection of its own,
 * one reader at a time. From inside a job it simply calls job.
 */
enum status db_read(struct db *, db_job *, void *arg);

/*
 * A job and who is told of its result, instead of waiting for it. Zero but for
 * the first three.
 */
struct db_job_entry {
	db_job *fn;
	void *arg;
	/*
	 * Called once, by whoever has committed the batch: what it does keeps
	 * the next batch waiting, and it may not wait for this database. The
	 * entry, and what arg has, are its own again.
	 */
	void (*told)(struct db_job_entry *, enum status result);

	/* The engine's. */
	TAILQ_ENTRY(db_job_entry) link;
	bool reserved; /* may have the reserve of a full disk */
	enum status result;
	int64_t turn_us; /* until when it may wait for its turn; monotonic */
	_Atomic uint32_t state; /* changed under a mutex, awaited without */
};

/*
 * Run a job as db_write does, and tell of it: from the store thread, or, where
 * there is none, before this returns. Not from inside a job.
 */
void db_submit(struct db *, struct db_job_entry *);

/*
 * To be called about once a second where jobs were submitted: those that
 * have waited for too long are told so here, as db_write would return.
 */
void db_tick(struct db *);

/* What it has done since it was opened, for metrics and tests. */
struct db_counters {
	int64_t jobs;
	int64_t commits; /* fewer than jobs when commits were shared */
	int64_t checkpoints;
	int64_t scans; /* rows passed over for want of an index */
};
void db_counters(struct db *, struct db_counters *);

/*
 * True if the database can be written now: all tables are there, a page of it
 * was written (unless not threaded: then nothing is), the disk has room, and
 * no newer program has migrated it meanwhile. Else *why says what is wrong. At
 * most 2 s.
 */
bool db_ready(struct db *, struct buf *why);

/*
 * Statements, inside a job only. sql must be a string literal: prepared
 * statements are kept by its address. types has one character a parameter:
 * t text (const char *, NULL is SQL NULL), i int64_t, b blob or long text
 * (const void *, size_t).
 *
 * db_run: run to the end. ST_OK; ST_EXISTS on a unique key; ST_IO; ST_FULL (the
 * disk is); ST_TOOBIG; ST_CORRUPT; ST_NOMEM.
 * db_query and db_next: rows, one by one; db_next gives ST_OK or ST_NOTFOUND
 * at the end (the statement is then reset; db_done resets it earlier).
 */
struct db_rows; /* a running query */
enum status db_run(struct db *, const char *sql, const char *types, ...);
enum status db_query(
    struct db *, struct db_rows **, const char *sql, const char *types, ...);
enum status db_next(struct db_rows *);
void db_done(struct db_rows *); /* NULL is allowed */

/* Columns of the present row, valid until the next step. NULL for SQL NULL. */
const char *db_text(struct db_rows *, int column);
size_t db_size(struct db_rows *, int column);
int64_t db_int(struct db_rows *, int column);

/*
 * Add one to what is kept under name and label, if and only if the job is
 * recorded. Neighbours in a commit share the writing. Inside a writing job
 * only. ST_OK, or as db_run; ST_UNSUPPORTED elsewhere.
 */
enum status db_sum(struct db *, const char *name, const char *label);

/* Of the last db_run on this db in this job. */
int64_t db_changes(struct db *);
int64_t db_last_id(struct db *);

#endif
