/* request, response, route. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/request.h"
#include "http/response.h"
#include "http/route.h"
#include "t/test.h"

/* A request out of variables; the caller releases it. */
#define ENV(...) ((const char *const[]){ __VA_ARGS__, NULL })

static enum status
start(struct request *r, const char *const *envp, const char *base)
{
	memset(r, 0, sizeof(*r));
	return request_init(r, (char *const *)envp, base);
}

static void
test_variables(void)
{
	struct request r;

	CU_ASSERT_EQUAL(
	    start(&r,
		ENV("FCGI_ROLE=RESPONDER", "REQUEST_METHOD=POST",
		    "PATH_INFO=/whatsapp", "REQUEST_URI=/t/whatsapp?a=1&b=%20",
		    "QUERY_STRING=c=3", "CONTENT_TYPE=text/plain",
		    "CONTENT_LENGTH=12", "HTTP_X_TWILIO_SIGNATURE=sig",
		    "HTTP_AUTHORIZATION=Bearer x", "HTTP_X_API_KEY=key",
		    "HTTP_HOST=h:1", "HTTPS=on", "REQUEST_SCHEME=https",
		    "SERVER_NAME=n", "SERVER_PORT=443", "REMOTE_ADDR=::1",
		    "HTTP_X_FORWARDED_PROTO=p", "HTTP_X_FORWARDED_HOST=f",
		    "HTTP_X_FORWARDED_PORT=9", "NOEQUALS", "HTTP_TRACEPARENT=t",
		    "HTTP_X_AMZN_TRACE_ID=Root=1", "HTTP_HOST=second"),
		""),
	    ST_OK);
	CU_ASSERT_EQUAL(r.method, METHOD_POST);
	CU_ASSERT_STRING_EQUAL(r.method_text, "POST");
	CU_ASSERT_STRING_EQUAL(r.path, "/whatsapp");
	CU_ASSERT_STRING_EQUAL(r.uri, "/t/whatsapp?a=1&b=%20");
	/* What was signed, not what a rewrite rule made of it. */
	CU_ASSERT_STRING_EQUAL(r.query, "a=1&b=%20");
	CU_ASSERT_STRING_EQUAL(r.content_type, "text/plain");
	CU_ASSERT_TRUE(r.has_length);
	CU_ASSERT_EQUAL(r.announced, 12);
	CU_ASSERT_STRING_EQUAL(r.signature, "sig");
	CU_ASSERT_FALSE(r.signature_repeated);
	CU_ASSERT_STRING_EQUAL(r.authorization, "Bearer x");
	CU_ASSERT_STRING_EQUAL(r.api_key, "key");
	CU_ASSERT_STRING_EQUAL(r.host, "h:1");
	CU_ASSERT_STRING_EQUAL(r.https, "on");
	CU_ASSERT_STRING_EQUAL(r.scheme, "https");
	CU_ASSERT_STRING_EQUAL(r.server_name, "n");
	CU_ASSERT_STRING_EQUAL(r.server_port, "443");
	CU_ASSERT_STRING_EQUAL(r.remote_addr, "::1");
	CU_ASSERT_STRING_EQUAL(r.forwarded_proto, "p");
	CU_ASSERT_STRING_EQUAL(r.forwarded_host, "f");
	CU_ASSERT_STRING_EQUAL(r.forwarded_port, "9");
	CU_ASSERT_STRING_EQUAL(r.traceparent, "t");
	CU_ASSERT_STRING_EQUAL(r.amzn_trace_id, "Root=1");
	request_release(&r);
}

static void
test_absent(void)
{
	struct request r;

	CU_ASSERT_EQUAL(
	    start(&r, ENV("REQUEST_METHOD=GET", "PATH_INFO=/health"), ""),
	    ST_OK);
	CU_ASSERT_STRING_EQUAL(r.signature, "");
	CU_ASSERT_STRING_EQUAL(r.query, "");
	CU_ASSERT_STRING_EQUAL(r.uri, "/health");
	CU_ASSERT_FALSE(r.has_length);
	request_release(&r);
	CU_ASSERT_EQUAL(
	    start(&r, ENV("FCGI_ROLE=RESPONDER"), ""), ST_MALFORMED);
	request_release(&r);
	CU_ASSERT_EQUAL(start(&r, ENV("REQUEST_METHOD="), ""), ST_MALFORMED);
	request_release(&r);
	CU_ASSERT_EQUAL(start(&r, ENV("REQUEST_METHOD=GET"), ""), ST_MALFORMED);
	request_release(&r);
}

