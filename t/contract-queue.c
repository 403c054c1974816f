#include "t/contract-queue.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/db.h"

#define LONG_S 600 /* visibility that does not run out in a test */

static const struct contract_queue *back_end;

void
contract_queue_use(const struct contract_queue *b)
{
	back_end = b;
}

static struct queue *
begin(void)
{
	back_end->begin();
	return back_end->open("a");
}

static void
end(struct queue *q)
{
	q->ops->close(q);
	back_end->end();
}

static enum status
push_bytes(struct queue *q, const char *body, size_t len, int64_t delay_s)
{
	struct queue_message m = { .body = body,
		.len = len,
		.delay_s = delay_s,
		.dedupe = back_end->dedupes ? NULL : "SM1" };

	return q->ops->push(q, &m);
}

static void
push_later(struct queue *q, const char *body, int64_t delay_s)
{
	CU_ASSERT_EQUAL(push_bytes(q, body, strlen(body), delay_s), ST_OK);
}

static void
push(struct queue *q, const char *body)
{
	push_later(q, body, 0);
}

/* Receive what must be body, due now. */
static struct queue_item
take_for(struct queue *q, const char *body, int64_t visibility_s)
{
	struct queue_item i;

	CU_ASSERT_EQUAL_FATAL(q->ops->receive(q, visibility_s, &i), ST_OK);
	if (body != NULL)
		CU_ASSERT_STRING_EQUAL(i.body, body);
	CU_ASSERT_PTR_NOT_NULL_FATAL(i.receipt);
	return i;
}

static struct queue_item
take(struct queue *q, const char *body)
{
	return take_for(q, body, LONG_S);
}

static void
check_nothing_due(struct queue *q)
{
	struct queue_item i;

	CU_ASSERT_EQUAL(q->ops->receive(q, LONG_S, &i), ST_NOTFOUND);
}

static void
take_and_ack(struct queue *q, const char *body)
{
	struct queue_item i = take(q, body);

	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
	queue_item_release(&i);
}

static void
take_and_bury(struct queue *q, const char *body, const char *reason)
{
	struct queue_item i = take(q, body);

	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, reason), ST_OK);
	queue_item_release(&i);
}

/* A receipt that no longer holds changes nothing. */
static void
check_refused(struct queue *q, const char *receipt)
{
	CU_ASSERT_EQUAL(q->ops->ack(q, receipt), ST_NOTFOUND);
	CU_ASSERT_EQUAL(q->ops->release(q, receipt, 0, "no"), ST_NOTFOUND);
	CU_ASSERT_EQUAL(q->ops->bury(q, receipt, "no"), ST_NOTFOUND);
}

static void
check_stats(struct queue *q, int64_t ready, int64_t delayed, int64_t taken,
    int64_t dead)
{
	struct queue_stats s;

	CU_ASSERT_EQUAL(q->ops->stats(q, &s), ST_OK);
	CU_ASSERT_EQUAL(s.ready, ready);
	CU_ASSERT_EQUAL(s.delayed, delayed);
	CU_ASSERT_EQUAL(s.taken, taken);
	CU_ASSERT_EQUAL(s.dead, dead);
	if (!back_end->ageless)
		CU_ASSERT_EQUAL(s.oldest_us == 0, ready + delayed + taken == 0);
}

static void
sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static void
test_empty(void)
{
	struct queue *q = begin();

	check_nothing_due(q);
	check_stats(q, 0, 0, 0, 0);
	end(q);
}

static void
test_what_is_received(void)
{
	struct queue *q = begin();
	int64_t before = clock_us(), after;
	struct queue_item i;

	push(q, "hello");
	after = clock_us();
	i = take(q, "hello");
	CU_ASSERT_EQUAL(i.len, 5);
	CU_ASSERT(!str_empty(i.id) && strlen(i.id) < QUEUE_ID_MAX);
	CU_ASSERT(
	    !str_empty(i.receipt) && strlen(i.receipt) < QUEUE_RECEIPT_MAX);
	CU_ASSERT_STRING_EQUAL(i.queue, q->name);
	CU_ASSERT_EQUAL(i.attempts, 1);
	CU_ASSERT_EQUAL(i.state, QUEUE_TAKEN);
	CU_ASSERT_PTR_NULL(i.reason);
	/* A remote queue has a clock of its own, of whole milliseconds. */
	CU_ASSERT(i.created_us >= before - 1000000);
	CU_ASSERT(i.created_us <= after + 1000000);
	CU_ASSERT(i.available_us >= before + (LONG_S - 1) * 1000000L);
	CU_ASSERT(i.available_us <= after + (LONG_S + 1) * 1000000L);
	queue_item_release(&i);
	queue_item_release(&i); /* an empty one is taken */
	end(q);
}

