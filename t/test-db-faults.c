/*
 * The engine under faults: what was acknowledged is there once, what was
 * refused is not there, and it works again when the fault has passed.
 *
 * SWITCHHOOK_KILL_ROUNDS: how many rounds of kill -9 (default 40).
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "message/backends.h"
#include "store/message.h"
#include "store/queue.h"
#include "t/databases.h"
#include "t/notes.h"
#include "t/shim-fs.h"
#include "t/test.h"

static struct db *
begin(void)
{
	struct db *db;

	shim_reset();
	database_fresh();
	db = database_open(&notes_schema);
	CU_ASSERT_EQUAL(note_write(db, "first"), ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, NULL), 1);
	return db;
}

/* It works again at once, and nothing of the file has suffered. */
static void
check_well(struct db *db, const char *name)
{
	struct buf why = BUF_INIT;

	shim_reset();
	CU_ASSERT_EQUAL(note_write(db, name), ST_OK);
	CU_ASSERT_EQUAL(notes_count(db, name), 1);
	CU_ASSERT(db_ready(db, &why));
	CU_ASSERT(notes_sound(db));
	buf_release(&why);
}

/* As acknowledged, so recorded; asked of db and of a new handle. */
static void
check_kept(struct db *db, const char *name, enum status st)
{
	struct db *other = database_open(&notes_schema);
	int64_t n = notes_count(db, name);

	CU_ASSERT_EQUAL(notes_count(other, name), n);
	if (st == ST_OK)
		CU_ASSERT_EQUAL(n, 1)
	else if (st == ST_TIMEOUT)
		CU_ASSERT(n == 0 || n == 1)
	else
		CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(notes_count(db, "first"), 1);
	db_close(other);
}

/*
 * Every single call fails in turn, for so many calls; until one run meets no
 * fault any more.
 */
static void
sweep(int kinds, int64_t n, int error, int64_t least)
{
	struct db *db = begin();
	int64_t from, faults = 1;
	char name[32], after[32];
	enum status st;

	for (from = 1; faults > 0 && from < 500; from++) {
		snprintf(name, sizeof(name), "n%d", (int)from);
		snprintf(after, sizeof(after), "after%d", (int)from);
		shim_fail(kinds, from, n, error);
		st = note_write(db, name);
		faults = shim.faults;
		shim_reset();
		check_kept(db, name, st);
		check_well(db, after);
		check_kept(db, name, st);
	}
	CU_ASSERT(from > least);
	db_close(db);
}

static void
test_each_sync_fails(void)
{
	sweep(SHIM_SYNC, 1, EIO, 1);
}

static void
test_each_write_fails(void)
{
	sweep(SHIM_WRITE, 1, EIO, 2);
	sweep(SHIM_WRITE, 1, ENOSPC, 2);
}

/* The pages of a commit go into the log together. */
static void
test_few_writes(void)
{
	struct db *db = begin();

	shim_fail(SHIM_WRITE, 0, 0, 0);
	CU_ASSERT_EQUAL(note_write(db, "n"), ST_OK);
	if (database_way()->journal == DB_WAL)
		CU_ASSERT_EQUAL(shim.calls, 1)
	else
		CU_ASSERT(shim.calls > 1);
	check_kept(db, "n", ST_OK);
	db_close(db);
}

/* So many make more pages than the cache has room for. */
#define MANY 4000

static enum status
many_job(struct db *db, void *arg)
{
	struct note n = { .name = arg };
	char name[32];
	enum status st = note_job(db, &n);

	n.name = name;
	for (; st == ST_OK && n.number < MANY; n.number++) {
		snprintf(
		    name, sizeof(name), "%s-%d", (char *)arg, (int)n.number);
		st = note_job(db, &n);
	}
	return st;
}

/* What reaches the log before its commit is read from there, and does not
 * count when a write fails, whichever it is. */
