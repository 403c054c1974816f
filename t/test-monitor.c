/* The admin routes through the memory door, without any Twilio. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "db/db.h"
#include "serve/app.h"
#include "store/call.h"
#include "t/request.h"
#include "t/test.h"
#include "serve/limit.h"
#include "watch/page_token.h"

#define ADMIN "an-admin-token"
#define SID "CA0123456789abcdef0123456789ABCDEF"
#define ACCOUNT "account_sid = AC00000000000000000000000000000001\n"
/* Nobody listens there. */
#define NOWHERE "[twilio]\n" ACCOUNT "api_url = http://127.0.0.1:9\n"
#define WITH_TOKEN "[server]\nadmin_token = " ADMIN "\n"
#define ROUTE "/batch-monitor-calls"
/* With what it wants in any case. */
#define TIMES "start_date=2026-11-01&end_date=2026-11-30"
#define LIST ROUTE "?" TIMES

static struct test_reply
ask(struct app *app, const char *method, const char *uri)
{
	return test_ask(app,
	    &(struct test_request){ .method = method,
		.uri = uri,
		.extra = "HTTP_AUTHORIZATION=Bearer " ADMIN });
}

/* A GET, and a part of its reply. */
static void
expect(struct app *app, const char *uri, int status, const char *part)
{
	struct test_reply r = ask(app, "GET", uri);

	CU_ASSERT_EQUAL(r.status, status);
	CU_ASSERT_PTR_NOT_NULL(strstr(r.body, part));
	if (r.status != status || strstr(r.body, part) == NULL)
		printf("\n%s: %d, %s\n", uri, r.status, r.body);
	CU_ASSERT_EQUAL(json_check(r.body, strlen(r.body), 16), ST_OK);
	test_reply_release(&r);
}

/* --- who gets in --------------------------------------------------------- */

static void
test_closed(void)
{
	struct app *app = test_app(NULL);

	expect(app, LIST, 403, "server.admin_token");
	expect(app, "/monitor-call/" SID, 403, "server.admin_token");
	app_close(app);
}

static void
test_guard(void)
{
	static const char *const wrong[] = { "HTTP_AUTHORIZATION=Bearer ",
		"HTTP_AUTHORIZATION=Bearer an-admin-toke",
		"HTTP_AUTHORIZATION=Bearer an-admin-token1",
		"HTTP_AUTHORIZATION=an-admin-token",
		"HTTP_X_API_KEY=", "HTTP_X_API_KEY=an-admin-toke",
		("HTTP_X_API_KEY=Bearer " ADMIN), NULL };
	static const char *const routes[] = { LIST, (LIST "&nothing=1"),
		("/monitor-call/" SID), "/monitor-call/x" };
	struct app *app = test_app(WITH_TOKEN);
	struct test_request q = { .method = "GET" };
	struct test_reply r;
	size_t i, j;

	for (i = 0; i < TEST_COUNT(routes); i++) {
		for (j = 0; j < TEST_COUNT(wrong); j++) {
			q.uri = routes[i];
			q.extra = wrong[j];
			r = test_ask(app, &q);
			CU_ASSERT_EQUAL(r.status, 401);
			CU_ASSERT(test_has_header(&r,
			    "WWW-Authenticate: Bearer realm=\"switchhook\""));
			test_reply_release(&r);
		}
	}
	q = (struct test_request){ .uri = LIST "&source=log",
		.extra = "HTTP_X_API_KEY=" ADMIN };
	r = test_ask(app, &q);
	CU_ASSERT_EQUAL(r.status, 200);
	test_reply_release(&r);
	app_close(app);
}

/* --- what is asked for --------------------------------------------------- */

