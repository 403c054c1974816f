/* The parts of src/aws that need no network: what is read, decided, refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aws/dynamodb_item.h"
#include "aws/error.h"
#include "aws/profile.h"
#include "aws/retry.h"
#include "aws/service.h"
#include "aws/sqs.h"
#include "aws/sqs_message.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/crc32.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "http/reply.h"
#include "t/test.h"

/* --- times ------------------------------------------------------------------ */

static void
test_iso(void)
{
	static const struct {
		const char *text;
		int64_t us;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-21T18:50:00Z", INT64_C(1795287000000000) },
		{ "2026-11-21T18:50:00", INT64_C(1795287000000000) },
		{ "2026-11-21T18:50:00.5Z", INT64_C(1795287000500000) },
		{ "2026-11-21T18:50:00.1234567", INT64_C(1795287000123456) },
		{ "2026-11-21T20:50:00+02:00", INT64_C(1795287000000000) },
		{ "2026-11-21T13:20:00-0530", INT64_C(1795287000000000) },
		{ "2024-02-29T00:00:00Z", INT64_C(1709164800000000) },
		{ "1969-12-31T23:59:59.999999Z", -1 },
	};
	static const char *const bad[] = { "", "2026", "2026-11-21",
		"2026-11-21 18:50:00Z", "2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z",
		"2026-11-21T24:00:00Z", "2026-11-21T18:60:00Z",
		"2026-11-21T18:50:00.Z", "2026-11-21T18:50:00x",
		"2026-11-21T18:50:00+2", "2026-11-21T18:50:00+02:0",
		"2026-11-21T18:50:00Z ", "26-11-21T18:50:00Z",
		"-026-11-21T18:50:00Z" };
	int64_t us;
	size_t i;

	for (i = 0; i < TEST_COUNT(good); i++) {
		CU_ASSERT_EQUAL(
		    moment_parse(good[i].text, MOMENT_STAMP, &us), ST_OK);
		CU_ASSERT_EQUAL(us, good[i].us);
	}
	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_EQUAL(
		    moment_parse(bad[i], MOMENT_STAMP, &us), ST_MALFORMED);
	}
}

static void
test_http_date(void)
{
	static const char *const bad[] = { "", "Sat, 21 Nov 2026 18:50:00",
		"Sat, 31 Nov 2026 18:50:00 GMT",
		"Sat, 21 Foo 2026 18:50:00 GMT",
		"Sat; 21 Nov 2026 18:50:00 GMT",
		"Sat, 21 Nov 2026 18:50:00 UTC",
		"Sat, 21 Nov 2026 18-50-00 GMT",
		"Saturday, 21-Nov-26 18:50:00 GMT" };
	int64_t us;
	size_t i;

	CU_ASSERT_EQUAL(
	    moment_parse_mail("Sat, 21 Nov 2026 18:50:00 GMT", &us), ST_OK);
	CU_ASSERT_EQUAL(us, INT64_C(1795287000000000));
	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_EQUAL(moment_parse_mail(bad[i], &us), ST_MALFORMED);
	}
}

/* --- the shared files --------------------------------------------------------- */

static const char config_text[] =
    "# a comment\n"
    "[default]\n"
    "region = eu-north-1 ; and another\n"
    "  s3 =\n"
    "    max_concurrent_requests = 20\n"
    "[profile work]\r\n"
    "Region=us-west-2\r\n"
    "s3 =\n"
    "  region = no-this-is-nested\n"
    "services = mine\n"
    "sts_regional_endpoints = regional\n"
    "  and more of that value, which nobody reads\n"
    "role_arn =\n"
    "secret = a#b;c\n"
    "[ profile \"two words\" ]\n"
    "region = ap-south-1\n"
    "[other]\n"
    "region = none\n"
    "[services mine]\n"
    "dynamodb =\n"
    "  endpoint_url = http://127.0.0.1:1\n"
    "secrets_manager =\n"
    "  endpoint_url = http://127.0.0.1:2\n"
    "[profile work]\n"
    "output = json";

static const char credentials_text[] = "[default]\n"
				       "  aws_access_key_id = AKIDEFAULT\n"
				       "  aws_secret_access_key = s1\n"
				       "[work]\n"
				       "aws_access_key_id=AKIWORK\n"
				       "aws_secret_access_key=old\n"
				       "aws_secret_access_key=s2=x\n"
				       "[profile work]\n"
				       "aws_access_key_id=WRONG\n";

static void
write_file(const char *name, const char *text, char *path, size_t size)
{
	FILE *f;

	snprintf(path, size, "%s/%s", test_tmpdir(), name);
	if ((f = fopen(path, "w")) == NULL)
		exit(99);
	fputs(text, f);
	fclose(f);
}

