/* The parts behind the admin routes: moments, page tokens, who may wait. */
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/moment.h"
#include "t/test.h"
#include "serve/limit.h"
#include "watch/page_token.h"

#define DAY INT64_C(86400000000)
#define NOON INT64_C(1795262400000000) /* 2026-11-21T12:00:00Z */

/* --- moments ------------------------------------------------------------- */

static void
assert_moment(const char *text, int64_t first, int64_t last)
{
	int64_t us = 1;

	CU_ASSERT_EQUAL(moment_parse(text, MOMENT_FIRST, &us), ST_OK);
	CU_ASSERT_EQUAL(us, first);
	CU_ASSERT_EQUAL(moment_parse(text, MOMENT_LAST, &us), ST_OK);
	CU_ASSERT_EQUAL(us, last);
	if (us != last)
		printf("\n%s: %lld\n", text, (long long)us);
}

static void
test_moments(void)
{
	static const struct {
		const char *text;
		int64_t us;
	} cases[] = {
		{ "2026-11-21T12:00:00Z", NOON },
		{ "2026-11-21t12:00:00z", NOON },
		{ "2026-11-21T12:00Z", NOON },
		{ "2026-11-21T12:00:00.5Z", NOON + 500000 },
		{ "2026-11-21T12:00:00,123456789Z", NOON + 123456 },
		{ "2026-11-21T12:00:00.000000Z", NOON },
		{ "2026-11-21T14:00:00+02:00", NOON },
		{ "2026-11-21T14:00:00 02:00", NOON },
		{ "2026-11-21T14:00:00.25 0200", NOON + 250000 },
		{ "2026-11-21T14:00:00+0200", NOON },
		{ "2026-11-21T14:00+02", NOON },
		{ "2026-11-21T06:30:00-05:30", NOON },
		{ "2026-11-22T02:00:00+14:00", NOON },
		{ "2026-11-21T12:00:00-00:00", NOON },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59.999999Z", -1 },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000000) },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++)
		assert_moment(cases[i].text, cases[i].us, cases[i].us);
	/* A date alone is its whole day. */
	assert_moment("2026-11-21", NOON - DAY / 2, NOON + DAY / 2 - 1);
	assert_moment("1969-12-31", -DAY, -1);
}

static void
test_no_moments(void)
{
	static const char *const bad[] = { "", "2026", "2026-11", "2026-11-2",
		"20261121", "2026-1-21", "2026-13-01", "2026-00-01",
		"2026-11-31", "2026-02-29", "2026-11-00", "0000-01-01",
		"2026-11-21T", "2026-11-21Z", "2026-11-21 ", " 2026-11-21",
		"2026-11-21T12", "2026-11-21T12Z", "2026-11-21T12:00:00",
		"2026-11-21T12:00", "2026-11-21T24:00:00Z",
		"2026-11-21T12:60:00Z", "2026-11-21T12:00:60Z",
		"2026-11-21T12:00:00.Z", "2026-11-21T12:00:00Zx",
		"2026-11-21T12:00:00+2:00", "2026-11-21T12:00:00+02:0",
		"2026-11-21T12:00:00+02:00x", "2026-11-21T12:00:00+24:00",
		"2026-11-21T12:00:00+02:60", "2026-11-21T12:00:00  02:00",
		"2026-11-21 12:00:00Z", "2026-11-21T12:00:00 Z", "+2026-11-21",
		"2026-11-21T-1:00:00Z", "now", "1795262400",
		("2026-11-21T12:00:00\xe2\x88\x92"
		 "02:00") };
	int64_t us;
	size_t i;

	for (i = 0; i < TEST_COUNT(bad); i++) {
		if (moment_parse(bad[i], MOMENT_FIRST, &us) == ST_MALFORMED)
			continue;
		CU_FAIL("taken for a moment");
		printf("\n%s\n", bad[i]);
	}
}

static void
test_mail_times(void)
{
	static const char *const bad[] = { "", "Sat", "Sat, 21 Nov 2026",
		"Sat, 21 Nov 2026 12:00:00", "Sat, 31 Nov 2026 12:00:00 +0000",
		"Sat, 21 Foo 2026 12:00:00 +0000", "2026-11-21T12:00:00Z",
		"Sat, 21 Nov 2026 25:00:00 +0000",
		"Sat, 21 Nov 2026 12:00:00 +0000 " };
	char text[MOMENT_MAIL_MAX], iso[MOMENT_ISO_MAX];
	int64_t us;
	size_t i;

	CU_ASSERT_EQUAL(
	    moment_parse_mail("Sat, 21 Nov 2026 12:00:00 +0000", &us), ST_OK);
	CU_ASSERT_EQUAL(us, NOON);
	CU_ASSERT_EQUAL(
	    moment_parse_mail("1 Jan 1970 01:00:00 +0100", &us), ST_OK);
	CU_ASSERT_EQUAL(us, 0);
	CU_ASSERT_EQUAL(
	    moment_parse_mail("Sat, 21 Nov 2026 12:00:00 GMT", &us), ST_OK);
	CU_ASSERT_EQUAL(us, NOON);
	for (i = 0; i < TEST_COUNT(bad); i++)
		CU_ASSERT_EQUAL(moment_parse_mail(bad[i], &us), ST_MALFORMED);
	moment_mail(NOON + 999999, text);
	CU_ASSERT_STRING_EQUAL(text, "Sat, 21 Nov 2026 12:00:00 +0000");
	moment_mail(0, text);
	CU_ASSERT_STRING_EQUAL(text, "Thu, 01 Jan 1970 00:00:00 +0000");
	moment_mail(-1, text);
	CU_ASSERT_STRING_EQUAL(text, "Wed, 31 Dec 1969 23:59:59 +0000");
	moment_iso(NOON + 999999, iso);
	CU_ASSERT_STRING_EQUAL(iso, "2026-11-21T12:00:00Z");
	/* There and back, over some hundred years in odd steps. */
	for (us = -20000 * DAY; us < 40000 * DAY; us += 86399 * 11000003LL) {
		int64_t back, whole = us - (us % 1000000 + 1000000) % 1000000;

		moment_mail(us, text);
		CU_ASSERT_EQUAL(moment_parse_mail(text, &back), ST_OK);
		CU_ASSERT_EQUAL(back, whole);
		moment_iso(us, iso);
		CU_ASSERT_EQUAL(moment_parse(iso, MOMENT_FIRST, &back), ST_OK);
		CU_ASSERT_EQUAL(back, whole);
	}
}

/* --- page tokens --------------------------------------------------------- */

static const char place_text[] = "CA1\n\n5\n/2010-04-01/Accounts/?a=b\xff";

static struct buf
text_buf(const char *text)
{
	struct buf b = BUF_INIT;

	buf_puts(&b, text);
	return b;
}

static enum status
open_with(const char *filters, const char *token)
{
	struct buf place = BUF_INIT;
	enum status st = page_token_open(token, filters, &place);

	if (st == ST_OK) {
		CU_ASSERT_STRING_EQUAL(buf_str(&place), place_text);
	} else {
		CU_ASSERT_EQUAL(place.len, 0);
	}
	buf_release(&place);
	return st;
}

static void
test_tokens(void)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	struct buf place = text_buf(place_text), token = BUF_INIT;
	size_t i, other;

	CU_ASSERT_EQUAL(page_token_make(&place, "twilio - -", &token), ST_OK);
	CU_ASSERT_EQUAL(strspn(token.data, letters), token.len);
	CU_ASSERT_EQUAL(open_with("twilio - -", token.data), ST_OK);
	CU_ASSERT_EQUAL(open_with("twilio - a", token.data), ST_DENIED);
	CU_ASSERT_EQUAL(open_with("", token.data), ST_DENIED);
	/* Any one character changed, to any other. */
	for (i = 0; i < token.len; i++) {
		char was = token.data[i];

		for (other = 0; other < sizeof(letters) - 1; other++) {
			if (letters[other] == was)
				continue;
			token.data[i] = letters[other];
			if (open_with("twilio - -", token.data) == ST_DENIED)
				continue;
			CU_FAIL("a changed token was taken");
		}
		token.data[i] = was;
	}
	for (i = token.len; i-- > 0;) {
		token.data[i] = '\0';
		CU_ASSERT_EQUAL(open_with("twilio - -", token.data), ST_DENIED);
	}
	buf_release(&place);
	buf_release(&token);
}

