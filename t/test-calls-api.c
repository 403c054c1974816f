/* The Calls API client, against a server with scripted answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "codec/json.h"
#include "http/client.h"
#include "http/reply.h"
#include "t/calls-server.h"
#include "t/client-server.h"
#include "t/test.h"
#include "twilio/rest/calls.h"
#include "twilio/rest/request.h"

#define ACCOUNT "AC00000000000000000000000000000001"
#define SID "CA0123456789abcdef0123456789abcdef"
#define TOKEN "s3cr3t-of-the-account"
/* Of "ACCOUNT:TOKEN". */
#define CREDENTIALS \
	"QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpzM2NyM3Qtb2YtdGhlLWFj" \
	"Y291bnQ="

#define LIST "/2010-04-01/Accounts/" ACCOUNT "/Calls.json"
#define CALL "{\"sid\":\"" SID "\",\"status\":\"completed\"}"
#define PAGE(calls, next) "{\"calls\":[" calls "],\"next_page_uri\":" next "}"

static struct {
	struct calls_server *server;
	struct http_library *library;
	struct http_client *client;
	char url[64];
	struct rest_account account;
} t;

/* An answer with that body; the caller frees it. */
static char *
answer_of(const char *status, const char *headers, const char *body)
{
	struct buf b = BUF_INIT;

	buf_printf(&b, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n", status,
	    strlen(body), headers);
	buf_puts(&b, body);
	CU_ASSERT_EQUAL_FATAL(b.err, ST_OK);
	return buf_detach(&b);
}

static void
check_has(const char *text, const char *part)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
	if (strstr(text, part) == NULL)
		printf("\n\"%s\" lacks \"%s\"\n", text, part);
}

/* Nothing in it is a secret, or not to be printed. */
static void
check_safe(const struct rest_failure *f)
{
	const char *c;

	CU_ASSERT_TRUE(strlen(f->text) < sizeof(f->text));
	for (c = f->text; *c != '\0'; c++)
		CU_ASSERT_TRUE(*c >= ' ' && *c <= '~');
	CU_ASSERT_PTR_NULL(strstr(f->text, "s3cr3t"));
	CU_ASSERT_PTR_NULL(strstr(f->text, "QUMwMDAw"));
	CU_ASSERT_PTR_NULL(strstr(f->text, "StartTime"));
}

/* --- one call -------------------------------------------------------- */

#define ANSWERS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static enum status
fetch(const char *const *answers, struct buf *call, struct rest_failure *f)
{
	enum status st;

	calls_server_script(t.server, answers);
	st = calls_fetch(t.client, &t.account, SID, call, f);
	check_safe(f);
	CU_ASSERT_EQUAL(*f->text == '\0', st == ST_OK);
	if (st != ST_OK)
		CU_ASSERT_PTR_NULL(call->data);
	return st;
}

static void
test_fetch(void)
{
	char *good = answer_of("200 OK", "", " \r\n" CALL "\n");
	struct buf call = BUF_INIT;
	struct rest_failure f;
	const char *head;
	size_t connections;
	int i;

	buf_puts(&call, "old");
	CU_ASSERT_EQUAL(fetch(ANSWERS(good), &call, &f), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&call), " \r\n" CALL "\n");
	CU_ASSERT_EQUAL(f.http, 200);
	CU_ASSERT_EQUAL(f.code, 0);
	CU_ASSERT_EQUAL(f.retry_after_s, -1);
	head = calls_server_request(t.server, 0);
	CU_ASSERT_PTR_EQUAL(strstr(head,
				"GET /2010-04-01/Accounts/" ACCOUNT
				"/Calls/" SID ".json HTTP/1.1\r\n"),
	    head);
	check_has(head, "\r\nAuthorization: Basic " CREDENTIALS "\r\n");
	check_has(head, "\r\nAccept: application/json\r\n");
	/* The next ones come on the same connection. */
	connections = calls_server_connections(t.server);
	for (i = 0; i < 3; i++)
		CU_ASSERT_EQUAL(
		    calls_fetch(t.client, &t.account, SID, &call, &f), ST_OK);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 4);
	CU_ASSERT_EQUAL(calls_server_connections(t.server), connections);
	buf_release(&call);
	free(good);
}