/* Load with the two texts and, unless NULL, one variable more. */
static enum status
load(const char *config, const char *credentials, char *variable,
    struct profile **out, struct buf *why)
{
	char path[256], a[300], b[300];
	char *envp[] = { a, b, variable, NULL };

	write_file("config", config, path, sizeof(path));
	snprintf(a, sizeof(a), "AWS_CONFIG_FILE=%s", path);
	write_file("credentials", credentials, path, sizeof(path));
	snprintf(b, sizeof(b), "AWS_SHARED_CREDENTIALS_FILE=%s", path);
	return profile_load(out, envp, why);
}

static void
check_text(const char *got, const char *want)
{
	CU_ASSERT(str_eq(got, want));
	if (!str_eq(got, want))
		fprintf(stderr, "got %s, want %s\n", got ? got : "nothing",
		    want ? want : "nothing");
}

static void
test_profile(void)
{
	char work[] = "AWS_PROFILE=work", words[] = "AWS_PROFILE=two words";
	struct buf why = BUF_INIT, where = BUF_INIT;
	struct profile *p;

	CU_ASSERT_EQUAL_FATAL(
	    load(config_text, credentials_text, NULL, &p, &why), ST_OK);
	check_text(profile_name(p), "default");
	check_text(profile_get(p, "region"), "eu-north-1");
	check_text(profile_credential(p, "aws_access_key_id"), "AKIDEFAULT");
	check_text(profile_get(p, "aws_secret_access_key"), "s1");
	check_text(profile_config(p, "aws_access_key_id"), NULL);
	check_text(profile_get(p, "max_concurrent_requests"), NULL);
	check_text(profile_service(p, "dynamodb", "endpoint_url"), NULL);
	profile_free(p);

	CU_ASSERT_EQUAL_FATAL(
	    load(config_text, credentials_text, work, &p, &why), ST_OK);
	check_text(profile_get(p, "region"), "us-west-2");
	check_text(profile_get(p, "output"), "json");
	check_text(profile_get(p, "role_arn"), NULL);
	profile_where(p, "role_arn", &where);
	CU_ASSERT_EQUAL(where.len, 0);
	profile_where(p, "region", &where);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&where), "/config:7"));
	buf_reset(&where);
	profile_where(p, "aws_access_key_id", &where);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&where), "/credentials:5"));
	buf_release(&where);
	check_text(profile_get(p, "secret"), "a#b;c");
	check_text(profile_get(p, "aws_access_key_id"), "AKIWORK");
	check_text(profile_get(p, "aws_secret_access_key"), "s2=x");
	check_text(profile_service(p, "dynamodb", "endpoint_url"),
	    "http://127.0.0.1:1");
	check_text(profile_service(p, "secrets_manager", "endpoint_url"),
	    "http://127.0.0.1:2");
	check_text(profile_service(p, "sqs", "endpoint_url"), NULL);
	profile_free(p);

	CU_ASSERT_EQUAL_FATAL(
	    load(config_text, credentials_text, words, &p, &why), ST_OK);
	check_text(profile_get(p, "region"), "ap-south-1");
	profile_free(p);
	CU_ASSERT_EQUAL(why.len, 0);
	buf_release(&why);
}

static void
check_refused(
    const char *config, const char *credentials, char *variable, const char *in)
{
	struct buf why = BUF_INIT;
	struct profile *p;

	CU_ASSERT_EQUAL(
	    load(config, credentials, variable, &p, &why), ST_CONFIG);
	CU_ASSERT_PTR_NULL(p);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), in));
	if (strstr(buf_str(&why), in) == NULL)
		fprintf(stderr, "%s lacks %s\n", buf_str(&why), in);
	CU_ASSERT_PTR_NULL(strstr(buf_str(&why), "s3cret"));
	buf_release(&why);
}

static void
test_profile_mistakes(void)
{
	char absent[] = "AWS_PROFILE=absent";
	char named[] = "AWS_CONFIG_FILE=/";
	struct buf why = BUF_INIT;
	char *envp[] = { named, NULL }, *nothing[] = { NULL };
	struct profile *p;

	check_refused(config_text, credentials_text, absent, "\"absent\"");
	check_refused("[default]\nno setting s3cret\n", "", NULL, "config:2:");
	check_refused("", "[default\n", NULL, "credentials:1:");
	check_refused("", "[default] s3cret\n", NULL, "credentials:1:");
	check_refused("[default]\n=s3cret\n", "", NULL, "config:2:");
	/* A directory where a file was named. */
	CU_ASSERT_EQUAL(profile_load(&p, envp, &why), ST_CONFIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&why), "directory"));
	buf_release(&why);
	/* Without HOME there are no files, and that is no mistake. */
	CU_ASSERT_EQUAL(profile_load(&p, nothing, &why), ST_OK);
	check_text(profile_get(p, "region"), NULL);
	profile_free(p);
}

