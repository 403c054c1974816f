/* Running jobs: which share a commit, and what becomes of each. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "base/clock.h"
#include "db/db_impl.h"
#include "db/db_reserve.h"

/*
 * A job whose turn has not come by then is withdrawn (the caller says when);
 * one whose commit has not ended so much later is given up. Twilio waits 15 s.
 */
#define COMMIT_US 4000000

/* Between tries to open a file that has not been open yet. */
#define OPEN_PAUSE_US 1000000

/* The store thread looks up from waiting for the lock. */
#define LOCK_SLICE_US 100000

/*
 * Pages in the log before it is copied into the database. A process that
 * comes and goes alone reads the whole log each time it opens, so it keeps
 * it short.
 */
#define CHECKPOINT_PAGES 4000
#define CHECKPOINT_PAGES_ALONE 64

/* One commit in so many is followed by a bite of upkeep, and one a minute, and
 * the first after the clock was set. */
#define CHORE_RATE 128
#define CHORE_US 60000000
#define CHORE_STEP_US 1000000
#define CHORE_RATE_ALONE 16

/*
 * While several clients ask, those that were just answered come again soon.
 * Waiting for them a fraction of what a commit takes makes larger batches.
 */
#define GATHER_FRACTION 4
#define GATHER_MAX_US 1000

static enum status
run_job(struct db *db, struct db_job_entry *j)
{
	uintptr_t self = (uintptr_t)pthread_self();
	enum status st;

	atomic_store_explicit(&db->write_thread, self, memory_order_relaxed);
	st = j->fn(db, j->arg);
	atomic_store_explicit(&db->write_thread, 0, memory_order_relaxed);
	st = db_end_job(db, db->writer, st);
	db_sums_end_job(&db->sums, st == ST_OK);
	return st;
}

/*
 * The files are not those that were opened. What this process has acknowledged
 * is copied out of the log as long as nobody else can have changed it: into
 * the database, or, where that is gone, into the file that is still open.
 */
static enum status
refuse_changed(struct db *db, enum db_change change)
{
	struct buf why = BUF_INIT;

	if (db->change == DB_SAME && change != DB_OVERWRITTEN &&
	    change != DB_LOG_REPLACED && change != DB_LOG_CUT)
		db_conn_checkpoint(db->writer, true);
	db->change = change;
	db_change_explain(change, &why);
	db_note_fault(db, ST_UNAVAILABLE, buf_str(&why));
	buf_release(&why);
	return ST_UNAVAILABLE;
}

static enum status
begin(struct db *db)
{
	enum status st = db_conn_begin(db->writer, true);
	enum db_change change =
	    db_file_compare(&db->file, db->writer, st == ST_OK);

	db_sums_reset(&db->sums);
	if (change == DB_SAME) {
		db->change = change;
		return st;
	}
	db_conn_rollback(db->writer);
	return refuse_changed(db, change);
}

static enum status
sums_job(struct db *db, void *arg)
{
	(void)arg;
	return db_sums_write(&db->sums, db, db->file.schema->sum);
}

/* What the jobs have added up belongs to what they have recorded. */
static enum status
write_sums(struct db *db)
{
	struct db_job_entry j = { .fn = sums_job };

	return db->sums.all_n == 0 ? ST_OK : run_job(db, &j);
}

static void
note_result(struct db *db)
{
	const char *why;
	enum status st;

	if (db->change != DB_SAME)
		return; /* which is told already */
	if ((st = db_conn_fault(db->writer, &why)) != ST_OK)
		db_note_fault(db, st, why);
	else
		db_note_success(db);
}

/*
 * A log that was copied begins again by itself, in its old place, which is
 * faster to sync than an empty one; but only a process that stays knows that
 * it was copied.
 */
static void
checkpoint(struct db *db, bool empty)
{
	enum status st;

	st = db_conn_checkpoint(db->writer, empty);
	if (st == ST_OK && empty)
		db->unsettled = false;
	else if (st != ST_OK && st != ST_BUSY)
		note_result(db);
	atomic_fetch_add_explicit(
	    &db->counters.checkpoints, 1, memory_order_relaxed);
}