static void
test_no_tokens(void)
{
	static const char *const bad[] = { "", "A", "AA", "AAA", "AAAA", "=",
		"====", "a b", "+", "/", "\xff", "%00" };
	struct buf big = BUF_INIT, token = BUF_INIT;
	size_t i;

	for (i = 0; i < TEST_COUNT(bad); i++)
		CU_ASSERT_EQUAL(open_with("", bad[i]), ST_DENIED);
	for (i = 0; i < PAGE_TOKEN_MAX + 4; i++)
		buf_putc(&big, 'A');
	CU_ASSERT_EQUAL(open_with("", big.data), ST_DENIED);
	CU_ASSERT_EQUAL(page_token_make(&big, "", &token), ST_TOOBIG);
	CU_ASSERT_EQUAL(token.len, 0);
	buf_release(&big);
	/* The empty place is one. */
	CU_ASSERT_EQUAL(page_token_make(&big, "", &token), ST_OK);
	CU_ASSERT_EQUAL(page_token_open(token.data, "", &big), ST_OK);
	CU_ASSERT_EQUAL(big.len, 0);
	buf_release(&token);
	buf_release(&big);
}

/* --- who may wait -------------------------------------------------------- */

/* How many come in, of many. */
static size_t
enter_all(struct limit *l)
{
	size_t n = 0;

	while (n < 1000 && limit_enter(l))
		n++;
	return n;
}