static void
test_profile_home(void)
{
	char path[256], home[300];
	char tilde[] = "AWS_CONFIG_FILE=~/aside";
	char *envp[] = { home, NULL, NULL };
	struct buf why = BUF_INIT;
	struct profile *p;

	snprintf(home, sizeof(home), "HOME=%s", test_tmpdir());
	write_file(
	    "aside", "[default]\nregion = from-aside\n", path, sizeof(path));
	CU_ASSERT_EQUAL_FATAL(profile_load(&p, envp, &why), ST_OK);
	check_text(profile_get(p, "region"), NULL);
	profile_free(p);
	envp[1] = tilde;
	CU_ASSERT_EQUAL_FATAL(profile_load(&p, envp, &why), ST_OK);
	check_text(profile_get(p, "region"), "from-aside");
	profile_free(p);
}

/* --- endpoints -------------------------------------------------------------------- */

static void
check_endpoint(char **envp, const struct profile *p, enum aws_service service,
    const char *want)
{
	struct buf why = BUF_INIT;
	char *out = NULL;

	CU_ASSERT_EQUAL(
	    aws_endpoint_override(envp, p, service, &out, &why), ST_OK);
	check_text(out, want);
	free(out);
}

static void
test_overrides(void)
{
	char own[] = "AWS_ENDPOINT_URL_SECRETS_MANAGER=http://own:1";
	char all[] = "AWS_ENDPOINT_URL=http://all:2/base";
	char none[] = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true";
	char work[] = "AWS_PROFILE=work";
	char *envp[] = { own, all, NULL, NULL }, *empty[] = { NULL };
	struct buf why = BUF_INIT;
	struct profile *p;

	CU_ASSERT_EQUAL_FATAL(
	    load(config_text, credentials_text, work, &p, &why), ST_OK);
	check_endpoint(envp, p, AWS_SECRETSMANAGER, "http://own:1");
	check_endpoint(envp, p, AWS_DYNAMODB, "http://all:2/base");
	check_endpoint(empty, p, AWS_DYNAMODB, "http://127.0.0.1:1");
	check_endpoint(empty, p, AWS_SECRETSMANAGER, "http://127.0.0.1:2");
	check_endpoint(empty, p, AWS_SQS, NULL);
	envp[2] = none;
	check_endpoint(envp, p, AWS_SECRETSMANAGER, NULL);
	profile_free(p);
	CU_ASSERT_EQUAL_FATAL(
	    load("[default]\nendpoint_url = https://p\n", "", NULL, &p, &why),
	    ST_OK);
	check_endpoint(empty, p, AWS_SQS, "https://p");
	profile_free(p);
}

static void
test_bad_overrides(void)
{
	static const char *const bad[] = { "x", "ftp://h", "http://",
		"http://u:s3cret@h", "http://h/?q", "http://h/#f", "http://h:x",
		"http://h//", "http://h/a/../b" };
	struct profile *p;
	struct buf why = BUF_INIT;
	size_t i;

	CU_ASSERT_EQUAL_FATAL(load("", "", NULL, &p, &why), ST_OK);
	for (i = 0; i < TEST_COUNT(bad); i++) {
		char text[80], *envp[] = { text, NULL }, *out;

		snprintf(text, sizeof(text), "AWS_ENDPOINT_URL=%s", bad[i]);
		CU_ASSERT_EQUAL(
		    aws_endpoint_override(envp, p, AWS_SQS, &out, &why),
		    ST_CONFIG);
		CU_ASSERT_PTR_NULL(out);
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(buf_str(&why), "AWS_ENDPOINT_URL"));
		CU_ASSERT_PTR_NULL(strstr(buf_str(&why), "s3cret"));
		buf_reset(&why);
	}
	buf_release(&why);
	profile_free(p);
}

