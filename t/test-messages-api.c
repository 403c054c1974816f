/* The Messages API client, against a server with scripted answers. */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "codec/moment.h"
#include "http/client.h"
#include "http/reply.h"
#include "t/calls-server.h"
#include "t/client-server.h"
#include "t/test.h"
#include "twilio/rest/calls.h"
#include "twilio/rest/message_error.h"
#include "twilio/rest/messages.h"

#define ACCOUNT "AC00000000000000000000000000000001"
#define SID "SM0123456789abcdef0123456789abcdef"
#define SID2 "MM0123456789abcdef0123456789abcdef"
#define TOKEN "s3cr3t-of-the-account"
#define TO "whatsapp:+14155550100"
#define FROM "whatsapp:+14155550999"
#define TEXT "private words & more"
#define LIST "/2010-04-01/Accounts/" ACCOUNT "/Messages.json"

static struct {
	struct calls_server *server;
	struct http_library *library;
	struct http_client *client;
	char url[64];
	struct rest_account account;
} t;

static const struct messages_draft plain = {
	.to = TO, .from = FROM, .body = TEXT
};

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

/* Nothing in it is a secret, or of the message, or not to be printed. */
static void
check_safe(const char *text)
{
	const char *c;

	for (c = text; *c != '\0'; c++)
		CU_ASSERT_TRUE(*c >= ' ' && *c <= '~');
	CU_ASSERT_PTR_NULL(strstr(text, "s3cr3t"));
	CU_ASSERT_PTR_NULL(strstr(text, "QUMwMDAw"));
	CU_ASSERT_PTR_NULL(strstr(text, "1415555"));
	CU_ASSERT_PTR_NULL(strstr(text, "private"));
}

#define ANSWERS(...) ((const char *const[]){ __VA_ARGS__, NULL })

static enum messages_outcome
create(const char *const *answers, const struct messages_draft *d,
    struct messages_result *r)
{
	calls_server_script(t.server, answers);
	messages_create(t.client, &t.account, d, r);
	check_safe(r->why.text);
	CU_ASSERT_EQUAL(*r->why.text == '\0', r->outcome == MESSAGES_CREATED);
	CU_ASSERT_EQUAL(*r->sid == '\0', r->outcome != MESSAGES_CREATED);
	/* Whatever came of it, it was asked for once. */
	CU_ASSERT_TRUE(calls_server_requests(t.server) <= 1);
	return r->outcome;
}

static enum messages_outcome
create_answered(const char *status, const char *headers, const char *body,
    struct messages_result *r)
{
	char *answer = answer_of(status, headers, body);
	enum messages_outcome outcome = create(ANSWERS(answer), &plain, r);

	CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
	free(answer);
	return outcome;
}

/* --- created ------------------------------------------------------------- */

static void
test_created(void)
{
	static const char *const media[] = { "https://example.com/a?b=c&d",
		"https://example.com/\xc3\xa9" };
	const struct messages_draft full = { .to = TO,
		.from = FROM,
		.service_sid = "MG0123456789abcdef0123456789abcdef",
		.body = "Gr\xc3\xbc\xc3\x9f"
			"e & 1+1=2\n%",
		.media = media,
		.media_n = 2,
		.status_callback =
		    "https://example.com/whatsapp/status?reply=7" };
	static const char *const created[] = { "201 Created", "200 OK",
		"202 Accepted" };
	struct messages_result r;
	const char *asked;
	char *answer;
	size_t i;

	answer = answer_of("201 Created", "",
	    " {\"sid\":\"" SID
	    "\",\"status\":\"queued\",\"error_code\":null}\n");
	CU_ASSERT_EQUAL(create(ANSWERS(answer), &full, &r), MESSAGES_CREATED);
	free(answer);
	CU_ASSERT_STRING_EQUAL(r.sid, SID);
	CU_ASSERT_STRING_EQUAL(r.status, "queued");
	CU_ASSERT_EQUAL(r.error_code, 0);
	CU_ASSERT_EQUAL(r.why.http, 201);
	asked = calls_server_request(t.server, 0);
	CU_ASSERT_PTR_EQUAL(strstr(asked, "POST " LIST " HTTP/1.1\r\n"), asked);
	check_has(asked, "\r\nAuthorization: Basic QUMwMDAw");
	check_has(
	    asked, "\r\nContent-Type: application/x-www-form-urlencoded\r\n");
	check_has(asked,
	    "\r\n\r\nTo=whatsapp%3A%2B14155550100"
	    "&From=whatsapp%3A%2B14155550999"
	    "&MessagingServiceSid=MG0123456789abcdef0123456789abcdef"
	    "&Body=Gr%C3%BC%C3%9Fe+%26+1%2B1%3D2%0A%25"
	    "&MediaUrl=https%3A%2F%2Fexample.com%2Fa%3Fb%3Dc%26d"
	    "&MediaUrl=https%3A%2F%2Fexample.com%2F%C3%A9"
	    "&StatusCallback=https%3A%2F%2Fexample.com%2Fwhatsapp%2Fstatus"
	    "%3Freply%3D7");
	for (i = 0; i < TEST_COUNT(created); i++) {
		CU_ASSERT_EQUAL(create_answered(created[i], "",
				    "{\"sid\":\"" SID2 "\"}", &r),
		    MESSAGES_CREATED);
		CU_ASSERT_STRING_EQUAL(r.sid, SID2);
		CU_ASSERT_STRING_EQUAL(r.status, "");
	}
	check_has(calls_server_request(t.server, 0),
	    "\r\n\r\nTo=whatsapp%3A%2B14155550100"
	    "&From=whatsapp%3A%2B14155550999&Body=private+words+%26+more");
}