static void
test_bodies(void)
{
	static const char nul[] = "a\0b\xff\xfe\n";
	struct queue *q = begin();
	size_t big = back_end->body_max;
	char *body = malloc(big + 1);
	struct queue_item i;

	memset(body, 'x', big + 1);
	CU_ASSERT_EQUAL(push_bytes(q, body, big, 0), ST_OK);
	i = take(q, NULL);
	CU_ASSERT_EQUAL(i.len, big);
	CU_ASSERT_EQUAL(memcmp(i.body, body, big), 0);
	queue_item_release(&i);
	CU_ASSERT_EQUAL(push_bytes(q, body, big + 1, 0), ST_TOOBIG);
	CU_ASSERT_EQUAL(push_bytes(q, "", 0, 0), ST_MALFORMED);
	CU_ASSERT_EQUAL(push_bytes(q, NULL, 0, 0), ST_MALFORMED);
	CU_ASSERT_EQUAL(push_bytes(q, "x", 1, -1), ST_MALFORMED);
	check_nothing_due(q);
	push(q, "{\"a\":\"Zo\xc3\xab \xf0\x9f\x98\x80 '\\\"\"}");
	take_and_ack(q, "{\"a\":\"Zo\xc3\xab \xf0\x9f\x98\x80 '\\\"\"}");
	if (back_end->binary) {
		CU_ASSERT_EQUAL(push_bytes(q, nul, sizeof(nul), 0), ST_OK);
		i = take(q, NULL);
		CU_ASSERT_EQUAL(i.len, sizeof(nul));
		CU_ASSERT_EQUAL(memcmp(i.body, nul, sizeof(nul)), 0);
		queue_item_release(&i);
	}
	free(body);
	end(q);
}

static void
test_order(void)
{
	struct queue *q = begin();
	char body[16];
	int i;

	for (i = 0; i < 20 && back_end->ordered; i++) {
		snprintf(body, sizeof(body), "%d", i);
		push(q, body);
	}
	for (i = 0; i < 20 && back_end->ordered; i++) {
		snprintf(body, sizeof(body), "%d", i);
		take_and_ack(q, body);
	}
	check_nothing_due(q);
	end(q);
}

static void
test_delay(void)
{
	struct queue *q = begin();

	push_later(q, "late", 1);
	push(q, "now");
	check_stats(q, 1, 1, 0, 0);
	take_and_ack(q, "now");
	check_nothing_due(q);
	sleep_ms(600);
	push(q, "came while the other waited");
	sleep_ms(600);
	check_stats(q, 2, 0, 0, 0);
	if (back_end->ordered) {
		/* Due longest is not the same as oldest. */
		take_and_ack(q, "came while the other waited");
		take_and_ack(q, "late");
	}
	end(q);
}

static void
test_taken_is_hidden(void)
{
	struct queue *q = begin();
	struct queue_item i;

	push(q, "x");
	i = take(q, "x");
	check_nothing_due(q);
	check_stats(q, 0, 0, 1, 0);
	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
	check_stats(q, 0, 0, 0, 0);
	check_refused(q, i.receipt);
	queue_item_release(&i);
	end(q);
}

static void
test_running_out(void)
{
	struct queue *q = begin();
	struct queue_item first, second;

	push(q, "x");
	first = take_for(q, "x", 1);
	check_nothing_due(q);
	sleep_ms(1200);
	check_stats(q, 1, 0, 0, 0);
	if (back_end->grouped) /* a standard queue at SQS accepts it still */
		check_refused(q, first.receipt);
	second = take(q, "x");
	CU_ASSERT_STRING_EQUAL(second.id, first.id);
	CU_ASSERT_STRING_NOT_EQUAL(second.receipt, first.receipt);
	CU_ASSERT_EQUAL(second.attempts, 2);
	CU_ASSERT_EQUAL(second.created_us, first.created_us);
	check_refused(q, first.receipt);
	check_stats(q, 0, 0, 1, 0);
	CU_ASSERT_EQUAL(q->ops->ack(q, second.receipt), ST_OK);
	check_stats(q, 0, 0, 0, 0);
	queue_item_release(&first);
	queue_item_release(&second);
	end(q);
}

static void
test_release(void)
{
	struct queue *q = begin();
	struct queue_item i;

	push(q, "x");
	i = take(q, "x");
	CU_ASSERT_EQUAL(
	    q->ops->release(q, i.receipt, 0, "exit status 3"), ST_OK);
	check_refused(q, i.receipt);
	queue_item_release(&i);
	i = take(q, "x");
	CU_ASSERT_EQUAL(i.attempts, 2);
	CU_ASSERT(str_eq(i.reason, "exit status 3"));
	CU_ASSERT_EQUAL(q->ops->release(q, i.receipt, -1, "no"), ST_MALFORMED);
	CU_ASSERT_EQUAL(q->ops->release(q, i.receipt, 1, NULL), ST_OK);
	queue_item_release(&i);
	check_nothing_due(q);
	check_stats(
	    q, 0, !back_end->hidden_is_taken, back_end->hidden_is_taken, 0);
	sleep_ms(1200);
	i = take(q, "x");
	CU_ASSERT_EQUAL(i.attempts, 3);
	CU_ASSERT(str_empty(i.reason));
	queue_item_release(&i);
	end(q);
}