static void
test_sids(void)
{
	static const char *const bad[] = { "", "CA", "AC" SID, SID "0",
		"CA0123456789abcdef0123456789abcde",
		"CA0123456789abcdef0123456789abcdeg",
		"ca0123456789abcdef0123456789abcdef",
		"AC0123456789abcdef0123456789abcdef",
		"CA/../../../../../0123456789abcdef",
		"CA0123456789abcdef0123456789abcd\r\n" };
	struct buf call = BUF_INIT;
	struct rest_failure f;
	size_t i;

	calls_server_script(t.server, ANSWERS(""));
	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_EQUAL(
		    calls_fetch(t.client, &t.account, bad[i], &call, &f),
		    ST_MALFORMED);
		check_has(f.text, "no call SID");
	}
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 0);
}

/* Nobody is asked as nobody. */
static void
test_accounts(void)
{
	const struct rest_account none[] = {
		{ t.url, "", ACCOUNT, TOKEN },
		{ t.url, NULL, ACCOUNT, TOKEN },
		{ t.url, ACCOUNT, "", TOKEN },
		{ t.url, ACCOUNT, ACCOUNT, "" },
		{ t.url, ACCOUNT, ACCOUNT, NULL },
	};
	const struct calls_query q = { .page_size = 1 };
	struct rest_page page = REST_PAGE_INIT;
	struct buf call = BUF_INIT;
	struct rest_failure f;
	size_t i;

	calls_server_script(t.server, ANSWERS(""));
	for (i = 0; i < TEST_COUNT(none); i++) {
		CU_ASSERT_EQUAL(
		    calls_fetch(t.client, &none[i], SID, &call, &f), ST_CONFIG);
		check_has(f.text, "cannot be asked: set twilio.");
		check_has(f.text, rest_account_lacks(&none[i]));
		CU_ASSERT_EQUAL(
		    calls_list(t.client, &none[i], &q, NULL, &page, &f),
		    ST_CONFIG);
	}
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 0);
}

/* --- refusals -------------------------------------------------------- */

#define ERROR(code, message) \
	"{\"code\":" code ",\"message\":\"" message \
	"\",\"more_info\":\"https://www.twilio.com/docs/errors/" code "\"}"

static const struct {
	const char *status, *headers, *body;
	enum status st;
	int http, code, retry_after_s;
	size_t tries;
	const char *part; /* of the words */
} refusals[] = {
	{ "404 Not Found", "",
	    ERROR("20404",
		"The requested resource /2010-04-01/Accounts/" ACCOUNT
		"/Calls/" SID ".json was not found"),
	    ST_NOTFOUND, 404, 20404, -1, 1,
	    "HTTP 404, code 20404: The requested resource /2010-04-01/" },
	{ "401 Unauthorized", "WWW-Authenticate: Basic\r\n",
	    ERROR("20003", "Authenticate"), ST_DENIED, 401, 20003, -1, 1,
	    "HTTP 401, code 20003; check twilio.account_sid" },
	{ "403 Forbidden", "", ERROR("20403", "Forbidden"), ST_DENIED, 403,
	    20403, -1, 1, "HTTP 403, code 20403: Forbidden" },
	{ "400 Bad Request", "", "no JSON", ST_DENIED, 400, 0, -1, 1,
	    "HTTP 400" },
	{ "429 Too Many Requests", "Retry-After: 7\r\n",
	    ERROR("20429", "Too Many Requests"), ST_BUSY, 429, 20429, 7,
	    REST_TRIES, "HTTP 429, code 20429: Too Many Requests" },
	{ "429 Too Many Requests", "Retry-After: -1\r\n", "", ST_BUSY, 429, 0,
	    -1, REST_TRIES, "HTTP 429" },
	{ "500 Internal Server Error", "",
	    ERROR("20500", "An internal server error"), ST_UNAVAILABLE, 500,
	    20500, -1, REST_TRIES, "HTTP 500, code 20500: An internal" },
	{ "503 Service Unavailable", "Retry-After: 99999999\r\n", "<html>",
	    ST_UNAVAILABLE, 503, 0, -1, REST_TRIES, "HTTP 503" },
	/* Not Twilio's: a wrong address. */
	{ "404 Not Found", "", "<html>nginx</html>", ST_MALFORMED, 404, 0, -1,
	    1, "HTTP 404; is twilio.api_url right?" },
	{ "302 Found", "Location: http://127.0.0.1:1/\r\n", "", ST_MALFORMED,
	    302, 0, -1, 1, "HTTP 302; is twilio.api_url right?" },
	{ "204 No Content", "", "", ST_MALFORMED, 204, 0, -1, 1, "HTTP 204" },
	{ "201 Created", "", CALL, ST_MALFORMED, 201, 0, -1, 1, "HTTP 201" },
	/* Codes that are none. */
	{ "400 Bad Request", "", "{\"code\":-1,\"message\":17}", ST_DENIED, 400,
	    0, -1, 1, "HTTP 400" },
	{ "400 Bad Request", "", "{\"code\":1000.5,\"message\":null}",
	    ST_DENIED, 400, 0, -1, 1, "HTTP 400" },
	{ "400 Bad Request", "", "{\"code\":99999999999999999999}", ST_DENIED,
	    400, 0, -1, 1, "HTTP 400" },
};