static void
test_signature_twice(void)
{
	struct request r;

	CU_ASSERT_EQUAL(
	    start(&r,
		ENV("REQUEST_METHOD=POST", "PATH_INFO=/whatsapp",
		    "HTTP_X_TWILIO_SIGNATURE=a", "HTTP_X_TWILIO_SIGNATURE=a"),
		""),
	    ST_OK);
	CU_ASSERT_TRUE(r.signature_repeated);
	CU_ASSERT_STRING_EQUAL(r.signature, "a");
	request_release(&r);
}

static void
test_authorization_redirected(void)
{
	struct request r;

	CU_ASSERT_EQUAL(start(&r,
			    ENV("REQUEST_METHOD=GET", "PATH_INFO=/metrics",
				"REDIRECT_HTTP_AUTHORIZATION=b"),
			    ""),
	    ST_OK);
	CU_ASSERT_STRING_EQUAL(r.authorization, "b");
	request_release(&r);
}

struct path_case {
	const char *info, *uri, *query, *base; /* NULL: not given */
	const char *path, *out_uri, *out_query; /* path NULL: malformed */
};

static const struct path_case path_cases[] = {
	/* PATH_INFO as it is */
	{ "/health", "/health", NULL, "", "/health", "/health", "" },
	{ "/a", "/x/a?q=1", "q=1", "", "/a", "/x/a?q=1", "q=1" },
	{ "/a", "/x/a", NULL, "/x", "/a", "/x/a", "" },
	{ "/a", "/x/a", NULL, "/x/", "/a", "/x/a", "" },
	/* PATH_INFO that counts base_path in */
	{ "/x/a", "/x/a?y", NULL, "/x", "/a", "/x/a?y", "y" },
	{ "/x", "/x", NULL, "/x", "/", "/x", "" },
	{ "/xa", "/xa", NULL, "/x", "/xa", "/xa", "" },
	/* base_path and route of the same name */
	{ "/a", "/a/a", NULL, "/a", "/a", "/a/a", "" },
	/* no PATH_INFO */
	{ NULL, "/health?x=1", NULL, "", "/health", "/health?x=1", "x=1" },
	{ "", "/x/health", NULL, "/x", "/health", "/x/health", "" },
	{ NULL, "/xy/a", NULL, "/x", "/xy/a", "/xy/a", "" },
	{ NULL, "/health", NULL, "/x", "/health", "/health", "" },
	{ NULL, "/x?q", NULL, "/x", "/", "/x?q", "q" },
	{ NULL, "/a%2Fb", NULL, "", "/a%2Fb", "/a%2Fb", "" },
	{ NULL, "/a%20b%C3%a4%25?%41", NULL, "", "/a b\xc3\xa4%",
	    "/a%20b%C3%a4%25?%41", "%41" },
	{ NULL, "/a%zz%4", NULL, "", "/a%zz%4", "/a%zz%4", "" },
	{ NULL, "/a?b?c=/x", NULL, "", "/a", "/a?b?c=/x", "b?c=/x" },
	/* absolute form, and a fragment */
	{ NULL, "http://h:8/a?b=c", NULL, "", "/a", "/a?b=c", "b=c" },
	{ NULL, "https://h/x/a", NULL, "/x", "/a", "/x/a", "" },
	{ "/a", "http://h?b", NULL, "", "/a", "?b", "b" },
	{ NULL, "/a?u=http://b/c", NULL, "", "/a", "/a?u=http://b/c",
	    "u=http://b/c" },
	{ NULL, "/a?b=1#c", "b=1", "", "/a", "/a?b=1#c", "b=1#c" },
	{ NULL, "/a#b?c", NULL, "", "/a", "/a#b?c", "c" },
	{ NULL, "/x#b", NULL, "/x", "/", "/x#b", "" },
	/* no REQUEST_URI */
	{ "/a", NULL, "b=%20", "", "/a", "/a?b=%20", "b=%20" },
	{ "/a", NULL, "b=1", "/x/", "/a", "/x/a?b=1", "b=1" },
	{ "/a", "", NULL, "/x", "/a", "/x/a", "" },
	/* a query that is not the signed one does not count */
	{ "/a", "/a", "evil=1", "", "/a", "/a", "" },
	{ "/a", "/a?b=1", "b=1&evil=1", "", "/a", "/a?b=1", "b=1" },
	/* no path of ours */
	{ NULL, "*", NULL, "", NULL, NULL, NULL },
	{ "health", "/health", NULL, "", NULL, NULL, NULL },
	{ "/a\nb", "/a", NULL, "", NULL, NULL, NULL },
	{ "/a\x7f", "/a", NULL, "", NULL, NULL, NULL },
	{ NULL, "", NULL, "", NULL, NULL, NULL },
};

