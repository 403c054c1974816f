/* The engine's jobs: told instead of waited for, withdrawn, given up. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "db/db.h"
#include "db/db_jobs.h"
#include "t/databases.h"
#include "t/notes.h"
#include "t/shim-fs.h"
#include "t/test.h"

/* A job that is not waited for. */
struct told {
	struct db_job_entry entry;
	struct note note;
	char name[16];
	_Atomic int times;
	enum status st;
};

static void
tell(struct db_job_entry *j, enum status st)
{
	struct told *t = (struct told *)j;

	t->st = st;
	t->times++;
}

static void
submit(struct db *db, struct told *t, const char *name, enum status result)
{
	*t = (struct told){
		.entry = { .fn = note_job, .arg = &t->note, .told = tell },
		.note = { .result = result },
		.st = ST_IO,
	};
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->note.name = t->name;
	db_submit(db, &t->entry);
}

/* Two have the same name, and one in ten fails after it has written. */
static enum status
expected(size_t i)
{
	if (i % 10 == 0)
		return ST_DENIED;
	return i % 2 == 0 || i % 10 == 1 ? ST_OK : ST_EXISTS;
}

/* Each is told once, of its own result, and what waits at the end is done. */
static void
test_told(void)
{
	struct told all[300];
	struct db *db;
	char name[16];
	size_t i;

	database_fresh();
	db = database_open(&notes_schema);
	for (i = 0; i < TEST_COUNT(all); i++) {
		snprintf(name, sizeof(name), "n%zu", i / 2);
		submit(db, &all[i], name, i % 10 == 0 ? ST_DENIED : ST_OK);
		CU_ASSERT_TRUE(all[i].times == 1 || database_way()->threaded);
	}
	db_tick(db);
	CU_ASSERT_EQUAL(note_write(db, "waited for"), ST_OK);
	db_close(db);
	for (i = 0; i < TEST_COUNT(all); i++) {
		CU_ASSERT_EQUAL(all[i].times, 1);
		CU_ASSERT_EQUAL(all[i].st, expected(i));
	}
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 151);
	db_close(db);
}

static const struct test each_way[] = {
	{ "jobs that are told", test_told },
};

/* The queue of jobs with a leader who takes his time. */
struct asker {
	pthread_t thread;
	struct db_jobs *jobs;
	_Atomic int done;
	enum status st;
};

static enum status
no_job(struct db *db, void *arg)
{
	(void)db;
	(void)arg;
	return ST_OK;
}

static void *
ask(void *arg)
{
	struct asker *a = arg;
	struct db_job_entry j = { .fn = no_job, .result = ST_IO };

	a->st = db_jobs_submit(a->jobs, &j, 500000, 100000);
	a->done = 1;
	return NULL;
}

static void
ask_both(struct db_jobs *q, struct asker a[2])
{
	int i;

	CU_ASSERT_EQUAL(db_jobs_init(q), ST_OK);
	for (i = 0; i < 2; i++) {
		a[i] = (struct asker){ .jobs = q };
		pthread_create(&a[i].thread, NULL, ask, &a[i]);
	}
	db_jobs_gather(q, 2, 1000000);
}

static void
join_both(struct asker a[2])
{
	int i;

	for (i = 0; i < 2; i++)
		pthread_join(a[i].thread, NULL);
}

static void
test_withdrawn(void)
{
	struct asker a[2];
	struct db_jobs q;

	ask_both(&q, a);
	join_both(a);
	db_jobs_take(&q);
	CU_ASSERT_EQUAL(q.batch.n, 0);
	db_jobs_release(&q);
	CU_ASSERT_EQUAL(a[0].st, ST_BUSY);
	CU_ASSERT_EQUAL(a[1].st, ST_BUSY);
}

static void
test_running_is_waited_for(void)
{
	struct asker a[2];
	struct db_jobs q;
	size_t i;

	ask_both(&q, a);
	db_jobs_take(&q);
	CU_ASSERT_EQUAL_FATAL(q.batch.n, 2);
	usleep(800000);
	CU_ASSERT_EQUAL(a[0].done + a[1].done, 0);
	for (i = 0; i < 2; i++)
		q.batch.jobs[i]->result = ST_EXISTS;
	db_jobs_deliver(&q);
	join_both(a);
	db_jobs_release(&q);
	CU_ASSERT_EQUAL(a[0].st, ST_EXISTS);
	CU_ASSERT_EQUAL(a[1].st, ST_EXISTS);
}

static void
test_commit_is_given_up(void)
{
	struct asker a[2];
	struct db_jobs q;

	ask_both(&q, a);
	db_jobs_take(&q);
	db_jobs_commit(&q);
	join_both(a);
	/* Nobody is there any more to be told. */
	CU_ASSERT_PTR_NULL(q.batch.jobs[0]);
	CU_ASSERT_PTR_NULL(q.batch.jobs[1]);
	db_jobs_fail(&q, ST_IO);
	CU_ASSERT_EQUAL(db_jobs_deliver(&q), 0);
	db_jobs_release(&q);
	CU_ASSERT_EQUAL(a[0].st, ST_TIMEOUT);
	CU_ASSERT_EQUAL(a[1].st, ST_TIMEOUT);
}

/* Those who do not wait: each where it is overdue, and no other. */
static void
test_told_too_late(void)
{
	struct told t[3] = { 0 };
	struct db_jobs q;
	size_t i;

	CU_ASSERT_EQUAL(db_jobs_init(&q), ST_OK);
	for (i = 0; i < 3; i++)
		t[i].entry =
		    (struct db_job_entry){ .fn = no_job, .told = tell };
	db_jobs_add(&q, &t[0].entry, -100000);
	db_jobs_take(&q);
	db_jobs_add(&q, &t[1].entry, -1);
	db_jobs_add(&q, &t[2].entry, 5000000);
	/* The first runs, the last has time. */
	db_jobs_expire(&q, 50000);
	CU_ASSERT_EQUAL(t[0].times, 0);
	CU_ASSERT_EQUAL(t[1].times, 1);
	CU_ASSERT_EQUAL(t[1].st, ST_BUSY);
	CU_ASSERT_EQUAL(t[2].times, 0);
	db_jobs_commit(&q);
	db_jobs_expire(&q, 9000000);
	CU_ASSERT_EQUAL(t[0].times, 0);
	db_jobs_expire(&q, 50000);
	CU_ASSERT_EQUAL(t[0].times, 1);
	CU_ASSERT_EQUAL(t[0].st, ST_TIMEOUT);
	db_jobs_fail(&q, ST_IO);
	CU_ASSERT_EQUAL(db_jobs_deliver(&q), 1);
	db_jobs_take(&q);
	CU_ASSERT_EQUAL(q.batch.n, 1);
	db_jobs_fail(&q, ST_FULL);
	CU_ASSERT_EQUAL(db_jobs_deliver(&q), 1);
	CU_ASSERT_EQUAL(t[2].times, 1);
	CU_ASSERT_EQUAL(t[2].st, ST_FULL);
	CU_ASSERT_EQUAL(t[0].times + t[1].times, 2);
	db_jobs_release(&q);
}

static const struct test jobs[] = {
	{ "a job that does not begin is withdrawn", test_withdrawn },
	{ "a job that runs is waited for", test_running_is_waited_for },
	{ "a commit that does not end is given up", test_commit_is_given_up },
	{ "who does not wait is told in time", test_told_too_late },
};

int
main(void)
{
	int bad = 0;
	size_t i;

	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |= test_main(
		    database_ways[i].name, each_way, TEST_COUNT(each_way));
	}
	return bad | test_main("jobs", jobs, TEST_COUNT(jobs));
}