/* What else it says is taken only in its form. */
static void
test_states(void)
{
	static const struct {
		const char *members, *status;
		int error_code;
	} cases[] = {
		{ "\"status\":\"failed\",\"error_code\":63016", "failed",
		    63016 },
		{ "\"status\":\"partially_delivered\",\"error_code\":\"30003\"",
		    "partially_delivered", 30003 },
		{ "\"status\":\"in-progress\",\"error_code\":-1", "in-progress",
		    0 },
		{ "\"status\":\"<b>\",\"error_code\":99999999999", "", 0 },
		{ "\"status\":\"Queued\",\"error_code\":\"x\"", "", 0 },
		{ "\"status\":17,\"error_code\":1.5", "", 0 },
		{ "\"status\":\"abcdefghijklmnopqrstuvwxyz\"", "", 0 },
		{ "\"status\":\"queued\",\"status\":\"sent\"", "", 0 },
	};
	struct buf body = BUF_INIT;
	struct messages_result r;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		buf_reset(&body);
		buf_printf(&body, "{\"sid\":\"" SID "\",%s}", cases[i].members);
		CU_ASSERT_EQUAL(
		    create_answered("201 Created", "", buf_str(&body), &r),
		    MESSAGES_CREATED);
		CU_ASSERT_STRING_EQUAL(r.status, cases[i].status);
		CU_ASSERT_EQUAL(r.error_code, cases[i].error_code);
	}
	buf_release(&body);
}

/* --- drafts ---------------------------------------------------------------- */

/* n characters of that text; the caller frees them. */
static char *
times(const char *text, size_t n)
{
	struct buf b = BUF_INIT;

	while (n-- > 0)
		buf_puts(&b, text);
	return buf_detach(&b);
}

static void
test_drafts(void)
{
	static const char *const links[11] = { "https://e.com/1" };
	char *ascii = times("x", 1601),
	     *emoji = times("\xf0\x9f\x98\x80", 1601);
	const struct {
		struct messages_draft draft;
		const char *part;
	} bad[] = {
		{ { .to = NULL, .from = FROM, .body = "x" }, "nobody" },
		{ { .to = "", .from = FROM, .body = "x" }, "nobody" },
		{ { .to = TO, .from = NULL, .body = "x" }, "no address" },
		{ { .to = TO, .from = FROM, .body = NULL }, "nothing" },
		{ { .to = TO, .from = FROM, .body = "" }, "nothing" },
		{ { .to = TO, .from = FROM, .body = ascii }, "1600" },
		{ { .to = TO, .from = FROM, .body = emoji }, "1600" },
		{ { .to = TO, .from = FROM, .body = "\xc3" }, "UTF-8" },
		{ { .to = TO, .from = FROM, .body = "\xed\xa0\x80" }, "UTF-8" },
		{ { .to = TO, .from = FROM, .media = links, .media_n = 11 },
		    "10 media" },
	};
	struct messages_draft d = plain;
	struct messages_result r;
	char *good;
	size_t i;

	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_EQUAL(
		    create(ANSWERS(""), &bad[i].draft, &r), MESSAGES_REFUSED);
		CU_ASSERT_EQUAL(calls_server_requests(t.server), 0);
		CU_ASSERT_EQUAL(r.why.http, 0);
		check_has(r.why.text, bad[i].part);
		CU_ASSERT_STRING_EQUAL(
		    messages_words(&r), messages_draft_wrong(&bad[i].draft));
	}
	/* The bound is in characters, not in bytes. */
	good = answer_of("201 Created", "", "{\"sid\":\"" SID "\"}");
	emoji[1600 * 4] = '\0';
	d.body = emoji;
	CU_ASSERT_PTR_NULL(messages_draft_wrong(&d));
	CU_ASSERT_EQUAL(create(ANSWERS(good), &d, &r), MESSAGES_CREATED);
	d = (struct messages_draft){ .to = TO,
		.service_sid = "MG0123456789abcdef0123456789abcdef",
		.media = links,
		.media_n = 1 };
	CU_ASSERT_EQUAL(create(ANSWERS(good), &d, &r), MESSAGES_CREATED);
	free(good);
	free(ascii);
	free(emoji);
}