static void
test_large_commit(void)
{
	struct db *db = begin();
	int64_t n = notes_count(db, NULL), from, faults = 1;
	char name[32];
	enum status st;

	for (from = 1; faults > 0 && from < 100000; from *= 3) {
		snprintf(name, sizeof(name), "large%d", (int)from);
		shim_fail(SHIM_WRITE, from, 1, ENOSPC);
		st = db_write(db, many_job, name);
		faults = shim.faults;
		shim_reset();
		CU_ASSERT(st == ST_OK || st == ST_FULL || st == ST_TIMEOUT);
		check_kept(db, name, st);
		n += notes_count(db, name) == 1 ? MANY + 1 : 0;
		CU_ASSERT_EQUAL(notes_count(db, NULL), n);
	}
	CU_ASSERT_EQUAL(st, ST_OK);
	check_well(db, "after");
	db_close(db);
}

static void
test_each_unlock_fails(void)
{
	sweep(SHIM_UNLOCK, 1, EIO, 1);
}

static void
test_each_lock_fails(void)
{
	sweep(SHIM_LOCK, 1, EIO, 1);
}

/* Nothing of the disk works from some call on, until it all does. */
static void
test_all_calls_fail_from(void)
{
	sweep(SHIM_SYNC | SHIM_WRITE | SHIM_READ, INT64_MAX, EIO, 3);
}

/* Reads fail where the cache does not help: in a new handle. */
static void
test_each_read_fails(void)
{
	int64_t from, faults = 1, n;
	struct db *db = begin();
	struct buf why = BUF_INIT;
	enum status st;

	db_close(db);
	for (from = 1; faults > 0 && from < 500; from++) {
		shim_fail(SHIM_READ, from, 1, EIO);
		st = database_try(&db, &notes_schema, &why);
		n = st == ST_OK ? notes_count(db, "first") : -1;
		faults = shim.faults;
		shim_reset();
		CU_ASSERT(n == 1 || (faults > 0 && n == -1));
		if (st != ST_OK) {
			CU_ASSERT(why.len > 0);
			db = database_open(&notes_schema);
		}
		buf_reset(&why);
		CU_ASSERT_EQUAL(notes_count(db, "first"), 1);
		CU_ASSERT_NOT_EQUAL(note_write(db, "later"), ST_IO);
		db_close(db);
	}
	CU_ASSERT(from > 3);
	buf_release(&why);
}

static void
test_disk_full(void)
{
	struct buf why = BUF_INIT;
	struct db *db = begin();
	enum status st[2000];
	char name[32];
	int i, full = 0;

	shim.space = 150000;
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		st[i] = note_write(db, name);
		full += st[i] == ST_FULL;
		CU_ASSERT(st[i] == ST_OK || st[i] == ST_FULL);
	}
	CU_ASSERT(full > 0 && full < 2000);
	shim.space = 100000;
	CU_ASSERT(!db_ready(db, &why));
	CU_ASSERT_STRING_EQUAL(buf_str(&why), "the disk is full");
	shim_reset();
	for (i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		CU_ASSERT_EQUAL(notes_count(db, name), st[i] == ST_OK ? 1 : 0);
	}
	check_well(db, "after");
	db_close(db);
	buf_release(&why);
}

/* A disk that is too slow: the caller is told that nobody knows. */
static void
test_stalled_commit(void)
{
	struct db *db;
	enum status st;
	int64_t start, took;

	if (!database_way()->threaded || database_way()->journal != DB_WAL)
		return;
	db = begin();
	shim.sync_delay_us = 14000000;
	start = clock_mono_us();
	st = note_write(db, "stalled");
	took = clock_mono_us() - start;
	CU_ASSERT_EQUAL(st, ST_TIMEOUT);
	CU_ASSERT(took > 11000000 && took < 13500000);
	shim_reset();
	/* It was only slow. */
	CU_ASSERT_EQUAL(note_write(db, "stalled"), ST_EXISTS);
	check_well(db, "after");
	db_close(db);
}