static void
check_path(const struct path_case *c)
{
	char info[128], uri[128], query[128];
	const char *envp[5];
	size_t n = 0;
	struct request r;
	enum status st;

	envp[n++] = "REQUEST_METHOD=GET";
	if (c->info != NULL) {
		snprintf(info, sizeof(info), "PATH_INFO=%s", c->info);
		envp[n++] = info;
	}
	if (c->uri != NULL) {
		snprintf(uri, sizeof(uri), "REQUEST_URI=%s", c->uri);
		envp[n++] = uri;
	}
	if (c->query != NULL) {
		snprintf(query, sizeof(query), "QUERY_STRING=%s", c->query);
		envp[n++] = query;
	}
	envp[n] = NULL;
	st = start(&r, envp, c->base);
	CU_ASSERT_EQUAL(st, c->path == NULL ? ST_MALFORMED : ST_OK);
	if (st == ST_OK && c->path != NULL) {
		CU_ASSERT_STRING_EQUAL(r.path, c->path);
		CU_ASSERT_STRING_EQUAL(r.uri, c->out_uri);
		CU_ASSERT_STRING_EQUAL(r.query, c->out_query);
	}
	request_release(&r);
}

static void
test_paths(void)
{
	for (size_t i = 0; i < TEST_COUNT(path_cases); i++)
		check_path(&path_cases[i]);
}

/* A body that comes in pieces and may end in an error. */
struct pieces {
	size_t total, piece, given;
	enum status end;
};

static enum status
pieces_read(void *ctx, char *to, size_t n, size_t *got)
{
	struct pieces *p = ctx;
	size_t k = p->total - p->given;

	if (k > p->piece)
		k = p->piece;
	if (k > n)
		k = n;
	for (size_t i = 0; i < k; i++)
		to[i] = (char)('a' + (p->given + i) % 26);
	p->given += k;
	*got = k;
	return k == 0 ? p->end : ST_OK;
}

#define MOST ((size_t)1 << 20)

static struct request
read_body(const char *length, struct pieces *p)
{
	char text[64];
	struct request r;
	struct body_source source = { pieces_read, p };

	snprintf(text, sizeof(text), "CONTENT_LENGTH=%s", length);
	CU_ASSERT_EQUAL(
	    start(&r, ENV("REQUEST_METHOD=POST", "PATH_INFO=/a", text), ""),
	    ST_OK);
	CU_ASSERT_EQUAL(request_read_body(&r, &source, MOST), ST_OK);
	return r;
}