/* Nobody is asked as nobody. */
static void
test_accounts(void)
{
	const struct rest_account none[] = {
		{ t.url, "", ACCOUNT, TOKEN },
		{ t.url, NULL, ACCOUNT, TOKEN },
		{ t.url, ACCOUNT, "", TOKEN },
		{ t.url, ACCOUNT, ACCOUNT, NULL },
	};
	const struct messages_query q = { .to = TO, .from = FROM };
	struct messages_result r;
	struct messages_list list;
	struct rest_failure f;
	size_t i;

	calls_server_script(t.server, ANSWERS(""));
	for (i = 0; i < TEST_COUNT(none); i++) {
		messages_create(t.client, &none[i], &plain, &r);
		CU_ASSERT_EQUAL(r.outcome, MESSAGES_DENIED);
		check_has(r.why.text, "cannot be asked: set twilio.");
		CU_ASSERT_EQUAL(
		    messages_find(t.client, &none[i], &q, &list, &f),
		    ST_CONFIG);
	}
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 0);
}

/* --- what Twilio answers ---------------------------------------------------- */

#define ERROR(code, message) \
	"{\"code\":" code ",\"message\":\"" message \
	"\",\"more_info\":\"https://www.twilio.com/docs/errors/" code "\"}"

static const struct {
	const char *status, *headers, *body;
	enum messages_outcome outcome;
	int http, code, retry_after_s;
	const char *part; /* of the words */
} answers[] = {
	{ "400 Bad Request", "",
	    ERROR("21610", "Attempt to send to unsubscribed recipient"),
	    MESSAGES_REFUSED, 400, 21610, -1, "opted out" },
	{ "400 Bad Request", "", ERROR("63016", "outside window"),
	    MESSAGES_REFUSED, 400, 63016, -1, "24 hours" },
	{ "400 Bad Request", "", ERROR("21211", "The 'To' number is bad"),
	    MESSAGES_REFUSED, 400, 21211, -1, "not a valid one" },
	{ "400 Bad Request", "", ERROR("29999", "Something new"),
	    MESSAGES_REFUSED, 400, 29999, -1,
	    "HTTP 400, code 29999: Something new" },
	{ "404 Not Found", "", ERROR("20404", "was not found"),
	    MESSAGES_REFUSED, 404, 20404, -1, "check twilio.account_sid" },
	{ "404 Not Found", "", "<html>nginx</html>", MESSAGES_REFUSED, 404, 0,
	    -1, "HTTP 404; is twilio.api_url right?" },
	{ "400 Bad Request", "", "no JSON", MESSAGES_REFUSED, 400, 0, -1,
	    "HTTP 400" },
	{ "413 Payload Too Large", "", "", MESSAGES_REFUSED, 413, 0, -1,
	    "HTTP 413" },
	{ "401 Unauthorized", "WWW-Authenticate: Basic\r\n",
	    ERROR("20003", "Authenticate"), MESSAGES_DENIED, 401, 20003, -1,
	    "credentials" },
	{ "403 Forbidden", "", ERROR("20403", "Forbidden"), MESSAGES_DENIED,
	    403, 20403, -1, "HTTP 403, code 20403: Forbidden" },
	{ "429 Too Many Requests", "Retry-After: 7\r\n",
	    ERROR("20429", "Too Many Requests"), MESSAGES_NOT_TAKEN, 429, 20429,
	    7, "HTTP 429" },
	{ "429 Too Many Requests", "", "", MESSAGES_NOT_TAKEN, 429, 0, -1,
	    "HTTP 429" },
	{ "400 Bad Request", "", ERROR("20429", "Too Many Requests"),
	    MESSAGES_NOT_TAKEN, 400, 20429, -1, "HTTP 400, code 20429" },
	{ "500 Internal Server Error", "", ERROR("20500", "An internal error"),
	    MESSAGES_UNKNOWN, 500, 20500, -1, "HTTP 500" },
	/* Not even then: it is no 4xx. */
	{ "503 Service Unavailable", "Retry-After: 3\r\n",
	    ERROR("20429", "Too Many Requests"), MESSAGES_UNKNOWN, 503, 20429,
	    3, "HTTP 503" },
	{ "502 Bad Gateway", "", "<html>", MESSAGES_UNKNOWN, 502, 0, -1,
	    "HTTP 502" },
	{ "302 Found", "Location: http://127.0.0.1:1/\r\n", "",
	    MESSAGES_UNKNOWN, 302, 0, -1, "HTTP 302" },
	{ "307 Temporary Redirect", "Location: /x\r\n", "", MESSAGES_UNKNOWN,
	    307, 0, -1, "HTTP 307" },
	{ "304 Not Modified", "", "", MESSAGES_UNKNOWN, 304, 0, -1,
	    "HTTP 304" },
	{ "600 Odd", "", "", MESSAGES_UNKNOWN, 600, 0, -1, "HTTP 600" },
};