static void
test_extend(void)
{
	struct queue *q = begin();
	struct queue_item i;

	push(q, "x");
	i = take_for(q, "x", 2);
	CU_ASSERT_EQUAL(q->ops->extend(q, i.receipt, 60), ST_OK);
	sleep_ms(2200);
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->extend(q, i.receipt, -1), ST_MALFORMED);
	CU_ASSERT_EQUAL(q->ops->extend(q, i.receipt, 1), ST_OK);
	sleep_ms(1200);
	queue_item_release(&i);
	i = take(q, "x");
	CU_ASSERT_EQUAL(i.attempts, 2);
	CU_ASSERT_EQUAL(q->ops->extend(q, i.receipt, 60), ST_OK);
	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
	CU_ASSERT_EQUAL(q->ops->extend(q, i.receipt, 60), ST_NOTFOUND);
	queue_item_release(&i);
	end(q);
}

static void
test_bad_receipts(void)
{
	static const char *const none[] = { "", "x", "1", "1-", "-1",
		"1-00000000-0000-4000-8000-000000000000",
		"99999999999999999999999999-x", "' OR 1=1 --" };
	struct queue *q = begin(), *b = back_end->open("b");
	struct queue_item i;
	char other[QUEUE_RECEIPT_MAX];
	size_t n;

	push(q, "x");
	i = take(q, "x");
	for (n = 0; n < TEST_COUNT(none); n++)
		check_refused(q, none[n]);
	check_refused(b, i.receipt);
	snprintf(other, sizeof(other), "%sx", i.receipt);
	check_refused(q, other);
	other[strlen(i.receipt) - 1] = '\0';
	check_refused(q, other);
	check_stats(q, 0, 0, 1, 0);
	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
	queue_item_release(&i);
	b->ops->close(b);
	end(q);
}

static void
test_queues_are_separate(void)
{
	struct queue *a = begin(), *b = back_end->open("b");

	push(a, "for a");
	check_nothing_due(b);
	check_stats(b, 0, 0, 0, 0);
	push(b, "for b");
	take_and_ack(a, "for a");
	check_nothing_due(a);
	take_and_bury(b, "for b", "why");
	check_stats(a, 0, 0, 0, 0);
	b->ops->close(b);
	end(a);
}

struct walk {
	char text[1024]; /* "body/state/attempts/reason " for each */
	size_t rows;
	size_t stop_after; /* 0: never */
	char id[QUEUE_ID_MAX]; /* of the last */
	bool receipt; /* there was one */
};

static enum status
walk_row(const struct queue_item *i, void *arg)
{
	static const char *const states[] = { "ready", "delayed", "taken",
		"dead" };
	struct walk *w = arg;
	size_t n = strlen(w->text);

	snprintf(w->text + n, sizeof(w->text) - n, "%s/%s/%d/%s ", i->body,
	    states[i->state], (int)i->attempts,
	    i->reason == NULL ? "" : i->reason);
	snprintf(w->id, sizeof(w->id), "%s", i->id);
	w->receipt = w->receipt || i->receipt != NULL;
	w->rows++;
	return w->rows == w->stop_after ? ST_DENIED : ST_OK;
}

static void
check_peek(struct queue *q, bool dead, size_t limit, const char *text)
{
	struct walk w = { .rows = 0 };

	if (!back_end->peeks)
		return;
	CU_ASSERT_EQUAL(q->ops->peek(q, dead, limit, walk_row, &w), ST_OK);
	CU_ASSERT_STRING_EQUAL(w.text, text);
	CU_ASSERT(!w.receipt);
}

static void
test_peek(void)
{
	struct walk w = { .stop_after = 2 };
	struct queue *q = begin();
	struct queue_item i;

	check_peek(q, false, 10, "");
	push(q, "first");
	push_later(q, "second", 60);
	push(q, "third");
	check_peek(
	    q, false, 10, "first/ready/0/ second/delayed/0/ third/ready/0/ ");
	i = take(q, "first");
	check_peek(
	    q, false, 10, "first/taken/1/ second/delayed/0/ third/ready/0/ ");
	check_peek(q, false, 2, "first/taken/1/ second/delayed/0/ ");
	check_peek(q, false, 0, "");
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "why"), ST_OK);
	check_peek(q, false, 10, "second/delayed/0/ third/ready/0/ ");
	check_peek(q, true, 10, "first/dead/1/why ");
	if (back_end->peeks)
		CU_ASSERT_EQUAL(
		    q->ops->peek(q, false, 10, walk_row, &w), ST_DENIED);
	/* To look does not take. */
	take_and_ack(q, "third");
	queue_item_release(&i);
	end(q);
}

