/*
 * The Calls API client when memory runs out, and what it leaves in memory that
 * it has freed. By an allocator of our own, so not under a sanitizer.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"
#include "t/calls-server.h"
#include "t/memory.h"
#include "t/test.h"
#include "twilio/rest/calls.h"
#include "twilio/rest/page.h"
#include "twilio/rest/walk.h"

#define ACCOUNT "AC00000000000000000000000000000001"
#define SID "CA0123456789abcdef0123456789abcdef"
#define SECRET "s3cr3t-of-the-account"

static enum status
read_page(void)
{
	static const char text[] =
	    "{\"calls\":[{},{}],\"next_page_uri\":\"/2010-04-01/"
	    "Accounts/" ACCOUNT "/Calls.json?Page=1\"}";
	struct rest_page page = REST_PAGE_INIT;
	const char *wrong;
	enum status st = buf_puts(&page.text, text);

	if (st == ST_OK)
		st = page_read(&page, &page_calls, ACCOUNT, &wrong);
	if (st == ST_OK && (page.n != 2 || page.next_uri == NULL))
		st = ST_CORRUPT;
	rest_page_release(&page);
	return st;
}

static void
test_memory(void)
{
	memory_run_out("page_read", read_page, 2, 1, 0);
}

/* A client of its own, of an account at a server of its own. */
struct session {
	struct calls_server *server;
	struct http_library *library;
	struct http_client *client;
	char url[64];
	struct rest_account account;
};

static void
session_open(struct session *s, const char *answer)
{
	const char *const answers[] = { answer, NULL };
	struct http_library_options options = { 0 };
	struct buf why = BUF_INIT;

	s->server = calls_server_start();
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%d",
	    calls_server_port(s->server));
	s->account = (struct rest_account){ s->url, ACCOUNT, ACCOUNT, SECRET };
	calls_server_script(s->server, answers);
	CU_ASSERT_EQUAL_FATAL(http_library_open(&s->library, &options), ST_OK);
	CU_ASSERT_EQUAL_FATAL(
	    http_client_open(&s->client, s->library, &why), ST_OK);
}

static void
session_close(struct session *s)
{
	http_client_close(s->client);
	http_library_close(s->library);
	calls_server_stop(s->server);
}

/* The next call cannot be read. */
static enum status
take_and_starve(struct calls_walk *w, struct rest_page *page, size_t i)
{
	(void)w;
	(void)page;
	if (i == 0)
		memory_starve(0, false);
	return ST_OK;
}

#define INBOUND "{\"sid\":\"" SID "\",\"direction\":\"inbound\"}"

/* It is not passed over as one that nobody asked for. */
static void
test_walk(void)
{
	struct session s;
	struct calls_walk w = { .filter = { .start_us = INT64_MIN,
				    .end_us = INT64_MAX,
				    .direction = "inbound" },
		.limit = 9,
		.take = take_and_starve };

	session_open(&s,
	    "HTTP/1.1 200 OK\r\nContent-Length: 145\r\n\r\n"
	    "{\"calls\":[" INBOUND "," INBOUND "]}");
	w.client = s.client;
	w.account = &s.account;
	CU_ASSERT_EQUAL(calls_walk_page(&w), ST_NOMEM);
	memory_feed();
	CU_ASSERT_EQUAL(memory_failures(), 1);
	CU_ASSERT_FALSE(w.over);
	calls_walk_release(&w);
	session_close(&s);
}

/* What is freed has no copy of it. libcurl gets it in base64 only, and keeps
 * that. */
static void
test_secret(void)
{
	struct session s;
	struct buf call = BUF_INIT;
	struct rest_failure f;

	session_open(&s,
	    "HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\n\r\n"
	    "{\"code\":20001,\"message\":\"not allowed, sorry\"}");
	memory_watch(SECRET);
	CU_ASSERT_EQUAL(
	    calls_fetch(s.client, &s.account, SID, &call, &f), ST_DENIED);
	CU_ASSERT_STRING_EQUAL(
	    f.text, "Twilio answers HTTP 400, code 20001: not allowed, sorry");
	memory_watch(NULL);
	CU_ASSERT_TRUE(memory_freed() > 10);
	CU_ASSERT_EQUAL(memory_leaked(), 0);
	session_close(&s);
}

static const struct test tests[] = {
	{ "each allocation fails once", test_memory },
	{ "a call of a list cannot be read", test_walk },
	{ "a secret is not left behind", test_secret },
};

int
main(void)
{
	if (!memory_is_ours())
		return 77;
	return test_main("calls, without memory", tests, TEST_COUNT(tests));
}
