/* Counters: as many as were recorded, whatever happens. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "store/counter.h"
#include "store/message.h"
#include "t/databases.h"
#include "t/shim-fs.h"
#include "t/test.h"

static struct db *
begin(void)
{
	database_fresh();
	return database_open(NULL);
}

/* --- what is there --------------------------------------------------------- */

struct sum {
	const char *name, *label; /* NULL: any */
	int64_t value;
	int rows;
};

static enum status
add_up(const char *name, const char *label, int64_t value, void *arg)
{
	struct sum *s = arg;

	if ((s->name == NULL || strcmp(name, s->name) == 0) &&
	    (s->label == NULL || strcmp(label, s->label) == 0)) {
		s->value += value;
		s->rows++;
	}
	return ST_OK;
}

static int64_t
counted(struct db *db, const char *name, const char *label)
{
	struct sum s = { .name = name, .label = label };

	CU_ASSERT_EQUAL(counter_list(db, add_up, &s), ST_OK);
	return s.value;
}

static enum status
rows_job(struct db *db, void *arg)
{
	struct db_rows *rows;
	enum status st;

	st = db_query(db, &rows, "SELECT count(*) FROM message", "");
	if (st == ST_OK && (st = db_next(rows)) == ST_OK)
		*(int64_t *)arg = db_int(rows, 0);
	db_done(rows);
	return st;
}

static int64_t
recorded(struct db *db)
{
	int64_t n = -1;

	CU_ASSERT_EQUAL(db_read(db, rows_job, &n), ST_OK);
	return n;
}

/* --- jobs ------------------------------------------------------------------- */

struct job {
	int number;
	const char *label;
	bool records; /* before it fails, too */
	bool first; /* counts before it records */
	enum status result;
};

static enum status
job_fn(struct db *db, void *arg)
{
	const struct job *j = arg;
	char sid[40];
	struct message_record r = { sid, "ai", NULL, clock_us(), NULL, false };
	enum status st = ST_OK;

	snprintf(sid, sizeof(sid), "SM%032d", j->number);
	if (j->first)
		st = counter_add(db, "messages", j->label);
	if (st == ST_OK && j->records)
		st = message_record(db, &r);
	if (st == ST_OK && !j->first)
		st = counter_add(db, "messages", j->label);
	return st == ST_OK ? j->result : st;
}

static void
test_add(void)
{
	struct db *db = begin();
	struct job good = { .label = "ai" },
		   bad = { .label = "ai", .result = ST_DENIED };
	struct job other = { .label = "human" };

	CU_ASSERT_EQUAL(db_write(db, job_fn, &good), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, job_fn, &bad), ST_DENIED);
	CU_ASSERT_EQUAL(db_write(db, job_fn, &good), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, job_fn, &other), ST_OK);
	CU_ASSERT_EQUAL(counted(db, "messages", "ai"), 2);
	CU_ASSERT_EQUAL(counted(db, "messages", "human"), 1);
	CU_ASSERT_EQUAL(counted(db, "other", NULL), 0);
	/* Outside of a writing job there is nothing to count. */
	CU_ASSERT_EQUAL(counter_add(db, "messages", "ai"), ST_UNSUPPORTED);
	CU_ASSERT_EQUAL(db_read(db, job_fn, &good), ST_UNSUPPORTED);
	db_close(db);
	db = database_open(NULL);
	CU_ASSERT_EQUAL(counted(db, NULL, NULL), 3);
	db_close(db);
}

/* Many labels in one job, and one that is long: there is room for all. */
static enum status
many_job(struct db *db, void *arg)
{
	enum status st = ST_OK;
	char label[100];
	int i;

	(void)arg;
	for (i = 0; i < 60 && st == ST_OK; i++) {
		snprintf(label, sizeof(label), "%d", i % 40);
		st = counter_add(db, "many", label);
	}
	memset(label, 'x', sizeof(label));
	label[sizeof(label) - 1] = '\0';
	return st == ST_OK ? counter_add(db, "many", label) : st;
}

static void
test_many(void)
{
	struct db *db = begin();
	struct sum s = { .name = "many" };

	CU_ASSERT_EQUAL(db_write(db, many_job, NULL), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, many_job, NULL), ST_OK);
	CU_ASSERT_EQUAL(counter_list(db, add_up, &s), ST_OK);
	CU_ASSERT_EQUAL(s.rows, 41);
	CU_ASSERT_EQUAL(s.value, 122);
	CU_ASSERT_EQUAL(counted(db, "many", "7"), 4);
	CU_ASSERT_EQUAL(counted(db, "many", "30"), 2);
	db_close(db);
}

