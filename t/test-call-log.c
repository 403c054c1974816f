/* The call log: a row for each call, listed, followed, forgotten. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "db/db.h"
#include "store/call.h"
#include "store/schema.h"
#include "t/databases.h"
#include "t/shim-fs.h"
#include "t/test.h"

#define DAY_US (INT64_C(24) * 3600 * 1000000)

/* The tests count from here, where upkeep forgets nothing: the year 2100. */
#define THEN INT64_C(4102444800000000)

static struct db *
begin(void)
{
	database_fresh();
	return database_open(NULL);
}

static enum status
record_job(struct db *db, void *arg)
{
	return call_event_record(db, arg);
}

static enum status
record(struct db *db, const struct call_event *e)
{
	return db_write(db, record_job, (void *)e);
}

/* What a test asks for, and what it was given, in words. */
struct asked {
	const char *sid;
	struct call_filter filter;
	const struct call_cursor *after;
	size_t limit;
	int64_t seq;
	char text[4096];
	size_t rows;
	size_t stop_after; /* 0: never */
	struct call_cursor last;
	char last_sid[64];
};

static void
tell(struct asked *a, const char *word)
{
	size_t n = strlen(a->text);

	snprintf(a->text + n, sizeof(a->text) - n, "%s ", word);
}

static enum status
next_row(struct asked *a)
{
	return ++a->rows == a->stop_after ? ST_DENIED : ST_OK;
}

static const char *
or_dash(const char *s)
{
	return s == NULL ? "-" : s;
}

static enum status
show_call(const struct call_summary *c, void *arg)
{
	char word[512];

	snprintf(word, sizeof(word), "%s:%s:%s:%s:%s:%s:%d:%d:%d-%d:%s", c->sid,
	    c->status, or_dash(c->direction), or_dash(c->from), or_dash(c->to),
	    or_dash(c->error_code), (int)c->duration_s, (int)c->sequence,
	    (int)(c->start_us - THEN), (int)(c->last_us - THEN),
	    c->ended ? "ended" : "on");
	tell(arg, word);
	return next_row(arg);
}

static enum status
name_call(const struct call_summary *c, void *arg)
{
	struct asked *a = arg;

	tell(a, c->sid);
	snprintf(a->last_sid, sizeof(a->last_sid), "%s", c->sid);
	a->last = (struct call_cursor){ c->start_us, a->last_sid };
	return next_row(a);
}

static enum status
name_event(const struct call_event *e, void *arg)
{
	struct asked *a = arg;
	char word[128];

	snprintf(word, sizeof(word), "%s/%d/%s", e->sid, (int)e->sequence,
	    e->status);
	tell(a, word);
	CU_ASSERT(e->seq > a->seq);
	a->seq = e->seq;
	return next_row(a);
}

static enum status
get_job(struct db *db, void *arg)
{
	struct asked *a = arg;

	return call_get(db, a->sid, show_call, a);
}

static enum status
list_job(struct db *db, void *arg)
{
	struct asked *a = arg;

	return call_list(db, &a->filter, a->after, a->limit, name_call, a);
}

static enum status
after_job(struct db *db, void *arg)
{
	struct asked *a = arg;

	return call_events_after(db, a->seq, a->limit, name_event, a);
}

static enum status
tail_job(struct db *db, void *arg)
{
	struct asked *a = arg;

	return call_events_tail(db, a->limit, &a->seq);
}

static void
check_call(struct db *db, const char *sid, const char *text)
{
	struct asked a = { .sid = sid };

	CU_ASSERT_EQUAL(
	    db_read(db, get_job, &a), *text == '\0' ? ST_NOTFOUND : ST_OK);
	CU_ASSERT_STRING_EQUAL(a.text, text);
}