static void
test_refusals(void)
{
	struct buf call = BUF_INIT;
	struct rest_failure f;
	char *answer;
	size_t i;

	for (i = 0; i < TEST_COUNT(refusals); i++) {
		answer = answer_of(
		    refusals[i].status, refusals[i].headers, refusals[i].body);
		CU_ASSERT_EQUAL(
		    fetch(ANSWERS(answer), &call, &f), refusals[i].st);
		CU_ASSERT_EQUAL(f.http, refusals[i].http);
		CU_ASSERT_EQUAL(f.code, refusals[i].code);
		CU_ASSERT_EQUAL(f.retry_after_s, refusals[i].retry_after_s);
		CU_ASSERT_EQUAL(
		    calls_server_requests(t.server), refusals[i].tries);
		check_has(f.text, refusals[i].part);
		free(answer);
	}
}

/* What Twilio, or whoever answers in its place, says of our secrets. */
static void
test_safe_words(void)
{
	static const struct {
		const char *message, *text;
	} cases[] = {
		{ "it is " TOKEN TOKEN "!", ": it is **!" },
		{ "Basic " CREDENTIALS ".", ": Basic *." },
		{ "\\u0073\\u0033cr3t-of-the-account", ": *" },
		{ "a\\u0000b", "HTTP 400, code 1" },
		{ "\\u001b[31mred\\r\\nSet: \\u00e9", ": ?[31mred??Set: ??" },
		{ LIST "?StartTime%3E=2026&To=%2B1415 was bad", "? was bad" },
		{ "Are you sure? Yes", ": Are you sure? Yes" },
		{ "what?", ": what?" },
	};
	struct buf call = BUF_INIT, body = BUF_INIT;
	struct rest_failure f;
	char *answer;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		buf_reset(&body);
		buf_printf(
		    &body, "{\"code\":1,\"message\":\"%s\"}", cases[i].message);
		answer = answer_of("400 Bad Request", "", buf_str(&body));
		CU_ASSERT_EQUAL(fetch(ANSWERS(answer), &call, &f), ST_DENIED);
		check_has(f.text, cases[i].text);
		free(answer);
	}
	/* At no length does a part of a secret come through. */
	for (i = 150; i<1100; i += i> 280 && i < 980 ? 37 : 1) {
		buf_reset(&body);
		buf_printf(&body, "{\"message\":\"%*s%s\"}", (int)i, "", TOKEN);
		answer = answer_of("400 Bad Request", "", buf_str(&body));
		calls_server_script(t.server, ANSWERS(answer));
		CU_ASSERT_EQUAL(
		    calls_fetch(t.client, &t.account, SID, &call, &f),
		    ST_DENIED);
		check_safe(&f);
		CU_ASSERT_PTR_NULL(strstr(f.text, "s3"));
		free(answer);
	}
	buf_release(&body);
}

/* --- trouble on the way ---------------------------------------------- */

#define CUT CLOSE_AFTER "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"sid\":"

