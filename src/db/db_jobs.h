/*
 * The queue of write jobs: many threads ask, one leads: it takes what is there
 * as a batch, runs it, and tells each what became of it. Who asks waits for
 * that, or is told by a call. Private to the engine.
 */
#ifndef DB_JOBS_H
#define DB_JOBS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "db/db.h"

/* Jobs that share a commit, at most: bounds how long one waits for the
 * others, and what a failure among them costs. */
#define DB_BATCH_MAX 64

enum db_job_state {
	DB_JOB_WAITS, /* in the queue */
	DB_JOB_RUNS, /* in the batch */
	DB_JOB_COMMITS, /* has run, the commit is under way */
	DB_JOB_DONE,
};

TAILQ_HEAD(db_job_list, db_job_entry);

/* What the leader has taken; an entry that was given up is NULL. */
struct db_batch {
	struct db_job_entry *jobs[DB_BATCH_MAX];
	size_t n;
};

struct db_jobs {
	pthread_mutex_t mutex;
	pthread_cond_t arrived;
	struct db_job_list waiting;
	size_t waiting_n;
	size_t wanted; /* the leader sleeps until so many wait; 0: awake */
	bool closing;
	struct db_batch batch;
};

enum status db_jobs_init(struct db_jobs *);
void db_jobs_release(struct db_jobs *);

/*
 * Ask, and wait for the result. ST_BUSY if the job has not begun after
 * turn_us: it is withdrawn. ST_TIMEOUT if its commit has not ended commit_us
 * later: it is given up, and the outcome is unknown.
 */
enum status db_jobs_submit(struct db_jobs *, struct db_job_entry *,
    int64_t turn_us, int64_t commit_us);

/* Ask, to be told. */
void db_jobs_add(struct db_jobs *, struct db_job_entry *, int64_t turn_us);

/* Those who are to be told are so, where another would have gone with ST_BUSY
 * or ST_TIMEOUT. */
void db_jobs_expire(struct db_jobs *, int64_t commit_us);

/* The rest is for the one who leads. */

/* Sleep until a job waits, or none has come for idle_us (INT64_MAX: no end). */
enum db_jobs_news { DB_JOBS_SOME, DB_JOBS_IDLE, DB_JOBS_END };
enum db_jobs_news db_jobs_await(struct db_jobs *, int64_t idle_us);

/* Sleep until n jobs wait, at most for span_us. */
void db_jobs_gather(struct db_jobs *, size_t n, int64_t span_us);

/* Move what waits into the batch, as far as it takes them. */
void db_jobs_take(struct db_jobs *);

/* All of the batch has run: from now on its jobs may be given up. */
void db_jobs_commit(struct db_jobs *);

/* It is run once more: its jobs may not be given up any more; those that have
 * been are NULL. */
void db_jobs_again(struct db_jobs *);

/* The same result for all of the batch. */
void db_jobs_fail(struct db_jobs *, enum status);

/* Wake or tell all of the batch, which is empty then. How many ask: those, and
 * those that wait already. */
size_t db_jobs_deliver(struct db_jobs *);

/* From now on db_jobs_await ends when no job is left. */
void db_jobs_close(struct db_jobs *);

#endif
