/*
 * What the API reads: the items of a queue in pages, how much is on one, what
 * was added to counters by the hour, and how a body is looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/db.h"
#include "serve/metrics.h"
#include "site/routes.h"
#include "store/counter.h"
#include "store/queue.h"
#include "store/sqlite_queue.h"
#include "t/databases.h"
#include "t/request.h"
#include "t/test.h"

/* --- pages of a queue ------------------------------------------------------ */

static struct db *
begin(struct queue **q)
{
	struct db *db;

	database_fresh();
	db = database_open(NULL);
	CU_ASSERT_EQUAL_FATAL(sqlite_queue_open(db, "sqlite:q", "q", q), ST_OK);
	return db;
}

static void
end(struct db *db, struct queue *q)
{
	struct db_counters c;

	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.scans, 0);
	q->ops->close(q);
	db_close(db);
}

static void
push(struct queue *q, const char *body, const char *group, int64_t delay_s,
    const char *dead)
{
	const struct queue_message m = { .body = body,
		.len = strlen(body),
		.group = group,
		.delay_s = delay_s,
		.dead = dead };

	CU_ASSERT_EQUAL(q->ops->push(q, &m), ST_OK);
}

/* Bodies in the order in which they came, with their states. */
struct page {
	struct queue_page asked;
	struct buf found;
	struct queue_cursor last;
	int64_t n;
};

static enum status
take(const struct queue_item *item, const struct queue_cursor *at, void *arg)
{
	static const char letters[] = "rdtx"; /* ready, delayed, taken, dead */
	struct page *p = arg;

	CU_ASSERT_STRING_EQUAL(item->queue, "sqlite:q");
	buf_printf(&p->found, "%.*s%c ", (int)item->len, item->body,
	    letters[item->state]);
	p->last = *at;
	p->n++;
	return ST_OK;
}

static enum status
page_job(struct db *db, void *arg)
{
	struct page *p = arg;

	p->n = 0;
	return sqlite_queue_list(db, &p->asked, take, p);
}

/* All of these states, by pages of this size. */
static void
assert_listed(struct db *db, const enum queue_state *state, int64_t limit,
    const char *expected)
{
	struct page p = { .asked = { "q", state, NULL, limit } };
	struct queue_cursor after;

	do {
		CU_ASSERT_EQUAL(db_read(db, page_job, &p), ST_OK);
		CU_ASSERT(p.n <= limit);
		after = p.last;
		p.asked.after = &after;
	} while (p.n == limit && p.found.len < 1000);
	if (strcmp(buf_str(&p.found), expected) != 0) {
		fprintf(stderr, "%s, not %s\n", buf_str(&p.found), expected);
		CU_FAIL("others");
	}
	buf_release(&p.found);
}

static void
test_pages(void)
{
	static const enum queue_state ready = QUEUE_READY,
				      delayed = QUEUE_DELAYED,
				      taken = QUEUE_TAKEN, dead = QUEUE_DEAD;
	struct queue_item item;
	struct queue *q;
	struct db *db = begin(&q);
	int64_t limit;

	push(q, "a", "g", 0, NULL);
	push(q, "b", "g", 0, NULL); /* behind a */
	push(q, "c", NULL, 60, NULL);
	push(q, "d", NULL, 0, "is bad");
	push(q, "e", "h", 0, NULL);
	push(q, "f", NULL, 0, "is bad, too");
	push(q, "g", "h", 30, NULL); /* behind e */
	push(q, "h", NULL, 0, NULL);
	CU_ASSERT_EQUAL(q->ops->receive(q, 90, &item), ST_OK);
	CU_ASSERT_STRING_EQUAL(item.body, "a");
	queue_item_release(&item);
	for (limit = 1; limit <= 9; limit++) {
		assert_listed(db, NULL, limit, "er hr cd at br gd dx fx ");
		assert_listed(db, &ready, limit, "er hr br ");
		assert_listed(db, &delayed, limit, "cd gd ");
		assert_listed(db, &taken, limit, "at ");
		assert_listed(db, &dead, limit, "dx fx ");
	}
	end(db, q);
}

/* --- how much -------------------------------------------------------------- */

struct measure {
	int64_t most;
	struct queue_depth d;
};