/* --- commits that are shared -------------------------------------------------- */

#define CLIENTS 8
#define JOBS 150

struct client {
	struct db *db;
	pthread_t thread;
	int number;
	int64_t good;
};

/* Of all kinds: some fail, before or after they have written. */
static void *
client_main(void *arg)
{
	static const char *const labels[] = { "ai", "human", "unrouted" };
	struct client *c = arg;
	int i;

	for (i = 0; i < JOBS; i++) {
		struct job j = { .number = c->number * JOBS + i,
			.label = labels[i % 3],
			.records = i % 7 != 6,
			.first = i % 2 == 0,
			.result =
			    i % 7 == 6 || i % 31 == 30 ? ST_DENIED : ST_OK };

		c->good += db_write(c->db, job_fn, &j) == ST_OK;
	}
	return NULL;
}

static void
test_shared(void)
{
	struct db *db = begin();
	struct client clients[CLIENTS] = { 0 };
	struct db_counters n;
	int64_t good = 0;
	int i;

	for (i = 0; i < CLIENTS; i++) {
		clients[i].db = db;
		clients[i].number = i;
		CU_ASSERT_EQUAL(pthread_create(&clients[i].thread, NULL,
				    client_main, &clients[i]),
		    0);
	}
	for (i = 0; i < CLIENTS; i++) {
		pthread_join(clients[i].thread, NULL);
		good += clients[i].good;
	}
	CU_ASSERT(good > CLIENTS * JOBS / 2 && good < CLIENTS * JOBS);
	CU_ASSERT_EQUAL(counted(db, NULL, NULL), good);
	CU_ASSERT_EQUAL(recorded(db), good);
	db_counters(db, &n);
	CU_ASSERT(n.commits <= n.jobs);
	db_close(db);
}

/* --- faults ----------------------------------------------------------------------- */

/* As many as are recorded, when the n-th call of the system fails. */
static void
fail_at(int kinds, int64_t n, int error)
{
	struct db *db = begin();
	struct job j = { .label = "ai", .records = true };
	enum status st;

	for (j.number = 0; j.number < 3; j.number++)
		CU_ASSERT_EQUAL(db_write(db, job_fn, &j), ST_OK);
	shim_fail(kinds, n, 1, error);
	st = db_write(db, job_fn, &j);
	shim_reset();
	for (j.number = 4; j.number < 6; j.number++)
		CU_ASSERT_EQUAL(db_write(db, job_fn, &j), ST_OK);
	CU_ASSERT_EQUAL(counted(db, "messages", "ai"), recorded(db));
	if (st == ST_OK)
		CU_ASSERT_EQUAL(recorded(db), 6);
	if (st != ST_OK && st != ST_TIMEOUT)
		CU_ASSERT_EQUAL(recorded(db), 5);
	db_close(db);
}

static void
test_faults(void)
{
	int64_t n;

	for (n = 1; n <= 8; n++) {
		fail_at(SHIM_WRITE, n, ENOSPC);
		fail_at(SHIM_WRITE | SHIM_SYNC | SHIM_READ, n, EIO);
	}
}

/* Killed before the n-th call: both or neither. */
static void
test_kill(void)
{
	struct db *db;
	int64_t n;
	pid_t pid;
	int status;

	for (n = 1; n <= 25; n += 2) {
		db = begin();
		CU_ASSERT_EQUAL(recorded(db), 0);
		db_close(db);
		if ((pid = fork()) == 0) {
			struct job j = { .label = "ai", .records = true };

			db = database_open(NULL);
			shim.calls = 0;
			shim.kill_at = n;
			for (;; j.number++)
				db_write(db, job_fn, &j);
		}
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(WIFSIGNALED(status));
		db = database_open(NULL);
		CU_ASSERT_EQUAL(counted(db, "messages", "ai"), recorded(db));
		db_close(db);
	}
}

static const struct test tests[] = {
	{ "add", test_add },
	{ "many", test_many },
	{ "shared commits", test_shared },
	{ "faults", test_faults },
	{ "kill -9", test_kill },
};

int
main(void)
{
	int failed = 0;
	size_t i;

	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		failed |=
		    test_main(database_ways[i].name, tests, TEST_COUNT(tests));
	}
	return failed;
}