/* What passes is tried again, whatever it was. */
static void
test_again(void)
{
	char *good = answer_of("200 OK", "", CALL);
	char *busy = answer_of("429 Too Many Requests", "", "");
	char *down = answer_of("503 Service Unavailable", "", "");
	const char *const scripts[][4] = {
		{ busy, good },
		{ down, good },
		{ down, busy, good },
		{ CUT, good },
		{ CLOSE_AFTER "garbage, no HTTP\r\n\r\n", good },
		{ CUT, CUT, good },
	};
	struct buf call = BUF_INIT;
	struct rest_failure f;
	size_t i;

	for (i = 0; i < TEST_COUNT(scripts); i++) {
		CU_ASSERT_EQUAL(fetch(scripts[i], &call, &f), ST_OK);
		CU_ASSERT_STRING_EQUAL(buf_str(&call), CALL);
		CU_ASSERT_EQUAL(calls_server_requests(t.server),
		    scripts[i][2] == NULL ? 2 : 3);
	}
	CU_ASSERT_EQUAL(fetch(ANSWERS(CUT), &call, &f), ST_IO);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), REST_TRIES);
	CU_ASSERT_EQUAL(f.http, 0);
	check_has(f.text, "http://127.0.0.1:");
	/* Three tries, and the last counts. */
	CU_ASSERT_EQUAL(
	    fetch(ANSWERS(down, busy, CUT, good), &call, &f), ST_IO);
	CU_ASSERT_EQUAL(
	    fetch(ANSWERS(CUT, down, busy, good), &call, &f), ST_BUSY);
	CU_ASSERT_EQUAL(f.http, 429);
	free(good);
	free(busy);
	free(down);
}

static void
test_no_connection(void)
{
	struct rest_account nowhere = t.account;
	struct buf call = BUF_INIT;
	struct rest_failure f;

	nowhere.api_url = "http://127.0.0.1:1";
	CU_ASSERT_EQUAL(
	    calls_fetch(t.client, &nowhere, SID, &call, &f), ST_UNAVAILABLE);
	CU_ASSERT_EQUAL(f.http, 0);
	check_has(f.text, "http://127.0.0.1:1: ");
	check_safe(&f);
	nowhere.api_url = "http://no host";
	CU_ASSERT_EQUAL(
	    calls_fetch(t.client, &nowhere, SID, &call, &f), ST_MALFORMED);
	check_safe(&f);
}

/* Who cannot show that he is Twilio does not get the secret. */
static void
test_untrusted(void)
{
	struct rest_account other = t.account;
	struct client_server server;
	struct buf call = BUF_INIT;
	struct rest_failure f;
	char url[64];

	client_server_start(&server);
	snprintf(url, sizeof(url), "https://localhost:%d", server.tls_port);
	other.api_url = url;
	CU_ASSERT_EQUAL(
	    calls_fetch(t.client, &other, SID, &call, &f), ST_UNAVAILABLE);
	CU_ASSERT_EQUAL(f.http, 0);
	check_has(f.text, "certificate");
	check_safe(&f);
	client_server_stop(&server);
}

static void
start_server(void)
{
	t.server = calls_server_start();
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%d",
	    calls_server_port(t.server));
}

/* The deadline is for all tries, and what is late is not asked again. */
static void
test_late(void)
{
	struct rest_request r = {
		.uri = "/x", .total_ms = 600, .max_body = 100
	};
	char *busy = answer_of("429 Too Many Requests", "", "");
	struct http_reply reply;
	struct rest_failure f;
	int64_t began = clock_mono_us();

	calls_server_script(t.server, ANSWERS(HANG));
	CU_ASSERT_EQUAL(
	    rest_get(t.client, &t.account, &r, &reply, &f), ST_TIMEOUT);
	CU_ASSERT_TRUE(clock_mono_us() - began >= 590000);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
	check_safe(&f);
	/* The second try has what the first left of it. */
	r.total_ms = 1500;
	began = clock_mono_us();
	calls_server_script(t.server, ANSWERS(CLOSE_LATE, HANG));
	CU_ASSERT_EQUAL(
	    rest_get(t.client, &t.account, &r, &reply, &f), ST_TIMEOUT);
	CU_ASSERT_TRUE(clock_mono_us() - began < 2400000);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 2);
	/* No time for another. */
	r.total_ms = 1;
	calls_server_script(t.server, ANSWERS(busy));
	CU_ASSERT_NOT_EQUAL(
	    rest_get(t.client, &t.account, &r, &reply, &f), ST_OK);
	CU_ASSERT_TRUE(calls_server_requests(t.server) < REST_TRIES);
	free(busy);
	/* What it has not read yet is not the next test's. */
	calls_server_stop(t.server);
	start_server();
}