/* One call's life as Twilio tells it, and a repeat. */
static void
test_life(void)
{
	struct call_event ringing = { .sid = "CA1",
		.status = "ringing",
		.sequence = 1,
		.duration_s = -1,
		.direction = "inbound",
		.from = "+1",
		.to = "+2",
		.at_us = THEN + 5 };
	struct call_event end = { .sid = "CA1",
		.status = "completed",
		.sequence = 3,
		.duration_s = 42,
		.from = "",
		.error_code = "11200",
		.at_us = THEN + 9 };
	struct db *db = begin();

	check_call(db, "CA1", "");
	CU_ASSERT_EQUAL(record(db, &ringing), ST_OK);
	check_call(db, "CA1", "CA1:ringing:inbound:+1:+2:-:-1:1:5-5:on ");
	ringing.at_us += 100;
	ringing.to = "+3";
	CU_ASSERT_EQUAL(record(db, &ringing), ST_EXISTS);
	check_call(db, "CA1", "CA1:ringing:inbound:+1:+2:-:-1:1:5-5:on ");
	CU_ASSERT_EQUAL(record(db, &end), ST_OK);
	check_call(
	    db, "CA1", "CA1:completed:inbound:+1:+2:11200:42:3:5-9:ended ");
	/* Late, and in the wrong place: it stays ended. */
	ringing = (struct call_event){ .sid = "CA1",
		.status = "in-progress",
		.sequence = 4,
		.duration_s = -1,
		.to = "+4",
		.at_us = THEN + 11 };
	CU_ASSERT_EQUAL(record(db, &ringing), ST_OK);
	check_call(
	    db, "CA1", "CA1:completed:inbound:+1:+4:11200:42:4:5-11:ended ");
	check_call(db, "CA", "");
	db_close(db);
}

/* Without numbers it is arrival that counts. */
static void
test_unnumbered(void)
{
	struct call_event e = { .sid = "CA1",
		.status = "queued",
		.sequence = -1,
		.duration_s = -1,
		.at_us = THEN + 1 };
	struct db *db = begin();

	CU_ASSERT_EQUAL(record(db, &e), ST_OK);
	e.status = "in-progress";
	e.at_us = THEN + 2;
	CU_ASSERT_EQUAL(record(db, &e), ST_OK);
	check_call(db, "CA1", "CA1:in-progress:-:-:-:-:-1:-1:1-2:on ");
	e.status = "no-answer";
	e.at_us = THEN + 1;
	CU_ASSERT_EQUAL(record(db, &e), ST_OK);
	check_call(db, "CA1", "CA1:no-answer:-:-:-:-:-1:-1:1-2:ended ");
	db_close(db);
}

/* What Twilio reports unless asked for more: the end alone. */
static void
test_end_alone(void)
{
	struct call_event e = { .sid = "CA1",
		.status = "completed",
		.sequence = -1,
		.duration_s = 42,
		.parent_sid = "CAp",
		.at_us = THEN + 50000000 };
	struct db *db = begin();

	CU_ASSERT_EQUAL(record(db, &e), ST_OK);
	check_call(
	    db, "CA1", "CA1:completed:-:-:-:-:42:-1:8000000-50000000:ended ");
	/* Then there is a beginning after all. */
	e = (struct call_event){ .sid = "CA1",
		.status = "ringing",
		.sequence = -1,
		.duration_s = -1,
		.at_us = THEN + 50000001 };
	CU_ASSERT_EQUAL(record(db, &e), ST_OK);
	check_call(
	    db, "CA1", "CA1:completed:-:-:-:-:42:-1:50000000-50000001:ended ");
	/* No call lasts that long. */
	e = (struct call_event){ .sid = "CA2",
		.status = "completed",
		.sequence = -1,
		.duration_s = INT64_MAX,
		.at_us = THEN };
	CU_ASSERT_EQUAL(record(db, &e), ST_OK);
	check_call(db, "CA2", "CA2:completed:-:-:-:-:-1:-1:0-0:ended ");
	db_close(db);
}

#define EVENTS 7