static void
test_answers(void)
{
	struct messages_result r;
	size_t i;

	for (i = 0; i < TEST_COUNT(answers); i++) {
		CU_ASSERT_EQUAL(create_answered(answers[i].status,
				    answers[i].headers, answers[i].body, &r),
		    answers[i].outcome);
		CU_ASSERT_EQUAL(r.why.http, answers[i].http);
		CU_ASSERT_EQUAL(r.why.code, answers[i].code);
		CU_ASSERT_EQUAL(r.why.retry_after_s, answers[i].retry_after_s);
		check_has(messages_words(&r), answers[i].part);
	}
}

/* 2xx, and nobody knows what. */
static void
test_no_sid(void)
{
	static const char *const bodies[] = { "", "null", "[]", "{}", "<html>",
		"\"" SID "\"", "[{\"sid\":\"" SID "\"}]", "{\"sid\":null}",
		"{\"sid\":\"\"}", "{\"sid\":17}", "{\"sid\":\"" SID "0\"}",
		"{\"sid\":\"CA0123456789abcdef0123456789abcdef\"}",
		"{\"sid\":\"" SID "\",\"sid\":\"" SID2 "\"}",
		"{\"sid\":\"" SID "\\u0000\"}", "{\"sid\":\"" SID "\"",
		"{\"sid\":\"" SID "\"}{}",
		"{\"message\":{\"sid\":\"" SID "\"}}" };
	struct messages_result r;
	struct buf large = BUF_INIT;
	size_t i;

	for (i = 0; i < TEST_COUNT(bodies); i++) {
		CU_ASSERT_EQUAL(
		    create_answered("201 Created", "", bodies[i], &r),
		    MESSAGES_UNKNOWN);
		CU_ASSERT_EQUAL(r.why.http, 201);
		check_has(r.why.text, "not with a message's SID");
	}
	CU_ASSERT_EQUAL(
	    create_answered("204 No Content", "", "", &r), MESSAGES_UNKNOWN);
	buf_printf(&large, "%262145s", "");
	CU_ASSERT_EQUAL(create_answered("201 Created", "", buf_str(&large), &r),
	    MESSAGES_UNKNOWN);
	/* Whatever its code: it is no answer. */
	CU_ASSERT_EQUAL(
	    create_answered("400 Bad Request", "", buf_str(&large), &r),
	    MESSAGES_UNKNOWN);
	CU_ASSERT_EQUAL(r.why.http, 0);
	buf_release(&large);
}

static void
test_safe_words(void)
{
	static const struct {
		const char *message, *text;
	} cases[] = {
		{ "The 'To' number +14155550100 is bad", "number * is bad" },
		{ "The 'To' number " TO " is bad", "number * is bad" },
		{ "From " FROM "/+14155550999", "From */*" },
		{ "Body '" TEXT "' is filtered", "Body '*' is filtered" },
		{ "it is " TOKEN "!", "it is *!" },
		{ "\\u001b[31mred\\r\\n", ": ?[31mred??" },
	};
	struct buf body = BUF_INIT;
	struct messages_draft d = plain;
	struct messages_result r;
	char *answer;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		buf_reset(&body);
		buf_printf(
		    &body, "{\"code\":1,\"message\":\"%s\"}", cases[i].message);
		CU_ASSERT_EQUAL(
		    create_answered("400 Bad Request", "", buf_str(&body), &r),
		    MESSAGES_REFUSED);
		check_has(r.why.text, cases[i].text);
	}
	/* A short text would take the words away. */
	d.body = "a";
	answer =
	    answer_of("400 Bad Request", "", "{\"message\":\"A bad day\"}");
	CU_ASSERT_EQUAL(create(ANSWERS(answer), &d, &r), MESSAGES_REFUSED);
	check_has(r.why.text, "A bad day");
	free(answer);
	buf_release(&body);
}

static void
test_words(void)
{
	struct messages_result r = { .outcome = MESSAGES_REFUSED };
	const char *words;
	int code, n = 0;

	for (code = 0; code < 100000; code++) {
		if ((words = message_error_words(code)) == NULL)
			continue;
		n++;
		CU_ASSERT_EQUAL(words[strlen(words) - 1], '.');
		check_safe(words);
		r.why.code = code;
		CU_ASSERT_PTR_EQUAL(messages_words(&r), words);
	}
	CU_ASSERT_TRUE(n > 40);
	for (n = 0; n < 8; n++) {
		static const int known[] = { 63016, 21610, 21211, 21408, 21614,
			63007, 21617, 63003 };

		CU_ASSERT_PTR_NOT_NULL(message_error_words(known[n]));
	}
	/* A created one that failed at once has its own code. */
	r = (struct messages_result){ .outcome = MESSAGES_CREATED,
		.error_code = 30005 };
	CU_ASSERT_PTR_EQUAL(messages_words(&r), message_error_words(30005));
	r.error_code = 0;
	CU_ASSERT_STRING_EQUAL(messages_words(&r), "");
}