/* --- answers to something else --------------------------------------- */

static void
test_no_call(void)
{
	static const char *const bodies[] = { "", "null", "[]", "[" CALL "]",
		"\"" SID "\"", "{}", CALL "{}", "{\"sid\":\"" SID "\"",
		"{\"sid\":null}", "{\"sid\":17}",
		"{\"sid\":\"CA00000000000000000000000000000000\"}",
		"{\"sid\":\"" SID "0\"}",
		"{\"sid\":\"" SID "\",\"sid\":\"" SID "\"}",
		"{\"sid\":\"" SID "\",\"s\\u0069d\":null}",
		"{\"sid\":\"" SID "\\u0000\"}", "{\"sid\":\"" SID "\",}",
		"{\"sid\":\"" SID "\",\"x\":\"\xff\"}",
		"{\"x\":{\"sid\":\"" SID "\"}}", "<html></html>" };
	struct buf call = BUF_INIT, deep = BUF_INIT;
	struct rest_failure f;
	char *answer;
	size_t i;

	for (i = 0; i < TEST_COUNT(bodies); i++) {
		answer = answer_of("200 OK", "", bodies[i]);
		CU_ASSERT_EQUAL(
		    fetch(ANSWERS(answer), &call, &f), ST_MALFORMED);
		CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
		CU_ASSERT_EQUAL(f.http, 200);
		free(answer);
	}
	buf_puts(&deep, "{\"sid\":\"" SID "\",\"x\":");
	for (i = 0; i < 10000; i++)
		buf_putc(&deep, '[');
	answer = answer_of("200 OK", "", buf_str(&deep));
	CU_ASSERT_EQUAL(fetch(ANSWERS(answer), &call, &f), ST_MALFORMED);
	free(answer);
	buf_reset(&deep);
	buf_printf(&deep, "%262145s", "");
	answer = answer_of("200 OK", "", buf_str(&deep));
	CU_ASSERT_EQUAL(fetch(ANSWERS(answer), &call, &f), ST_TOOBIG);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
	free(answer);
	buf_release(&deep);
}

/* --- pages ----------------------------------------------------------- */

static enum status
list(const char *body, const struct calls_query *q, const char *next_uri,
    struct rest_page *page, struct rest_failure *f)
{
	char *answer = answer_of("200 OK", "", body);
	enum status st;

	calls_server_script(t.server, ANSWERS(answer));
	st = calls_list(t.client, &t.account, q, next_uri, page, f);
	check_safe(f);
	CU_ASSERT_EQUAL(*f->text == '\0', st == ST_OK);
	if (st != ST_OK)
		CU_ASSERT_TRUE(page->text.data == NULL && page->n == 0 &&
		    page->items == NULL && page->next_uri == NULL);
	free(answer);
	return st;
}

static void
check_asked(const char *uri)
{
	struct buf line = BUF_INIT;

	buf_printf(&line, "GET %s HTTP/1.1\r\n", uri);
	CU_ASSERT_EQUAL(strncmp(calls_server_request(t.server, 0),
			    buf_str(&line), line.len),
	    0);
	buf_release(&line);
}

static void
check_item(struct rest_page *page, size_t i, const char *name, enum status st,
    const char *expect)
{
	const struct json *call;
	const char *text;

	CU_ASSERT_EQUAL_FATAL(rest_page_item(page, i, &call), ST_OK);
	CU_ASSERT_EQUAL(json_member_text(call, name, &text), st);
	if (st == ST_OK)
		CU_ASSERT_STRING_EQUAL(text, expect);
}