static void
test_own_addresses(void)
{
	static const struct {
		enum aws_service service;
		const char *region, *url;
	} all[] = {
		{ AWS_DYNAMODB, "eu-central-1",
		    "https://dynamodb.eu-central-1.amazonaws.com" },
		{ AWS_SECRETSMANAGER, "us-east-1",
		    "https://secretsmanager.us-east-1.amazonaws.com" },
		{ AWS_SQS, "cn-north-1",
		    "https://sqs.cn-north-1.amazonaws.com.cn" },
		{ AWS_SSM, "us-isob-east-1",
		    "https://ssm.us-isob-east-1.sc2s.sgov.gov" },
		{ AWS_STS, "us-gov-west-1",
		    "https://sts.us-gov-west-1.amazonaws.com" },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(all); i++) {
		struct buf b = BUF_INIT;

		CU_ASSERT_EQUAL(
		    aws_endpoint_put(&b, all[i].service, all[i].region), ST_OK);
		check_text(buf_str(&b), all[i].url);
		buf_release(&b);
	}
	CU_ASSERT(aws_region_valid("us-east-1"));
	CU_ASSERT(aws_region_valid("local"));
	CU_ASSERT(!aws_region_valid(""));
	CU_ASSERT(!aws_region_valid("us-east-1.evil.example/"));
	CU_ASSERT(!aws_region_valid("US-EAST-1"));
}

/* --- errors -------------------------------------------------------------------------- */

static void
check_code(
    const char *header, const char *value, const char *body, const char *want)
{
	struct http_reply reply = { .code = 400 };
	char code[AWS_CODE_MAX];
	struct json *root = NULL;

	if (header != NULL)
		(void)kv_add(&reply.headers, header, strlen(header), value,
		    strlen(value));
	if (body != NULL)
		CU_ASSERT_EQUAL(json_parse(body, strlen(body), &root), ST_OK);
	aws_error_code(&reply, root, code);
	check_text(code, want);
	json_free(root);
	kv_release(&reply.headers);
}

static void
test_codes(void)
{
	check_code("x-amzn-query-error",
	    "AWS.SimpleQueueService.NonExistentQueue;Sender",
	    "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\"}",
	    "NonExistentQueue");
	check_code("X-Amzn-ErrorType",
	    "ValidationException:http://internal.amazon.com/coral/", NULL,
	    "ValidationException");
	check_code(NULL, NULL,
	    "{\"__type\":\"com.amazonaws.dynamodb.v20120810#"
	    "ResourceNotFoundException\"}",
	    "ResourceNotFoundException");
	check_code(NULL, NULL, "{\"__type\":\"SlowDown\"}", "SlowDown");
	check_code(NULL, NULL, "{\"__type\":\"a\\nb\"}", "a");
	check_code(NULL, NULL, "{\"__type\":7}", "");
	check_code(NULL, NULL, "[]", "");
	check_code(NULL, NULL, NULL, "");
}

static void
test_classes(void)
{
	static const struct {
		const char *code;
		int http;
		enum aws_class class;
		enum status status;
	} all[] = {
		{ "ProvisionedThroughputExceededException", 400, AWS_THROTTLED,
		    ST_BUSY },
		{ "ThrottlingException", 400, AWS_THROTTLED, ST_BUSY },
		{ "", 429, AWS_THROTTLED, ST_BUSY },
		{ "InternalServerError", 500, AWS_TRANSIENT, ST_UNAVAILABLE },
		{ "", 502, AWS_TRANSIENT, ST_UNAVAILABLE },
		{ "Whatever", 503, AWS_TRANSIENT, ST_UNAVAILABLE },
		{ "", 501, AWS_FATAL, ST_UNAVAILABLE },
		{ "ExpiredTokenException", 400, AWS_EXPIRED, ST_DENIED },
		{ "InvalidSignatureException", 400, AWS_UNSIGNED, ST_DENIED },
		{ "RequestTimeTooSkewed", 403, AWS_UNSIGNED, ST_DENIED },
		{ "AccessDeniedException", 400, AWS_FATAL, ST_DENIED },
		{ "", 403, AWS_FATAL, ST_DENIED },
		{ "ConditionalCheckFailedException", 400, AWS_FATAL,
		    ST_EXISTS },
		{ "ResourceNotFoundException", 400, AWS_FATAL, ST_NOTFOUND },
		{ "ValidationException", 400, AWS_FATAL, ST_CONFIG },
		{ "NeverHeardOf", 400, AWS_FATAL, ST_CONFIG },
		{ "", 413, AWS_FATAL, ST_TOOBIG },
		{ "", 301, AWS_FATAL, ST_CONFIG },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(all); i++) {
		struct aws_error e = aws_error_find(all[i].code, all[i].http);

		CU_ASSERT_EQUAL(e.class, all[i].class);
		CU_ASSERT_EQUAL(e.status, all[i].status);
	}
	/* It would show the session token. */
	CU_ASSERT(!aws_error_find("InvalidSignatureException", 400).quotable);
	CU_ASSERT(!aws_error_find("SignatureDoesNotMatch", 403).quotable);
	CU_ASSERT(aws_error_find("AccessDeniedException", 400).quotable);
}