static enum status
measure_job(struct db *db, void *arg)
{
	struct measure *m = arg;

	return sqlite_queue_depth(db, "q", m->most, &m->d);
}

static void
assert_depth(struct db *db, int64_t most, int64_t ready, int64_t delayed,
    int64_t taken, int64_t dead)
{
	struct measure m = { .most = most };

	CU_ASSERT_EQUAL(db_read(db, measure_job, &m), ST_OK);
	CU_ASSERT_EQUAL(m.d.items.ready, ready);
	CU_ASSERT_EQUAL(m.d.items.delayed, delayed);
	CU_ASSERT_EQUAL(m.d.items.taken, taken);
	CU_ASSERT_EQUAL(m.d.items.dead, dead);
}

static void
test_depth(void)
{
	struct queue_item item;
	struct queue *q;
	struct db *db = begin(&q);
	int i;

	assert_depth(db, INT64_MAX, 0, 0, 0, 0);
	for (i = 0; i < 7; i++)
		push(q, "r", NULL, 0, NULL);
	for (i = 0; i < 4; i++)
		push(q, "d", NULL, 60, NULL);
	for (i = 0; i < 3; i++)
		push(q, "x", NULL, 0, "is bad");
	CU_ASSERT_EQUAL(q->ops->receive(q, 30, &item), ST_OK);
	queue_item_release(&item);
	assert_depth(db, INT64_MAX, 6, 4, 1, 3);
	assert_depth(db, 2, 2, 1, 1, 2);
	end(db, q);
}

/* --- by the hour ----------------------------------------------------------- */

static enum status
add_job(struct db *db, void *arg)
{
	enum status st = counter_add(db, "messages", arg);

	return st == ST_OK ? counter_add(db, "calls", "ringing") : st;
}

static enum status
take_hour(
    int64_t hour, const char *name, const char *label, int64_t n, void *arg)
{
	return buf_printf(arg, "%lld %s %s %lld;", (long long)hour, name, label,
	    (long long)n);
}

static enum status
purge_job(struct db *db, void *arg)
{
	return counter_purge(db, *(int64_t *)arg);
}

static void
assert_hours(struct db *db, int64_t from, int64_t to, const char *expected)
{
	struct buf found = BUF_INIT;

	CU_ASSERT_EQUAL(counter_hours(db, from, to, take_hour, &found), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&found), expected);
	buf_release(&found);
}

static void
test_hours(void)
{
	struct queue *q;
	struct db *db = begin(&q);
	int64_t hour = counter_hour(clock_us()), later;
	char expected[200];
	int i;

	CU_ASSERT_EQUAL(counter_hour(INT64_C(7199999999)), 1);
	for (i = 0; i < 5; i++)
		CU_ASSERT_EQUAL(
		    db_write(db, add_job, i < 3 ? "ai" : "human"), ST_OK);
	/* A test that runs over the hour tells nothing. */
	if (counter_hour(clock_us()) == hour) {
		snprintf(expected, sizeof(expected),
		    "%lld calls ringing 5;%lld messages ai 3;"
		    "%lld messages human 2;",
		    (long long)hour, (long long)hour, (long long)hour);
		assert_hours(db, hour - 23, hour, expected);
		assert_hours(db, hour - 23, hour - 1, "");
		assert_hours(db, hour + 1, hour + 2, "");
		later = clock_us() + INT64_C(48) * 3600000000;
		CU_ASSERT_EQUAL(db_write(db, purge_job, &later), ST_OK);
		assert_hours(db, hour, hour, expected);
	}
	later = clock_us() + INT64_C(50) * 3600000000;
	CU_ASSERT_EQUAL(db_write(db, purge_job, &later), ST_OK);
	assert_hours(db, 0, hour + 1, "");
	end(db, q);
}