static void
test_bury(void)
{
	struct queue *q = begin();
	struct queue_item i;

	push(q, "x");
	i = take(q, "x");
	CU_ASSERT_EQUAL(q->ops->release(q, i.receipt, 0, "once"), ST_OK);
	queue_item_release(&i);
	i = take(q, "x");
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "twice"), ST_OK);
	check_refused(q, i.receipt);
	queue_item_release(&i);
	check_nothing_due(q);
	check_stats(q, 0, 0, 0, 1);
	check_peek(q, true, 10, "x/dead/2/twice ");
	check_peek(q, false, 10, "");
	end(q);
}

static void
check_redrive(struct queue *q, const char *id, enum status st, int64_t want)
{
	int64_t count = -1;

	CU_ASSERT_EQUAL(q->ops->redrive(q, id, &count), st);
	CU_ASSERT_EQUAL(count, want);
}

static void
redrive_one(struct queue *q)
{
	struct walk w = { .rows = 0 };
	struct queue_item i;

	/* The last dead letter that a walk shows is the one buried last. */
	CU_ASSERT_EQUAL(q->ops->peek(q, true, 10, walk_row, &w), ST_OK);
	check_redrive(q, w.id, ST_OK, 1);
	check_stats(q, 1, 0, 0, 2);
	check_redrive(q, w.id, ST_NOTFOUND, 0); /* it is not dead now */
	i = take(q, "third");
	CU_ASSERT_EQUAL(i.attempts, 1);
	CU_ASSERT(str_empty(i.reason));
	CU_ASSERT_STRING_EQUAL(i.id, w.id);
	queue_item_release(&i);
}

/* One operation, and nothing is due meanwhile or comes of others. */
static void
test_push_dead(void)
{
	struct queue_message m = {
		.body = "bad", .len = 3, .group = "g", .dead = "too large"
	};
	struct queue *q = begin();
	int64_t count;

	push(q, "waits");
	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	check_stats(q, 1, 0, 0, 1);
	check_peek(q, true, 10, "bad/dead/0/too large ");
	take_and_ack(q, "waits");
	check_nothing_due(q);
	if (back_end->redrives) {
		CU_ASSERT_EQUAL(q->ops->redrive(q, NULL, &count), ST_OK);
		take_and_ack(q, "bad");
	}
	end(q);
}

static void
test_redrive(void)
{
	struct queue *q = begin();

	push(q, "first");
	take_and_bury(q, "first", "1");
	push(q, "second");
	take_and_bury(q, "second", "2");
	push(q, "third");
	take_and_bury(q, "third", "3");
	if (back_end->redrives) {
		check_redrive(q, "no such id", ST_NOTFOUND, 0);
		check_redrive(q, "", ST_NOTFOUND, 0);
		check_redrive(q, "1", ST_NOTFOUND, 0);
		if (back_end->peeks)
			redrive_one(q);
		else
			check_redrive(q, NULL, ST_OK, 3);
		check_redrive(q, NULL, ST_OK, back_end->peeks ? 2 : 0);
		check_redrive(q, NULL, ST_OK, 0);
		take_and_ack(q, "first");
		take_and_ack(q, "second");
	}
	end(q);
}

static void
test_damage(void)
{
	struct queue *q = begin();
	struct queue_item i;

	push(q, "damaged");
	if (back_end->damage != NULL) {
		back_end->damage();
		push(q, "sound");
		if (back_end->ordered)
			CU_ASSERT_EQUAL(
			    q->ops->receive(q, LONG_S, &i), ST_CORRUPT);
		check_stats(q, 1, 0, 0, 1);
		take_and_ack(q, "sound");
		check_nothing_due(q);
	}
	end(q);
}

/* A look at a damaged item says so; it changes nothing. */
static void
test_damage_seen(void)
{
	struct queue *q = begin();
	struct walk w = { .rows = 0 };

	push(q, "damaged");
	if (back_end->damage != NULL && back_end->peeks) {
		back_end->damage();
		CU_ASSERT_EQUAL(q->ops->peek(q, false, 9, walk_row, &w), ST_OK);
		CU_ASSERT_PTR_NOT_NULL(strstr(w.text, "/ready/0/checksum "));
		check_stats(q, 1, 0, 0, 0);
	}
	end(q);
}

static void
test_spans(void)
{
	struct queue *q = begin();
	struct queue_item i;

	push(q, "x");
	CU_ASSERT_EQUAL(q->ops->receive(q, -1, &i), ST_MALFORMED);
	i = take_for(q, "x", 0);
	queue_item_release(&i);
	/* Zero seconds hide nothing. */
	i = take(q, "x");
	CU_ASSERT_EQUAL(i.attempts, 2);
	queue_item_release(&i);
	end(q);
}