static void
test_messages(void)
{
	struct buf text = BUF_INIT, out = BUF_INIT;
	struct json *root;
	int i;

	buf_puts(&text, "{\"Message\":\"line\\nbreak ");
	for (i = 0; i < 200; i++)
		buf_puts(&text, "\xc3\xa9");
	buf_puts(&text, "\"}");
	CU_ASSERT_EQUAL_FATAL(json_parse(text.data, text.len, &root), ST_OK);
	aws_error_put_message(&out, root);
	CU_ASSERT(str_starts(buf_str(&out), ": line break \xc3\xa9"));
	CU_ASSERT(out.len > 200 && out.len <= 242);
	CU_ASSERT_EQUAL((unsigned char)out.data[out.len - 1], 0xa9);
	json_free(root);
	buf_release(&out);
	aws_error_put_message(&out, NULL);
	CU_ASSERT_EQUAL(out.len, 0);
	buf_release(&text);
}

/* --- trying again -------------------------------------------------------------------- */

static void
test_bucket(void)
{
	struct retry_bucket b;
	int i;

	retry_init(&b);
	for (i = 0; i < RETRY_TOKENS / RETRY_COST; i++)
		CU_ASSERT(retry_take(&b, RETRY_COST));
	CU_ASSERT(!retry_take(&b, RETRY_COST));
	CU_ASSERT(retry_take(&b, RETRY_COST_THROTTLED));
	retry_give(&b, RETRY_COST);
	CU_ASSERT(retry_take(&b, RETRY_COST));
	retry_give(&b, 10 * RETRY_TOKENS);
	CU_ASSERT(retry_take(&b, RETRY_TOKENS));
	CU_ASSERT(!retry_take(&b, 1));
}

static void
test_delays(void)
{
	int64_t least = INT64_MAX, most = 0, us;
	int i;

	for (i = 0; i < 1000; i++) {
		us = retry_delay_us(50, 2, 0);
		least = us < least ? us : least;
		most = us > most ? us : most;
	}
	CU_ASSERT(least >= 0 && least < 20000);
	CU_ASSERT(most < 200000 && most > 180000);
	for (i = 0; i < 100; i++) {
		CU_ASSERT(retry_delay_us(1000, 60, 0) < 20000000);
		CU_ASSERT(retry_delay_us(50, 0, 300) >= 300000);
		CU_ASSERT(retry_delay_us(50, 0, 300) < 350000);
		/* Nobody makes us wait for an hour. */
		CU_ASSERT(retry_delay_us(50, 0, 3600000) < 5100000);
	}
}

static void
test_crc(void)
{
	CU_ASSERT_EQUAL(crc32_of("", 0), 0);
	CU_ASSERT_EQUAL(crc32_of("123456789", 9), 0xcbf43926);
	CU_ASSERT_EQUAL(crc32_of("\0\xff", 2), 0x6cdbfd72);
}

/* --- items ------------------------------------------------------------------------------ */

static enum status
read_text_item(const char *text, struct conversation *c, const char **wrong)
{
	struct json *root;
	enum status st;

	CU_ASSERT_EQUAL_FATAL(json_parse(text, strlen(text), &root), ST_OK);
	st = item_read(root, c, wrong);
	json_free(root);
	return st;
}

static void
test_item_texts(void)
{
	struct conversation c;
	const char *wrong;

	CU_ASSERT_EQUAL_FATAL(
	    read_text_item("{\"conversation_id\":{\"S\":\"c1\"},"
			   "\"recipient_tel\":{\"S\":\"+1\"},"
			   "\"thread_id\":{\"N\":\"42\"},"
			   "\"company_id\":{\"NULL\":true},"
			   "\"project_id\":{\"M\":{}},\"more\":{\"L\":[]}}",
		&c, &wrong),
	    ST_OK);
	check_text(c.id, "c1");
	check_text(c.tel, "+1");
	check_text(c.thread_id, "42");
	check_text(c.company_id, NULL);
	check_text(c.project_id, NULL);
	CU_ASSERT(!c.handoff);
	CU_ASSERT_EQUAL(c.created_us, 0);
	conversation_release(&c);

	CU_ASSERT_EQUAL_FATAL(
	    read_text_item("{\"id\":{\"S\":\"c2\"},"
			   "\"recipient_tel\":{\"S\":\"+1\"}}",
		&c, &wrong),
	    ST_OK);
	check_text(c.id, "c2");
	conversation_release(&c);

	CU_ASSERT_EQUAL(
	    read_text_item("{\"conversation_id\":{\"S\":\"c\"}}", &c, &wrong),
	    ST_CORRUPT);
	check_text(wrong, "recipient_tel");
	CU_ASSERT_EQUAL(
	    read_text_item("{\"recipient_tel\":{\"S\":\"+1\"}}", &c, &wrong),
	    ST_CORRUPT);
	check_text(wrong, "conversation_id");
}