/* Another process. */
static pid_t
child(int (*fn)(void *), void *arg)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn(arg));
	if (pid < 0) {
		perror("fork"); /* and to kill -1 would be to kill all */
		exit(99);
	}
	return pid;
}

static enum status
stop_job(struct db *db, void *arg)
{
	enum status st = note_job(db, arg);

	raise(SIGSTOP);
	return st;
}

static int
stop_in_a_job(void *arg)
{
	struct note n = { .name = "of the stopped" };

	(void)arg;
	return db_write(database_open(&notes_schema), stop_job, &n) == ST_OK
	    ? 0
	    : 1;
}

struct timed {
	pthread_t thread;
	struct db *db;
	const char *name;
	enum status st;
	int64_t took_us;
};

static void *
timed_write(void *arg)
{
	struct timed *t = arg;
	int64_t start = clock_mono_us();

	t->st = note_write(t->db, t->name);
	t->took_us = clock_mono_us() - start;
	return NULL;
}

/* One of each kind waits for a lock whose holder has been stopped. */
static void
test_stopped_holder(void)
{
	static const struct database_way alone = { "", DB_WAL, false };
	const struct database_way *way = database_way();
	struct timed t[2] = { { .name = "threaded" }, { .name = "alone" } };
	struct buf why = BUF_INIT;
	int status, i;
	pid_t pid;

	if (!way->threaded || way->journal != DB_WAL)
		return;
	database_fresh();
	database_use(&alone);
	pid = child(stop_in_a_job, NULL);
	CU_ASSERT_EQUAL(waitpid(pid, &status, WUNTRACED), pid);
	CU_ASSERT_FATAL(WIFSTOPPED(status));
	t[1].db = database_open(&notes_schema);
	database_use(way);
	t[0].db = database_open(&notes_schema);
	for (i = 0; i < 2; i++)
		pthread_create(&t[i].thread, NULL, timed_write, &t[i]);
	CU_ASSERT(!db_ready(t[0].db, &why));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "lock"));
	/* Who only looks need not wait. */
	CU_ASSERT_EQUAL(notes_count(t[0].db, NULL), 0);
	for (i = 0; i < 2; i++) {
		pthread_join(t[i].thread, NULL);
		CU_ASSERT_EQUAL(t[i].st, ST_BUSY);
		CU_ASSERT(t[i].took_us > 7000000 && t[i].took_us < 9500000);
	}
	kill(pid, SIGCONT);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_EQUAL(status, 0);
	for (i = 0; i < 2; i++)
		check_well(t[i].db, i == 0 ? "after" : "after that");
	/* What was refused has not come after all. */
	CU_ASSERT_EQUAL(notes_count(t[0].db, NULL), 3);
	for (i = 0; i < 2; i++)
		db_close(t[i].db);
	buf_release(&why);
}

/* Messages, as the product stores them: a record and a queue item. */
#define SLOTS 4096

struct ledger {
	_Atomic int next;
	_Atomic int round; /* names differ by round */
	_Atomic unsigned char asked[SLOTS], acked[SLOTS];
};

struct sender {
	struct ledger *ledger;
	struct db *db;
	struct queue *queue;
	char sid[40];
	int limit;
};

static enum status
message_job(struct db *db, void *arg)
{
	struct sender *s = arg;
	struct message_record r = { s->sid, "ai", NULL, clock_us(), NULL,
		false };
	struct queue_message m = { .body = s->sid, .len = strlen(s->sid) };
	enum status st;

	if ((st = message_record(db, &r)) != ST_OK)
		return st;
	return s->queue->ops->push(s->queue, &m);
}

static void *
send_messages(void *arg)
{
	struct sender s = *(struct sender *)arg;
	int n;

	while ((n = s.ledger->next++) < s.limit) {
		snprintf(s.sid, sizeof(s.sid), "SM-%d-%d", s.ledger->round, n);
		s.ledger->asked[n] = 1;
		if (db_write(s.db, message_job, &s) == ST_OK)
			s.ledger->acked[n] = 1;
	}
	return NULL;
}