static void
test_sids(void)
{
	static const char *const bad[] = { "CA", "x",
		"SM0123456789abcdef0123456",
		"CA0123456789abcdef0123456789ABCDE",
		"CA0123456789abcdef0123456789ABCDEFF",
		"CA0123456789abcdef0123456789ABCDEG",
		"Ca0123456789abcdef0123456789ABCDEF",
		"CA0123456789abcdef0123456789ABCDE%20" };
	struct app *app = test_app(WITH_TOKEN NOWHERE);
	char uri[128];
	size_t i;

	for (i = 0; i < TEST_COUNT(bad); i++) {
		snprintf(uri, sizeof(uri), "/monitor-call/%s", bad[i]);
		expect(app, uri, 400, "CA and 32 hexadecimal digits");
	}
	app_close(app);
}

static void
test_parameters(void)
{
	static const struct {
		const char *query, *part;
	} bad[] = {
		{ "page=2", "\"page: no such" },
		{ "Limit=2", "\"Limit: no such" },
		{ "limit=1&%00limit=2", "\": no such" },
		{ "a%22%0ab=2", "\"a\\\"\\nb: no such" },
		{ "limit", "\"limit: has no value" },
		{ "limit=", "\"limit: has no value" },
		{ "page_token=", "\"page_token: has no value" },
		{ "status=", "\"status: has no value" },
		{ "limit=0", "\"limit: is not a number from 1 to 1000" },
		{ "limit=1001", "\"limit: " },
		{ "limit=-1", "\"limit: " },
		{ "limit=+1", "\"limit: " },
		{ "limit=1.0", "\"limit: " },
		{ "limit=0x10", "\"limit: " },
		{ "limit=1e2", "\"limit: " },
		{ "limit=%2010", "\"limit: " },
		{ "limit=10%20", "\"limit: " },
		{ "limit=99999999999999999999", "\"limit: " },
		{ "limit=5&limit=5", "limit occurs twice" },
		{ "limit=5%00", "limit occurs twice or holds a NUL" },
		{ "status=completed&status=busy", "status occurs twice" },
		{ "source=both", "\"source: is neither twilio nor log" },
		{ "start_date=2026-02-30", "\"start_date: is neither a date" },
		{ "end_date=2026-11-21T10:00:00",
		    "\"end_date: is neither a date" },
		{ "start_date=2026-11-22&end_date=2026-11-21",
		    "\"start_date: is after end_date" },
		{ "start_date=2026-11-21T10:00:00.000001Z"
		  "&end_date=2026-11-21T10:00:00Z",
		    "\"start_date: is after end_date" },
		{ "start_date=2026-11-21T01:00:00+02:00&end_date=2026-11-20"
		  "T22:59:59Z",
		    "\"start_date: is after end_date" },
		{ "start_date=2026-11-21", "\"end_date: required" },
		{ "end_date=2026-11-21", "\"start_date: required" },
		{ "parent_call_sid=CA", "\"parent_call_sid: is not CA" },
		{ "parent_call_sid=" SID "0", "\"parent_call_sid: " },
		{ "parent_call_sid=SM0123456789abcdef0123456789ABCDEF",
		    "\"parent_call_sid: " },
		{ "from=", "\"from: has no value" },
		{ "to=+1&to=+1", "to occurs twice" },
		{ "to=%001", "to occurs twice or holds a NUL" },
		{ "From=%2b1", "\"From: no such" },
		{ "page_token=abc", "\"page_token: not one of these" },
		{ "x=%zz", "percent" },
	};
	struct app *app = test_app(WITH_TOKEN NOWHERE);
	char uri[512];
	size_t i, j;

	for (i = 0; i < TEST_COUNT(bad); i++) {
		for (j = 0; j < 2; j++) {
			snprintf(uri, sizeof(uri), ROUTE "?%s%s%s",
			    bad[i].query,
			    strstr(bad[i].query, "_date") != NULL ? ""
								  : "&" TIMES,
			    j == 0 || strstr(bad[i].query, "source") != NULL
				? ""
				: "&source=log");
			expect(app, uri, 400, bad[i].part);
		}
	}
	expect(app, ROUTE, 400, "\"start_date, end_date: required, a date (2");
	expect(app, ROUTE "?source=log", 400, "\"start_date, end_date: req");
	snprintf(uri, sizeof(uri), LIST "&from=%0*d", 255, 0);
	expect(app, uri, 502, "Twilio");
	snprintf(uri, sizeof(uri), LIST "&from=%0*d", 256, 0);
	expect(app, uri, 400, "\"from: is longer than any");
	expect(app, "/monitor-call/" SID "?limit=1", 400, "\"limit: no such");
	expect(app, "/monitor-call/" SID "?source=x", 400, "\"source: is");
	app_close(app);
}

