/* The HTTP client, against t/client-server.py on loopback. */
#include "t/client-server.h"
#include "t/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/client.h"

static struct {
	struct client_server server;
	struct http_library *library;
	struct http_client *client;
	char url[256];
} t;

static const char *
url(const char *path)
{
	snprintf(t.url, sizeof(t.url), "http://127.0.0.1:%d/%s", t.server.port,
	    path);
	return t.url;
}

static enum status
get(const char *path, struct http_reply *r)
{
	struct http_call call = { .method = "GET", .url = url(path) };

	return http_client_send(t.client, &call, r);
}

static void
add(struct kv *kv, const char *name, const char *value)
{
	CU_ASSERT_EQUAL(
	    kv_add(kv, name, strlen(name), value, strlen(value)), ST_OK);
}

static void
check_error(const char *part)
{
	const char *error = http_client_error(t.client);

	if (!strstr(error, part))
		fprintf(stderr, "no \"%s\" in \"%s\"\n", part, error);
	CU_ASSERT_PTR_NOT_NULL(strstr(error, part));
}

static void
test_get(void)
{
	struct http_reply r;

	CU_ASSERT_EQUAL_FATAL(get("hello", &r), ST_OK);
	CU_ASSERT_EQUAL(r.code, 200);
	CU_ASSERT_STRING_EQUAL(buf_str(&r.body), "hello");
	CU_ASSERT_STRING_EQUAL(
	    http_reply_header(&r, "content-type"), "text/plain");
	CU_ASSERT_STRING_EQUAL(http_reply_header(&r, "X-THING"), "spaced");
	CU_ASSERT_STRING_EQUAL(http_reply_header(&r, "X-Empty"), "");
	CU_ASSERT_PTR_NULL(http_reply_header(&r, "X-Absent"));
	CU_ASSERT_EQUAL(r.headers.n, 5);
	http_reply_release(&r);
	http_reply_release(&r);
}

static void
test_codes(void)
{
	struct http_reply r;

	CU_ASSERT_EQUAL_FATAL(get("fail", &r), ST_OK);
	CU_ASSERT_EQUAL(r.code, 503);
	CU_ASSERT_STRING_EQUAL(buf_str(&r.body), "no");
	http_reply_release(&r);

	CU_ASSERT_EQUAL_FATAL(get("redirect", &r), ST_OK);
	CU_ASSERT_EQUAL(r.code, 302);
	CU_ASSERT_STRING_EQUAL(http_reply_header(&r, "Location"), "/hello");
	http_reply_release(&r);
}

/* Interim answers and trailers do not get among the headers. */
static void
test_heads(void)
{
	struct http_reply r;

	CU_ASSERT_EQUAL_FATAL(get("interim", &r), ST_OK);
	CU_ASSERT_EQUAL(r.code, 200);
	CU_ASSERT_STRING_EQUAL(http_reply_header(&r, "X-Late"), "yes");
	CU_ASSERT_PTR_NULL(http_reply_header(&r, "X-Early"));
	http_reply_release(&r);

	CU_ASSERT_EQUAL_FATAL(get("trailer", &r), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&r.body), "body");
	CU_ASSERT_PTR_NULL(http_reply_header(&r, "X-Trailer"));
	http_reply_release(&r);
}

static void
send_echo(const char *method, const struct kv *headers, const char *body,
    size_t len, struct http_reply *r)
{
	struct http_call call = { .method = method,
		.url = url("echo"),
		.headers = headers,
		.body = body,
		.body_len = len };

	CU_ASSERT_EQUAL_FATAL(http_client_send(t.client, &call, r), ST_OK);
	CU_ASSERT_EQUAL(r->code, 200);
}

