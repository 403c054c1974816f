/* Trace headers, and spans as a collector wants them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/trace.h"
#include "t/test.h"

/* Of the W3C's examples, and of AWS's documentation. */
#define TRACE "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define W3C "00-" TRACE "-" PARENT "-01"
#define ROOT "Root=1-5759e988-bd862e3fe1be46a994272793"
#define ROOT_TRACE "5759e988bd862e3fe1be46a994272793"
#define ROOT_PARENT "53995c3f42cd8ad8"

static void
to_hex(const unsigned char *bytes, size_t n, char *out)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

struct header_case {
	const char *text, *trace, *parent; /* NULL: malformed, none */
	bool sampled;
};

static void
check_headers(const struct header_case *cases, size_t n,
    enum status (*parse)(const char *, struct trace_context *))
{
	struct trace_context c;
	char trace[33], parent[17];
	size_t i;

	for (i = 0; i < n; i++) {
		memset(&c, 0, sizeof(c));
		if (parse(cases[i].text, &c) != ST_OK) {
			CU_ASSERT_PTR_NULL(cases[i].trace);
			continue;
		}
		CU_ASSERT_PTR_NOT_NULL_FATAL(cases[i].trace);
		to_hex(c.trace, sizeof(c.trace), trace);
		to_hex(c.parent, sizeof(c.parent), parent);
		CU_ASSERT_STRING_EQUAL(trace, cases[i].trace);
		CU_ASSERT_EQUAL(c.has_parent, cases[i].parent != NULL);
		if (c.has_parent && cases[i].parent != NULL)
			CU_ASSERT_STRING_EQUAL(parent, cases[i].parent);
		CU_ASSERT_EQUAL(c.sampled, cases[i].sampled);
	}
}

static void
test_traceparent(void)
{
	static const struct header_case cases[] = {
		{ W3C, TRACE, PARENT, true },
		{ "00-" TRACE "-" PARENT "-00", TRACE, PARENT, false },
		{ "00-" TRACE "-" PARENT "-03", TRACE, PARENT, true },
		{ "cc-" TRACE "-" PARENT "-01", TRACE, PARENT, true },
		{ "cc-" TRACE "-" PARENT "-01-more", TRACE, PARENT, true },
		{ "cc-" TRACE "-" PARENT "-01more", NULL, NULL, false },
		{ W3C "-more", NULL, NULL, false },
		{ "ff-" TRACE "-" PARENT "-01", NULL, NULL, false },
		{ "00-" TRACE "-" PARENT "-0", NULL, NULL, false },
		{ "00-" TRACE "-" PARENT "-0g", NULL, NULL, false },
		{ "00-" TRACE "-" PARENT, NULL, NULL, false },
		{ "00_" TRACE "-" PARENT "-01", NULL, NULL, false },
		{ "00-" TRACE "_" PARENT "-01", NULL, NULL, false },
		{ "00-" TRACE "-" PARENT "_01", NULL, NULL, false },
		{ "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01", NULL,
		    NULL, false },
		{ "00-00000000000000000000000000000000-" PARENT "-01", NULL,
		    NULL, false },
		{ "00-" TRACE "-0000000000000000-01", NULL, NULL, false },
		{ "", NULL, NULL, false },
		{ "0", NULL, NULL, false },
	};

	check_headers(cases, TEST_COUNT(cases), trace_parse_traceparent);
}