/* Nothing is asked of anybody. */
static void
test_good_parameters(void)
{
	static const char *const good[] = { "limit=1", "limit=1000",
		"limit=0100", "status=in-progress", "direction=outbound-dial",
		"direction=trunking-terminating", "from=+14155550100",
		"to=sip:a@b.example", "from=anonymous&to=%2b1",
		("parent_call_sid=" SID), "status=some-new-status",
		"status=%0d%0a%22", "direction=new",
		"start_date=2026-11-21&end_date=2026-11-21",
		"start_date=2026-11-21T10:00:00+02:00&end_date=2026-11-21",
		"start_date=2026-11-21T10:00:00%2B02:00&end_date=2026-11-21",
		"start_date=2026-11-21T10:00:00.123456789Z&end_date=9999-12-31",
		"end_date=9999-12-31&start_date=0001-01-01" };
	struct app *app = test_app(WITH_TOKEN NOWHERE);
	char uri[256];
	size_t i;

	for (i = 0; i < TEST_COUNT(good); i++) {
		snprintf(uri, sizeof(uri), ROUTE "?source=log&%s%s", good[i],
		    strstr(good[i], "_date") != NULL ? "" : "&" TIMES);
		expect(app, uri, 200,
		    "{\"calls\":[],\"count\":0,\"next_page_token\":null}");
	}
	app_close(app);
}

/* --- Twilio cannot be asked ---------------------------------------------- */

static void
test_not_configured(void)
{
	struct app *app = test_app(WITH_TOKEN);

	expect(app, LIST, 503, "twilio.account_sid");
	expect(app, "/monitor-call/" SID, 503, "twilio.account_sid");
	app_close(app);
}

static void
test_nobody_there(void)
{
	struct app *app = test_app(WITH_TOKEN NOWHERE);
	struct test_reply r;

	expect(app, LIST, 502, "Twilio");
	expect(app, "/monitor-call/" SID, 502, "Twilio");
	r = ask(app, "HEAD", "/monitor-call/" SID);
	CU_ASSERT_EQUAL(r.status, 502);
	CU_ASSERT_STRING_EQUAL(r.body, "");
	test_reply_release(&r);
	app_close(app);
}

static void
test_all_wait(void)
{
	struct app *app = test_app(WITH_TOKEN NOWHERE);
	struct limit limit = { 0 };
	struct test_reply r;

	app->limit = &limit;
	limit_workers(&limit, 4);
	CU_ASSERT(limit_enter(&limit));
	r = ask(app, "GET", LIST);
	CU_ASSERT_EQUAL(r.status, 503);
	CU_ASSERT(test_has_header(&r, "Retry-After: 2"));
	test_reply_release(&r);
	expect(app, "/monitor-call/" SID, 503, "waiting");
	expect(app, "/monitor-call/" SID "?source=log", 404, "recorded");
	limit_leave(&limit);
	expect(app, LIST, 502, "Twilio");
	/* It has left again. */
	CU_ASSERT(limit_enter(&limit));
	CU_ASSERT_FALSE(limit_enter(&limit));
	limit_leave(&limit);
	app_close(app);
}

/* --- page tokens that we did not make ------------------------------------ */