static const struct {
	const char *length;
	struct pieces pieces;
	enum status body_status;
	size_t kept;
	size_t taken; /* from the source */
} body_cases[] = {
	{ "", { 0, 1, 0, ST_OK }, ST_OK, 0, 0 },
	{ "0", { 0, 1, 0, ST_OK }, ST_OK, 0, 0 },
	{ "", { 100, 7, 0, ST_OK }, ST_OK, 100, 100 },
	{ "100", { 100, 7, 0, ST_OK }, ST_OK, 100, 100 },
	{ "20000", { 20000, 8192, 0, ST_OK }, ST_OK, 20000, 20000 },
	/* shorter, longer, broken off: kept, and marked */
	{ "101", { 100, 7, 0, ST_OK }, ST_MALFORMED, 100, 100 },
	{ "99", { 100, 7, 0, ST_OK }, ST_MALFORMED, 100, 100 },
	{ "0", { 5, 7, 0, ST_OK }, ST_MALFORMED, 5, 5 },
	{ "100", { 50, 7, 0, ST_IO }, ST_MALFORMED, 50, 50 },
	{ "50", { 50, 7, 0, ST_IO }, ST_MALFORMED, 50, 50 },
	{ "", { 50, 7, 0, ST_IO }, ST_MALFORMED, 50, 50 },
	/* not a number */
	{ "+5", { 5, 7, 0, ST_OK }, ST_MALFORMED, 5, 5 },
	{ "5 ", { 5, 7, 0, ST_OK }, ST_MALFORMED, 5, 5 },
	{ "-1", { 5, 7, 0, ST_OK }, ST_MALFORMED, 5, 5 },
	{ "0x5", { 5, 7, 0, ST_OK }, ST_MALFORMED, 5, 5 },
	/* too big, by what is said and by what comes */
	{ "99999999999999999999999", { 5, 7, 0, ST_OK }, ST_TOOBIG, 0, 5 },
	{ "1048577", { 1048577, 8192, 0, ST_OK }, ST_TOOBIG, 0, 1048577 },
	{ "1048576", { 1048576, 8192, 0, ST_OK }, ST_OK, MOST, MOST },
	{ "", { 1048576, 8192, 0, ST_OK }, ST_OK, MOST, MOST },
	{ "", { 1048577, 8192, 0, ST_OK }, ST_TOOBIG, 0, 1048577 },
	{ "7", { 1048577, 8192, 0, ST_OK }, ST_TOOBIG, 0, 1048577 },
	/* an endless one is left at some time */
	{ "", { SIZE_MAX / 2, 8192, 0, ST_OK }, ST_TOOBIG, 0,
	    MOST + 8192 + REQUEST_DRAIN_MAX },
};

static void
test_bodies(void)
{
	for (size_t i = 0; i < TEST_COUNT(body_cases); i++) {
		struct pieces p = body_cases[i].pieces;
		struct request r = read_body(body_cases[i].length, &p);

		CU_ASSERT_EQUAL(r.body_status, body_cases[i].body_status);
		CU_ASSERT_EQUAL(r.body.len, body_cases[i].kept);
		CU_ASSERT_EQUAL(p.given, body_cases[i].taken);
		if (r.body.len > 30)
			CU_ASSERT_EQUAL(memcmp(r.body.data + 24, "yzab", 4), 0);
		if (body_cases[i].kept == 0)
			CU_ASSERT_EQUAL(r.body.cap, 0);
		request_release(&r);
	}
}

static void
test_is_type(void)
{
	struct request r = { .content_type =
				 " Application/JSON; charset=utf-8" };

	CU_ASSERT_TRUE(request_is_type(&r, "application/json"));
	CU_ASSERT_FALSE(request_is_type(&r, "application/jso"));
	CU_ASSERT_FALSE(request_is_type(&r, "application/jsonx"));
	r.content_type = "application/json";
	CU_ASSERT_TRUE(request_is_type(&r, "application/json"));
	r.content_type = "application/jsonp";
	CU_ASSERT_FALSE(request_is_type(&r, "application/json"));
	r.content_type = "";
	CU_ASSERT_FALSE(request_is_type(&r, "application/json"));
}

static void
check_written(const struct response *r, bool head, const char *expected)
{
	struct buf out = BUF_INIT;

	CU_ASSERT_EQUAL(response_write(r, head, &out), ST_OK);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), expected);
	buf_release(&out);
}