/* --- trouble on the way -------------------------------------------------- */

static void
test_broken_off(void)
{
	static const char *const ways[] = { CLOSE_AFTER,
		CLOSE_AFTER "HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n"
			    "{\"sid\":\"" SID "\"",
		CLOSE_AFTER "HTTP/1.1 201 Crea", CLOSE_AFTER "garbage\r\n\r\n",
		CLOSE_AFTER "{\"sid\":\"" SID "\"}", CLOSE_LATE };
	struct messages_result r;
	size_t i;

	for (i = 0; i < TEST_COUNT(ways); i++) {
		CU_ASSERT_EQUAL(
		    create(ANSWERS(ways[i]), &plain, &r), MESSAGES_UNKNOWN);
		CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
		CU_ASSERT_EQUAL(r.why.http, 0);
		check_has(r.why.text, "http://127.0.0.1:");
	}
}

/* libcurl sends once more what a kept connection lost: not this. */
static void
test_kept_connection(void)
{
	static const char sid[] = "CA0123456789abcdef0123456789abcdef";
	char *call = answer_of(
	    "200 OK", "", "{\"sid\":\"CA0123456789abcdef0123456789abcdef\"}");
	struct buf body = BUF_INIT;
	struct messages_result r;
	struct rest_failure f;

	calls_server_script(t.server, ANSWERS(call));
	CU_ASSERT_EQUAL(
	    calls_fetch(t.client, &t.account, sid, &body, &f), ST_OK);
	CU_ASSERT_EQUAL(
	    create(ANSWERS(CLOSE_AFTER), &plain, &r), MESSAGES_UNKNOWN);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
	CU_ASSERT_EQUAL(calls_server_connections(t.server), 1);
	buf_release(&body);
	free(call);
}

/* What rest_post says of a request to there. */
static enum status
post_to(const char *api_url, long total_ms, bool *sent, struct rest_failure *f)
{
	const struct rest_request r = { .uri = LIST,
		.total_ms = total_ms,
		.max_body = 1000,
		.form = "To=x" };
	struct rest_account a = t.account;
	struct http_reply reply;
	enum status st;

	a.api_url = api_url;
	*sent = true;
	st = rest_post(t.client, &a, &r, &reply, sent, f);
	CU_ASSERT_NOT_EQUAL(st, ST_OK);
	CU_ASSERT_EQUAL(f->http, 0);
	CU_ASSERT_TRUE(*f->text != '\0');
	http_reply_release(&reply);
	return st;
}

/* Listens, and never says a word. */
static int
silent(char url[static 64], const char *scheme)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0 &&
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    listen(fd, 8) == 0 &&
	    getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	snprintf(url, 64, "%s://127.0.0.1:%d", scheme, ntohs(at.sin_port));
	return fd;
}

static void
test_late(void)
{
	struct rest_failure f;
	char url[64];
	bool sent;
	int fd = silent(url, "http");
	int64_t began = clock_mono_us();

	CU_ASSERT_EQUAL(post_to(url, 500, &sent, &f), ST_TIMEOUT);
	CU_ASSERT_TRUE(sent);
	CU_ASSERT_TRUE(clock_mono_us() - began >= 490000);
	CU_ASSERT_TRUE(clock_mono_us() - began < 3000000);
	close(fd);
	/* TLS does not come about. */
	fd = silent(url, "https");
	CU_ASSERT_EQUAL(post_to(url, 500, &sent, &f), ST_UNAVAILABLE);
	CU_ASSERT_FALSE(sent);
	close(fd);
}

static void
test_no_connection(void)
{
	static const char *const nowhere[] = { "http://127.0.0.1:1",
		"https://127.0.0.1:1", "https://nowhere.invalid", "ftp://x",
		"http://no host" };
	struct rest_account other = t.account;
	struct client_server server;
	struct messages_result r;
	struct rest_failure f;
	char url[64];
	bool sent;
	size_t i;

	for (i = 0; i < TEST_COUNT(nowhere); i++) {
		other.api_url = nowhere[i];
		messages_create(t.client, &other, &plain, &r);
		CU_ASSERT_EQUAL(r.outcome, MESSAGES_NOT_TAKEN);
		CU_ASSERT_EQUAL(r.why.http, 0);
		check_safe(r.why.text);
	}
	client_server_start(&server);
	/* A certificate that nobody vouches for; and no TLS at all. */
	snprintf(url, sizeof(url), "https://localhost:%d", server.tls_port);
	(void)post_to(url, 5000, &sent, &f);
	CU_ASSERT_FALSE(sent);
	check_has(f.text, "certificate");
	snprintf(url, sizeof(url), "https://localhost:%d", server.port);
	(void)post_to(url, 5000, &sent, &f);
	CU_ASSERT_FALSE(sent);
	client_server_stop(&server);
}