/* Values that say which event they are of; some are not sent. */
static void
random_event(struct call_event *e, char text[static 16], int i)
{
	static const char *const statuses[] = { "queued", "ringing",
		"in-progress", "completed", "busy", "canceled" };

	const char *none = rand() % 2 ? NULL : "";

	snprintf(text, 16, "v%d", i);
	*e = (struct call_event){
		.sid = "CA1",
		.status = statuses[(size_t)rand() % 6],
		.sequence = rand() % 5 - 1,
		.duration_s = rand() % 2 ? rand() % 90 : -1,
		.direction = rand() % 3 ? text : none,
		.from = rand() % 3 ? text : none,
		.to = rand() % 3 ? text : none,
		.error_code = rand() % 3 ? none : text,
		.at_us = THEN + rand() % 4,
	};
}

static void
shuffle(struct call_event *e, size_t n)
{
	struct call_event t;
	size_t i, j;

	for (i = n - 1; i > 0; i--) {
		j = (size_t)rand() % (i + 1);
		t = e[i];
		e[i] = e[j];
		e[j] = t;
	}
}

/* Does x come before y in a call's life? */
static int
life_order(const void *x, const void *y)
{
	const struct call_event *a = x, *b = y;
	bool a_ends, b_ends;

	a_ends = strchr("cb", a->status[0]) != NULL;
	b_ends = strchr("cb", b->status[0]) != NULL;
	if (a_ends != b_ends)
		return a_ends ? 1 : -1;
	if (a->sequence != b->sequence)
		return a->sequence < b->sequence ? -1 : 1;
	if (a->at_us != b->at_us)
		return a->at_us < b->at_us ? -1 : 1;
	return strcmp(a->status, b->status);
}

static void
keep(const char **value, const char *said)
{
	if (said != NULL && *said != '\0')
		*value = said;
}

/* By plain re-computation: what the row must say. */
static void
expected(struct call_event *e, size_t n, struct asked *out)
{
	struct call_summary c = { .sid = "CA1",
		.duration_s = -1,
		.sequence = -1,
		.start_us = INT64_MAX };
	bool lived = false;
	size_t i;

	qsort(e, n, sizeof(*e), life_order);
	for (i = 0; i < n; i++) {
		c.status = e[i].status;
		keep(&c.direction, e[i].direction);
		keep(&c.from, e[i].from);
		keep(&c.to, e[i].to);
		keep(&c.error_code, e[i].error_code);
		if (e[i].duration_s >= 0)
			c.duration_s = e[i].duration_s;
		if (e[i].sequence > c.sequence)
			c.sequence = e[i].sequence;
		if (e[i].at_us < c.start_us)
			c.start_us = e[i].at_us;
		if (e[i].at_us > c.last_us)
			c.last_us = e[i].at_us;
		lived |= strchr("cb", e[i].status[0]) == NULL;
	}
	c.ended = strchr("cb", c.status[0]) != NULL;
	if (!lived && c.duration_s > 0)
		c.start_us = c.last_us - c.duration_s * INT64_C(1000000);
	show_call(&c, out);
}

struct some_events {
	struct call_event e[EVENTS];
	char text[EVENTS][16];
	size_t n;
};

/* Those that differ in what tells events apart; ends: nothing but those. */
static void
some_events(struct some_events *s, bool ends)
{
	size_t i;

	for (s->n = 0; s->n < EVENTS;) {
		random_event(&s->e[s->n], s->text[s->n], (int)s->n);
		if (ends && strchr("cb", s->e[s->n].status[0]) == NULL)
			continue;
		for (i = 0; i < s->n; i++)
			if (s->e[i].sequence == s->e[s->n].sequence &&
			    strcmp(s->e[i].status, s->e[s->n].status) == 0)
				break;
		s->n += i == s->n;
	}
}