static void
test_item_handoff(void)
{
	static const struct {
		const char *value; /* NULL: absent */
		enum status status;
		bool on;
	} all[] = {
		{ NULL, ST_OK, false },
		{ "{\"NULL\":true}", ST_OK, false },
		{ "{\"BOOL\":true}", ST_OK, true },
		{ "{\"BOOL\":false}", ST_OK, false },
		{ "{\"S\":\"true\"}", ST_OK, true },
		{ "{\"S\":\"True\"}", ST_OK, true },
		{ "{\"S\":\"yes\"}", ST_OK, true },
		{ "{\"S\":\"1\"}", ST_OK, true },
		{ "{\"S\":\"FALSE\"}", ST_OK, false },
		{ "{\"S\":\"no\"}", ST_OK, false },
		{ "{\"S\":\"0\"}", ST_OK, false },
		{ "{\"N\":\"1\"}", ST_OK, true },
		{ "{\"N\":\"0\"}", ST_OK, false },
		{ "{\"N\":\"0.0\"}", ST_OK, false },
		{ "{\"N\":\"2\"}", ST_OK, true },
		{ "{\"S\":\"maybe\"}", ST_CORRUPT, false },
		{ "{\"S\":\"\"}", ST_CORRUPT, false },
		{ "{\"N\":\"x\"}", ST_CORRUPT, false },
		{ "{\"BOOL\":\"true\"}", ST_CORRUPT, false },
		{ "{\"M\":{}}", ST_CORRUPT, false },
		{ "{\"L\":[]}", ST_CORRUPT, false },
		{ "{}", ST_CORRUPT, false },
		{ "true", ST_CORRUPT, false },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(all); i++) {
		struct buf text = BUF_INIT;
		struct conversation c;
		const char *wrong;

		buf_puts(&text,
		    "{\"conversation_id\":{\"S\":\"c\"},"
		    "\"recipient_tel\":{\"S\":\"+1\"}");
		if (all[i].value != NULL)
			buf_printf(
			    &text, ",\"handoff_to_human\":%s", all[i].value);
		buf_putc(&text, '}');
		CU_ASSERT_EQUAL(
		    read_text_item(text.data, &c, &wrong), all[i].status);
		CU_ASSERT_EQUAL(c.handoff, all[i].on);
		if (all[i].status == ST_CORRUPT)
			check_text(wrong, "handoff_to_human");
		conversation_release(&c);
		buf_release(&text);
	}
}

static void
test_item_times(void)
{
	static const struct {
		const char *value;
		int64_t us;
	} all[] = {
		{ "{\"S\":\"2026-11-21T18:50:00.123456\"}",
		    INT64_C(1795287000123456) },
		{ "{\"S\":\"2026-11-21T18:50:00+00:00\"}",
		    INT64_C(1795287000000000) },
		{ "{\"N\":\"1795287000\"}", INT64_C(1795287000000000) },
		{ "{\"N\":\"1795287000.5\"}", INT64_C(1795287000500000) },
		{ "{\"N\":\"1795287000123\"}", INT64_C(1795287000123000) },
		{ "{\"S\":\"1795287000123456\"}", INT64_C(1795287000123456) },
		{ "{\"N\":\"-1\"}", 0 },
		{ "{\"N\":\"1e300\"}", 0 },
		{ "{\"S\":\"yesterday\"}", 0 },
		{ "{\"BOOL\":true}", 0 },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(all); i++) {
		struct buf text = BUF_INIT;
		struct conversation c;
		const char *wrong;

		buf_printf(&text,
		    "{\"conversation_id\":{\"S\":\"c\"},"
		    "\"recipient_tel\":{\"S\":\"+1\"},\"created_at\":%s}",
		    all[i].value);
		CU_ASSERT_EQUAL_FATAL(
		    read_text_item(text.data, &c, &wrong), ST_OK);
		CU_ASSERT_EQUAL(c.created_us, all[i].us);
		conversation_release(&c);
		buf_release(&text);
	}
}