static struct queue *
queue_of(struct db *db)
{
	const struct backends b = { .db = db };
	struct buf why = BUF_INIT;
	struct queue *q = NULL;

	if (backend_queue(&b, "sqlite:ai", &q, &why) != ST_OK)
		exit(99);
	return q;
}

/* A process that sends until it is killed or has sent all. */
static int
sender_process(void *arg)
{
	struct sender s = *(struct sender *)arg;
	pthread_t threads[4];
	int i;

	s.db = database_open(NULL);
	s.queue = queue_of(s.db);
	if (!database_way()->threaded) {
		send_messages(&s);
	} else {
		for (i = 0; i < 4; i++)
			pthread_create(&threads[i], NULL, send_messages, &s);
		for (i = 0; i < 4; i++)
			pthread_join(threads[i], NULL);
	}
	s.queue->ops->close(s.queue);
	db_close(s.db);
	return 0;
}

static enum status
tally_row(const struct queue_item *i, void *arg)
{
	int *found = arg, round, n;

	if (sscanf(i->body, "SM-%d-%d", &round, &n) == 2 && n < SLOTS)
		found[n]++;
	return ST_OK;
}

static enum status
recorded(const struct message_record *r, void *arg)
{
	(void)r;
	++*(int *)arg;
	return ST_OK;
}

static enum status
no_event(const struct message_event *e, void *arg)
{
	(void)e;
	(void)arg;
	return ST_OK;
}

/* Empty the queue, for the next round. */
static void
drain(struct queue *q, struct db *db, int rows)
{
	struct queue_item i;

	(void)db;
	while (rows-- > 0) {
		CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, 60, &i), ST_OK);
		CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
		queue_item_release(&i);
	}
}

static int
check_ledger(struct ledger *l)
{
	struct db *db = database_open(NULL);
	struct queue *q = queue_of(db);
	int *found = calloc(SLOTS, sizeof(*found)), i, rows = 0, records;
	char sid[40];

	CU_ASSERT_EQUAL(
	    q->ops->peek(q, false, SIZE_MAX, tally_row, found), ST_OK);
	for (i = 0; i < SLOTS; i++) {
		rows += found[i];
		if (l->acked[i])
			CU_ASSERT_EQUAL(found[i], 1);
		CU_ASSERT(found[i] <= l->asked[i]);
		records = 0;
		snprintf(sid, sizeof(sid), "SM-%d-%d", l->round, i);
		if (l->asked[i]) {
			CU_ASSERT_EQUAL(
			    message_show(db, sid, recorded, no_event, &records),
			    ST_OK);
			CU_ASSERT_EQUAL(records, found[i]);
		}
	}
	CU_ASSERT(notes_sound(db));
	drain(q, db, rows);
	q->ops->close(q);
	db_close(db);
	free(found);
	return rows;
}

