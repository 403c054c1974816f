/*
 * Durable messages a second: look-up of the sender, record of the MessageSid,
 * its counter and a queue item of 800 bytes, one job each, by so many threads of so many
 * processes on one database.
 *
 *	bench-store [-d SYNC_DELAY_US] [-j wal|rollback] [-s SECONDS]
 *	    [-t THREADS,…] [-p PROCESSES,…] [-m threaded|alone] [-D DIR]
 *	    [-r MESSAGES] [-q ITEMS] [-w MICROSECONDS]
 *
 * -r and -q: so many messages are on record and so many items wait before it
 * begins. -w: a client works so long on a processor between two messages.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "db/db.h"
#include "message/backends.h"
#include "store/counter.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/schema.h"
#include "store/store.h"
#include "t/shim-fs.h"

#define BODY_SIZE 800
#define SAMPLES 400000

struct options {
	const char *dir;
	enum db_journal journal;
	bool threaded;
	int seconds;
	int64_t delay_us;
	long rows;
	long items;
	long work_us;
	const char *threads;
	const char *processes;
};

struct base {
	struct db *db;
	struct store *store;
	struct queue *queue;
};

struct client {
	struct base *base;
	pthread_t thread;
	int number;
	volatile int *stop;
	int64_t done;
	int64_t failed;
	int32_t *samples;
	int64_t n;
	uint64_t seed;
	int senders;
	long work_us;
};

struct message {
	struct base *base;
	char sid[48];
	unsigned char digest[MESSAGE_DIGEST_SIZE];
	char tel[32];
	char body[BODY_SIZE];
};

static enum status
message_job(struct db *db, void *arg)
{
	struct message *m = arg;
	struct message_record r = { .sid = m->sid,
		.route = "ai",
		.at_us = clock_us(),
		.digest = m->digest };
	struct queue_message q = {
		.body = m->body, .len = sizeof(m->body), .delay_s = 30
	};
	struct conversation c = { 0 };
	enum status st;

	st = m->base->store->ops->newest(m->base->store, m->tel, &c);
	r.conversation_id = q.group = c.id;
	if (st == ST_OK)
		st = message_record(db, &r);
	if (st == ST_OK)
		st = counter_add(db, "messages", r.route);
	if (st == ST_OK)
		st = m->base->queue->ops->push(m->base->queue, &q);
	conversation_release(&c);
	return st;
}

static uint64_t
next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void
make_message(struct client *c, struct message *m)
{
	uint64_t digest[MESSAGE_DIGEST_SIZE / sizeof(uint64_t)];
	size_t i;

	for (i = 0; i < sizeof(digest) / sizeof(*digest); i++)
		digest[i] = next_random(&c->seed);
	memcpy(m->digest, digest, sizeof(digest));
	snprintf(m->sid, sizeof(m->sid), "SM%016llx%016llx",
	    (unsigned long long)next_random(&c->seed),
	    (unsigned long long)next_random(&c->seed));
	snprintf(m->tel, sizeof(m->tel), "+1415555%04d",
	    (int)(next_random(&c->seed) % (unsigned)c->senders));
	memset(m->body, 'x', sizeof(m->body));
	m->base = c->base;
}

static void
burn(long us)
{
	int64_t end = clock_mono_us() + us;

	while (us > 0 && clock_mono_us() < end)
		continue;
}

static void *
client_main(void *arg)
{
	struct client *c = arg;
	struct message m;
	int64_t start;

	while (!*c->stop) {
		burn(c->work_us);
		make_message(c, &m);
		start = clock_mono_us();
		if (db_write(c->base->db, message_job, &m) == ST_OK)
			c->done++;
		else
			c->failed++;
		if (c->n < SAMPLES)
			c->samples[c->n++] = (int32_t)(clock_mono_us() - start);
	}
	return NULL;
}

static int
open_base(const struct options *o, struct base *b)
{
	char path[512];
	struct buf why = BUF_INIT;
	struct backends backends;
	struct db_options d = { .path = path,
		.journal = o->journal,
		.threaded = o->threaded,
		.schema = &store_schema };

	snprintf(path, sizeof(path), "%s/bench.db", o->dir);
	if (db_open(&b->db, &d, &why) == ST_OK) {
		backends = (struct backends){ .db = b->db };
		if (backend_store(&backends, "sqlite:", &b->store, &why) ==
			ST_OK &&
		    backend_queue(&backends, "sqlite:ai", &b->queue, &why) ==
			ST_OK)
			return 0;
	}
	fprintf(stderr, "%s\n", buf_str(&why));
	return -1;
}

static void
close_base(struct base *b)
{
	b->queue->ops->close(b->queue);
	b->store->ops->close(b->store);
	db_close(b->db);
}

#define SENDERS 1000

static enum status
senders_job(struct db *db, void *arg)
{
	struct base *b = arg;
	char id[32], tel[32];
	struct conversation c = { .id = id, .tel = tel };
	enum status st = ST_OK;
	int i;

	(void)db;
	for (i = 0; i < SENDERS && st == ST_OK; i++) {
		snprintf(id, sizeof(id), "c%d", i);
		snprintf(tel, sizeof(tel), "+1415555%04d", i);
		st = b->store->ops->add(b->store, &c);
		if (st == ST_EXISTS)
			st = ST_OK;
	}
	return st;
}

struct fill {
	struct client *client;
	uint64_t next; /* number of the next message */
	uint64_t all;
	bool items;
};