/* The present transaction. The log's pages have a place in the file before
 * they count: a full disk shall not keep it from being copied. */
static enum status
commit(struct db *db)
{
	enum status st = ST_OK;

	if (db->file.journal == DB_WAL)
		st = db_conn_allocate(db->writer);
	if (st == ST_OK)
		return db_conn_commit(db->writer);
	db_conn_rollback(db->writer);
	return st;
}

static enum status
run_alone(struct db *db, struct db_job_entry *j)
{
	enum status st;

	if ((st = begin(db)) != ST_OK)
		return st;
	if ((st = run_job(db, j)) == ST_OK && (st = write_sums(db)) == ST_OK)
		return commit(db);
	db_conn_rollback(db->writer);
	return st;
}

/*
 * On a full disk: the log, copied into the file, begins again in its old
 * place, which often is enough; then there is the reserve, for those who make
 * room. What they leave of it is taken back (upkeep).
 */
static enum status
run_somehow(struct db *db, struct db_job_entry *j)
{
	enum status st = run_alone(db, j);

	if (st == ST_FULL) {
		checkpoint(db, false);
		st = run_alone(db, j);
	}
	if (st == ST_FULL && j->reserved &&
	    db_reserve_release(db->file.reserve))
		st = run_alone(db, j);
	return st;
}

/*
 * All of the batch in the present transaction. False: one failed after it had
 * written, or the database did; then all is undone, with the work of its
 * neighbours.
 */
static bool
run_together(struct db *db)
{
	struct db_batch *b = &db->jobs.batch;
	struct db_numbers before, after;
	enum status st;
	size_t i;

	for (i = 0; i < b->n; i++) {
		db_conn_numbers(db->writer, &before);
		st = run_job(db, b->jobs[i]);
		b->jobs[i]->result = st;
		db_conn_numbers(db->writer, &after);
		if (db_conn_trouble(db->writer) != ST_OK ||
		    (st != ST_OK &&
			after.total_changes != before.total_changes)) {
			db_conn_rollback(db->writer);
			return false;
		}
	}
	return true;
}

static void
run_each(struct db *db)
{
	struct db_batch *b = &db->jobs.batch;
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->jobs[i] != NULL)
			b->jobs[i]->result = run_somehow(db, b->jobs[i]);
}

static void
run_batch(struct db *db)
{
	enum status st;

	if ((st = begin(db)) != ST_OK) {
		db_jobs_fail(&db->jobs, st);
		return;
	}
	if (!run_together(db)) {
		if (db->jobs.batch.n > 1 ||
		    db->jobs.batch.jobs[0]->result == ST_FULL)
			run_each(db);
		return;
	}
	if ((st = write_sums(db)) != ST_OK) {
		db_conn_rollback(db->writer);
		db_jobs_fail(&db->jobs, st);
		return;
	}
	db_jobs_commit(&db->jobs);
	/* Failures are void as well: "it is there already" may have been said
	 * of a neighbour's row that is not there now. */
	if ((st = commit(db)) == ST_FULL) {
		db_jobs_again(&db->jobs);
		run_each(db);
	} else if (st != ST_OK) {
		db_jobs_fail(&db->jobs, st);
	}
}

/*
 * Close both connections: what SQLite remembers of locks belongs to the
 * process, and is forgotten with its last connection.
 */
static void
close_connections(struct db *db)
{
	pthread_mutex_lock(&db->reading);
	db_conn_close(db->reader);
	db->reader = NULL;
	pthread_mutex_unlock(&db->reading);
	db_conn_close(db->writer);
	db->writer = NULL;
}

/* It could not be opened. What was open before is tried at once. */
static void
refuse(struct db *db, enum status st, const char *why)
{
	db_note_fault(db, st, why);
	if (db->opened)
		return;
	db->refused = st;
	db->refused_us = clock_mono_us();
}