static void
test_amzn(void)
{
	static const struct header_case cases[] = {
		{ ROOT, ROOT_TRACE, NULL, true },
		{ ROOT ";Sampled=0", ROOT_TRACE, NULL, false },
		{ ROOT ";Sampled=?", ROOT_TRACE, NULL, true },
		{ ROOT ";Parent=" ROOT_PARENT ";Sampled=1", ROOT_TRACE,
		    ROOT_PARENT, true },
		{ "Self=1-67891234-12456789abcdef012345678;" ROOT
		  "; Parent=" ROOT_PARENT ";Lineage=a:1;;",
		    ROOT_TRACE, ROOT_PARENT, true },
		{ ROOT ";Parent=53995c3f", ROOT_TRACE, NULL, true },
		{ ROOT ";Parent=0000000000000000", ROOT_TRACE, NULL, true },
		{ "Root=1-5759e988-bd862e3fe1be46a99427279", NULL, NULL,
		    false },
		{ ROOT "0", NULL, NULL, false },
		{ "Root=2-5759e988-bd862e3fe1be46a994272793", NULL, NULL,
		    false },
		{ "Root=1-5759e988bbd862e3fe1be46a994272793", NULL, NULL,
		    false },
		{ "Root=1-00000000-000000000000000000000000", NULL, NULL,
		    false },
		{ "Parent=" ROOT_PARENT, NULL, NULL, false },
		{ "Root=", NULL, NULL, false },
		{ ";;;", NULL, NULL, false },
		{ "", NULL, NULL, false },
	};

	check_headers(cases, TEST_COUNT(cases), trace_parse_amzn);
}

/* What comes in goes on, with the span as the parent. */
static void
test_begin(void)
{
	char out[TRACE_AMZN_MAX], again[TRACE_TRACEPARENT_MAX], id[17];
	struct trace_span s, other;
	struct trace_context c;

	CU_ASSERT_EQUAL(trace_begin(&s, W3C, ROOT, 1), ST_OK);
	to_hex(s.id, sizeof(s.id), id);
	trace_traceparent(&s, again);
	CU_ASSERT_NSTRING_EQUAL(again, "00-" TRACE "-", 36);
	CU_ASSERT_NSTRING_EQUAL(again + 36, id, 16);
	CU_ASSERT_STRING_EQUAL(again + 52, "-01");
	CU_ASSERT_EQUAL(trace_begin(&s, "", ROOT ";Sampled=0", 1), ST_OK);
	to_hex(s.id, sizeof(s.id), id);
	trace_amzn(&s, out);
	CU_ASSERT_NSTRING_EQUAL(out, ROOT ";Parent=", 48);
	CU_ASSERT_NSTRING_EQUAL(out + 48, id, 16);
	CU_ASSERT_STRING_EQUAL(out + 64, ";Sampled=0");
	/* A new trace, of a time that X-Ray can see. */
	CU_ASSERT_EQUAL(
	    trace_begin(&s, "junk", "junk", INT64_C(0x5759e988) * 1000000),
	    ST_OK);
	CU_ASSERT_EQUAL(trace_begin(&other, "", "", 1), ST_OK);
	CU_ASSERT(memcmp(s.id, other.id, sizeof(s.id)) != 0);
	CU_ASSERT(memcmp(s.context.trace + 4, other.context.trace + 4, 12));
	CU_ASSERT_FALSE(s.context.has_parent);
	CU_ASSERT_TRUE(s.context.sampled);
	trace_amzn(&s, out);
	CU_ASSERT_NSTRING_EQUAL(out, "Root=1-5759e988-", 16);
	CU_ASSERT_EQUAL(trace_parse_amzn(out, &c), ST_OK);
	CU_ASSERT_EQUAL(memcmp(c.trace, s.context.trace, sizeof(c.trace)), 0);
	CU_ASSERT_EQUAL(memcmp(c.parent, s.id, sizeof(s.id)), 0);
}

static const struct trace_span sample = {
	.context = { { 0x57, 0x59, 0xe9, 0x88, 5 }, { 6 }, true, true },
	.id = { 7 },
	.start_us = INT64_C(1700000000000001),
	.end_us = INT64_C(1700000000250000),
	.method = "POST",
	.route = "/handle-incoming-call/{template}",
	.outcome = "ai",
	.status = 200,
	.message_sid = "SM\"1\n",
	.conversation_id = "c\xff",
};