#define FILL 5000
#define PASSES 4

/* In passes, each in order of sid: a tree that is filled at random has the
 * same form, but takes hours. */
static void
fill_sid(struct fill *f, struct message *m)
{
	uint64_t each = f->all / PASSES, i = f->next++;
	uint64_t at = i % each * PASSES + i / each;

	snprintf(m->sid, sizeof(m->sid), "SM%016llx%016llx",
	    (unsigned long long)(at * (UINT64_MAX / f->all)),
	    (unsigned long long)i);
}

/* Records, and items too if they are asked for. */
static enum status
fill_job(struct db *db, void *arg)
{
	struct fill *f = arg;
	struct message m;
	struct message_record r = { .sid = m.sid,
		.route = "ai",
		.conversation_id = "conversation",
		.at_us = clock_us(),
		.digest = m.digest };
	enum status st = ST_OK;
	int i;

	for (i = 0; i < FILL && st == ST_OK; i++) {
		make_message(f->client, &m);
		fill_sid(f, &m);
		st = f->items ? message_job(db, &m) : message_record(db, &r);
	}
	return st;
}

static void
fill(const struct options *o, struct base *b)
{
	struct client c = { .base = b, .seed = 1, .senders = SENDERS };
	struct fill f = { .client = &c };

	db_write(b->db, senders_job, b);
	f.all = (uint64_t)(o->rows > o->items ? o->rows : o->items);
	while (f.next < f.all) {
		f.items = f.next < (uint64_t)o->items;
		if (db_write(b->db, fill_job, &f) != ST_OK)
			fprintf(stderr, "filling failed\n");
	}
}

static int
compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return x < y ? -1 : x > y;
}

struct result {
	int64_t done, failed, jobs, commits, syncs;
	double seconds, cpu;
	int32_t p50, p99, worst;
};

static double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void
run_clients(const struct options *o, int n, struct result *out)
{
	struct client *clients = calloc((size_t)n, sizeof(*clients));
	int32_t *all = malloc(sizeof(*all) * SAMPLES * (size_t)n);
	struct db_counters before, after;
	volatile int stop = 0;
	struct base b;
	int64_t start, total = 0;
	double cpu;
	int i;

	if (clients == NULL || all == NULL || open_base(o, &b) < 0)
		exit(1);
	db_counters(b.db, &before);
	shim.syncs = 0;
	start = clock_mono_us();
	cpu = cpu_seconds();
	for (i = 0; i < n; i++) {
		clients[i] = (struct client){ .base = &b,
			.number = i,
			.stop = &stop,
			.senders = SENDERS,
			.work_us = o->work_us,
			.seed = (uint64_t)clock_us() * 31 + (uint64_t)i +
			    (uint64_t)getpid() * 977,
			.samples = malloc(sizeof(*all) * SAMPLES) };
		pthread_create(
		    &clients[i].thread, NULL, client_main, &clients[i]);
	}
	sleep((unsigned)o->seconds);
	stop = 1;
	for (i = 0; i < n; i++) {
		pthread_join(clients[i].thread, NULL);
		memcpy(all + total, clients[i].samples,
		    sizeof(*all) * (size_t)clients[i].n);
		total += clients[i].n;
		out->done += clients[i].done;
		out->failed += clients[i].failed;
		free(clients[i].samples);
	}
	out->seconds = (double)(clock_mono_us() - start) / 1e6;
	out->cpu = cpu_seconds() - cpu;
	out->syncs = shim.syncs;
	db_counters(b.db, &after);
	out->jobs = after.jobs - before.jobs;
	out->commits = after.commits - before.commits;
	qsort(all, (size_t)total, sizeof(*all), compare);
	out->p50 = all[total / 2];
	out->p99 = all[total * 99 / 100];
	out->worst = all[total - 1];
	close_base(&b);
	free(all);
	free(clients);
}