/* A proxy gets a CONNECT, and Twilio nothing. */
static void
test_proxy(void)
{
	static const char *const ways[] = {
		"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
		CLOSE_AFTER,
		CLOSE_AFTER "HTTP/1.1 200 Connection established\r\n\r\n",
		"HTTP/1.1 200 Connection established\r\n\r\n",
	};
	struct http_library_options options = { .proxy = t.url };
	struct http_client *direct = t.client;
	struct http_library *library;
	struct buf why = BUF_INIT;
	struct rest_failure f;
	bool sent;
	size_t i;

	CU_ASSERT_EQUAL_FATAL(http_library_open(&library, &options), ST_OK);
	for (i = 0; i < TEST_COUNT(ways); i++) {
		CU_ASSERT_EQUAL_FATAL(
		    http_client_open(&t.client, library, &why), ST_OK);
		calls_server_script(t.server, ANSWERS(ways[i], HANG));
		(void)post_to("https://api.example", 700, &sent, &f);
		CU_ASSERT_FALSE(sent);
		CU_ASSERT_EQUAL(strncmp(calls_server_request(t.server, 0),
				    "CONNECT api.example:443 ", 24),
		    0);
		http_client_close(t.client);
	}
	http_library_close(library);
	t.client = direct;
}

/* --- finding --------------------------------------------------------------- */

#define DATE "Sat, 21 Nov 2026 18:50:00 +0000"
#define OTHER "SM00000000000000000000000000000002"
#define MESSAGE(sid, to, from, body, date, more) \
	"{\"sid\":\"" sid "\",\"to\":\"" to "\",\"from\":\"" from \
	"\",\"body\":\"" body "\",\"date_created\":\"" date "\"" more "}"
#define FITS(sid) MESSAGE(sid, TO, FROM, "Hi", DATE, "")
#define PAGE(items, next) \
	"{\"messages\":[" items "],\"next_page_uri\":" next "}"

static struct messages_query
hi(void)
{
	struct messages_query q = { .to = TO, .from = FROM, .body = "Hi" };

	CU_ASSERT_EQUAL(
	    moment_parse("2026-11-21T18:50:00.9Z", MOMENT_FIRST, &q.since_us),
	    ST_OK);
	return q;
}

static enum status
find(const char *const *pages, const struct messages_query *q,
    struct messages_list *list, struct rest_failure *f)
{
	const char *texts[16] = { NULL };
	enum status st;
	size_t i;

	for (i = 0; pages[i] != NULL; i++)
		texts[i] = answer_of("200 OK", "", pages[i]);
	calls_server_script(t.server, texts);
	st = messages_find(t.client, &t.account, q, list, f);
	check_safe(f->text);
	CU_ASSERT_EQUAL(*f->text == '\0', st == ST_OK);
	CU_ASSERT_TRUE(st == ST_OK || (list->n == 0 && !list->more));
	while (i > 0)
		free((char *)texts[--i]);
	return st;
}

static void
test_find(void)
{
	const struct messages_query q = hi();
	struct messages_list list;
	struct rest_failure f;
	const char *asked;

	CU_ASSERT_EQUAL_FATAL(
	    find(ANSWERS(PAGE(MESSAGE(SID, TO, FROM, "Hi", DATE,
				  ",\"status\":\"sent\",\"error_"
				  "code\":null") "," MESSAGE(SID2, TO, FROM,
				  "\\u0048i", DATE,
				  ",\"status\":\"failed\","
				  "\"error_code\":63016"),
		     "null")),
		&q, &list, &f),
	    ST_OK);
	asked = calls_server_request(t.server, 0);
	CU_ASSERT_PTR_EQUAL(strstr(asked,
				"GET " LIST "?To=whatsapp%3A%2B14155550100"
				"&From=whatsapp%3A%2B14155550999"
				"&DateSent%3E=2026-11-21&PageSize=200 HTTP"),
	    asked);
	CU_ASSERT_EQUAL_FATAL(list.n, 2);
	CU_ASSERT_FALSE(list.more);
	CU_ASSERT_STRING_EQUAL(list.items[0].sid, SID);
	CU_ASSERT_STRING_EQUAL(list.items[0].status, "sent");
	CU_ASSERT_EQUAL(list.items[0].error_code, 0);
	/* Whole seconds: the attempt's own counts. */
	CU_ASSERT_EQUAL(list.items[0].created_us, q.since_us - 900000);
	CU_ASSERT_STRING_EQUAL(list.items[1].sid, SID2);
	CU_ASSERT_STRING_EQUAL(list.items[1].status, "failed");
	CU_ASSERT_EQUAL(list.items[1].error_code, 63016);
	CU_ASSERT_EQUAL(find(ANSWERS(PAGE("", "null")), &q, &list, &f), ST_OK);
	CU_ASSERT_EQUAL(list.n, 0);
}