#define WORKERS 4
#define ITEMS 120

struct worker {
	pthread_t thread;
	struct queue *queue;
	int seen[ITEMS];
};

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct queue_item i;
	enum status st;
	long n;

	while ((st = w->queue->ops->receive(w->queue, LONG_S, &i)) == ST_OK) {
		n = strtol(i.body, NULL, 10);
		if (n >= 0 && n < ITEMS)
			w->seen[n]++;
		if (w->queue->ops->ack(w->queue, i.receipt) != ST_OK)
			w->seen[0] += 1000;
		queue_item_release(&i);
	}
	if (st != ST_NOTFOUND)
		w->seen[0] += 1000;
	return NULL;
}

static void
test_many_receivers(void)
{
	struct worker *workers = calloc(WORKERS, sizeof(*workers));
	struct queue *q = begin();
	int i, n, sum;
	char body[16];

	for (i = 0; i < ITEMS; i++) {
		snprintf(body, sizeof(body), "%d", i);
		push(q, body);
	}
	for (n = 0; n < WORKERS; n++) {
		workers[n].queue = back_end->open("a");
		pthread_create(&workers[n].thread, NULL, work, &workers[n]);
	}
	for (n = 0; n < WORKERS; n++) {
		pthread_join(workers[n].thread, NULL);
		workers[n].queue->ops->close(workers[n].queue);
	}
	for (i = 0; i < ITEMS; i++) {
		for (n = 0, sum = 0; n < WORKERS; n++)
			sum += workers[n].seen[i];
		CU_ASSERT_EQUAL(sum, 1);
	}
	check_stats(q, 0, 0, 0, 0);
	free(workers);
	end(q);
}

struct joined {
	struct queue *q;
	enum status result;
};

static enum status
push_and_take(struct db *db, void *arg)
{
	struct joined *j = arg;

	(void)db;
	push(j->q, "x");
	take_and_ack(j->q, "x");
	push(j->q, "y");
	return j->result;
}

/* Local to a database: what a job does with it is part of the job. */
static void
test_joins_a_job(void)
{
	struct joined j = { .q = begin(), .result = ST_DENIED };
	struct db *db = back_end->db == NULL ? NULL : back_end->db();

	if (db != NULL) {
		CU_ASSERT_EQUAL(db_write(db, push_and_take, &j), ST_DENIED);
		check_stats(j.q, 0, 0, 0, 0);
		j.result = ST_OK;
		CU_ASSERT_EQUAL(db_write(db, push_and_take, &j), ST_OK);
		check_stats(j.q, 1, 0, 0, 0);
	}
	end(j.q);
}

static void
push_in(struct queue *q, const char *group, const char *body)
{
	struct queue_message m = { .body = body,
		.len = strlen(body),
		.group = group,
		.dedupe = body };

	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
}

void
contract_queue_groups(struct queue *q)
{
	struct queue_item i, other;
	int64_t count;

	push_in(q, "A", "a1");
	push_in(q, "A", "a2");
	push_in(q, "A", "a3");
	push_in(q, "B", "b1");
	push_in(q, NULL, "alone 1");
	push_in(q, NULL, "alone 2");
	/* While one of a group is taken, no other of it is given out. */
	i = take(q, "a1");
	other = take(q, "b1");
	push_in(q, "B", "b2");
	take_and_ack(q, "alone 1");
	take_and_ack(q, "alone 2");
	check_nothing_due(q);
	/* One that is released is the next again. */
	CU_ASSERT_EQUAL(q->ops->release(q, i.receipt, 0, NULL), ST_OK);
	queue_item_release(&i);
	i = take(q, "a1");
	check_nothing_due(q);
	/* With a delay it holds up its group meanwhile. */
	CU_ASSERT_EQUAL(q->ops->release(q, i.receipt, 1, NULL), ST_OK);
	queue_item_release(&i);
	check_nothing_due(q);
	sleep_ms(1200);
	/* One that runs out is the next, too. */
	i = take_for(q, "a1", 1);
	sleep_ms(1200);
	queue_item_release(&i);
	i = take(q, "a1");
	check_nothing_due(q);
	/* What is buried or acknowledged makes way. */
	CU_ASSERT_EQUAL(q->ops->bury(q, i.receipt, "why"), ST_OK);
	queue_item_release(&i);
	i = take(q, "a2");
	CU_ASSERT_EQUAL(q->ops->ack(q, other.receipt), ST_OK);
	queue_item_release(&other);
	take_and_ack(q, "b2");
	check_nothing_due(q);
	/* A redriven one waits for its group as a new one does. */
	CU_ASSERT_EQUAL(q->ops->redrive(q, NULL, &count), ST_OK);
	CU_ASSERT_EQUAL(count, 1);
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
	queue_item_release(&i);
	i = take(q, NULL); /* a1 or a3 */
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->ack(q, i.receipt), ST_OK);
	queue_item_release(&i);
	take_and_ack(q, NULL);
	check_nothing_due(q);
}