static void
test_post(void)
{
	struct http_reply r;
	struct kv headers = KV_INIT;

	add(&headers, "Content-Type", "application/x-amz-json-1.0");
	add(&headers, "X-Empty", "");
	send_echo("POST", &headers, "a\0b", 3, &r);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&r.body), "POST /echo HTTP/1.1"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&r.body),
	    "\r\nContent-Type: application/x-amz-json-1.0\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&r.body), "\r\nX-Empty:\r\n"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_str(&r.body), "\r\nContent-Length: 3\r\n"));
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_str(&r.body), "\r\nUser-Agent: switchhook/"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&r.body), "Expect"));
	CU_ASSERT_FATAL(r.body.len > 3);
	CU_ASSERT_EQUAL(memcmp(r.body.data + r.body.len - 3, "a\0b", 3), 0);
	http_reply_release(&r);
	kv_release(&headers);

	/* A NUL in the answer's body stays too. */
	CU_ASSERT_EQUAL_FATAL(get("nul", &r), ST_OK);
	CU_ASSERT_EQUAL(r.body.len, 3);
	http_reply_release(&r);
}

/* Nothing of one request shows in the next. */
static void
test_methods(void)
{
	struct http_reply r;
	struct http_call head = { .method = "HEAD", .url = url("hello") };
	struct kv headers = KV_INIT;

	add(&headers, "User-Agent", "Other/1");
	send_echo("PUT", &headers, NULL, 0, &r);
	kv_release(&headers);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_str(&r.body), "\r\nUser-Agent: Other/1\r\n"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&r.body), "switchhook"));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&r.body), "PUT /echo "));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&r.body), "Content-Length: 0"));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&r.body), "Content-Type"));
	http_reply_release(&r);

	send_echo("DELETE", NULL, "why", 3, &r);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&r.body), "DELETE /echo "));
	http_reply_release(&r);

	send_echo("GET", NULL, NULL, 0, &r);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&r.body), "GET /echo "));
	CU_ASSERT_PTR_NULL(strstr(buf_str(&r.body), "Content-Length"));
	http_reply_release(&r);

	(void)url("hello");
	CU_ASSERT_EQUAL(http_client_send(t.client, &head, &r), ST_OK);
	CU_ASSERT_EQUAL(r.code, 200);
	CU_ASSERT_EQUAL(r.body.len, 0);
	http_reply_release(&r);
}

static void
test_large_post(void)
{
	struct http_reply r;
	size_t n = 300000;
	char *body = malloc(n);

	CU_ASSERT_PTR_NOT_NULL_FATAL(body);
	memset(body, 'z', n);
	send_echo("POST", NULL, body, n, &r);
	CU_ASSERT(r.body.len > n);
	CU_ASSERT_EQUAL(memcmp(r.body.data + r.body.len - n, body, n), 0);
	http_reply_release(&r);
	free(body);
}

static void
test_bad_headers(void)
{
	static const char *const bad[][2] = {
		{ "X-A", "b\r\nX-Evil: 1" },
		{ "X-A\r\nX-Evil", "1" },
		{ "X-A", "b\nc" },
		{ "X-A: b", "c" },
		{ "", "c" },
	};
	struct kv nul = KV_INIT;
	struct http_call call = { .method = "GET", .headers = &nul };
	struct http_reply r;

	for (size_t i = 0; i < TEST_COUNT(bad); i++) {
		struct kv headers = KV_INIT;

		call.headers = &headers;
		call.url = url("hello");
		add(&headers, bad[i][0], bad[i][1]);
		CU_ASSERT_EQUAL(
		    http_client_send(t.client, &call, &r), ST_MALFORMED);
		CU_ASSERT_EQUAL(r.code, 0);
		check_error("header");
		kv_release(&headers);
	}
	call.headers = &nul;
	(void)kv_add(&nul, "X-A", 3, "b\0c", 3);
	call.url = url("hello");
	CU_ASSERT_EQUAL(http_client_send(t.client, &call, &r), ST_MALFORMED);
	kv_release(&nul);
}

static void
test_bad_urls(void)
{
	static const struct {
		const char *url;
		enum status status;
	} bad[] = {
		{ "file:///etc/passwd", ST_UNSUPPORTED },
		{ "ftp://127.0.0.1/x", ST_UNSUPPORTED },
		{ "gopher://127.0.0.1/x", ST_UNSUPPORTED },
		{ "http://", ST_MALFORMED },
		{ "http://127.0.0.1:99999/", ST_MALFORMED },
		{ "http://127.0.0.1/\r\nX-Evil: 1", ST_MALFORMED },
	};
	struct http_reply r;

	for (size_t i = 0; i < TEST_COUNT(bad); i++) {
		struct http_call call = { .method = "GET", .url = bad[i].url };
		enum status e = http_client_send(t.client, &call, &r);

		if (e != bad[i].status)
			fprintf(stderr, "%s: %s\n", bad[i].url, status_text(e));
		CU_ASSERT_EQUAL(e, bad[i].status);
		CU_ASSERT(http_client_error(t.client)[0] != '\0');
	}
}