static void
test_list(void)
{
	static const char body[] =
	    "{\"x\":[1,{}],\"y\":{\"z\":{}},\"next_page_uri\":\"\\/2010-04-01/"
	    "Accounts/" ACCOUNT "/Calls.json?Page=1\\u0026PageToken=PA" SID
	    "\",\"calls\":["
	    "{\"sid\":\"a\",\"to\":null,\"from\":\"\\u002b1\"}, {\"sid\":7},{}"
	    "],\"page\":0,\"w\":[{},2]}";
	const struct calls_query q = { .status = "in-progress",
		.start_from = "2026-11-21T00:00:00Z",
		.start_before = "2026-11-22T00:00:00+00:00&x=\r\n",
		.page_size = 1000 };
	struct rest_page page = REST_PAGE_INIT;
	struct rest_failure f;

	CU_ASSERT_EQUAL_FATAL(list(body, &q, NULL, &page, &f), ST_OK);
	check_asked(LIST "?PageSize=1000&Status=in-progress"
			 "&StartTime%3E=2026-11-21T00%3A00%3A00Z"
			 "&StartTime%3C=2026-11-22T00%3A00%3A00%2B00%3A00"
			 "%26x%3D%0D%0A");
	CU_ASSERT_EQUAL_FATAL(page.n, 3);
	CU_ASSERT_EQUAL(page.items[1].len, strlen("{\"sid\":7}"));
	CU_ASSERT_EQUAL(strncmp(page.items[1].text, "{\"sid\":7}", 9), 0);
	CU_ASSERT_STRING_EQUAL(page.next_uri, LIST "?Page=1&PageToken=PA" SID);
	check_item(&page, 0, "sid", ST_OK, "a");
	check_item(&page, 0, "from", ST_OK, "+1");
	check_item(&page, 0, "to", ST_NOTFOUND, NULL);
	check_item(&page, 1, "sid", ST_MALFORMED, NULL);
	check_item(&page, 2, "sid", ST_NOTFOUND, NULL);
	/* The next takes its place; without filters it has none. */
	CU_ASSERT_EQUAL(
	    list(PAGE("", "null"), &(struct calls_query){ .page_size = 1 },
		NULL, &page, &f),
	    ST_OK);
	check_asked(LIST "?PageSize=1");
	CU_ASSERT_EQUAL(page.n, 0);
	CU_ASSERT_PTR_NULL(page.next_uri);
	rest_page_release(&page);
	rest_page_release(&page);
}

static void
test_page_sizes(void)
{
	static const int sizes[] = { -1, 0, 1001 };
	struct rest_page page = REST_PAGE_INIT;
	struct calls_query q = { .page_size = 0 };
	struct rest_failure f;
	size_t i;

	for (i = 0; i < TEST_COUNT(sizes); i++) {
		q.page_size = sizes[i];
		CU_ASSERT_EQUAL(list("", &q, NULL, &page, &f), ST_MALFORMED);
		CU_ASSERT_EQUAL(calls_server_requests(t.server), 0);
	}
}

static const char *const hostile_uris[] = { "", "/", "//evil.example/",
	"https://evil.example" LIST "?Page=1", "@evil.example/",
	".evil.example/", LIST, LIST "#?Page=1", LIST "/?Page=1",
	"/2010-04-01/Accounts/AC00000000000000000000000000000002/Calls.json"
	"?Page=1",
	"/2010-04-01/Accounts/" ACCOUNT "/Calls/../Messages.json?Page=1",
	"/2010-04-01/Accounts/" ACCOUNT "/Calls.csv?Page=1", " " LIST "?Page=1",
	LIST "?Page=1 HTTP/1.1", LIST "?Page=1\r\nX-Evil: yes",
	LIST "?Page=1\tx", LIST "?Page=1#x", LIST "?Page=1\\x", LIST "?\x7f",
	LIST "?\xc3\xa9" };