static void
test_repeats(void)
{
	struct queue *q = begin(), *b = back_end->open("b");

	if (back_end->dedupes) {
		push_in(q, "A", "one");
		push_in(q, "B", "one");
		push_in(q, NULL, "one");
		push_in(b, NULL, "one");
		take_and_ack(q, "one");
		/* Also once it is gone. */
		push_in(q, NULL, "one");
		check_nothing_due(q);
		take_and_ack(b, "one");
	}
	b->ops->close(b);
	end(q);
}

static void
test_groups(void)
{
	struct queue *q = begin();

	if (back_end->grouped)
		contract_queue_groups(q);
	end(q);
}

/* A longer delay before a shorter one of its group: order comes first. */
static void
test_delay_in_a_group(void)
{
	struct queue_message m = {
		.body = "late", .len = 4, .group = "A", .delay_s = 1
	};
	struct queue *q = begin();

	if (back_end->grouped) {
		CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
		push_in(q, "A", "later");
		push_in(q, "B", "other");
		take_and_ack(q, "other");
		check_nothing_due(q);
		sleep_ms(1200);
		take_and_ack(q, "late");
		take_and_ack(q, "later");
	}
	end(q);
}

#define BATCH_MAX 8

struct batch {
	struct queue_item items[BATCH_MAX];
	const char *receipts[BATCH_MAX];
	size_t n;
	char text[128]; /* "body body " */
};

/* Take the first and what more there is. */
static void
take_batch(struct queue *q, struct batch *b, int64_t visibility_s, size_t bytes,
    size_t max)
{
	*b = (struct batch){ .n = 0 };
	b->items[0] = take_for(q, NULL, visibility_s);
	CU_ASSERT_EQUAL_FATAL(q->ops->receive_more(q, b->items[0].receipt, true,
				  bytes, b->items + 1, max - 1, &b->n),
	    ST_OK);
	b->n++;
	for (size_t i = 0, at = 0; i < b->n; i++) {
		struct queue_item *item = &b->items[i];

		CU_ASSERT_PTR_NOT_NULL_FATAL(item->receipt);
		CU_ASSERT_EQUAL(item->len, strlen(item->body));
		CU_ASSERT_EQUAL(item->state, QUEUE_TAKEN);
		CU_ASSERT_EQUAL(item->available_us, b->items[0].available_us);
		b->receipts[i] = item->receipt;
		at += (size_t)snprintf(b->text + at, sizeof(b->text) - at,
		    "%s/%d ", item->body, (int)item->attempts);
	}
}

static void
check_batch(struct queue *q, struct batch *b, const char *text)
{
	take_batch(q, b, LONG_S, 1000, BATCH_MAX);
	CU_ASSERT_STRING_EQUAL(b->text, text);
}

static void
batch_release(struct batch *b)
{
	while (b->n > 0)
		queue_item_release(&b->items[--b->n]);
}

static void
settle_batch(struct queue *q, struct batch *b, const struct queue_end *e)
{
	CU_ASSERT_EQUAL(q->ops->settle(q, b->receipts, b->n, e), ST_OK);
	for (size_t i = 0; i < b->n; i++)
		check_refused(q, b->receipts[i]);
	batch_release(b);
}

static void
push_burst(struct queue *q)
{
	struct queue_message m = {
		.body = "a2", .len = 2, .group = "A", .delay_s = 60
	};

	push_in(q, "A", "a1");
	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
	push_in(q, "A", "a3");
}

static const struct queue_end acked = { .how = QUEUE_ACK };
static const struct queue_end released = { .how = QUEUE_RELEASE,
	.reason = "exit status 1" };
static const struct queue_end buried = { .how = QUEUE_BURY, .reason = "why" };

/* What waits of a group is taken together, whatever its delay. */
static void
test_batch(void)
{
	struct queue *q = begin();
	struct batch a, b;

	if (!back_end->batches) {
		end(q);
		return;
	}
	push_burst(q);
	push_in(q, "B", "b1");
	push_in(q, NULL, "alone 1");
	push_in(q, NULL, "alone 2");
	check_batch(q, &a, "a1/1 a2/1 a3/1 ");
	check_stats(q, 3, 0, 3, 0);
	/* One that comes meanwhile waits. */
	push_in(q, "A", "a4");
	check_batch(q, &b, "b1/1 ");
	settle_batch(q, &b, &acked);
	check_batch(q, &b, "alone 1/1 ");
	settle_batch(q, &b, &acked);
	take_and_ack(q, "alone 2");
	check_nothing_due(q);
	settle_batch(q, &a, &released);
	/* And is in the batch when that comes again. */
	check_batch(q, &a, "a1/2 a2/2 a3/2 a4/1 ");
	CU_ASSERT(str_eq(a.items[2].reason, "exit status 1"));
	push_in(q, "A", "a5");
	check_nothing_due(q);
	settle_batch(q, &a, &acked);
	check_batch(q, &a, "a5/1 ");
	settle_batch(q, &a, &acked);
	check_stats(q, 0, 0, 0, 0);
	end(q);
}