static void
test_reuse(void)
{
	char first[16];
	struct http_reply r;

	CU_ASSERT_EQUAL_FATAL(get("number", &r), ST_OK);
	snprintf(first, sizeof(first), "%s", buf_str(&r.body));
	http_reply_release(&r);
	for (int i = 0; i < 5; i++) {
		CU_ASSERT_EQUAL_FATAL(get("number", &r), ST_OK);
		CU_ASSERT_STRING_EQUAL(buf_str(&r.body), first);
		CU_ASSERT_EQUAL(r.connections, 0);
		http_reply_release(&r);
	}
	/* Closed by the server after this answer: a new one is made. */
	CU_ASSERT_EQUAL_FATAL(get("last", &r), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&r.body), first);
	http_reply_release(&r);
	CU_ASSERT_EQUAL_FATAL(get("number", &r), ST_OK);
	CU_ASSERT_STRING_NOT_EQUAL(buf_str(&r.body), first);
	CU_ASSERT_EQUAL(r.connections, 1);
	http_reply_release(&r);
}

static void
check_timeout(const char *path)
{
	struct http_reply r;
	struct http_call call = {
		.method = "GET", .url = url(path), .total_ms = 300
	};
	int64_t start = clock_mono_us();

	CU_ASSERT_EQUAL(http_client_send(t.client, &call, &r), ST_TIMEOUT);
	CU_ASSERT(clock_mono_us() - start < 2500000);
	CU_ASSERT(clock_mono_us() - start >= 290000);
	CU_ASSERT_EQUAL(r.code, 0);
	CU_ASSERT_EQUAL(r.body.len, 0);
	check_error("http://127.0.0.1:");
}

static void
test_timeouts(void)
{
	check_timeout("slow");
	check_timeout("trickle");
}

static void
test_limits(void)
{
	static const char *const large[] = { "announced", "endless" };
	struct http_reply r;
	struct http_call call = {
		.method = "GET", .url = url("exact"), .max_body = 1000
	};

	CU_ASSERT_EQUAL(http_client_send(t.client, &call, &r), ST_OK);
	CU_ASSERT_EQUAL(r.body.len, 1000);
	http_reply_release(&r);
	for (size_t i = 0; i < TEST_COUNT(large); i++) {
		call.url = url(large[i]);
		CU_ASSERT_EQUAL(
		    http_client_send(t.client, &call, &r), ST_TOOBIG);
		CU_ASSERT_EQUAL(r.body.len, 0);
		check_error("larger than 1000 bytes");
	}
	CU_ASSERT_EQUAL(get("head", &r), ST_TOOBIG);
	check_error("larger than 65536 bytes");
}

static void
test_broken(void)
{
	static const char *const ways[] = { "reset", "cut", "silent",
		"garbage" };
	struct http_reply r;

	for (size_t i = 0; i < TEST_COUNT(ways); i++) {
		enum status e = get(ways[i], &r);

		if (e != ST_IO)
			fprintf(stderr, "%s: %s\n", ways[i], status_text(e));
		CU_ASSERT_EQUAL(e, ST_IO);
		CU_ASSERT_EQUAL(r.code, 0);
		CU_ASSERT_EQUAL(r.body.len, 0);
		/* The client goes on working. */
		CU_ASSERT_EQUAL_FATAL(get("hello", &r), ST_OK);
		http_reply_release(&r);
	}
}

