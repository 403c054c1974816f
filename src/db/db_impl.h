/* What a struct db is made of. Private to the engine. */
#ifndef DB_IMPL_H
#define DB_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "db/db.h"
#include "db/db_conn.h"
#include "db/db_file.h"
#include "db/db_jobs.h"
#include "db/db_sums.h"

/* What is wrong, if anything; guarded by the mutex. */
struct db_health {
	pthread_mutex_t mutex;
	enum status fault; /* of the last commit or read */
	char why[320];
	bool damaged; /* damage was met in the file of this number */
	ino_t inode;
};

struct db {
	struct db_file file;
	struct log *log; /* may be NULL */
	struct db_health health;
	struct {
		_Atomic int64_t jobs, commits, checkpoints, scans;
	} counters;

	/* Jobs run one at a time, on one connection: in the store thread, or
	 * (no such thread) where they are called, one after another. */
	bool threaded;
	pthread_t thread;
	struct db_jobs jobs;
	pthread_mutex_t writing;
	struct db_conn *writer; /* NULL: could not be opened (again) */
	struct db_sums sums; /* of the present transaction */
	_Atomic bool opened; /* it has been open before */
	bool inspects; /* writes nothing */
	bool brief; /* lives for one request */
	enum db_change change; /* of its files, as last seen */
	struct db_options late; /* of a file that is still to be looked up; its
	                           path is NULL for any other */
	int64_t refused_us; /* opening late failed then, … */
	enum status refused; /* … and gave this */
	int64_t checkpointed; /* the log's pages when last copied */
	int64_t chore_us; /* when the last upkeep was; monotonic */
	int64_t chore_offset; /* of the wall clock to that, then */
	bool unsettled; /* the log may hold what the file does not */
	int64_t idle_us;

	pthread_mutex_t reading; /* guards the reader */
	struct db_conn *reader; /* NULL: not open */

	/* Whose job runs on a connection, so that what the job calls finds
	 * it; 0: nobody's. Each thread looks for itself only. */
	_Atomic uintptr_t write_thread;
	_Atomic uintptr_t read_thread;
};

/* Note what a connection complained of; log it when it is new. */
void db_note_fault(struct db *, enum status, const char *why);
void db_note_success(struct db *);

/* After a job that returned st: what it left open is closed; its result, or
 * what the connection has against it. */
enum status db_end_job(struct db *, struct db_conn *, enum status st);

/* Run a job in a write transaction; not from inside a job. As db_write. */
enum status db_commit(
    struct db *, db_job *, void *arg, int64_t turn_us, bool reserved);

/* The same of an entry, which is told. */
void db_commit_later(struct db *, struct db_job_entry *, int64_t turn_us);

/* Tell those who have waited for too long. */
void db_commit_expire(struct db *);

/* The same as db_commit of one that changes nothing, for what else comes of it: the file is
 * open. Nobody pays with upkeep for having looked. */
enum status db_look(struct db *, db_job *, void *arg, int64_t turn_us);

/* The store thread. */
enum status db_commit_start(struct db *);
void db_commit_stop(struct db *);

/* Copy the log into the database, if the lock is free within wait_us; empty:
 * all of it, and cut it to nothing. */
void db_commit_settle(struct db *, bool empty, int64_t wait_us);

#endif