/* Fill the old table, as a program of before version 4 did. */
static enum status
old_job(struct db *db, void *arg)
{
	struct some_events *s = arg;
	enum status st = ST_OK;
	size_t i;

	for (i = 0; i < s->n && st == ST_OK; i++)
		st = db_run(db,
		    "INSERT INTO call_event VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7,"
		    " ?8, ?9)",
		    "tititttti", s->e[i].sid, s->e[i].sequence, s->e[i].status,
		    s->e[i].duration_s, s->e[i].direction, s->e[i].from,
		    s->e[i].to, s->e[i].error_code, s->e[i].at_us);
	return st;
}

/* The migration fills the table as recording does. */
static void
check_migrated(struct some_events *s, const char *text)
{
	const char *before[] = { store_schema.migrations[0],
		store_schema.migrations[1], store_schema.migrations[2], NULL };
	struct db_schema old = { .migrations = before };
	struct db *db;

	database_fresh();
	db = database_open(&old);
	CU_ASSERT_EQUAL(db_write(db, old_job, s), ST_OK);
	db_close(db);
	db = database_open(NULL);
	check_call(db, "CA1", text);
	s->e[0].sid = "CA2";
	CU_ASSERT_EQUAL(record(db, &s->e[0]), ST_OK);
	s->e[0].sid = "CA1";
	CU_ASSERT_EQUAL(record(db, &s->e[0]), ST_EXISTS);
	db_close(db);
}

static void
test_any_order(void)
{
	struct some_events s;
	struct asked want;
	struct db *db;
	int turn;
	size_t i;

	srand(4);
	for (turn = 0; turn < 16; turn++) {
		some_events(&s, turn % 4 == 3);
		want = (struct asked){ .rows = 0 };
		expected(s.e, s.n, &want);
		db = begin();
		shuffle(s.e, s.n);
		for (i = 0; i < s.n; i++)
			CU_ASSERT_EQUAL(record(db, &s.e[i]), ST_OK);
		shuffle(s.e, s.n);
		for (i = 0; i < s.n; i++)
			CU_ASSERT_EQUAL(record(db, &s.e[i]), ST_EXISTS);
		check_call(db, "CA1", want.text);
		db_close(db);
		check_migrated(&s, want.text);
	}
}

static enum status
record_some(struct db *db, const char *sid, const char *status,
    const char *direction, int64_t at_us)
{
	struct call_event e = { .sid = sid,
		.status = status,
		.sequence = 0,
		.duration_s = -1,
		.direction = direction,
		.at_us = at_us };

	return record(db, &e);
}

static void
check_list(struct db *db, struct asked a, const char *text)
{
	CU_ASSERT_EQUAL(db_read(db, list_job, &a), ST_OK);
	CU_ASSERT_STRING_EQUAL(a.text, text);
}

static void
test_list(void)
{
	struct call_cursor here = { THEN + 20, "CAb" },
			   far = { THEN + 900, "CAx" };
	struct asked stopped = { .limit = 9, .stop_after = 2 };
	struct db *db = begin();

	record_some(db, "CAc", "ringing", "inbound", THEN + 20);
	record_some(db, "CAa", "ringing", "outbound-api", THEN + 20);
	record_some(db, "CAb", "completed", "inbound", THEN + 20);
	record_some(db, "CAd", "completed", "outbound-api", THEN + 10);
	record_some(db, "CAe", "ringing", NULL, THEN + 30);
	check_list(db, (struct asked){ .limit = 9 }, "CAe CAc CAb CAa CAd ");
	check_list(db, (struct asked){ .limit = 2 }, "CAe CAc ");
	check_list(db, (struct asked){ .limit = 0 }, "");
	check_list(db, (struct asked){ .limit = SIZE_MAX, .after = &here },
	    "CAa CAd ");
	check_list(db,
	    (struct asked){ .filter = { .before_us = THEN + 21 },
		.after = &far,
		.limit = 9 },
	    "CAc CAb CAa CAd ");
	check_list(db,
	    (struct asked){
		.filter = { .from_us = THEN + 20, .before_us = THEN + 30 },
		.limit = 9 },
	    "CAc CAb CAa ");
	check_list(db,
	    (struct asked){ .filter = { .status = "ringing" }, .limit = 9 },
	    "CAe CAc CAa ");
	check_list(db,
	    (struct asked){ .filter = { .direction = "inbound" }, .limit = 9 },
	    "CAc CAb ");
	check_list(db,
	    (struct asked){
		.filter = { .status = "ringing", .direction = "inbound" },
		.after = &far,
		.limit = 9 },
	    "CAc ");
	check_list(db,
	    (struct asked){ .filter = { .status = "busy" }, .limit = 9 }, "");
	CU_ASSERT_EQUAL(db_read(db, list_job, &stopped), ST_DENIED);
	CU_ASSERT_EQUAL(stopped.rows, 2);
	db_close(db);
}