/* Nothing is settled by halves. */
static void
test_batch_all_or_none(void)
{
	struct queue_end e = { .how = QUEUE_RELEASE, .delay_s = 1 };
	struct queue *q = begin();
	struct batch a;

	if (!back_end->batches) {
		end(q);
		return;
	}
	push_burst(q);
	check_batch(q, &a, "a1/1 a2/1 a3/1 ");
	CU_ASSERT_EQUAL(q->ops->ack(q, a.receipts[1]), ST_OK);
	CU_ASSERT_EQUAL(q->ops->settle(q, a.receipts, 3, &acked), ST_NOTFOUND);
	CU_ASSERT_EQUAL(
	    q->ops->settle(q, a.receipts, 3, &released), ST_NOTFOUND);
	CU_ASSERT_EQUAL(q->ops->settle(q, a.receipts, 3, &buried), ST_NOTFOUND);
	check_stats(q, 0, 0, 2, 0);
	a.receipts[1] = a.receipts[2];
	e.delay_s = -1;
	CU_ASSERT_EQUAL(q->ops->settle(q, a.receipts, 2, &e), ST_MALFORMED);
	e.delay_s = 1;
	CU_ASSERT_EQUAL(q->ops->settle(q, a.receipts, 2, &e), ST_OK);
	check_nothing_due(q);
	check_stats(q, 0, 2, 0, 0);
	batch_release(&a);
	sleep_ms(1200);
	check_batch(q, &a, "a1/2 a3/2 ");
	batch_release(&a);
	end(q);
}

/* A redrive puts them back in front, in their order. */
static void
test_batch_dies(void)
{
	struct queue_message later = {
		.body = "a5", .len = 2, .group = "A", .delay_s = 60
	};
	struct queue *q = begin();
	struct batch a;
	int64_t count;

	if (!back_end->batches) {
		end(q);
		return;
	}
	push_burst(q);
	check_batch(q, &a, "a1/1 a2/1 a3/1 ");
	push_in(q, "A", "a4");
	settle_batch(q, &a, &buried);
	check_stats(q, 1, 0, 0, 3);
	check_peek(q, true, 9, "a1/dead/1/why a2/dead/1/why a3/dead/1/why ");
	check_batch(q, &a, "a4/1 ");
	CU_ASSERT_EQUAL(q->ops->redrive(q, NULL, &count), ST_OK);
	CU_ASSERT_EQUAL(count, 3);
	check_nothing_due(q);
	settle_batch(q, &a, &acked);
	check_batch(q, &a, "a1/1 a2/1 a3/1 ");
	settle_batch(q, &a, &buried);
	CU_ASSERT_EQUAL(q->ops->push(q, &later), ST_OK);
	CU_ASSERT_EQUAL(q->ops->redrive(q, NULL, &count), ST_OK);
	check_batch(q, &a, "a1/1 a2/1 a3/1 a5/1 ");
	settle_batch(q, &a, &acked);
	end(q);
}

/* They run out together, and are the same batch again. */
static void
test_batch_runs_out(void)
{
	struct queue *q = begin();
	struct batch a, b;
	size_t n = 9;

	if (!back_end->batches) {
		end(q);
		return;
	}
	push_burst(q);
	take_batch(q, &a, 1, 1000, BATCH_MAX);
	check_nothing_due(q);
	sleep_ms(1200);
	check_stats(q, 3, 0, 0, 0);
	CU_ASSERT_EQUAL(q->ops->settle(q, a.receipts, 3, &acked), ST_NOTFOUND);
	CU_ASSERT_EQUAL(q->ops->receive_more(
			    q, a.receipts[0], true, 9, b.items, BATCH_MAX, &n),
	    ST_NOTFOUND);
	CU_ASSERT_EQUAL(n, 0);
	CU_ASSERT_EQUAL(
	    q->ops->receive_more(q, "x", true, 9, b.items, BATCH_MAX, &n),
	    ST_NOTFOUND);
	check_batch(q, &b, "a1/2 a2/2 a3/2 ");
	check_refused(q, a.receipts[1]);
	settle_batch(q, &b, &acked);
	batch_release(&a);
	/* One by one they run out, too. */
	push_burst(q);
	take_batch(q, &a, 1, 1000, BATCH_MAX);
	batch_release(&a);
	sleep_ms(1200);
	take_and_ack(q, "a1");
	take_and_ack(q, "a2");
	take_and_ack(q, "a3");
	end(q);
}

