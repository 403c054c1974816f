/* The HTTP client's certificates, proxies and threads. */
#include "t/client-server.h"
#include "t/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/client.h"

static struct client_server t;

/* A client of its own library, so with other options. */
static enum status
get_with(const struct http_library_options *o, const char *where,
    struct buf *error, struct http_reply *r)
{
	struct http_call call = { .method = "GET", .url = where };
	struct http_library *library;
	struct http_client *client;
	enum status e;

	CU_ASSERT_EQUAL_FATAL(http_library_open(&library, o), ST_OK);
	CU_ASSERT_EQUAL_FATAL(http_client_open(&client, library, error), ST_OK);
	e = http_client_send(client, &call, r);
	buf_puts(error, http_client_error(client));
	http_client_close(client);
	http_library_close(library);
	return e;
}

static void
test_tls(void)
{
	char path[128], where[64];
	struct http_library_options none = { 0 };
	struct http_library_options ours = { .ca_bundle = path };
	struct buf error = BUF_INIT;
	struct http_reply r;

	snprintf(path, sizeof(path), "%s/ca.pem", test_tmpdir());
	snprintf(
	    where, sizeof(where), "https://localhost:%d/hello", t.tls_port);
	CU_ASSERT_EQUAL(get_with(&none, where, &error, &r), ST_DENIED);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&error), "certificate"));
	buf_reset(&error);

	CU_ASSERT_EQUAL_FATAL(get_with(&ours, where, &error, &r), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&r.body), "hello");
	CU_ASSERT_STRING_EQUAL(buf_str(&error), "");
	http_reply_release(&r);

	/* The right authority, but the certificate is for localhost. */
	snprintf(
	    where, sizeof(where), "https://127.0.0.1:%d/hello", t.tls_port);
	CU_ASSERT_EQUAL(get_with(&ours, where, &error, &r), ST_DENIED);

	snprintf(
	    where, sizeof(where), "https://localhost:%d/hello", t.tls_port);
	snprintf(path, sizeof(path), "%s/absent.pem", test_tmpdir());
	CU_ASSERT_EQUAL(get_with(&ours, where, &error, &r), ST_CONFIG);
	buf_release(&error);
}

/* The environment's proxies are not asked; one that is configured is. */
static void
test_proxy(void)
{
	static const char *const names[] = { "http_proxy", "HTTP_PROXY",
		"https_proxy", "all_proxy", "ALL_PROXY" };
	char proxy[64], where[64];
	struct http_library_options none = { 0 };
	struct http_library_options o = { .proxy = proxy };
	struct buf error = BUF_INIT;
	struct http_reply r;

	for (size_t i = 0; i < TEST_COUNT(names); i++)
		setenv(names[i], "http://127.0.0.1:1/", 1);
	snprintf(where, sizeof(where), "http://127.0.0.1:%d/hello", t.port);
	CU_ASSERT_EQUAL_FATAL(get_with(&none, where, &error, &r), ST_OK);
	http_reply_release(&r);

	/* Nor may no_proxy take a host from the configured one. */
	setenv("no_proxy", "*", 1);
	snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%d", t.port);
	CU_ASSERT_EQUAL_FATAL(
	    get_with(&o, "http://nowhere.invalid/echo", &error, &r), ST_OK);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_str(&r.body), "GET http://nowhere.invalid/echo "));
	http_reply_release(&r);
	buf_release(&error);
	unsetenv("no_proxy");
	for (size_t i = 0; i < TEST_COUNT(names); i++)
		unsetenv(names[i]);
}

static void *
work(void *arg)
{
	struct http_library *library = arg;
	struct http_client *client;
	struct buf why = BUF_INIT;
	size_t good = 0;

	if (http_client_open(&client, library, &why) != ST_OK)
		return NULL;
	for (int i = 0; i < 20; i++) {
		char where[64];
		struct http_call call = { .method = "GET", .url = where };
		struct http_reply r;

		snprintf(
		    where, sizeof(where), "http://127.0.0.1:%d/hello", t.port);
		if (http_client_send(client, &call, &r) == ST_OK &&
		    r.code == 200)
			good++;
		http_reply_release(&r);
	}
	http_client_close(client);
	buf_release(&why);
	return (void *)good;
}

/* Threads that open their clients at once, on a library not yet loaded. */
static void
test_threads(void)
{
	struct http_library_options o = { 0 };
	struct http_library *library;
	pthread_t threads[4];

	CU_ASSERT_EQUAL_FATAL(http_library_open(&library, &o), ST_OK);
	for (size_t i = 0; i < TEST_COUNT(threads); i++)
		CU_ASSERT_EQUAL_FATAL(
		    pthread_create(&threads[i], NULL, work, library), 0);
	for (size_t i = 0; i < TEST_COUNT(threads); i++) {
		void *good;

		pthread_join(threads[i], &good);
		CU_ASSERT_EQUAL((size_t)good, 20);
	}
	http_library_close(library);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "certificates", test_tls },
		{ "proxies", test_proxy },
		{ "threads", test_threads },
	};
	int code;

	client_server_start(&t);
	code = test_main("client-tls", tests, TEST_COUNT(tests));
	client_server_stop(&t);
	return code;
}