/* What is written is read again as it was. */
static void
test_item_round_trip(void)
{
	const struct conversation in = { (char *)"c'\"\\",
		(char *)"client:Zo\xc3\xab", (char *)"t\n", (char *)"", NULL,
		true, INT64_C(1795287000123456), true };
	struct conversation out;
	struct buf text = BUF_INIT;
	const char *wrong;

	CU_ASSERT_EQUAL(item_put(&text, &in), ST_OK);
	CU_ASSERT_PTR_NULL(strstr(text.data, "company_id"));
	CU_ASSERT_EQUAL_FATAL(read_text_item(text.data, &out, &wrong), ST_OK);
	check_text(out.id, in.id);
	check_text(out.tel, in.tel);
	check_text(out.thread_id, in.thread_id);
	check_text(out.company_id, NULL);
	CU_ASSERT(out.handoff);
	CU_ASSERT(out.opted_out);
	CU_ASSERT_EQUAL(out.created_us, in.created_us);
	conversation_release(&out);
	buf_release(&text);
}

static void
check_change(const struct conversation_change *to, const char *want)
{
	struct buf text = BUF_INIT;

	CU_ASSERT_EQUAL(item_put_change(&text, to), ST_OK);
	check_text(buf_str(&text), want);
	buf_release(&text);
}

static void
test_item_change(void)
{
	static const bool on = true, off = false;

	check_change(&(struct conversation_change){ .tel = NULL }, "");
	check_change(&(struct conversation_change){ .thread_id = "" },
	    ",\"UpdateExpression\":\" REMOVE thread_id\"");
	check_change(
	    &(struct conversation_change){ "+2", "", "c\"", "", &on, &off },
	    ",\"UpdateExpression\":\"SET recipient_tel = :t1, company_id = "
	    ":t3, handoff_to_human = :handoff_to_human, opted_out = :opted_out"
	    " REMOVE thread_id, project_id\","
	    "\"ExpressionAttributeValues\":{\":t1\":{\"S\":\"+2\"},"
	    "\":t3\":{\"S\":\"c\\\"\"},"
	    "\":handoff_to_human\":{\"BOOL\":true},"
	    "\":opted_out\":{\"BOOL\":false}}");
	check_change(&(struct conversation_change){ .opted_out = &on },
	    ",\"UpdateExpression\":\"SET opted_out = :opted_out\","
	    "\"ExpressionAttributeValues\":"
	    "{\":opted_out\":{\"BOOL\":true}}");
}

/* --- messages ------------------------------------------------------------------------------ */

static void
test_bodies(void)
{
	static const char *const bad[] = { "\x01", "a\x0b", "\xef\xbf\xbe",
		"\xef\xbf\xbf", "\xff", "\xed\xa0\x80", "\xc0\x80" };
	static const char *const good[] = { "a", "\t\r\n ", "\xf0\x9f\x98\x80",
		"\xef\xbf\xbd", "\x7f" };
	char *big = calloc(1, SQS_BODY_MAX + 2);
	const char *why;
	size_t i;

	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_EQUAL(
		    sqs_check_body(bad[i], strlen(bad[i]), &why), ST_MALFORMED);
		CU_ASSERT(*why != '\0');
	}
	for (i = 0; i < TEST_COUNT(good); i++)
		CU_ASSERT_EQUAL(
		    sqs_check_body(good[i], strlen(good[i]), &why), ST_OK);
	CU_ASSERT_EQUAL(sqs_check_body("a\0b", 3, &why), ST_MALFORMED);
	CU_ASSERT_EQUAL(sqs_check_body("", 0, &why), ST_MALFORMED);
	CU_ASSERT_EQUAL(sqs_check_body(NULL, 0, &why), ST_MALFORMED);
	CU_ASSERT_PTR_NOT_NULL_FATAL(big);
	memset(big, 'x', SQS_BODY_MAX + 1);
	CU_ASSERT_EQUAL(sqs_check_body(big, SQS_BODY_MAX, &why), ST_OK);
	CU_ASSERT_EQUAL(sqs_check_body(big, SQS_BODY_MAX + 1, &why), ST_TOOBIG);
	free(big);
}

static const char *
put_message(struct buf *b, bool fifo, const char *group, const char *dedupe,
    const char *trace, int64_t delay_s)
{
	const struct queue_message m = { .body = "x\"",
		.len = 2,
		.delay_s = delay_s,
		.group = group,
		.dedupe = dedupe,
		.trace = trace };

	buf_reset(b);
	CU_ASSERT_EQUAL(sqs_put_message(b, fifo, &m, NULL), ST_OK);
	return buf_str(b);
}