/* So many and so large at most; the rest is the next batch. */
static void
test_batch_limits(void)
{
	struct queue *q = begin();
	struct batch a;

	if (!back_end->batches) {
		end(q);
		return;
	}
	push_burst(q);
	push_in(q, "A", "a4");
	take_batch(q, &a, LONG_S, 1000, 2);
	CU_ASSERT_STRING_EQUAL(a.text, "a1/1 a2/1 ");
	check_nothing_due(q);
	settle_batch(q, &a, &acked);
	take_batch(q, &a, LONG_S, 1, BATCH_MAX);
	CU_ASSERT_STRING_EQUAL(a.text, "a3/1 ");
	settle_batch(q, &a, &released);
	take_batch(q, &a, LONG_S, 2, BATCH_MAX);
	CU_ASSERT_STRING_EQUAL(a.text, "a3/2 a4/1 ");
	settle_batch(q, &a, &acked);
	if (back_end->damage != NULL) {
		push_in(q, "A", "a1");
		push_in(q, "A", "damaged");
		back_end->damage();
		push_in(q, "A", "a3");
		check_batch(q, &a, "a1/1 ");
		settle_batch(q, &a, &acked);
		CU_ASSERT_EQUAL(
		    q->ops->receive(q, LONG_S, a.items), ST_CORRUPT);
		check_batch(q, &a, "a3/1 ");
		settle_batch(q, &a, &acked);
	}
	end(q);
}

/* Settled one by one: as long as one of them is held, nothing is given out. */
static void
test_batch_one_by_one(void)
{
	struct queue *q = begin();
	struct batch a;

	if (!back_end->batches) {
		end(q);
		return;
	}
	push_burst(q);
	check_batch(q, &a, "a1/1 a2/1 a3/1 ");
	push_in(q, "A", "a4");
	CU_ASSERT_EQUAL(q->ops->release(q, a.receipts[0], 0, NULL), ST_OK);
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->ack(q, a.receipts[2]), ST_OK);
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->release(q, a.receipts[1], 0, NULL), ST_OK);
	batch_release(&a);
	check_batch(q, &a, "a1/2 a2/2 a4/1 ");
	CU_ASSERT_EQUAL(q->ops->ack(q, a.receipts[0]), ST_OK);
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->release(q, a.receipts[1], 0, NULL), ST_OK);
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->ack(q, a.receipts[2]), ST_OK);
	batch_release(&a);
	/* One that is released with a delay holds up none before it. */
	push_in(q, "A", "a5");
	check_batch(q, &a, "a2/3 a5/1 ");
	CU_ASSERT_EQUAL(q->ops->release(q, a.receipts[1], 600, NULL), ST_OK);
	check_nothing_due(q);
	CU_ASSERT_EQUAL(q->ops->release(q, a.receipts[0], 0, NULL), ST_OK);
	batch_release(&a);
	check_batch(q, &a, "a2/4 a5/2 ");
	settle_batch(q, &a, &acked);
	check_stats(q, 0, 0, 0, 0);
	end(q);
}

const struct test contract_queue_tests[] = {
	{ "nothing there", test_empty },
	{ "what is received", test_what_is_received },
	{ "bodies", test_bodies },
	{ "equally due leave in order", test_order },
	{ "a delay", test_delay },
	{ "what is taken is hidden, what is acknowledged gone",
	    test_taken_is_hidden },
	{ "a receipt runs out", test_running_out },
	{ "a release", test_release },
	{ "a receipt holds for longer", test_extend },
	{ "receipts that are none", test_bad_receipts },
	{ "queues are separate", test_queues_are_separate },
	{ "a look", test_peek },
	{ "a burial", test_bury },
	{ "a dead letter from the start", test_push_dead },
	{ "a redrive", test_redrive },
	{ "damage", test_damage },
	{ "damage seen in a look", test_damage_seen },
	{ "spans of time", test_spans },
	{ "order within a group", test_groups },
	{ "a repeat is taken once", test_repeats },
	{ "a delay within a group", test_delay_in_a_group },
	{ "several of a group", test_batch },
	{ "several are settled all or none", test_batch_all_or_none },
	{ "several are buried and redriven", test_batch_dies },
	{ "several run out", test_batch_runs_out },
	{ "several, but not too many", test_batch_limits },
	{ "several, settled one by one", test_batch_one_by_one },
	{ "many receivers, each item once", test_many_receivers },
	{ "joins a job", test_joins_a_job },
};
const size_t contract_queue_tests_n = TEST_COUNT(contract_queue_tests);
