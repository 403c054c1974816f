/*
 * AWS signatures, against what botocore made of the same requests
 * (t/aws/sigv4-botocore.py records them). With an argument the vectors come
 * from that file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
#include "codec/moment.h"
#include "codec/sigv4.h"
#include "t/test.h"

#define VECTORS_MIN 20

static struct {
	char *text;
	struct json *vectors;
} t;

static const char *
text_of(const struct json *v, const char *name)
{
	const char *s;

	CU_ASSERT_EQUAL_FATAL(json_member_text(v, name, &s), ST_OK);
	return s;
}

static void
headers_of(const struct json *v, struct kv *out)
{
	const struct json *list, *pair;

	CU_ASSERT_EQUAL_FATAL(json_member(v, "headers", &list), ST_OK);
	for (pair = json_first(list); pair != NULL; pair = json_next(pair)) {
		const char *name, *value;

		CU_ASSERT_EQUAL(json_text(json_first(pair), &name), ST_OK);
		CU_ASSERT_EQUAL(
		    json_text(json_next(json_first(pair)), &value), ST_OK);
		CU_ASSERT_EQUAL(kv_put(out, name, value), ST_OK);
	}
}

static void
check_vector(const struct json *v)
{
	const char *secret = text_of(v, "secret"), *theirs;
	struct kv headers = KV_INIT;
	struct sigv4_request request = { .method = text_of(v, "method"),
		.path = text_of(v, "path"),
		.headers = &headers,
		.body = text_of(v, "body"),
		.body_len = strlen(text_of(v, "body")),
		.region = text_of(v, "region"),
		.service = text_of(v, "service") };
	char date[MOMENT_BASIC_MAX], signature[SIGV4_SIGNATURE_MAX];
	struct buf made = BUF_INIT;
	int64_t time_s;

	headers_of(v, &headers);
	CU_ASSERT_EQUAL_FATAL(
	    kv_get(&headers, "x-amz-date", &request.date), ST_OK);
	CU_ASSERT_EQUAL(json_member_int(v, "time", &time_s), ST_OK);
	moment_basic(time_s * 1000000, date);
	CU_ASSERT_STRING_EQUAL(date, request.date);
	CU_ASSERT_EQUAL(sigv4_authorization(&request,
			    text_of(v, "access_key_id"), secret, &made),
	    ST_OK);
	theirs = text_of(v, "authorization");
	CU_ASSERT_STRING_EQUAL(buf_str(&made), theirs);
	if (strcmp(buf_str(&made), theirs) != 0)
		fprintf(stderr, "%s\n--- ours\n%s\n--- theirs\n%s\n",
		    text_of(v, "name"), buf_str(&made), theirs);
	/* Who verifies has only this. */
	CU_ASSERT_EQUAL(sigv4_signature(&request, secret, signature), ST_OK);
	CU_ASSERT_STRING_EQUAL(
	    signature, theirs + strlen(theirs) - strlen(signature));
	CU_ASSERT_EQUAL(strlen(signature), SIGV4_SIGNATURE_MAX - 1);
	kv_release(&headers);
	buf_release(&made);
}

static void
test_vectors(void)
{
	const struct json *v;
	size_t n = 0;

	for (v = json_first(t.vectors); v != NULL; v = json_next(v), n++)
		check_vector(v);
	CU_ASSERT(n >= VECTORS_MIN);
}

/* Any part that differs gives another signature. */
static void
test_differences(void)
{
	const struct kv_pair host = { "host", "h", 4, 1 };
	const struct kv headers = { (struct kv_pair *)&host, 1, 1, NULL };
	const struct kv none = KV_INIT;
	struct sigv4_request r[9];
	char made[TEST_COUNT(r) + 1][SIGV4_SIGNATURE_MAX];
	size_t i, j;

	for (i = 0; i < TEST_COUNT(r); i++)
		r[i] = (struct sigv4_request){ "POST", "/", &headers, "b", 1,
			"20261121T185000Z", "r", "s" };
	r[1].method = "GET";
	r[2].path = "/a";
	r[3].headers = &none;
	r[4].body = "c";
	r[5].body_len = 0;
	r[6].date = "20261121T185001Z";
	r[7].region = "R";
	r[8].service = "S";
	for (i = 0; i < TEST_COUNT(r); i++)
		CU_ASSERT_EQUAL(sigv4_signature(&r[i], "k", made[i]), ST_OK);
	CU_ASSERT_EQUAL(sigv4_signature(&r[0], "K", made[i]), ST_OK);
	for (; i > 0; i--)
		for (j = 0; j < i; j++)
			CU_ASSERT_STRING_NOT_EQUAL(made[i], made[j]);
}

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CRED "Credential=AKID/20261121/us-east-1/sqs/aws4_request"
#define NAMES "SignedHeaders=host;x-amz-date"
#define SIG "Signature=" HEX
#define V4 "AWS4-HMAC-SHA256 "