struct filling {
	int from;
	int n;
};

static const char *const fill_statuses[] = { "completed", "busy", "completed",
	"no-answer" };

static enum status
fill_job(struct db *db, void *arg)
{
	const struct filling *f = arg;
	struct call_event e = { .sequence = 0, .duration_s = -1 };
	enum status st = ST_OK;
	char sid[40];
	int i;

	for (i = f->from; i < f->from + f->n && st == ST_OK; i++) {
		/* As random as those of Twilio, and each once. */
		snprintf(sid, sizeof(sid), "CA%08x", (unsigned)i * 2654435761u);
		e.sid = sid;
		e.status = fill_statuses[i % 4];
		e.direction = i % 3 ? "inbound" : "outbound-dial";
		e.from = i % 5 ? "+1" : "sip:a@b";
		e.to = i % 7 ? "+2" : "client:a";
		e.parent_sid = i % 50 ? NULL : i % 100 ? "CAodd" : "CAeven";
		e.at_us = THEN + i / 2;
		st = call_event_record(db, &e);
	}
	return st;
}

/* Pages to the end: each call once. */
static void
check_pages(struct db *db, struct call_filter filter, int want)
{
	struct asked a = { .filter = filter, .limit = 97 };
	size_t n = 0, got = 97;
	struct call_cursor at;
	char sid[64];

	while (got == 97) {
		a.rows = 0;
		a.text[0] = '\0';
		CU_ASSERT_EQUAL(db_read(db, list_job, &a), ST_OK);
		got = a.rows;
		n += got;
		if (a.after != NULL && got > 0)
			CU_ASSERT(a.last.start_us <= at.start_us);
		snprintf(sid, sizeof(sid), "%s", a.last_sid);
		at = (struct call_cursor){ a.last.start_us, sid };
		a.after = &at;
	}
	CU_ASSERT_EQUAL(n, (size_t)want);
}

static void
test_many(void)
{
	struct filling f = { 0, 1000 };
	struct db_counters c;
	struct db *db = begin();
	int calls = getenv("SWITCHHOOK_TEST_QUICK") != NULL ? 6000 : 24000;

	for (; f.from < calls; f.from += f.n)
		CU_ASSERT_EQUAL(db_write(db, fill_job, &f), ST_OK);
	check_pages(db, (struct call_filter){ 0 }, calls);
	check_pages(db, (struct call_filter){ .status = "busy" }, calls / 4);
	check_pages(db, (struct call_filter){ .direction = "outbound-dial" },
	    calls / 3);
	check_pages(db,
	    (struct call_filter){ .status = "busy", .direction = "inbound" },
	    calls / 6);
	check_pages(db,
	    (struct call_filter){
		.from_us = THEN + 100, .before_us = THEN + 1100 },
	    2000);
	check_pages(db, (struct call_filter){ .from = "sip:a@b" }, calls / 5);
	check_pages(
	    db, (struct call_filter){ .to = "client:a" }, (calls + 6) / 7);
	check_pages(db,
	    (struct call_filter){ .from = "sip:a@b", .to = "client:a" },
	    (calls + 34) / 35);
	check_pages(
	    db, (struct call_filter){ .parent_sid = "CAodd" }, calls / 100);
	check_pages(db,
	    (struct call_filter){ .parent_sid = "CAodd", .status = "busy" }, 0);
	check_pages(db,
	    (struct call_filter){ .parent_sid = "CAeven",
		.from = "sip:a@b",
		.direction = "outbound-dial" },
	    (calls + 299) / 300);
	check_pages(db,
	    (struct call_filter){ .from = "+1", .status = "no-answer" },
	    calls / 5);
	check_pages(db, (struct call_filter){ .from = "+3" }, 0);
	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.scans, 0);
	db_close(db);
}