static struct ledger *
ledger_new(void)
{
	struct ledger *l = mmap(NULL, sizeof(*l), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (l == MAP_FAILED)
		exit(99);
	return l;
}

static void
ledger_next(struct ledger *l)
{
	int round = l->round + 1;

	memset(l, 0, sizeof(*l));
	l->round = round;
}

/* Four processes that send all at once, and nobody is killed. */
static void
test_four_processes(void)
{
	struct ledger *l = ledger_new();
	struct sender s = { .ledger = l, .limit = 400 };
	pid_t pids[4];
	int i, status;

	shim_reset();
	database_fresh();
	for (i = 0; i < 4; i++)
		pids[i] = child(sender_process, &s);
	for (i = 0; i < 4; i++) {
		CU_ASSERT_EQUAL(waitpid(pids[i], &status, 0), pids[i]);
		CU_ASSERT_EQUAL(status, 0);
	}
	for (i = 0; i < s.limit; i++)
		CU_ASSERT_EQUAL(l->acked[i], 1);
	CU_ASSERT_EQUAL(check_ledger(l), s.limit);
	munmap(l, sizeof(*l));
}

static int
rounds(void)
{
	const char *s = getenv("SWITCHHOOK_KILL_ROUNDS");
	int n = s == NULL ? 40 : (int)strtol(s, NULL, 10);

	/* Shared out among the ways. */
	return (n + (int)database_ways_n - 1) / (int)database_ways_n;
}

static void
sleep_us(long us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

static int64_t
acked(const struct ledger *l)
{
	int64_t n = 0;
	int i;

	for (i = 0; i < SLOTS; i++)
		n += l->acked[i];
	return n;
}

static void
test_kill(void)
{
	struct ledger *l = ledger_new();
	struct sender s = { .ledger = l, .limit = SLOTS };
	unsigned seed = (unsigned)clock_us();
	int64_t total = 0;
	pid_t pids[4];
	int n, i;

	shim_reset();
	database_fresh();
	for (n = rounds(); n > 0; n--) {
		ledger_next(l);
		for (i = 0; i < 4; i++)
			pids[i] = child(sender_process, &s);
		/* Let it begin; then any moment may be the last. */
		for (i = 0; i < 1000 && acked(l) == 0; i++)
			sleep_us(1000);
		sleep_us(rand_r(&seed) % 20000);
		for (i = 0; i < 4; i++) {
			kill(pids[i], SIGKILL);
			sleep_us(rand_r(&seed) % 300);
		}
		for (i = 0; i < 4; i++)
			CU_ASSERT_EQUAL(waitpid(pids[i], NULL, 0), pids[i]);
		total += acked(l);
		check_ledger(l);
	}
	CU_ASSERT(total > 0);
	munmap(l, sizeof(*l));
}

/* One process, killed before its first call to the disk, then before the
 * second, and so on until it lives. */
static int
killed_sender(void *arg)
{
	shim.calls = 0;
	shim.kill_at = ((struct sender *)arg)->ledger->round;
	return sender_process(arg);
}

static void
test_kill_at_each_call(void)
{
	struct ledger *l = ledger_new();
	struct sender s = { .ledger = l, .limit = 3 };
	int status = -1, n;
	pid_t pid;

	shim_reset();
	database_fresh();
	for (n = 1; status != 0 && n < 3000; n++) {
		ledger_next(l);
		pid = child(killed_sender, &s);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		CU_ASSERT(status == 0 || WIFSIGNALED(status));
		check_ledger(l);
	}
	CU_ASSERT(n > 20);
	CU_ASSERT_EQUAL(status, 0);
	munmap(l, sizeof(*l));
}

/* The same with a new file each time, so that its making is cut short too. */
static void
test_kill_while_making(void)
{
	struct ledger *l = ledger_new();
	struct sender s = { .ledger = l, .limit = 1 };
	int status = -1, n;
	pid_t pid;

	shim_reset();
	for (n = 1; status != 0 && n < 3000; n++) {
		database_fresh();
		ledger_next(l);
		pid = child(killed_sender, &s);
		CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
		check_ledger(l);
	}
	CU_ASSERT(n > 20);
	CU_ASSERT_EQUAL(status, 0);
	munmap(l, sizeof(*l));
}

static const struct test each_way[] = {
	{ "each sync fails", test_each_sync_fails },
	{ "each write fails", test_each_write_fails },
	{ "few writes", test_few_writes },
	{ "a large commit", test_large_commit },
	{ "each lock fails", test_each_lock_fails },
	{ "each unlock fails", test_each_unlock_fails },
	{ "each read fails", test_each_read_fails },
	{ "all calls fail from one on", test_all_calls_fail_from },
	{ "the disk is full", test_disk_full },
	{ "a commit that does not end", test_stalled_commit },
	{ "a lock holder that was stopped", test_stopped_holder },
	{ "four processes", test_four_processes },
	{ "kill -9", test_kill },
	{ "kill -9 at each call", test_kill_at_each_call },
	{ "kill -9 while it is made", test_kill_while_making },
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
	return bad;
}
