/*
 * AWS signatures, against what botocore made of the same requests
 * (t/aws/sigv4-botocore.py records them). With an argument the vectors come
 * from that file.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/json.h"
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
		CU_ASSERT_EQUAL(
		    kv_add(out, name, strlen(name), value, strlen(value)),
		    ST_OK);
	}
}

static void
request_of(const struct json *v, struct kv *headers,
    struct sigv4_request *request, struct sigv4_keys *keys)
{
	headers_of(v, headers);
	*request = (struct sigv4_request){ .method = text_of(v, "method"),
		.path = text_of(v, "path"),
		.query = text_of(v, "query"),
		.headers = headers,
		.body = text_of(v, "body"),
		.body_len = strlen(text_of(v, "body")),
		.region = text_of(v, "region"),
		.service = text_of(v, "service") };
	CU_ASSERT_EQUAL_FATAL(
	    json_member_int(v, "time", &request->time_s), ST_OK);
	*keys =
	    (struct sigv4_keys){ .access_key_id = text_of(v, "access_key_id"),
		    .secret = text_of(v, "secret") };
	(void)json_member_text(v, "session_token", &keys->session_token);
}

static void
check_same(const char *name, const char *ours, const char *theirs)
{
	CU_ASSERT_STRING_EQUAL(ours, theirs);
	if (strcmp(ours, theirs) != 0)
		fprintf(stderr, "%s\n--- ours\n%s\n--- theirs\n%s\n", name,
		    ours, theirs);
}

static void
test_vectors(void)
{
	const struct json *v;
	size_t n = 0;

	for (v = json_first(t.vectors); v != NULL; v = json_next(v), n++) {
		struct sigv4_request request;
		struct sigv4_keys keys;
		struct kv headers = KV_INIT;
		struct sigv4 made;

		request_of(v, &headers, &request, &keys);
		CU_ASSERT_EQUAL_FATAL(
		    sigv4_sign(&request, &keys, &made), ST_OK);
		check_same(text_of(v, "name"), buf_str(&made.authorization),
		    text_of(v, "authorization"));
		/* The day of the date is the one in the scope. */
		CU_ASSERT_PTR_NOT_NULL(
		    strstr(text_of(v, "canonical"), made.date));
		kv_release(&headers);
		sigv4_release(&made);
	}
	CU_ASSERT(n >= VECTORS_MIN);
}

/* A plain request, and its signature. */
static enum status
sign_with(size_t headers_n, int64_t time_s, const char *secret, char *out,
    size_t size)
{
	const struct sigv4_keys keys = { "AKID", secret, NULL };
	struct kv headers = KV_INIT;
	struct sigv4_request request = { .method = "POST",
		.path = "/",
		.headers = &headers,
		.region = "r",
		.service = "s",
		.time_s = time_s };
	struct sigv4 made;
	enum status st;

	while (headers_n-- > 0)
		(void)kv_add(&headers, "X-A", 3, "b", 1);
	if ((st = sigv4_sign(&request, &keys, &made)) == ST_OK)
		snprintf(out, size, "%s", buf_str(&made.authorization));
	else
		CU_ASSERT_PTR_NULL(made.authorization.data);
	kv_release(&headers);
	sigv4_release(&made);
	return st;
}

static void
test_bounds(void)
{
	char a[512], b[512];

	CU_ASSERT_EQUAL(
	    sign_with(SIGV4_HEADERS_MAX - 1, 0, "k", a, sizeof(a)), ST_OK);
	CU_ASSERT_EQUAL(
	    sign_with(SIGV4_HEADERS_MAX, 0, "k", a, sizeof(a)), ST_TOOBIG);
	/* 10000-01-01 has no place in the date's form. */
	CU_ASSERT_EQUAL(sign_with(1, INT64_C(253402300800), "k", a, sizeof(a)),
	    ST_MALFORMED);
	CU_ASSERT_EQUAL(
	    sign_with(1, INT64_MAX, "k", a, sizeof(a)), ST_MALFORMED);
	/* Another secret, another signature. */
	CU_ASSERT_EQUAL(sign_with(1, 0, "k", a, sizeof(a)), ST_OK);
	CU_ASSERT_EQUAL(sign_with(1, 0, "K", b, sizeof(b)), ST_OK);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
	CU_ASSERT_EQUAL(sign_with(1, 1, "k", b, sizeof(b)), ST_OK);
	CU_ASSERT_STRING_NOT_EQUAL(a, b);
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
		{ "bounds", test_bounds },
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