/* A connection that can be used; the lock is held. */
static enum status
renew_writer(struct db *db)
{
	struct buf why = BUF_INIT;
	enum status st;

	if (db->writer != NULL && db_conn_stale(db->writer))
		close_connections(db);
	if (db->writer != NULL)
		return ST_OK;
	st = db_file_writer(&db->file, &db->writer, &why);
	if (st != ST_OK)
		refuse(db, st, buf_str(&why));
	/*
	 * What the log holds may never have been synced: who wrote it was told
	 * that the sync failed. Its copy is synced.
	 */
	if (st == ST_OK && (db->opened || db->threaded))
		checkpoint(db, !db->threaded);
	if (st == ST_OK)
		db->opened = true;
	buf_release(&why);
	return st;
}

/* Run what is in the batch; the lock is held. */
static void
lead(struct db *db)
{
	enum status st;

	atomic_fetch_add_explicit(&db->counters.jobs, (int64_t)db->jobs.batch.n,
	    memory_order_relaxed);
	atomic_fetch_add_explicit(
	    &db->counters.commits, 1, memory_order_relaxed);
	if ((st = renew_writer(db)) != ST_OK) {
		db_jobs_fail(&db->jobs, st);
		return;
	}
	db->unsettled = true;
	run_batch(db);
	note_result(db);
}

static bool
chore_due(struct db *db)
{
	int64_t now = clock_mono_us(), offset = clock_us() - now;
	bool due = atomic_load(&db->counters.commits) % CHORE_RATE == 0 ||
	    now - db->chore_us > CHORE_US ||
	    llabs(offset - db->chore_offset) > CHORE_STEP_US;

	/* A process that commits once has no count: one in so many does it. */
	if (!db->threaded)
		return clock_us() % CHORE_RATE_ALONE == 0;
	if (due) {
		db->chore_us = now;
		db->chore_offset = offset;
	}
	return due;
}

/* What the holder of the lock owes the others; the results are out. */
static void
upkeep(struct db *db)
{
	struct db_job_entry chore = { .fn = db->file.schema->chore,
		.arg = (void *)db->file.upkeep };
	struct db_numbers n;
	int64_t pages;

	if (db->writer == NULL || db->change != DB_SAME)
		return;
	if (!db->brief)
		db_reserve_make(db->file.reserve);
	if (chore.fn != NULL && chore_due(db))
		run_alone(db, &chore);
	db_conn_numbers(db->writer, &n);
	pages = n.wal_pages;
	if (pages < db->checkpointed)
		db->checkpointed = 0; /* the log has started over */
	if (pages - db->checkpointed <
	    (db->threaded ? CHECKPOINT_PAGES : CHECKPOINT_PAGES_ALONE))
		return;
	db->checkpointed = pages;
	checkpoint(db, !db->threaded);
}

/* Opened late: now is when the file's place is looked up. */
static enum status
find_file(struct db *db)
{
	struct buf why = BUF_INIT;
	enum status st;

	if (!db->opened && db->refused != ST_OK &&
	    clock_mono_us() - db->refused_us < OPEN_PAUSE_US)
		return db->refused;
	if (db->late.path == NULL)
		return ST_OK;
	st = db_file_init(&db->file, &db->late, &why);
	if (st == ST_OK)
		db->late.path = NULL;
	else
		refuse(db, st, buf_str(&why));
	buf_release(&why);
	return st;
}

/* One round of the store thread; tells how many clients ask. */
static size_t
round_of(struct db *db, int64_t *took_us)
{
	int64_t start;
	enum status st;
	size_t asking;

	if ((st = find_file(db)) == ST_OK) {
		st = db_lock_take(
		    &db->file.lock, clock_mono_us() + LOCK_SLICE_US);
		/* A job that has waited too long withdraws itself. */
		if (st == ST_BUSY && !quit_due(db->file.lock.quit))
			return 0;
	}
	start = clock_mono_us();
	db_jobs_take(&db->jobs);
	if (st == ST_OK)
		lead(db);
	else
		db_jobs_fail(&db->jobs, st);
	*took_us = clock_mono_us() - start;
	asking = db_jobs_deliver(&db->jobs);
	if (st == ST_OK) {
		upkeep(db);
		db_lock_drop(&db->file.lock);
	}
	return asking;
}