/* An Authorization header as it comes in. */
static void
test_read(void)
{
	static const char *const good[] = {
		V4 CRED ", " NAMES ", " SIG,
		V4 CRED "," NAMES "," SIG,
		V4 "  " SIG ",  " CRED " " NAMES " ",
	};
	static const char *const bad[] = { "", "Bearer x", "AWS4-HMAC-SHA256",
		"AWS4-HMAC-SHA512 " CRED ", " NAMES ", " SIG,
		"AWS4-HMAC-SHA256" CRED ", " NAMES ", " SIG, V4 CRED ", " NAMES,
		V4 CRED ", " SIG, V4 NAMES ", " SIG,
		V4 CRED ", " NAMES ", " SIG ", " SIG,
		V4 CRED ", " NAMES ", " SIG "0",
		V4 CRED ", " NAMES ", " SIG ", X=y",
		V4 CRED "/x, " NAMES ", " SIG,
		V4 "Credential=A/20261121/r/aws4_request, " NAMES ", " SIG,
		V4 "Credential=/20261121/r/s/aws4_request, " NAMES ", " SIG,
		V4 "Credential=A/202611210/r/s/aws4_request, " NAMES ", " SIG,
		V4 CRED ", SignedHeaders=, " SIG,
		V4 CRED ", SignedHeaders=host;, " SIG,
		V4 CRED ", SignedHeaders=host;host, " SIG,
		V4 CRED ", SignedHeaders=x-a;host, " SIG,
		V4 CRED ", SignedHeaders=Host, " SIG,
		V4 CRED ", SignedHeaders=a;;b, " SIG };
	struct sigv4_claim c;
	const char *name;
	size_t i, at, len;

	for (i = 0; i < TEST_COUNT(good); i++) {
		CU_ASSERT_EQUAL(sigv4_read(good[i], &c), ST_OK);
		CU_ASSERT_STRING_EQUAL(c.access_key_id, "AKID");
		CU_ASSERT_STRING_EQUAL(c.day, "20261121");
		CU_ASSERT_STRING_EQUAL(c.region, "us-east-1");
		CU_ASSERT_STRING_EQUAL(c.service, "sqs");
		CU_ASSERT_STRING_EQUAL(c.signature, HEX);
		at = 0;
		name = sigv4_next_name(&c, &at, &len);
		CU_ASSERT(len == 4 && memcmp(name, "host", 4) == 0);
		name = sigv4_next_name(&c, &at, &len);
		CU_ASSERT(len == 10 && memcmp(name, "x-amz-date", 10) == 0);
		CU_ASSERT_PTR_NULL(sigv4_next_name(&c, &at, &len));
	}
	for (i = 0; i < TEST_COUNT(bad); i++)
		if (sigv4_read(bad[i], &c) != ST_MALFORMED) {
			fprintf(stderr, "%s\n", bad[i]);
			CU_FAIL("it was read");
		}
}

static void
test_dates(void)
{
	static const char *const bad[] = { "", "20261121", "20261121T185000",
		"20261121T185000z0", "20261121 185000Z", "20261321T185000Z",
		"20261121T255000Z", "2026-11-21T18:50" };
	int64_t us;
	size_t i;

	CU_ASSERT_EQUAL(moment_parse_basic("20261121T185000Z", &us), ST_OK);
	CU_ASSERT_EQUAL(us, INT64_C(1795287000000000));
	for (i = 0; i < TEST_COUNT(bad); i++)
		CU_ASSERT_EQUAL(moment_parse_basic(bad[i], &us), ST_MALFORMED);
}

static char *
read_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *text = NULL;

	if (f == NULL || fseek(f, 0, SEEK_END) != 0 ||
	    (*len = (size_t)ftell(f)) == 0 ||
	    (text = calloc(1, *len + 1)) == NULL) {
		perror(path);
		exit(99);
	}
	rewind(f);
	*len = fread(text, 1, *len, f);
	fclose(f);
	return text;
}

int
main(int argc, char **argv)
{
	static const struct test tests[] = {
		{ "the same as botocore", test_vectors },
		{ "each part counts", test_differences },
		{ "a header is read", test_read },
		{ "a date is read", test_dates },
	};
	size_t len;
	int code;

	t.text = argc > 1 ? read_file(argv[1], &len)
			  : test_data("sigv4-vectors.json", &len);
	if (json_parse(t.text, len, &t.vectors) != ST_OK) {
		fprintf(stderr, "the vectors cannot be read\n");
		return 99;
	}
	code = test_main("sigv4", tests, TEST_COUNT(tests));
	json_free(t.vectors);
	free(t.text);
	return code;
}