/* The same filters as a list's without parameters, and times. */
#define ANY "%d %s"
#define FROM_TO "1793491200000000 1796083199999999 "
#define ACCOUNT_SID "AC00000000000000000000000000000001"
#define CALLS "/2010-04-01/Accounts/" ACCOUNT_SID "/Calls.json"

/* A token made by hand leads to no other place of Twilio's, and to no other
 * host, with the account's secret. */
static void
test_forged_tokens(void)
{
	static const struct {
		int source;
		const char *place;
		int status;
		const char *part;
	} cases[] = {
		/* It is asked for; nobody is there. */
		{ 0, FROM_TO "- - 0 " CALLS "?Page=1", 502, "Twilio did not" },
		{ 0, FROM_TO SID " " SID " 0 " CALLS "?Page=1", 502,
		    "Twilio did not" },
		{ 0, FROM_TO SID " " SID " 0 ", 502, "Twilio did not" },
		{ 0, FROM_TO "", 400, "page_token" },
		{ 0, FROM_TO "- - 0", 400, "page_token" },
		{ 0, FROM_TO "- x 0 ", 400, "page_token" },
		{ 0, FROM_TO "x - 0 ", 400, "page_token" },
		{ 0, FROM_TO " - 0 ", 400, "page_token" },
		{ 0, FROM_TO SID "0 - 0 ", 400, "page_token" },
		{ 0, FROM_TO "- - 0 " CALLS, 400, "page_token" },
		{ 0, FROM_TO "- - 0 " CALLS "?a b", 400, "page_token" },
		{ 0, FROM_TO "- - 0 " CALLS "?a\r\nX-Evil: yes", 400,
		    "page_token" },
		{ 0, FROM_TO "- - 0 " CALLS "?a#b", 400, "page_token" },
		{ 0, FROM_TO "- - 0 .evil.example/", 400, "page_token" },
		{ 0, FROM_TO "- - 0 @evil.example" CALLS "?Page=1", 400,
		    "page_token" },
		{ 0, FROM_TO "- - 0 //evil.example" CALLS "?Page=1", 400,
		    "page_token" },
		{ 0, FROM_TO "- - 0 https://evil.example" CALLS "?Page=1", 400,
		    "page_token" },
		{ 0,
		    FROM_TO
		    "- - 0 /2010-04-01/Accounts/"
		    "AC00000000000000000000000000000002/Calls.json?Page=1",
		    400, "page_token" },
		{ 0,
		    FROM_TO "- - 0 /2010-04-01/Accounts/" ACCOUNT_SID
			    "/Calls/../Messages.json?Page=1",
		    400, "page_token" },
		{ 0,
		    FROM_TO "- - 0 /2010-04-01/Accounts/" ACCOUNT_SID ".json?x",
		    400, "page_token" },
		{ 1, FROM_TO "5 " SID, 200, "\"count\":0" },
		{ 1, FROM_TO "", 400, "page_token" },
		{ 1, FROM_TO "x", 400, "page_token" },
		{ 1, FROM_TO "5", 400, "page_token" },
		{ 0, "", 400, "page_token" },
		{ 0, "- - 0 ", 400, "page_token" },
		{ 0, "1 - - 0 ", 400, "page_token" },
		{ 0, "1 x - - 0 ", 400, "page_token" },
		{ 1, "5 " SID, 400, "page_token" },
		{ 1, "x 1 5 " SID, 400, "page_token" },
		/* Whatever its times, they are no others than the query's. */
		{ 2, "1793491200000001 1796083199999999 5 " SID, 400,
		    "page_token" },
		{ 2, "1793491200000000 1796083199999998 5 " SID, 400,
		    "page_token" },
		{ 2, FROM_TO "5 " SID, 200, "\"count\":0" },
		{ 1, "1 2 5 " SID, 200, "\"count\":0" },
	};
	struct app *app = test_app(WITH_TOKEN NOWHERE);
	struct buf place = BUF_INIT, uri = BUF_INIT;
	char filters[256];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		buf_reset(&place);
		buf_puts(&place, cases[i].place);
		buf_reset(&uri);
		buf_printf(&uri, ROUTE "?%ssource=%s&page_token=",
		    cases[i].source == 2 ? TIMES "&" : "",
		    cases[i].source == 0 ? "twilio" : "log");
		snprintf(filters, sizeof(filters), ANY, cases[i].source != 0,
		    ACCOUNT_SID);
		CU_ASSERT_EQUAL(page_token_make(&place, filters, &uri), ST_OK);
		expect(app, buf_str(&uri), cases[i].status, cases[i].part);
	}
	buf_release(&place);
	buf_release(&uri);
	app_close(app);
}