static void
check_follow(struct db *db, struct asked *a, const char *text)
{
	a->text[0] = '\0';
	CU_ASSERT_EQUAL(db_read(db, after_job, a), ST_OK);
	CU_ASSERT_STRING_EQUAL(a->text, text);
}

static void
test_follow(void)
{
	struct asked a = { .limit = 2 }, n = { .limit = 2 };
	struct db_counters c;
	struct db *db = begin();

	CU_ASSERT_EQUAL(db_read(db, tail_job, &n), ST_OK);
	CU_ASSERT_EQUAL(n.seq, 0);
	check_follow(db, &a, "");
	record_some(db, "CA1", "ringing", NULL, THEN + 9);
	record_some(db, "CA2", "ringing", NULL, THEN + 8);
	record_some(db, "CA1", "ringing", NULL, THEN + 7);
	record_some(db, "CA1", "completed", NULL, THEN + 6);
	CU_ASSERT_EQUAL(db_read(db, tail_job, &n), ST_OK);
	check_follow(db, &n, "CA2/0/ringing CA1/0/completed ");
	n.limit = 4;
	CU_ASSERT_EQUAL(db_read(db, tail_job, &n), ST_OK);
	CU_ASSERT_EQUAL(n.seq, 0);
	n.limit = 0;
	CU_ASSERT_EQUAL(db_read(db, tail_job, &n), ST_OK);
	check_follow(db, &a, "CA1/0/ringing CA2/0/ringing ");
	check_follow(db, &a, "CA1/0/completed ");
	CU_ASSERT_EQUAL(a.seq, n.seq);
	check_follow(db, &a, "");
	record_some(db, "CA3", "busy", NULL, THEN);
	check_follow(db, &a, "CA3/0/busy ");
	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.scans, 0);
	db_close(db);
}

struct purging {
	int64_t before_us;
	size_t limit;
};

static enum status
purge_job(struct db *db, void *arg)
{
	const struct purging *p = arg;

	return call_purge(db, p->before_us, p->limit);
}

static enum status
digits_job(struct db *db, void *arg)
{
	return call_digits_record(db, arg);
}

static enum status
record_digits(struct db *db, const char *sid, int64_t at_us)
{
	struct call_digits d = { .call_sid = sid,
		.caller = "+1",
		.target = "birthdate",
		.value = "19900115",
		.at_us = at_us };

	return db_write(db, digits_job, &d);
}

static void
check_purge(struct db *db, int64_t before_us, size_t limit)
{
	struct purging p = { before_us, limit };

	CU_ASSERT_EQUAL(db_write(db, purge_job, &p), ST_OK);
}

