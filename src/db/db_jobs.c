#include "db/db_jobs.h"

#include <time.h>

#include "base/clock.h"
#include "base/cond.h"
#include "db/db_wait.h"

enum status
db_jobs_init(struct db_jobs *q)
{
	pthread_condattr_t monotonic;
	enum status st = ST_NOMEM;

	*q = (struct db_jobs){ 0 };
	TAILQ_INIT(&q->waiting);
	if (pthread_condattr_init(&monotonic) != 0)
		return st;
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	if (pthread_mutex_init(&q->mutex, NULL) == 0) {
		if (pthread_cond_init(&q->arrived, &monotonic) == 0)
			st = ST_OK;
		else
			pthread_mutex_destroy(&q->mutex);
	}
	pthread_condattr_destroy(&monotonic);
	return st;
}

void
db_jobs_release(struct db_jobs *q)
{
	pthread_cond_destroy(&q->arrived);
	pthread_mutex_destroy(&q->mutex);
}

void
db_jobs_add(struct db_jobs *q, struct db_job_entry *j, int64_t turn_us)
{
	j->turn_us = clock_mono_us() + turn_us;
	pthread_mutex_lock(&q->mutex);
	TAILQ_INSERT_TAIL(&q->waiting, j, link);
	q->waiting_n++;
	if (q->wanted > 0 && q->waiting_n >= q->wanted) {
		q->wanted = 0;
		/* Not later: once the job is in the queue it may be done, and
		 * the queue closed, at any time. */
		pthread_cond_signal(&q->arrived);
	}
	pthread_mutex_unlock(&q->mutex);
}

static void
withdraw(struct db_jobs *q, struct db_job_entry *j)
{
	TAILQ_REMOVE(&q->waiting, j, link);
	q->waiting_n--;
	j->result = ST_BUSY;
}

/* The leader must not touch it any more: its memory goes with its caller. */
static void
give_up(struct db_jobs *q, struct db_job_entry *j)
{
	size_t i;

	for (i = 0; i < q->batch.n; i++)
		if (q->batch.jobs[i] == j)
			q->batch.jobs[i] = NULL;
	j->result = ST_TIMEOUT;
}

/* Too late; unless it has got on meanwhile, the job is taken back. */
static bool
leave(struct db_jobs *q, struct db_job_entry *j, enum db_job_state seen)
{
	bool same;

	pthread_mutex_lock(&q->mutex);
	same = atomic_load(&j->state) == seen;
	if (same && seen == DB_JOB_WAITS)
		withdraw(q, j);
	if (same && seen == DB_JOB_COMMITS)
		give_up(q, j);
	pthread_mutex_unlock(&q->mutex);
	return same;
}

/* Until when a job may stay in a state. */
static int64_t
until(enum db_job_state state, int64_t turn, int64_t commit_us)
{
	switch (state) {
	case DB_JOB_WAITS:
		return turn;
	case DB_JOB_COMMITS:
		return turn + commit_us;
	case DB_JOB_RUNS: /* it uses its caller's memory */
	case DB_JOB_DONE:
		break;
	}
	return INT64_MAX;
}

enum status
db_jobs_submit(struct db_jobs *q, struct db_job_entry *j, int64_t turn_us,
    int64_t commit_us)
{
	enum db_job_state state;
	int64_t end;

	db_jobs_add(q, j, turn_us);
	while ((state = atomic_load(&j->state)) != DB_JOB_DONE) {
		end = until(state, j->turn_us, commit_us);
		db_wait(&j->state, state, end);
		if (end != INT64_MAX && clock_mono_us() >= end &&
		    leave(q, j, state))
			break;
	}
	return j->result;
}

static bool
is_overdue(const struct db_job_entry *j, int64_t now, int64_t commit_us)
{
	return j != NULL && j->told != NULL &&
	    now >= until(atomic_load(&j->state), j->turn_us, commit_us);
}

void
db_jobs_expire(struct db_jobs *q, int64_t commit_us)
{
	struct db_job_list over = TAILQ_HEAD_INITIALIZER(over);
	struct db_job_entry *j, *next;
	int64_t now = clock_mono_us();

	pthread_mutex_lock(&q->mutex);
	for (j = TAILQ_FIRST(&q->waiting); j != NULL; j = next) {
		next = TAILQ_NEXT(j, link);
		if (!is_overdue(j, now, commit_us))
			continue;
		withdraw(q, j);
		TAILQ_INSERT_TAIL(&over, j, link);
	}
	for (size_t i = 0; i < q->batch.n; i++) {
		j = q->batch.jobs[i];
		if (!is_overdue(j, now, commit_us))
			continue;
		give_up(q, j);
		TAILQ_INSERT_TAIL(&over, j, link);
	}
	pthread_mutex_unlock(&q->mutex);
	while ((j = TAILQ_FIRST(&over)) != NULL) {
		TAILQ_REMOVE(&over, j, link);
		j->told(j, j->result);
	}
}