/* --- the log ------------------------------------------------------------- */

/* Where the upkeep forgets nothing, and no clock is behind. */
#define NOON INT64_C(4098945600000000) /* 2099-11-21T12:00:00Z */

static enum status
record(struct db *db, void *arg)
{
	return call_event_record(db, arg);
}

static void
add(struct app *app, struct call_event e)
{
	CU_ASSERT_EQUAL(db_write(app->db, record, &e), ST_OK);
}

static void
test_log_call(void)
{
	struct app *app = test_app(WITH_TOKEN);

	add(app,
	    (struct call_event){ .sid = SID,
		.status = "ringing",
		.sequence = -1,
		.duration_s = -1,
		.at_us = NOON });
	expect(app, "/monitor-call/" SID "?source=log", 200,
	    "{\"sid\":\"" SID "\",\"status\":\"ringing\",\"direction\":null,"
	    "\"from\":null,\"to\":null,\"parent_call_sid\":null,"
	    "\"start_time\":\"Sat, 21 Nov 2099 12:00:00 +0000\","
	    "\"end_time\":null,\"duration\":null,"
	    "\"date_created\":\"Sat, 21 Nov 2099 12:00:00 +0000\","
	    "\"date_updated\":\"Sat, 21 Nov 2099 12:00:00 +0000\","
	    "\"events\":[{\"status\":\"ringing\",\"sequence\":null,"
	    "\"at\":\"2099-11-21T12:00:00.000000Z\",\"duration\":null,"
	    "\"error_code\":null}]}");
	add(app,
	    (struct call_event){ .sid = SID,
		.status = "completed",
		.sequence = 2,
		.duration_s = 7,
		.direction = "inbound",
		.from = "sip:\"a\"@b",
		.to = "+1",
		.parent_sid = "CA1",
		.error_code = "13224",
		.at_us = NOON + 9000001 });
	expect(app, "/monitor-call/" SID "?source=log", 200,
	    "\"from\":\"sip:\\\"a\\\"@b\",\"to\":\"+1\","
	    "\"parent_call_sid\":\"CA1\","
	    "\"start_time\":\"Sat, 21 Nov 2099 12:00:00 +0000\","
	    "\"end_time\":\"Sat, 21 Nov 2099 12:00:09 +0000\","
	    "\"duration\":\"7\"");
	expect(app, "/monitor-call/" SID "?source=log", 200,
	    "{\"status\":\"completed\",\"sequence\":2,"
	    "\"at\":\"2099-11-21T12:00:09.000001Z\",\"duration\":\"7\","
	    "\"error_code\":\"13224\"}]}");
	app_close(app);
}