/* Twilio's filters may be coarser than ours. */
static void
test_find_others(void)
{
	static const char *const others[] = {
		MESSAGE(SID, FROM, FROM, "Hi", DATE, ""),
		MESSAGE(SID, TO, TO, "Hi", DATE, ""),
		MESSAGE(SID, TO, FROM, "hi", DATE, ""),
		MESSAGE(SID, TO, FROM, "Hi ", DATE, ""),
		MESSAGE(SID, TO, FROM, "Hi\\u0000", DATE, ""),
		MESSAGE(SID, TO, FROM, "", DATE, ""),
		MESSAGE(
		    SID, TO, FROM, "Hi", "Sat, 21 Nov 2026 18:49:59 +0000", ""),
		"{}",
		"{\"sid\":\"" SID "\",\"to\":null}",
	};
	struct messages_query q = hi();
	struct messages_list list;
	struct rest_failure f;
	struct buf page = BUF_INIT;
	size_t i;

	for (i = 0; i < TEST_COUNT(others); i++) {
		buf_reset(&page);
		buf_printf(&page, PAGE("%s," FITS(OTHER), "null"), others[i]);
		CU_ASSERT_EQUAL(
		    find(ANSWERS(buf_str(&page)), &q, &list, &f), ST_OK);
		CU_ASSERT_EQUAL(list.n, 1);
		CU_ASSERT_STRING_EQUAL(list.items[0].sid, OTHER);
	}
	/* No text: media alone. */
	q.body = NULL;
	CU_ASSERT_EQUAL(find(ANSWERS(PAGE(FITS(SID) "," MESSAGE(
					      OTHER, TO, FROM, "", DATE, ""),
				 "null")),
			    &q, &list, &f),
	    ST_OK);
	CU_ASSERT_EQUAL(list.n, 1);
	CU_ASSERT_STRING_EQUAL(list.items[0].sid, OTHER);
	buf_release(&page);
}

/* It fits, and nobody knows which it is. */
static void
test_find_unclear(void)
{
	static const char *const unclear[] = {
		MESSAGE("SM1", TO, FROM, "Hi", DATE, ""),
		MESSAGE("CA0123456789abcdef0123456789abcdef", TO, FROM, "Hi",
		    DATE, ""),
		MESSAGE(SID, TO, FROM, "Hi", "2026-11-21T18:50:00Z", ""),
		MESSAGE(SID, TO, FROM, "Hi", "", ""),
		"{\"to\":\"" TO "\",\"from\":\"" FROM "\",\"body\":\"Hi\"}",
		MESSAGE(SID, TO, FROM, "Hi", DATE, ",\"sid\":\"" OTHER "\""),
	};
	const struct messages_query q = hi();
	struct messages_list list;
	struct rest_failure f;
	struct buf page = BUF_INIT;
	size_t i;

	for (i = 0; i < TEST_COUNT(unclear); i++) {
		buf_reset(&page);
		buf_printf(&page, PAGE(FITS(OTHER) ",%s", "null"), unclear[i]);
		CU_ASSERT_EQUAL(
		    find(ANSWERS(buf_str(&page)), &q, &list, &f), ST_MALFORMED);
		check_has(f.text, "lacks SID or date");
	}
	buf_release(&page);
}

static void
test_find_pages(void)
{
	const struct messages_query q = hi();
	struct messages_list list;
	struct rest_failure f;
	struct buf page = BUF_INIT;
	size_t i;

	/* One may be in two pages, when others have come meanwhile. */
	CU_ASSERT_EQUAL(find(ANSWERS(PAGE(FITS(SID), "\"" LIST "?Page=1\""),
				 PAGE(FITS(SID) "," FITS(OTHER), "null")),
			    &q, &list, &f),
	    ST_OK);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 2);
	CU_ASSERT_EQUAL(strncmp(calls_server_request(t.server, 1),
			    "GET " LIST "?Page=1 HTTP/1.1\r\n",
			    strlen("GET " LIST "?Page=1 HTTP/1.1\r\n")),
	    0);
	CU_ASSERT_EQUAL(list.n, 2);
	CU_ASSERT_FALSE(list.more);
	/* More than there is room for. */
	buf_puts(&page, "{\"messages\":[{}");
	for (i = 0; i <= MESSAGES_FOUND_MAX; i++) {
		char sid[MESSAGES_SID_MAX];

		snprintf(sid, sizeof(sid), "SM%032zu", i);
		buf_printf(
		    &page, "," MESSAGE("%s", TO, FROM, "Hi", DATE, ""), sid);
	}
	buf_puts(&page, "],\"next_page_uri\":\"" LIST "?Page=1\"}");
	CU_ASSERT_EQUAL(find(ANSWERS(buf_str(&page)), &q, &list, &f), ST_OK);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
	CU_ASSERT_EQUAL(list.n, MESSAGES_FOUND_MAX);
	CU_ASSERT_TRUE(list.more);
	buf_release(&page);
}