enum db_jobs_news
db_jobs_await(struct db_jobs *q, int64_t idle_us)
{
	enum db_jobs_news news = DB_JOBS_SOME;
	int64_t end =
	    idle_us == INT64_MAX ? INT64_MAX : clock_mono_us() + idle_us;

	pthread_mutex_lock(&q->mutex);
	while (q->waiting_n == 0 && !q->closing && news == DB_JOBS_SOME) {
		q->wanted = 1;
		if (!cond_wait(&q->arrived, &q->mutex, end))
			news = DB_JOBS_IDLE;
	}
	q->wanted = 0;
	if (q->waiting_n > 0)
		news = DB_JOBS_SOME;
	else if (q->closing)
		news = DB_JOBS_END;
	pthread_mutex_unlock(&q->mutex);
	return news;
}

void
db_jobs_gather(struct db_jobs *q, size_t n, int64_t span_us)
{
	int64_t end = clock_mono_us() + span_us;
	struct timespec t = { end / 1000000, end % 1000000 * 1000 };

	pthread_mutex_lock(&q->mutex);
	while (q->waiting_n < n && !q->closing) {
		q->wanted = n;
		if (pthread_cond_timedwait(&q->arrived, &q->mutex, &t) != 0)
			break;
	}
	q->wanted = 0;
	pthread_mutex_unlock(&q->mutex);
}

void
db_jobs_take(struct db_jobs *q)
{
	struct db_batch *b = &q->batch;
	struct db_job_entry *j;

	pthread_mutex_lock(&q->mutex);
	for (b->n = 0; b->n < DB_BATCH_MAX; b->n++) {
		if ((j = TAILQ_FIRST(&q->waiting)) == NULL)
			break;
		TAILQ_REMOVE(&q->waiting, j, link);
		q->waiting_n--;
		atomic_store(&j->state, DB_JOB_RUNS);
		b->jobs[b->n] = j;
	}
	pthread_mutex_unlock(&q->mutex);
}

/* Set what is not NULL of result and state. */
static void
set_all(struct db_jobs *q, const enum status *result, enum db_job_state state)
{
	struct db_job_entry *j;
	size_t i;

	pthread_mutex_lock(&q->mutex);
	for (i = 0; i < q->batch.n; i++) {
		if ((j = q->batch.jobs[i]) == NULL)
			continue;
		if (result != NULL)
			j->result = *result;
		else
			atomic_store(&j->state, state);
	}
	pthread_mutex_unlock(&q->mutex);
}

void
db_jobs_commit(struct db_jobs *q)
{
	set_all(q, NULL, DB_JOB_COMMITS);
}

void
db_jobs_again(struct db_jobs *q)
{
	set_all(q, NULL, DB_JOB_RUNS);
}

void
db_jobs_fail(struct db_jobs *q, enum status st)
{
	set_all(q, &st, DB_JOB_DONE);
}

size_t
db_jobs_deliver(struct db_jobs *q)
{
	_Atomic uint32_t *words[DB_BATCH_MAX];
	struct db_job_entry *told[DB_BATCH_MAX], *j;
	size_t i, n = 0, told_n = 0, asking;

	pthread_mutex_lock(&q->mutex);
	for (i = 0; i < q->batch.n; i++) {
		if ((j = q->batch.jobs[i]) == NULL)
			continue;
		if (j->told != NULL)
			told[told_n++] = j;
		else
			words[n++] = &j->state;
		atomic_store(&j->state, DB_JOB_DONE);
	}
	q->batch.n = 0;
	asking = n + told_n + q->waiting_n;
	pthread_mutex_unlock(&q->mutex);
	for (i = 0; i < n; i++)
		db_wake(words[i]);
	for (i = 0; i < told_n; i++)
		told[i]->told(told[i], told[i]->result);
	return asking;
}

void
db_jobs_close(struct db_jobs *q)
{
	pthread_mutex_lock(&q->mutex);
	q->closing = true;
	pthread_mutex_unlock(&q->mutex);
	pthread_cond_signal(&q->arrived);
}