/* The bounds of a range are in it: to the microsecond, and a whole day. */
static void
test_log_range(void)
{
	static const struct {
		const char *query;
		int count;
	} cases[] = {
		{ "start_date=2099-11-21&end_date=9999-12-31", 2 },
		{ "start_date=2099-11-21T00:00:00.000001Z&end_date=9999-12-31",
		    1 },
		{ "start_date=2099-11-21T23:59:59.999999Z&end_date=9999-12-31",
		    1 },
		{ "start_date=2099-11-22&end_date=9999-12-31", 0 },
		{ "end_date=2099-11-21&start_date=2000-01-01", 2 },
		{ "end_date=2099-11-20&start_date=2000-01-01", 0 },
		{ "end_date=2099-11-21T00:00:00Z&start_date=2000-01-01", 1 },
		{ "end_date=2099-11-20T23:59:59.999999Z&start_date=2000-01-01",
		    0 },
		{ "end_date=2099-11-21T23:59:59.999998Z&start_date=2000-01-01",
		    1 },
		{ "start_date=2099-11-21T02:00:00 02:00"
		  "&end_date=2099-11-21T02:00:00+02:00",
		    1 },
	};
	struct app *app = test_app(WITH_TOKEN);
	char sid[] = "CA00000000000000000000000000000001", uri[256], part[32];
	struct call_event e = { .sid = sid, .status = "busy", .sequence = -1 };
	size_t i;

	e.at_us = NOON - INT64_C(43200000000);
	add(app, e);
	sid[33] = '2';
	e.at_us = NOON + INT64_C(43200000000) - 1;
	add(app, e);
	for (i = 0; i < TEST_COUNT(cases); i++) {
		char *space;

		snprintf(
		    uri, sizeof(uri), ROUTE "?source=log&%s", cases[i].query);
		/* As it would be on the wire. */
		if ((space = strchr(uri, ' ')) != NULL)
			*space = '+';
		snprintf(part, sizeof(part), "],\"count\":%d,", cases[i].count);
		expect(app, uri, 200, part);
	}
	app_close(app);
}

/* Who was in a call, and whose leg it is. */
static void
test_log_filters(void)
{
	static const struct {
		const char *query;
		int count;
	} cases[] = {
		{ "from=+14155550100", 2 },
		{ "from=%2B14155550100", 2 },
		{ "from=14155550100", 0 },
		{ "from=%2B1415555010", 0 },
		{ "to=+14155550199", 2 },
		{ "from=+14155550100&to=+14155550199", 1 },
		{ "from=+14155550100&status=busy", 2 },
		{ "from=+14155550100&status=failed", 0 },
		{ "parent_call_sid=CA00000000000000000000000000000001", 1 },
		{ "parent_call_sid=CA00000000000000000000000000000001"
		  "&from=+14155550100",
		    0 },
		{ "parent_call_sid=CA00000000000000000000000000000002", 0 },
		{ "from=a%20b", 0 },
	};
	struct app *app = test_app(WITH_TOKEN);
	char sid[] = "CA00000000000000000000000000000001", uri[256], part[32];
	struct call_event e = { .sid = sid,
		.status = "busy",
		.sequence = -1,
		.from = "+14155550100",
		.to = "+14155550199",
		.at_us = NOON };
	size_t i;

	add(app, e);
	sid[33] = '2';
	e.to = "sip:a@b";
	add(app, e);
	sid[33] = '3';
	e.from = "anonymous";
	e.to = "+14155550199";
	e.parent_sid = "CA00000000000000000000000000000001";
	add(app, e);
	for (i = 0; i < TEST_COUNT(cases); i++) {
		snprintf(uri, sizeof(uri),
		    ROUTE "?source=log&start_date=2099-11-21"
			  "&end_date=2099-11-21&%s",
		    cases[i].query);
		snprintf(part, sizeof(part), "],\"count\":%d,", cases[i].count);
		expect(app, uri, 200, part);
	}
	app_close(app);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "no token configured", test_closed },
		{ "guard", test_guard },
		{ "SIDs", test_sids },
		{ "parameters", test_parameters },
		{ "good parameters", test_good_parameters },
		{ "Twilio not configured", test_not_configured },
		{ "nobody there", test_nobody_there },
		{ "all wait", test_all_wait },
		{ "forged page tokens", test_forged_tokens },
		{ "a call of the log", test_log_call },
		{ "a range of the log", test_log_range },
		{ "filters of the log", test_log_filters },
	};

	return test_main("monitor", tests, TEST_COUNT(tests));
}
