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

#define ACCOUNT "AC00000000000000000000000000000001"
#define SID "CA0123456789abcdef0123456789abcdef"
#define SECRET "s3cr3t-of-the-account"

static enum status
read_page(void)
{
	static const char text[] =
	    "{\"calls\":[{},{}],\"next_page_uri\":\"/2010-04-01/"
	    "Accounts/" ACCOUNT "/Calls.json?Page=1\"}";
	struct calls_page page = CALLS_PAGE_INIT;
	const char *wrong;
	enum status st = buf_puts(&page.text, text);

	if (st == ST_OK)
		st = page_read(&page, ACCOUNT, &wrong);
	if (st == ST_OK && (page.n != 2 || page.next_uri == NULL))
		st = ST_CORRUPT;
	calls_page_release(&page);
	return st;
}

static void
test_memory(void)
{
	memory_run_out("page_read", read_page, 2, 1, 0);
}

#define ERROR(message) \
	"HTTP/1.1 400 Bad Request\r\nContent-Length: 45\r\n\r\n" \
	"{\"code\":20001,\"message\":\"" message "\"}"

/* What is freed has no copy of it. libcurl gets it in base64 only, and keeps
 * that. */
static void
test_secret(void)
{
	static const char *const answers[] = { ERROR("not allowed, sorry"),
		NULL };
	struct calls_server *server = calls_server_start();
	struct http_library_options options = { 0 };
	struct http_library *library = NULL;
	struct http_client *client = NULL;
	struct buf why = BUF_INIT, call = BUF_INIT;
	struct calls_account account = { NULL, ACCOUNT, ACCOUNT, SECRET };
	struct calls_failure f;
	char url[64];

	snprintf(
	    url, sizeof(url), "http://127.0.0.1:%d", calls_server_port(server));
	account.api_url = url;
	calls_server_script(server, answers);
	CU_ASSERT_EQUAL_FATAL(http_library_open(&library, &options), ST_OK);
	CU_ASSERT_EQUAL_FATAL(http_client_open(&client, library, &why), ST_OK);
	memory_watch(SECRET);
	CU_ASSERT_EQUAL(
	    calls_fetch(client, &account, SID, &call, &f), ST_DENIED);
	CU_ASSERT_STRING_EQUAL(
	    f.text, "Twilio answers HTTP 400, code 20001: not allowed, sorry");
	memory_watch(NULL);
	CU_ASSERT_TRUE(memory_freed() > 10);
	CU_ASSERT_EQUAL(memory_leaked(), 0);
	http_client_close(client);
	http_library_close(library);
	calls_server_stop(server);
}

static const struct test tests[] = {
	{ "each allocation fails once", test_memory },
	{ "a secret is not left behind", test_secret },
};

int
main(void)
{
	if (!memory_is_ours())
		return 77;
	return test_main("calls, without memory", tests, TEST_COUNT(tests));
}