static void *
store_thread(void *arg)
{
	struct db *db = arg;
	int64_t took_us = 0, span;
	size_t asking = 0;
	enum db_jobs_news news;

	/* Some tens of microseconds matter in the waits below. */
	prctl(PR_SET_TIMERSLACK, 1000);
	for (;;) {
		news = db_jobs_await(
		    &db->jobs, db->unsettled ? db->idle_us : INT64_MAX);
		if (news == DB_JOBS_END)
			break;
		if (news == DB_JOBS_IDLE) {
			db_commit_settle(db, true, 0);
			continue;
		}
		span = took_us / GATHER_FRACTION;
		if (asking > 1)
			db_jobs_gather(&db->jobs,
			    asking > DB_BATCH_MAX ? DB_BATCH_MAX : asking,
			    span > GATHER_MAX_US ? GATHER_MAX_US : span);
		asking = round_of(db, &took_us);
	}
	return NULL;
}

static enum status
commit_here(struct db *db, struct db_job_entry *j, int64_t turn_us, bool looks)
{
	enum status st;

	pthread_mutex_lock(&db->writing);
	if ((st = find_file(db)) == ST_OK)
		st = db_lock_take(&db->file.lock, clock_mono_us() + turn_us);
	if (st == ST_OK) {
		db->jobs.batch.jobs[0] = j;
		db->jobs.batch.n = 1;
		lead(db);
		st = j->result;
		db->jobs.batch.n = 0;
		if (!looks)
			upkeep(db);
		db_lock_drop(&db->file.lock);
	}
	pthread_mutex_unlock(&db->writing);
	return st;
}

enum status
db_commit(struct db *db, db_job *fn, void *arg, int64_t turn_us, bool reserved)
{
	struct db_job_entry j = {
		.fn = fn, .arg = arg, .reserved = reserved, .result = ST_IO
	};

	if (db->threaded)
		return db_jobs_submit(&db->jobs, &j, turn_us, COMMIT_US);
	return commit_here(db, &j, turn_us, false);
}

void
db_commit_later(struct db *db, struct db_job_entry *j, int64_t turn_us)
{
	j->result = ST_IO;
	if (db->threaded)
		db_jobs_add(&db->jobs, j, turn_us);
	else
		j->told(j, commit_here(db, j, turn_us, false));
}

void
db_commit_expire(struct db *db)
{
	db_jobs_expire(&db->jobs, COMMIT_US);
}

enum status
db_look(struct db *db, db_job *fn, void *arg, int64_t turn_us)
{
	struct db_job_entry j = { .fn = fn, .arg = arg, .result = ST_IO };

	if (db->threaded)
		return db_jobs_submit(&db->jobs, &j, turn_us, COMMIT_US);
	return commit_here(db, &j, turn_us, true);
}

void
db_commit_settle(struct db *db, bool empty, int64_t wait_us)
{
	if (db_lock_take(&db->file.lock, clock_mono_us() + wait_us) != ST_OK)
		return;
	if (db->writer != NULL &&
	    db_file_compare(&db->file, db->writer, false) == DB_SAME)
		checkpoint(db, empty);
	db_lock_drop(&db->file.lock);
}

enum status
db_commit_start(struct db *db)
{
	if (pthread_create(&db->thread, NULL, store_thread, db) != 0)
		return ST_NOMEM;
	db->threaded = true;
	return ST_OK;
}

void
db_commit_stop(struct db *db)
{
	if (!db->threaded)
		return;
	db_jobs_close(&db->jobs);
	pthread_join(db->thread, NULL);
	db->threaded = false;
}