static const struct trace_span bare = {
	.context = { { 1 }, { 0 }, false, true },
	.id = { 2 },
	.start_us = 5,
	.end_us = 1000005,
	.method = "other",
	.status = 503,
};

#define ZEROS14 "00000000000000"
#define ATTRIBUTE(key, value) \
	"{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"

static void
test_otlp(void)
{
	static const char spans[] =
	    "\"spans\":[{\"traceId\":\"5759e98805" ZEROS14 "00000000\","
	    "\"spanId\":\"07" ZEROS14 "\",\"parentSpanId\":\"06" ZEROS14 "\","
	    "\"name\":\"POST /handle-incoming-call/{template}\",\"kind\":2,"
	    "\"startTimeUnixNano\":\"1700000000000001000\","
	    "\"endTimeUnixNano\":\"1700000000250000000\",\"attributes\":"
	    "[" ATTRIBUTE("http.request.method", "POST") "," ATTRIBUTE(
		"http.route",
		"/handle-incoming-call/{template}") ","
						    "{\"key\":\"http.response."
						    "status_code\","
						    "\"value\":{\"intValue\":"
						    "\"200\"}}," ATTRIBUTE(
							"outcome",
							"ai") "," ATTRIBUTE("me"
									    "ss"
									    "ag"
									    "in"
									    "g."
									    "me"
									    "ss"
									    "ag"
									    "e."
									    "i"
									    "d",
							"SM\\\"1\\n") "," ATTRIBUTE("messaging.message.conversation_id",
							"c\xef\xbf\xbd") "],"
									 "\"sta"
									 "tus\""
									 ":{}},"
									 "{\"tr"
									 "aceId"
									 "\":"
									 "\"0"
									 "1" ZEROS14
									 "00000"
									 "00000"
									 "00000"
									 "0\","
									 "\"spa"
									 "nId\""
									 ":\"0"
									 "2" ZEROS14
									 "\","
									 "\"nam"
									 "e\":"
									 "\"oth"
									 "er\","
									 "\"kin"
									 "d\":"
									 "2,"
									 "\"sta"
									 "rtTim"
									 "eUnix"
									 "Nano"
									 "\":"
									 "\"500"
									 "0\","
									 "\"end"
									 "TimeU"
									 "nixNa"
									 "no\":"
									 "\"100"
									 "00050"
									 "00\","
									 "\"att"
									 "ribut"
									 "es\":"
									 "[" ATTRIBUTE(
									     "h"
									     "t"
									     "t"
									     "p"
									     "."
									     "r"
									     "e"
									     "q"
									     "u"
									     "e"
									     "s"
									     "t"
									     "."
									     "m"
									     "e"
									     "t"
									     "h"
									     "o"
									     "d",
									     "o"
									     "t"
									     "h"
									     "e"
									     "r") ","
										  "{\"key\":\"http.response.status_code\","
										  "\"value\":{\"intValue\":\"503\"}}],"
										  "\"status\":{\"code\":2}}]}]}]}";
	struct buf b = BUF_INIT;
	const char *at;

	trace_otlp_begin(&b);
	trace_otlp_span(&b, &sample);
	trace_otlp_span(&b, &bare);
	trace_otlp_end(&b);
	CU_ASSERT_EQUAL(b.err, ST_OK);
	CU_ASSERT_EQUAL(json_check(b.data, b.len, 32), ST_OK);
	at = strstr(buf_str(&b), "\"spans\"");
	CU_ASSERT_PTR_NOT_NULL_FATAL(at);
	CU_ASSERT_STRING_EQUAL(at, spans);
	CU_ASSERT_PTR_NOT_NULL(
	    strstr(buf_str(&b), ATTRIBUTE("service.name", "switchhook")));
	buf_release(&b);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "traceparent", test_traceparent },
		{ "X-Amzn-Trace-Id", test_amzn },
		{ "a span begins", test_begin },
		{ "OpenTelemetry", test_otlp },
	};

	return test_main("trace", tests, TEST_COUNT(tests));
}