/* A socket that is bound but does not listen: connecting is refused. */
static int
refusing(int backlog, int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL_FATAL(bind(fd, (struct sockaddr *)&a, len), 0);
	if (backlog >= 0)
		CU_ASSERT_EQUAL_FATAL(listen(fd, backlog), 0);
	CU_ASSERT_EQUAL_FATAL(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void
test_refused(void)
{
	int port;
	int fd = refusing(-1, &port);
	char where[96];
	struct http_call call = { .method = "GET", .url = where };
	struct http_reply r;

	snprintf(where, sizeof(where),
	    "http://user:secret@127.0.0.1:%d/x?token=secret", port);
	CU_ASSERT_EQUAL(http_client_send(t.client, &call, &r), ST_UNAVAILABLE);
	check_error("http://127.0.0.1:");
	CU_ASSERT_PTR_NULL(strstr(http_client_error(t.client), "secret"));
	close(fd);

	call.url = "http://nowhere.invalid/";
	CU_ASSERT_EQUAL(http_client_send(t.client, &call, &r), ST_UNAVAILABLE);
	check_error("nowhere.invalid");
}

/* A name that is not found, and then is: libcurl has kept its buffer, and takes
 * no other size for it. */
static void
test_found_later(void)
{
	struct http_call call = { .method = "GET",
		.url = "http://nowhere.invalid/",
		.max_body = (size_t)8 << 20 };
	struct http_reply r;
	int i;

	for (i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(
		    http_client_send(t.client, &call, &r), ST_UNAVAILABLE);
		check_error("esolv");
	}
}

/* TLS asked of a server that takes the connection and never says a word. */
static void
test_connect_timeout(void)
{
	int port;
	int fd = refusing(4, &port);
	char where[64];
	struct http_call call = { .method = "POST",
		.url = where,
		.body = "x",
		.body_len = 1,
		.connect_ms = 300 };
	struct http_reply r;
	int64_t start = clock_mono_us();

	snprintf(where, sizeof(where), "https://127.0.0.1:%d/", port);
	CU_ASSERT_EQUAL(http_client_send(t.client, &call, &r), ST_UNAVAILABLE);
	CU_ASSERT(clock_mono_us() - start < 2500000);
	close(fd);
}

/* What was given back is taken again, and closed with the library. */
static void
test_taken(void)
{
	struct http_library_options options = { 0 };
	struct http_library *library;
	struct http_client *one, *two, *again;
	struct buf why = BUF_INIT;

	CU_ASSERT_EQUAL_FATAL(http_library_open(&library, &options), ST_OK);
	CU_ASSERT_EQUAL_FATAL(http_client_take(&one, library, &why), ST_OK);
	CU_ASSERT_EQUAL_FATAL(http_client_take(&two, library, &why), ST_OK);
	CU_ASSERT_PTR_NOT_EQUAL(one, two);
	http_client_give(one);
	CU_ASSERT_EQUAL_FATAL(http_client_take(&again, library, &why), ST_OK);
	CU_ASSERT_PTR_EQUAL(again, one);
	http_client_give(NULL);
	http_client_give(two);
	http_client_give(again);
	http_library_close(library);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "a plain GET", test_get },
		{ "codes and redirects", test_codes },
		{ "interim answers and trailers", test_heads },
		{ "POST with headers and bytes", test_post },
		{ "other methods", test_methods },
		{ "a large body to send", test_large_post },
		{ "headers that would break the request", test_bad_headers },
		{ "URLs that are none", test_bad_urls },
		{ "connections are kept", test_reuse },
		{ "deadlines", test_timeouts },
		{ "size limits", test_limits },
		{ "broken answers", test_broken },
		{ "no connection", test_refused },
		{ "a name that is not found", test_found_later },
		{ "no TLS handshake", test_connect_timeout },
		{ "clients taken and given back", test_taken },
	};
	struct http_library_options options = { 0 };
	struct buf why = BUF_INIT;
	int code;

	client_server_start(&t.server);
	if (http_library_open(&t.library, &options) != ST_OK ||
	    http_client_open(&t.client, t.library, &why) != ST_OK) {
		fprintf(stderr, "%s\n", buf_str(&why));
		return 99;
	}
	code = test_main("client", tests, TEST_COUNT(tests));
	http_client_close(t.client);
	http_library_close(t.library);
	client_server_stop(&t.server);
	return code;
}