static void
test_refusals(void)
{
	struct metrics *m;
	int64_t hour = counter_hour(clock_us());
	size_t missing = 0, wrong = SIGNATURE_WRONG - SIGNATURE_MISSING;

	CU_ASSERT_EQUAL_FATAL(
	    metrics_open(&m, app_routes, app_routes_n), ST_OK);
	CU_ASSERT_EQUAL(metrics_refusals(m, missing, hour), 0);
	metrics_signature(m, SIGNATURE_VALID, false);
	metrics_signature(m, SIGNATURE_MISSING, true);
	metrics_signature(m, SIGNATURE_WRONG, true);
	metrics_signature(m, SIGNATURE_MISSING, false);
	if (counter_hour(clock_us()) == hour) {
		CU_ASSERT_EQUAL(metrics_refusals(m, missing, hour), 2);
		CU_ASSERT_EQUAL(metrics_refusals(m, wrong, hour), 1);
	}
	CU_ASSERT_EQUAL(metrics_refusals(m, wrong + 1, hour), 0);
	CU_ASSERT_EQUAL(metrics_refusals(m, missing, hour - 1), 0);
	/* Its place in the ring is another hour's. */
	CU_ASSERT_EQUAL(metrics_refusals(m, missing, hour - 25), 0);
	metrics_close(m);
}

/* --- requests -------------------------------------------------------------- */

#define ADMIN "HTTP_X_API_KEY=root"
#define CONFIG "[server]\nadmin_token = root\n"

static void
assert_reply(struct app *app, const char *uri, const char *body, int status,
    const char *words)
{
	const struct test_request q = { .uri = uri,
		.body = body,
		.type = body == NULL ? NULL : "application/json",
		.extra = ADMIN };
	struct test_reply r = test_ask(app, &q);

	if (r.status != status || strstr(r.body, words) == NULL) {
		fprintf(stderr, "%s %s: %d %s\n", uri, body, r.status, r.body);
		CU_FAIL("another reply");
	}
	test_reply_release(&r);
}

static void
test_bodies(void)
{
	static const char redrive[] = "/api/queues/ai/redrive";
	struct app *app = test_app(CONFIG);

	assert_reply(app, redrive, "{}", 200, "\"redriven\":0");
	assert_reply(app, redrive, "{\"id\":null}", 200, "\"redriven\":0");
	assert_reply(app, redrive, " {\"id\" : \"7\"} ", 404, "No dead letter");
	assert_reply(
	    app, redrive, "{\"ID\":\"7\"}", 400, "ID: no such member here");
	assert_reply(app, redrive, "{\"a\\u0000b\":1}", 400, "NUL");
	assert_reply(app, redrive, "{\"id\":\"a\\u0000\"}", 400, "id: is not");
	assert_reply(
	    app, redrive, "{\"id\":[\"7\"]}", 400, "id: is not a text");
	assert_reply(
	    app, redrive, "{\"id\":\"7\",\"id\":\"7\"}", 400, "there twice");
	assert_reply(app, redrive, "null", 400, "not a JSON object");
	assert_reply(app, "/api/queues/ai/redrive?x=1", "{}", 400,
	    "x: no such parameter here");
	app_close(app);
}

static void
test_queries(void)
{
	struct app *app = test_app(CONFIG);

	assert_reply(app, "/api/refused", NULL, 200,
	    "{\"refused\":[],\"next_page_token\":null}");
	assert_reply(app, "/api/refused?limit=200", NULL, 200, "[]");
	assert_reply(app, "/api/refused?limit=-1", NULL, 400, "from 1 to 200");
	assert_reply(app, "/api/refused?limit=99999999999999999999", NULL, 400,
	    "from 1 to 200");
	assert_reply(
	    app, "/api/refused?l%00=1", NULL, 400, "no such parameter");
	assert_reply(app, "/api/refused?page_token=AAAA", NULL, 400,
	    "page_token: not one of");
	assert_reply(app, "/api/queues/ai?state=Ready", NULL, 400, "state: is");
	assert_reply(app, "/api/queues/other", NULL, 404, "No such queue");
	assert_reply(app, "/api/summary", NULL, 200, "\"not_ready\":[]");
	app_close(app);
}

static const struct test tests[] = {
	{ "pages of a queue", test_pages },
	{ "how much is on it", test_depth },
	{ "counters by the hour", test_hours },
	{ "refusals by the hour", test_refusals },
	{ "bodies", test_bodies },
	{ "queries", test_queries },
};

int
main(void)
{
	return test_main("api", tests, TEST_COUNT(tests));
}