static void
check_has(const char *text, const char *part)
{
	CU_ASSERT_PTR_NOT_NULL(strstr(text, part));
	if (strstr(text, part) == NULL)
		fprintf(stderr, "%s lacks %s\n", text, part);
}

static void
test_standard_message(void)
{
	struct buf b = BUF_INIT;
	const char *s = put_message(&b, false, "c1", "SM1", NULL, 30);

	check_text(s, ",\"MessageBody\":\"x\\\"\",\"DelaySeconds\":30");
	check_has(
	    put_message(&b, false, NULL, NULL, NULL, 0), "\"DelaySeconds\":0");
	check_has(put_message(&b, false, NULL, NULL, NULL, 86400),
	    "\"DelaySeconds\":900");
	buf_release(&b);
}

static void
test_fifo_message(void)
{
	char longer[130];
	struct buf b = BUF_INIT, again = BUF_INIT;
	const char *s = put_message(&b, true, "c1", "SM1", NULL, 30);

	check_has(s, "\"MessageGroupId\":\"c1\"");
	check_has(s, "\"MessageDeduplicationId\":\"SM1\"");
	CU_ASSERT_PTR_NULL(strstr(s, "DelaySeconds"));
	/* Without a group each is in one of its own, without a dedupe it is
	 * like no other. */
	check_has(put_message(&b, true, NULL, "SM1", NULL, 0),
	    "\"MessageGroupId\":\"SM1\"");
	CU_ASSERT_STRING_NOT_EQUAL(put_message(&b, true, "c", NULL, NULL, 0),
	    put_message(&again, true, "c", NULL, NULL, 0));
	/* What SQS would not take becomes its digest. */
	check_has(put_message(&b, true, "a b", "SM1", NULL, 0),
	    "\"MessageGroupId\":\"c8687a08aa5d6ed2044328fa6a697ab8"
	    "e96dc34291e8c2034ae8c38e6fcc6d65\"");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[128] = '\0';
	check_has(put_message(&b, true, longer, "SM1", NULL, 0), longer);
	longer[128] = 'x';
	longer[129] = '\0';
	CU_ASSERT_PTR_NULL(
	    strstr(put_message(&b, true, longer, "SM1", NULL, 0), longer));
	buf_release(&b);
	buf_release(&again);
}

static void
test_traces(void)
{
	static const char *const good[] = {
		"Root=1-5759e988-bd862e3fe1be46a994272793",
		"Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1",
		"Self=1-5759e988-bd862e3fe1be46a994272793;"
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent="
		"53995c3f42cd8ad8"
	};
	static const char *const bad[] = { "", "x", "Root=1-5759e988",
		"Root=1-5759e988-bd862e3fe1be46a99427279",
		"Root=1-5759e988-bd862e3fe1be46a994272793x",
		"Root=1-5759e988-bd862e3fe1be46a994272793;a=\"",
		"Root=1-5759e988-bd862e3fe1be46a994272793;\r\nX: y" };
	struct buf b = BUF_INIT;
	size_t i;

	for (i = 0; i < TEST_COUNT(good); i++)
		check_has(put_message(&b, i == 1, NULL, NULL, good[i], 0),
		    "\"MessageSystemAttributes\":{\"AWSTraceHeader\":"
		    "{\"DataType\":\"String\",\"StringValue\":\"");
	for (i = 0; i < TEST_COUNT(bad); i++)
		CU_ASSERT_PTR_NULL(strstr(
		    put_message(&b, false, NULL, NULL, bad[i], 0), "Trace"));
	buf_release(&b);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "ISO 8601", test_iso },
		{ "a Date header", test_http_date },
		{ "a profile of the shared files", test_profile },
		{ "mistakes in them", test_profile_mistakes },
		{ "where they are", test_profile_home },
		{ "endpoints that were configured", test_overrides },
		{ "endpoints that are none", test_bad_overrides },
		{ "AWS's own addresses", test_own_addresses },
		{ "an error's code", test_codes },
		{ "what codes mean", test_classes },
		{ "messages are cut to a line", test_messages },
		{ "the bucket of tokens", test_bucket },
		{ "delays", test_delays },
		{ "CRC-32", test_crc },
		{ "an item's texts", test_item_texts },
		{ "all forms of handoff_to_human", test_item_handoff },
		{ "a change of an item", test_item_change },
		{ "all forms of created_at", test_item_times },
		{ "an item there and back", test_item_round_trip },
		{ "bodies that SQS takes", test_bodies },
		{ "a message to a standard queue", test_standard_message },
		{ "a message to a FIFO queue", test_fifo_message },
		{ "traces that go along", test_traces },
	};

	return test_main("aws parts", tests, TEST_COUNT(tests));
}