/* Ten pages, and no more are asked for. */
static void
test_find_bound(void)
{
	const struct messages_query q = hi();
	const char *pages[13] = { NULL };
	struct messages_list list;
	struct rest_failure f;
	struct buf page = BUF_INIT;
	size_t i;

	for (i = 0; i < 12; i++) {
		buf_printf(&page, PAGE("%s", "\"" LIST "?Page=%zu\""),
		    i == 0 ? FITS(SID) : "", i + 1);
		pages[i] = buf_detach(&page);
	}
	CU_ASSERT_EQUAL(find(pages, &q, &list, &f), ST_OK);
	CU_ASSERT_EQUAL(calls_server_requests(t.server), 10);
	CU_ASSERT_EQUAL(list.n, 1);
	CU_ASSERT_TRUE(list.more);
	for (i = 0; i < 12; i++)
		free((char *)pages[i]);
}

static const char *const hostile_uris[] = { "/", "//evil.example/",
	"https://evil.example" LIST "?Page=1", "@evil.example/", LIST,
	"/2010-04-01/Accounts/AC00000000000000000000000000000002/Messages.json"
	"?Page=1",
	"/2010-04-01/Accounts/" ACCOUNT "/Calls.json?Page=1",
	"/2010-04-01/Accounts/" ACCOUNT "/Messages/../Calls.json?Page=1",
	LIST "?Page=1 HTTP/1.1", LIST "?Page=1#x", LIST "?Page=1\\\\x" };

static void
test_find_malformed(void)
{
	static const char *const bodies[] = { "", "null", "[]", "{}", "<html>",
		"{\"calls\":[],\"next_page_uri\":null}", PAGE("null", "null"),
		PAGE("", "false"), PAGE("", "null") "}",
		PAGE(FITS(SID), "null,\"messages\":[]") };
	const struct messages_query q = hi();
	struct messages_list list;
	struct rest_failure f;
	struct buf page = BUF_INIT;
	char *denied, *lost;
	size_t i;

	for (i = 0; i < TEST_COUNT(bodies); i++) {
		CU_ASSERT_EQUAL(
		    find(ANSWERS(bodies[i]), &q, &list, &f), ST_MALFORMED);
		check_has(f.text, "not a page of messages");
	}
	for (i = 0; i < TEST_COUNT(hostile_uris); i++) {
		buf_reset(&page);
		buf_printf(&page, PAGE(FITS(SID), "\"%s\""), hostile_uris[i]);
		CU_ASSERT_EQUAL(
		    find(ANSWERS(buf_str(&page)), &q, &list, &f), ST_MALFORMED);
		CU_ASSERT_EQUAL(calls_server_requests(t.server), 1);
	}
	denied = answer_of("401 Unauthorized", "", ERROR("20003", "No"));
	lost = answer_of("404 Not Found", "", ERROR("20404", "No"));
	calls_server_script(t.server, ANSWERS(denied));
	CU_ASSERT_EQUAL(
	    messages_find(t.client, &t.account, &q, &list, &f), ST_DENIED);
	CU_ASSERT_EQUAL(f.http, 401);
	calls_server_script(t.server, ANSWERS(lost));
	CU_ASSERT_EQUAL(
	    messages_find(t.client, &t.account, &q, &list, &f), ST_DENIED);
	check_has(f.text, "knows no such account");
	free(denied);
	free(lost);
	buf_release(&page);
}

static const struct test tests[] = {
	{ "created", test_created },
	{ "states", test_states },
	{ "drafts", test_drafts },
	{ "accounts", test_accounts },
	{ "what Twilio answers", test_answers },
	{ "created, without a SID", test_no_sid },
	{ "safe words", test_safe_words },
	{ "words for codes", test_words },
	{ "broken off", test_broken_off },
	{ "a connection that was kept", test_kept_connection },
	{ "late", test_late },
	{ "no connection", test_no_connection },
	{ "a proxy that does not connect", test_proxy },
	{ "found", test_find },
	{ "others in the list", test_find_others },
	{ "found, and not clear", test_find_unclear },
	{ "pages", test_find_pages },
	{ "ten pages", test_find_bound },
	{ "what is not a page", test_find_malformed },
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
	t.server = calls_server_start();
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%d",
	    calls_server_port(t.server));
	t.account = (struct rest_account){ t.url, ACCOUNT, ACCOUNT, TOKEN };
	status = test_main("messages-api", tests, TEST_COUNT(tests));
	http_client_close(t.client);
	http_library_close(t.library);
	calls_server_stop(t.server);
	return status;
}