static void
test_limits(void)
{
	static const size_t expected[][2] = { { 1, 1 }, { 2, 1 }, { 3, 1 },
		{ 4, 1 }, { 7, 1 }, { 8, 2 }, { 11, 2 }, { 12, 3 }, { 64, 16 },
		{ 384, 96 } };
	struct limit l;
	size_t i, n;

	for (i = 0; i < TEST_COUNT(expected); i++) {
		l = (struct limit){ 0 };
		limit_workers(&l, expected[i][0]);
		CU_ASSERT_EQUAL(enter_all(&l), expected[i][1]);
	}
	for (i = 3; i < 400; i++) {
		l = (struct limit){ 0 };
		limit_workers(&l, i);
		n = enter_all(&l);
		CU_ASSERT(n >= 1 && n <= i - 2);
	}
}

static void
test_limit(void)
{
	struct limit l = { 0 }, fixed = { .most = 1 };

	CU_ASSERT(limit_enter(&fixed));
	CU_ASSERT_FALSE(limit_enter(&fixed));
	CU_ASSERT_FALSE(limit_closed(&fixed));
	limit_close(&fixed);
	CU_ASSERT(limit_closed(&fixed));
	CU_ASSERT_FALSE(limit_closed(NULL));
	limit_workers(&l, 8);
	CU_ASSERT(limit_enter(&l));
	CU_ASSERT(limit_enter(&l));
	CU_ASSERT_FALSE(limit_enter(&l));
	limit_leave(&l);
	CU_ASSERT(limit_enter(&l));
	CU_ASSERT_FALSE(limit_enter(&l));
	/* Fewer workers: those that wait go on, and no more come. */
	limit_workers(&l, 2);
	limit_leave(&l);
	CU_ASSERT_FALSE(limit_enter(&l));
	limit_leave(&l);
	CU_ASSERT(limit_enter(&l));
	limit_leave(&l);
	/* A request for each process. */
	CU_ASSERT_EQUAL(enter_all(NULL), 1000);
	limit_leave(NULL);
	limit_workers(NULL, 3);
}

/* Threads that come and go: never more than may. */
struct crowd {
	struct limit limit;
	pthread_mutex_t mutex; /* guards the rest */
	int inside, most;
};

static void *
come_and_go(void *arg)
{
	struct crowd *c = arg;
	int i;

	for (i = 0; i < 2000; i++) {
		if (!limit_enter(&c->limit))
			continue;
		pthread_mutex_lock(&c->mutex);
		c->most = ++c->inside > c->most ? c->inside : c->most;
		pthread_mutex_unlock(&c->mutex);
		pthread_mutex_lock(&c->mutex);
		c->inside--;
		pthread_mutex_unlock(&c->mutex);
		limit_leave(&c->limit);
	}
	return NULL;
}

static void
test_crowd(void)
{
	struct crowd c = { .mutex = PTHREAD_MUTEX_INITIALIZER };
	pthread_t threads[6];
	size_t i;

	limit_workers(&c.limit, 8);
	for (i = 0; i < TEST_COUNT(threads); i++)
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&threads[i], NULL, come_and_go, &c), 0);
	for (i = 0; i < TEST_COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	CU_ASSERT(c.most >= 1 && c.most <= 2);
	/* All have left. */
	CU_ASSERT_EQUAL(enter_all(&c.limit), 2);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "moments", test_moments },
		{ "no moments", test_no_moments },
		{ "times of mail", test_mail_times },
		{ "page tokens", test_tokens },
		{ "no page tokens", test_no_tokens },
		{ "limits", test_limits },
		{ "limit", test_limit },
		{ "a crowd", test_crowd },
	};

	return test_main("watching", tests, TEST_COUNT(tests));
}