/* A call goes whole: its row, its events, its digits. */
static void
test_purge(void)
{
	struct asked all = { .limit = 99 };
	struct db_counters c;
	struct db *db = begin();

	record_some(db, "CA1", "ringing", NULL, THEN + 1);
	record_some(db, "CA1", "completed", NULL, THEN + 50);
	record_some(db, "CA2", "ringing", NULL, THEN + 2);
	record_some(db, "CA2", "completed", NULL, THEN + 3);
	record_some(db, "CA3", "busy", NULL, THEN + 4);
	record_some(db, "CA4", "busy", NULL, THEN + 60);
	CU_ASSERT_EQUAL(record_digits(db, "CA1", THEN + 1), ST_OK);
	CU_ASSERT_EQUAL(record_digits(db, "CA2", THEN + 2), ST_OK);
	CU_ASSERT_EQUAL(record_digits(db, "CAnone", THEN + 5), ST_OK);
	CU_ASSERT_EQUAL(record_digits(db, "CAlate", THEN + 60), ST_OK);
	check_purge(db, THEN + 10, 0);
	check_list(db, all, "CA4 CA3 CA2 CA1 ");
	check_purge(db, THEN + 10, 1);
	check_list(db, all, "CA4 CA3 CA1 ");
	check_follow(
	    db, &all, "CA1/0/ringing CA1/0/completed CA3/0/busy CA4/0/busy ");
	check_purge(db, THEN + 10, 99);
	all.seq = 0;
	check_follow(db, &all, "CA1/0/ringing CA1/0/completed CA4/0/busy ");
	/* Of what is forgotten the same may come again. */
	CU_ASSERT_EQUAL(record_digits(db, "CA1", THEN + 1), ST_EXISTS);
	CU_ASSERT_EQUAL(record_digits(db, "CA2", THEN + 2), ST_OK);
	CU_ASSERT_EQUAL(record_digits(db, "CAnone", THEN + 5), ST_OK);
	CU_ASSERT_EQUAL(record_digits(db, "CAlate", THEN + 60), ST_EXISTS);
	check_purge(db, THEN + 51, 99);
	check_call(db, "CA1", "");
	check_call(db, "CA4", "CA4:busy:-:-:-:-:-1:0:60-60:ended ");
	db_counters(db, &c);
	CU_ASSERT_EQUAL(c.scans, 0);
	db_close(db);
}

/* The product's upkeep: what is old enough goes, and nothing else. */
static void
test_upkeep(void)
{
	struct db *db = begin();
	int64_t now = clock_us();

	database_forget_by(db, now - 91 * DAY_US);
	record_some(db, "CAold", "busy", NULL, now - 91 * DAY_US);
	record_some(db, "CAyoung", "busy", NULL, now - 89 * DAY_US);
	database_forget_by(db, now);
	CU_ASSERT_EQUAL(db_write(db, store_schema.chore, NULL), ST_OK);
	check_list(db, (struct asked){ .limit = 9 }, "CAyoung ");
	db_close(db);
}

/* What comes while the clock is months behind is not forgotten for it. */
static void
test_behind(void)
{
	struct db *db = begin();
	int64_t then = clock_us() - 120 * DAY_US;

	record_some(db, "CA1", "busy", NULL, then);
	CU_ASSERT_EQUAL(record_digits(db, "CAnone", then), ST_OK);
	CU_ASSERT_EQUAL(db_write(db, store_schema.chore, NULL), ST_OK);
	check_list(db, (struct asked){ .limit = 9 }, "CA1 ");
	CU_ASSERT_EQUAL(record_digits(db, "CAnone", then), ST_EXISTS);
	db_close(db);
}

static const struct test tests[] = {
	{ "a call's life", test_life },
	{ "events without a number", test_unnumbered },
	{ "the end alone", test_end_alone },
	{ "events in any order, before and after the table", test_any_order },
	{ "lists", test_list },
	{ "many calls", test_many },
	{ "following", test_follow },
	{ "forgetting", test_purge },
	{ "upkeep", test_upkeep },
	{ "a clock months behind", test_behind },
};

int
main(void)
{
	int bad = 0;
	size_t i;

	shim.skip_syncs = true;
	for (i = 0; i < database_ways_n; i++) {
		database_use(&database_ways[i]);
		bad |=
		    test_main(database_ways[i].name, tests, TEST_COUNT(tests));
	}
	return bad;
}