static void
test_next_uris(void)
{
	struct rest_page page = REST_PAGE_INIT;
	const struct calls_query q = { .page_size = 1 };
	struct buf body = BUF_INIT, uri = BUF_INIT;
	struct rest_failure f;
	size_t i;

	for (i = 0; i < TEST_COUNT(hostile_uris); i++) {
		CU_ASSERT_EQUAL(
		    list("", NULL, hostile_uris[i], &page, &f), ST_MALFORMED);
		CU_ASSERT_EQUAL(calls_server_requests(t.server), 0);
		/* From Twilio they are no better. */
		buf_reset(&body);
		buf_puts(&body, "{\"calls\":[],\"next_page_uri\":");
		json_put_text(&body, hostile_uris[i]);
		buf_puts(&body, "}");
		CU_ASSERT_EQUAL(
		    list(buf_str(&body), &q, NULL, &page, &f), ST_MALFORMED);
	}
	buf_printf(&uri, LIST "?%4096s", "");
	memset(uri.data + uri.len - 4096, 'x', 4096);
	CU_ASSERT_EQUAL(list("", NULL, buf_str(&uri), &page, &f), ST_MALFORMED);
	/* Literally, whatever it has behind the "?". */
	CU_ASSERT_EQUAL(
	    list(PAGE("", "null"), NULL,
		LIST "?StartTime%3E=x&%zz?//../@:&PageToken", &page, &f),
	    ST_OK);
	check_asked(LIST "?StartTime%3E=x&%zz?//../@:&PageToken");
	/* A page that leads to itself. */
	CU_ASSERT_EQUAL(list(PAGE("", "\"" LIST "?Page=1\""), NULL,
			    LIST "?Page=1", &page, &f),
	    ST_MALFORMED);
	buf_release(&body);
	buf_release(&uri);
}

static void
test_no_page(void)
{
	static const char *const bodies[] = { "", "null", "[]", "{}",
		"{\"next_page_uri\":null}",
		"{\"calls\":null,\"next_page_uri\":null}",
		"{\"calls\":{},\"next_page_uri\":null}", PAGE("null", "null"),
		PAGE("{},\"CA\"", "null"), PAGE("[]", "null"),
		PAGE("", "false"), PAGE("", "{}"), PAGE("", "17"),
		PAGE("", "null,\"calls\":[]"),
		PAGE("", "null,\"next_page_uri\":null"),
		PAGE("{\"x\":\"\xc0\x80\"}", "null"), PAGE("{}", "null") "}",
		CALL };
	const struct calls_query q = { .page_size = 1 };
	struct rest_page page = REST_PAGE_INIT;
	struct buf body = BUF_INIT;
	struct rest_failure f;
	size_t i, n;

	for (i = 0; i < TEST_COUNT(bodies); i++) {
		CU_ASSERT_EQUAL(
		    list(bodies[i], &q, NULL, &page, &f), ST_MALFORMED);
		CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
	}
	for (n = 1000; n <= 1001; n++) {
		buf_reset(&body);
		buf_puts(&body, "{\"next_page_uri\":null,\"calls\":[{}");
		for (i = 1; i < n; i++)
			buf_puts(&body, ",{}");
		buf_puts(&body, "]}");
		CU_ASSERT_EQUAL(list(buf_str(&body), &q, NULL, &page, &f),
		    n == 1000 ? ST_OK : ST_MALFORMED);
	}
	buf_reset(&body);
	buf_printf(&body, "%8388609s", "");
	CU_ASSERT_EQUAL(list(buf_str(&body), &q, NULL, &page, &f), ST_TOOBIG);
	buf_release(&body);
}

static const struct test tests[] = {
	{ "a call", test_fetch },
	{ "SIDs", test_sids },
	{ "accounts", test_accounts },
	{ "refusals", test_refusals },
	{ "safe words", test_safe_words },
	{ "another try", test_again },
	{ "no connection", test_no_connection },
	{ "a server that is not trusted", test_untrusted },
	{ "late", test_late },
	{ "what is no call", test_no_call },
	{ "a page", test_list },
	{ "sizes of pages", test_page_sizes },
	{ "what leads elsewhere", test_next_uris },
	{ "what is not a page", test_no_page },
};

int
main(void)
{
	struct http_library_options options = { 0 };
	struct buf why = BUF_INIT;
	int status;

	if (http_library_open(&t.library, &options) != ST_OK ||
	    http_client_open(&t.client, t.library, &why) != ST_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		return 99;
	}
	start_server();
	t.account = (struct rest_account){ t.url, ACCOUNT, ACCOUNT, TOKEN };
	status = test_main("calls-api", tests, TEST_COUNT(tests));
	http_client_close(t.client);
	http_library_close(t.library);
	calls_server_stop(t.server);
	return status;
}