static void
test_response(void)
{
	struct response r = { .code = 200, .content_type = "text/plain" };

	buf_put(&r.body, "a\0b", 3);
	CU_ASSERT_EQUAL(response_header(&r, "X-A", "b c"), ST_OK);
	CU_ASSERT_EQUAL(response_header(&r, "X-A", "b\r\nc"), ST_MALFORMED);
	CU_ASSERT_EQUAL(response_header(&r, "X-A", "b\n"), ST_MALFORMED);
	CU_ASSERT_EQUAL(response_header(&r, "X\r", "b"), ST_MALFORMED);
	CU_ASSERT_EQUAL(response_header(&r, "X: y", "b"), ST_MALFORMED);
	check_written(&r, true,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 3\r\nX-A: b c\r\n\r\n");
	response_reset(&r);
	CU_ASSERT_EQUAL(r.code, 0);
	r.code = 204;
	buf_puts(&r.body, "left over");
	check_written(&r, false, "Status: 204 No Content\r\n\r\n");
	response_release(&r);
}

static void
test_response_body(void)
{
	struct response r = { .code = 200, .content_type = "text/plain" };
	struct buf out = BUF_INIT;

	buf_put(&r.body, "a\0b", 3);
	CU_ASSERT_EQUAL(response_write(&r, false, &out), ST_OK);
	CU_ASSERT_TRUE(out.len > 7);
	CU_ASSERT_EQUAL(memcmp(out.data + out.len - 7, "\r\n\r\na\0b", 7), 0);
	response_release(&r);
	buf_release(&out);
}

static void
test_response_error(void)
{
	struct response r = { .code = 200, .content_type = "text/plain" };

	buf_puts(&r.body, "half a reply");
	response_error(&r, 401, "Invalid \"signature\"", "id-1");
	check_written(&r, false,
	    "Status: 401 Unauthorized\r\nContent-Type: application/json\r\n"
	    "Content-Length: 54\r\n\r\n"
	    "{\"error\":\"Invalid \\\"signature\\\"\","
	    "\"request_id\":\"id-1\"}\n");
	response_release(&r);
}

/* A buf that failed must not become a reply that looks whole. */
static void
test_response_failed(void)
{
	struct response r = { .code = 200, .content_type = "text/plain" };
	struct buf out = BUF_INIT;

	r.body.err = ST_NOMEM;
	CU_ASSERT_EQUAL(response_write(&r, false, &out), ST_NOMEM);
	r.body.err = ST_OK;
	r.headers.err = ST_TOOBIG;
	CU_ASSERT_EQUAL(response_write(&r, false, &out), ST_TOOBIG);
	CU_ASSERT_EQUAL(out.len, 0);
	response_release(&r);
	buf_release(&out);
}

static void
test_reasons(void)
{
	CU_ASSERT_STRING_EQUAL(response_reason(405), "Method Not Allowed");
	CU_ASSERT_STRING_EQUAL(response_reason(999), "");
}

static const struct route table[] = {
	{ .method = METHOD_GET, .pattern = "/health", .guard = GUARD_OPEN },
	{ .method = METHOD_POST, .pattern = "/w", .guard = GUARD_SIGNED },
	{ .method = METHOD_POST, .pattern = "/w/s", .guard = GUARD_SIGNED },
	{ .method = METHOD_POST, .pattern = "/in/{t}", .guard = GUARD_SIGNED },
	{ .method = METHOD_GET, .pattern = "/call/{id}", .guard = GUARD_ADMIN },
	{ .method = METHOD_POST, .pattern = "/post", .guard = GUARD_OPEN },
	{ .method = METHOD_GET, .pattern = "/c/{id}/m", .guard = GUARD_AGENT },
	{ .method = METHOD_POST, .pattern = "/c/{id}/m", .guard = GUARD_AGENT },
	{ .method = METHOD_POST,
	    .pattern = "/c/{id}/m/{reply}/again",
	    .guard = GUARD_AGENT },
};

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	enum method method;
	const char *path;
	enum status expected;
	int index; /* of the route; -1: none */
	const char *arg, *second;
} route_cases[] = {
	{ METHOD_GET, "/health", ST_OK, 0, "", "" },
	{ METHOD_HEAD, "/health", ST_OK, 0, "", "" },
	{ METHOD_POST, "/health", ST_UNSUPPORTED, 0, "", "" },
	{ METHOD_OTHER, "/health", ST_UNSUPPORTED, 0, "", "" },
	{ METHOD_GET, "/healthy", ST_NOTFOUND, -1, "", "" },
	{ METHOD_GET, "/health/", ST_OK, 0, "", "" },
	{ METHOD_GET, "/health//", ST_NOTFOUND, -1, "", "" },
	{ METHOD_GET, "//", ST_NOTFOUND, -1, "", "" },
	{ METHOD_GET, "/Health", ST_NOTFOUND, -1, "", "" },
	{ METHOD_GET, "/", ST_NOTFOUND, -1, "", "" },
	{ METHOD_GET, "", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/w", ST_OK, 1, "", "" },
	{ METHOD_GET, "/w", ST_OK, 1, "", "" },
	{ METHOD_HEAD, "/w", ST_UNSUPPORTED, 1, "", "" },
	{ METHOD_POST, "/w/s", ST_OK, 2, "", "" },
	{ METHOD_POST, "/in/gather", ST_OK, 3, "gather", "" },
	{ METHOD_GET, "/in/a.b_c-9Z", ST_OK, 3, "a.b_c-9Z", "" },
	{ METHOD_OTHER, "/in/gather", ST_UNSUPPORTED, 3, "", "" },
	{ METHOD_POST, "/in/", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/in", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/in//", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/in/gather/", ST_OK, 3, "gather", "" },
	{ METHOD_POST, "/in/" A64 "/", ST_OK, 3, A64, "" },
	{ METHOD_POST, "/in/a/b", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/in/a/b/", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/w/s/", ST_OK, 2, "", "" },
	{ METHOD_POST, "/in/..", ST_OK, 3, "", "" },
	{ METHOD_POST, "/in/.a", ST_OK, 3, "", "" },
	{ METHOD_POST, "/in/a%2fb", ST_OK, 3, "", "" },
	{ METHOD_POST, "/in/a b", ST_OK, 3, "", "" },
	{ METHOD_POST, "/in/\xc3\xa4", ST_OK, 3, "", "" },
	{ METHOD_POST, "/in/" A64, ST_OK, 3, A64, "" },
	{ METHOD_POST, "/in/" A64 "a", ST_OK, 3, "", "" },
	{ METHOD_GET, "/call/CA1", ST_OK, 4, "CA1", "" },
	{ METHOD_POST, "/call/CA1", ST_UNSUPPORTED, 4, "", "" },
	{ METHOD_GET, "/post", ST_UNSUPPORTED, 5, "", "" },
	{ METHOD_GET, "/c/a b+\xc3\xa4@..;/m", ST_OK, 6, "a b+\xc3\xa4@..;",
	    "" },
	{ METHOD_HEAD, "/c/" A64 A64 "/m/", ST_OK, 6, A64 A64, "" },
	{ METHOD_GET, "/c/" A64 A64 "a/m", ST_OK, 6, "", "" },
	{ METHOD_POST, "/c/1/m", ST_OK, 7, "1", "" },
	{ METHOD_OTHER, "/c/1/m", ST_UNSUPPORTED, 7, "", "" },
	{ METHOD_POST, "/c//m", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/c/1/", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/c/1/mm", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/c/1/m/2/again", ST_OK, 8, "1", "2" },
	{ METHOD_GET, "/c/1/m/2/again", ST_UNSUPPORTED, 8, "", "" },
	{ METHOD_POST, "/c/1/m/2/agai", ST_NOTFOUND, -1, "", "" },
	{ METHOD_POST, "/c/1/m/2", ST_NOTFOUND, -1, "", "" },
};

static void
test_routes(void)
{
	for (size_t i = 0; i < TEST_COUNT(route_cases); i++) {
		const struct route *route;
		struct route_args args = { { "before", "before" } };
		int at = route_cases[i].index;

		CU_ASSERT_EQUAL(
		    route_find(table, TEST_COUNT(table), route_cases[i].method,
			route_cases[i].path, &route, &args),
		    route_cases[i].expected);
		CU_ASSERT_PTR_EQUAL(route, at < 0 ? NULL : &table[at]);
		CU_ASSERT_STRING_EQUAL(args.arg[0], route_cases[i].arg);
		CU_ASSERT_STRING_EQUAL(args.arg[1], route_cases[i].second);
	}
}

static void
test_allow(void)
{
	static const struct {
		const char *path, *allow;
	} cases[] = {
		{ "/health/", "GET, HEAD" },
		{ "/w", "GET, POST" },
		{ "/post", "POST" },
		{ "/c/1/m", "GET, HEAD, POST" },
		{ "/c/1/m/2/again", "POST" },
	};
	char allow[ROUTE_ALLOW_MAX];
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		route_allow(table, TEST_COUNT(table), cases[i].path, allow);
		CU_ASSERT_STRING_EQUAL(allow, cases[i].allow);
	}
}

int
main(void)
{
	static const struct test tests[] = {
		{ "variables", test_variables },
		{ "absent variables", test_absent },
		{ "signature twice", test_signature_twice },
		{ "authorization redirected", test_authorization_redirected },
		{ "paths", test_paths },
		{ "bodies", test_bodies },
		{ "media type", test_is_type },
		{ "response", test_response },
		{ "response body", test_response_body },
		{ "response error", test_response_error },
		{ "response failed", test_response_failed },
		{ "reasons", test_reasons },
		{ "routes", test_routes },
		{ "allow", test_allow },
	};

	return test_main("http", tests, TEST_COUNT(tests));
}