static void
print(const char *what, const struct result *r)
{
	printf("%-22s %7.0f/s  %5.1f jobs a commit  %5.2f syncs a commit  "
	       "p50 %6d us  p99 %6d us  max %7d us  %5.1f us CPU a job",
	    what, (double)r->done / r->seconds,
	    (double)r->jobs / (double)(r->commits > 0 ? r->commits : 1),
	    (double)r->syncs / (double)(r->commits > 0 ? r->commits : 1),
	    r->p50, r->p99, r->worst,
	    r->cpu / (double)(r->done > 0 ? r->done : 1) * 1e6);
	if (r->failed > 0)
		printf("  %lld FAILED", (long long)r->failed);
	printf("\n");
	fflush(stdout);
}

static void
run_processes(const struct options *o, int n)
{
	struct result *r = mmap(NULL, sizeof(*r) * (size_t)n,
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct result sum = { 0 };
	char what[64];
	double least = 1e18, most = 0;
	int i;

	for (i = 0; i < n; i++)
		if (fork() == 0) {
			run_clients(o, 1, &r[i]);
			_exit(0);
		}
	for (i = 0; i < n; i++)
		wait(NULL);
	for (i = 0; i < n; i++) {
		double rate = (double)r[i].done / r[i].seconds;

		least = rate < least ? rate : least;
		most = rate > most ? rate : most;
		sum.done += r[i].done;
		sum.failed += r[i].failed;
		sum.jobs += r[i].jobs;
		sum.commits += r[i].commits;
		sum.syncs += r[i].syncs;
		sum.cpu += r[i].cpu;
		sum.seconds = r[i].seconds;
		sum.p50 = r[i].p50 > sum.p50 ? r[i].p50 : sum.p50;
		sum.p99 = r[i].p99 > sum.p99 ? r[i].p99 : sum.p99;
		sum.worst = r[i].worst > sum.worst ? r[i].worst : sum.worst;
	}
	snprintf(what, sizeof(what), "%d processes", n);
	print(what, &sum);
	if (n > 1)
		printf(
		    "%-22s slowest %.0f/s, fastest %.0f/s\n", "", least, most);
	munmap(r, sizeof(*r) * (size_t)n);
}

static void
each(const char *list, void (*fn)(const struct options *, int),
    const struct options *o)
{
	char copy[128], *save = NULL, *p;

	snprintf(copy, sizeof(copy), "%s", list);
	for (p = strtok_r(copy, ",", &save); p != NULL;
	     p = strtok_r(NULL, ",", &save))
		fn(o, (int)strtol(p, NULL, 10));
}

static void
run_threads(const struct options *o, int n)
{
	struct result r = { 0 };
	char what[64];

	run_clients(o, n, &r);
	snprintf(what, sizeof(what), "%d threads", n);
	print(what, &r);
}

int
main(int argc, char **argv)
{
	char dir[] = "/var/tmp/bench-store.XXXXXX";
	struct options o = { .threaded = true,
		.seconds = 3,
		.threads = "1,4,16,32",
		.processes = "" };
	char command[128];
	struct base b;
	int c;

	while ((c = getopt(argc, argv, "d:j:s:t:p:m:r:q:D:w:")) != -1)
		switch (c) {
		case 'd':
			o.delay_us = strtol(optarg, NULL, 10);
			break;
		case 'j':
			o.journal = *optarg == 'w' ? DB_WAL : DB_ROLLBACK;
			break;
		case 's':
			o.seconds = (int)strtol(optarg, NULL, 10);
			break;
		case 't':
			o.threads = optarg;
			break;
		case 'p':
			o.processes = optarg;
			break;
		case 'm':
			o.threaded = *optarg == 't';
			break;
		case 'r':
			o.rows = strtol(optarg, NULL, 10);
			break;
		case 'q':
			o.items = strtol(optarg, NULL, 10);
			break;
		case 'w':
			o.work_us = strtol(optarg, NULL, 10);
			break;
		case 'D':
			o.dir = optarg;
			break;
		default:
			return 2;
		}
	if (o.dir == NULL && (o.dir = mkdtemp(dir)) == NULL)
		return 1;
	if (open_base(&o, &b) < 0)
		return 1;
	fill(&o, &b);
	close_base(&b);
	shim.sync_delay_us = o.delay_us;
	each(o.threads, run_threads, &o);
	o.threaded = false;
	each(o.processes, run_processes, &o);
	if (o.dir == dir) {
		snprintf(command, sizeof(command), "rm -r %s", dir);
		return system(command) == 0 ? 0 : 1;
	}
	return 0;
}
