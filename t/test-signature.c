/* X-Twilio-Signature: the vectors, the samples, and what explain names. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "codec/form.h"
#include "codec/json.h"
#include "t/test.h"
#include "twilio/signature.h"

static const char token[] = "0123456789abcdef0123456789abcdef";
static const char form_type[] = "application/x-www-form-urlencoded";

/* A request as a test has it, ready to be checked. */
struct sent {
	struct signature_input input;
	struct kv form;
};

static void
sent_init(struct sent *s, const char *url, const char *type, const char *body)
{
	bool malformed;

	*s = (struct sent){ .input.url = url, .form = KV_INIT };
	s->input.body = body;
	s->input.body_len = strlen(body);
	if (strncmp(type, form_type, strlen(form_type)) != 0)
		return;
	CU_ASSERT_EQUAL(
	    form_parse(body, strlen(body), &s->form, &malformed), ST_OK);
	s->input.form = &s->form;
}

static void
sent_release(struct sent *s)
{
	kv_release(&s->form);
}

/* A member that must be there; a NUL in it gives NULL. */
static const char *
member(const struct json *v, const char *name)
{
	const char *s;

	if (json_member_text(v, name, &s) == ST_NOTFOUND) {
		fprintf(stderr, "no member %s\n", name);
		exit(99);
	}
	return s;
}

static enum signature_verdict
verdict_of(const struct json *v, const char *url, const char *auth_token,
    const char *signature)
{
	const char *const tokens[] = { auth_token, NULL };
	enum signature_verdict verdict;
	struct sent s;

	sent_init(&s, url, member(v, "content_type"), member(v, "raw_body"));
	verdict = signature_check(&s.input, tokens, signature, NULL);
	sent_release(&s);
	return verdict;
}

static struct json *
load(const char *file, const char *list, const struct json **items)
{
	struct json *j;
	size_t len;
	char *text = test_data(file, &len);

	CU_ASSERT_EQUAL_FATAL(json_parse(text, len, &j), ST_OK);
	CU_ASSERT_EQUAL_FATAL(json_member(j, list, items), ST_OK);
	free(text);
	return j;
}

static void
test_vectors(void)
{
	const struct json *vectors, *v;
	struct json *j = load("signature-vectors.json", "vectors", &vectors);
	size_t valid = 0, invalid = 0, either = 0;

	for (v = json_first(vectors); v != NULL; v = json_next(v)) {
		const char *expect = member(v, "expect");
		const char *signature = member(v, "signature");
		enum signature_verdict verdict;

		/* A header with a NUL cannot be had as a C string at all. */
		verdict = signature == NULL
		    ? SIGNATURE_MALFORMED
		    : verdict_of(v, member(v, "url"), member(v, "auth_token"),
			  signature);
		CU_ASSERT_NOT_EQUAL(verdict, SIGNATURE_FAILED);
		if (str_eq(expect, "either")) {
			either++;
			continue;
		}
		valid += verdict == SIGNATURE_VALID;
		invalid += verdict != SIGNATURE_VALID;
		if ((verdict == SIGNATURE_VALID) != str_eq(expect, "valid")) {
			fprintf(stderr, "%s: %s instead of %s\n",
			    member(v, "name"), signature_verdict_name(verdict),
			    expect);
			CU_FAIL("verdict");
		}
	}
	CU_ASSERT_EQUAL(valid, 121);
	CU_ASSERT_EQUAL(invalid, 63);
	CU_ASSERT_EQUAL(either, 11);
	json_free(j);
}

/* signature_make must give what signature_check takes, for each of them. */
static void
test_vectors_remade(void)
{
	const struct json *vectors, *v;
	struct json *j = load("signature-vectors.json", "vectors", &vectors);
	char made[SIGNATURE_MAX];
	struct sent s;

	for (v = json_first(vectors); v != NULL; v = json_next(v)) {
		sent_init(&s, member(v, "url"), member(v, "content_type"),
		    member(v, "raw_body"));
		CU_ASSERT_EQUAL(
		    signature_make(&s.input, member(v, "auth_token"), made),
		    ST_OK);
		sent_release(&s);
		CU_ASSERT_EQUAL(strlen(made), 28);
		CU_ASSERT_NOT_EQUAL(verdict_of(v, member(v, "url"),
					member(v, "auth_token"), made),
		    SIGNATURE_WRONG);
	}
	json_free(j);
}

static void
test_samples(void)
{
	const struct json *samples, *v, *fixture;
	struct json *j = load("webhook-samples.json", "samples", &samples);
	size_t n = 0;

	for (v = json_first(samples); v != NULL; v = json_next(v)) {
		CU_ASSERT_EQUAL_FATAL(
		    json_member(v, "fixture", &fixture), ST_OK);
		if (verdict_of(v, member(fixture, "url"),
			member(fixture, "auth_token"),
			member(fixture, "signature")) != SIGNATURE_VALID) {
			fprintf(stderr, "%s\n", member(v, "name"));
			CU_FAIL("not valid");
		}
		n++;
	}
	CU_ASSERT(n > 10);
	json_free(j);
}

static enum signature_verdict
check(const char *url, const char *type, const char *body,
    const char *const *tokens, const char *header)
{
	enum signature_verdict verdict;
	struct sent s;

	sent_init(&s, url, type, body);
	verdict = signature_check(&s.input, tokens, header, NULL);
	sent_release(&s);
	return verdict;
}

static const char *
make(const char *url, const char *type, const char *body, const char *key,
    char out[static SIGNATURE_MAX])
{
	struct sent s;

	sent_init(&s, url, type, body);
	CU_ASSERT_EQUAL(signature_make(&s.input, key, out), ST_OK);
	sent_release(&s);
	return out;
}

static void
test_tokens(void)
{
	static const char *const both[] = { "new", "old", NULL };
	static const char *const only_new[] = { "new", "", NULL };
	static const char *const empty[] = { "", "", NULL };
	static const char *const none[] = { NULL };
	static const char url[] = "https://h.example/t", body[] = "A=1";
	char sig[SIGNATURE_MAX];

	make(url, form_type, body, "old", sig);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, both, sig), SIGNATURE_VALID);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, only_new, sig), SIGNATURE_WRONG);
	/* An empty token is no key that somebody could sign with. */
	make(url, form_type, body, "", sig);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, both, sig), SIGNATURE_WRONG);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, only_new, sig), SIGNATURE_WRONG);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, empty, sig), SIGNATURE_NO_TOKEN);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, none, sig), SIGNATURE_NO_TOKEN);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, none, ""), SIGNATURE_MISSING);
	CU_ASSERT_EQUAL(
	    check(url, form_type, body, both, NULL), SIGNATURE_MISSING);
	CU_ASSERT_EQUAL(
	    check("/t", form_type, body, both, sig), SIGNATURE_WRONG);
}

/* Each bit of a header turned over. */
static void
test_header_bits(void)
{
	static const char *const tokens[] = { token, NULL };
	static const char url[] = "https://h.example/t";
	char sig[SIGNATURE_MAX], bent[SIGNATURE_MAX];
	size_t i, wrong = 0;

	make(url, form_type, "A=1", token, sig);
	for (i = 0; i < 28 * 8; i++) {
		enum signature_verdict verdict;

		memcpy(bent, sig, sizeof(bent));
		bent[i / 8] = (char)(bent[i / 8] ^ 1 << i % 8);
		verdict = check(url, form_type, "A=1", tokens, bent);
		CU_ASSERT(verdict == SIGNATURE_WRONG ||
		    verdict == SIGNATURE_MALFORMED);
		wrong += verdict == SIGNATURE_WRONG;
	}
	CU_ASSERT(wrong > 50);
	CU_ASSERT_EQUAL(
	    check(url, form_type, "A=1", tokens, sig), SIGNATURE_VALID);
}

/* The body counts with bodySHA256 whatever its type is called. */
static void
test_body_hash(void)
{
	static const char *const tokens[] = { token, NULL };
	static const char url[] =
	    "https://h.example/t?bodySHA256=237958b93b7157b114ad696a1ee6af4c"
	    "a9c9a9bf4d307fa2c79b47dd56665cec"; /* of "A=1&B=2" */
	char sig[SIGNATURE_MAX];

	make(url, form_type, "A=1&B=2", token, sig);
	CU_ASSERT_EQUAL(
	    check(url, form_type, "A=1&B=2", tokens, sig), SIGNATURE_VALID);
	CU_ASSERT_EQUAL(
	    check(url, "text/plain", "A=1&B=2", tokens, sig), SIGNATURE_VALID);
	CU_ASSERT_EQUAL(
	    check(url, form_type, "A=1&B=3", tokens, sig), SIGNATURE_BODY_HASH);
	CU_ASSERT_EQUAL(
	    check(url, form_type, "", tokens, sig), SIGNATURE_BODY_HASH);
	make("https://h.example/t?xbodySHA256=1", "", "", token, sig);
	CU_ASSERT_EQUAL(
	    check("https://h.example/t?xbodySHA256=1", "", "x", tokens, sig),
	    SIGNATURE_BODY_HASH);
	make("https://h.example/t?bodySHA256", "", "", token, sig);
	CU_ASSERT_EQUAL(
	    check("https://h.example/t?bodySHA256", "", "", tokens, sig),
	    SIGNATURE_BODY_HASH);
}

/* More pairs than fit on the stack, in a worst order, with repeats. */
static void
test_many_parameters(void)
{
	static const char *const tokens[] = { token, NULL };
	struct buf down = BUF_INIT, up = BUF_INIT;
	char sig[SIGNATURE_MAX];
	int i, n = FORM_PARAMS_MAX / 2;

	for (i = 0; i < n; i++) {
		buf_printf(&down, "P%d=%d&", 100000 + n - i, i % 7);
		buf_printf(&up, "P%d=%d&P%d=%d&", 100001 + i, (n - 1 - i) % 7,
		    100001 + i, (n - 1 - i) % 7);
	}
	make("https://h.example/t", form_type, buf_str(&down), token, sig);
	CU_ASSERT_EQUAL(
	    check("https://h.example/t", form_type, buf_str(&up), tokens, sig),
	    SIGNATURE_VALID);
	buf_release(&down);
	buf_release(&up);
}

static void
test_names(void)
{
	static const char *const names[] = { "valid", "missing", "malformed",
		"wrong", "body_hash", "unknown_key", "unknown_algorithm",
		"no_token", "failed" };
	size_t i;

	for (i = 0; i < TEST_COUNT(names); i++)
		CU_ASSERT_STRING_EQUAL(
		    signature_verdict_name((enum signature_verdict)i),
		    names[i]);
}

/*
 * What explain names. signed_*: what the signature was made of; the rest is
 * what is checked; "" for a body of no type is none.
 */
struct explain_case {
	const char *cause;
	const char *signed_url, *signed_body, *signed_token;
	const char *url, *body;
	const char *token;
	const char *words; /* what the sentence must have in it */
};

#define H "https://h.example"
#define U H "/twilio/sms"

static const struct explain_case form_cases[] = {
	{ "scheme", U, "A=1", 0, "http://h.example/twilio/sms", "A=1", 0,
	    "https://" },
	{ "scheme", "http://h.example/t", "A=1", 0, H "/t", "A=1", 0,
	    "http://" },
	{ "scheme", "https://h.example/t", "A=1", 0, "HTTPS://h.example/t",
	    "A=1", 0, "https://" },
	{ "port", "https://h.example:8443/t", "A=1", 0, H "/t", "A=1", 0,
	    "8443" },
	{ "port", "https://h.example:8080/t", "A=1", 0,
	    "https://h.example:8081/t", "A=1", 0, "8080" },
	{ "host", "https://www.h.example/t", "A=1", 0, H "/t", "A=1", 0,
	    "www.h.example" },
	{ "host", H "/t", "A=1", 0, "https://www.h.example/t", "A=1", 0,
	    "www." },
	{ "host", H "/t", "A=1", 0, "https://H.Example/t", "A=1", 0, "case" },
	{ "host", H "/t", "A=1", 0, "https://h.example./t", "A=1", 0, "dot" },
	{ "host", "https://h.example./t", "A=1", 0, H "/t", "A=1", 0, "dot" },
	{ "path", U, "A=1", 0, H "/app/twilio/sms", "A=1", 0, "/app" },
	{ "path", U, "A=1", 0, H "/a/b/c/twilio/sms", "A=1", 0, "/a/b/c" },
	{ "path", U, "A=1", 0, H "/twilio/sms/index.php", "A=1", 0,
	    "/index.php" },
	{ "path", H "/twilio/whatsapp", "A=1", 0, H "/whatsapp", "A=1", 0,
	    "/twilio" },
	{ "path", H "/cgi-bin/switchhook.fcgi/t?x=1", "A=1", 0, H "/t?x=1",
	    "A=1", 0, "/cgi-bin" },
	{ "path", H "/t/t/x", "A=1", 0, H "/t/x", "A=1", 0, "/t/t/x" },
	{ "path", H "//t", "A=1", 0, H "/t", "A=1", 0, "path //t" },
	{ "path", H "/t/x", "A=1", 0, H "//t///x", "A=1", 0, "//" },
	{ "path", H "/t/", "A=1", 0, H "/a/../t/./", "A=1", 0, "/../" },
	{ "slash", H "/t", "A=1", 0, H "/t/", "A=1", 0, "without" },
	{ "slash", H "/t/?a=1", "A=1", 0, H "/t?a=1", "A=1", 0, "with" },
	{ "query", H "/t", "A=1", 0, H "/t?a=1", "A=1", 0, "without" },
	{ "query", H "/t?", "A=1", 0, H "/t", "A=1", 0, "?" },
	{ "query", H "/t?A=1&B=2", "", 0, H "/t", "A=1&B=2", 0, "in the" },
	{ "encoding", H "/t?n=O'Neil", "A=1", 0, H "/t?n=O%27Neil", "A=1", 0,
	    "quote" },
	{ "encoding", H "/t?n=O%27Neil", "A=1", 0, H "/t?n=O'Neil", "A=1", 0,
	    "%27" },
	{ "encoding", H "/t?n=%3A%2F", "A=1", 0, H "/t?n=%3a%2f", "A=1", 0,
	    "upper" },
	{ "encoding", H "/t?n=%3a%2f", "A=1", 0, H "/t?n=%3A%2F", "A=1", 0,
	    "lower" },
	{ "encoding", H "/t?n=a%20b", "A=1", 0, H "/t?n=a+b", "A=1", 0, "%20" },
	{ "encoding", H "/t?n=a+b", "A=1", 0, H "/t?n=a%20b", "A=1", 0,
	    "\"+\"" },
	{ "encoding", H "/t?n=K%C3%B6ln%20%22", "A=1", 0,
	    H "/t?n=K\xc3\xb6ln \"", "A=1", 0, "escape" },
	{ "encoding", H "/%C3%B6?n=%C3%B6", "A=1", 0, H "/\xc3\xb6?n=\xc3\xb6",
	    "A=1", 0, "browser" },
	{ "encoding", H "/t?c=sip%3A1%40h", "A=1", 0, H "/t?c=sip:1@h", "A=1",
	    0, "escaped" },
	{ "encoding", H "/t?c=sip:1@h&x=%20", "A=1", 0,
	    H "/t?c=sip%3A1%40h&x=%20", "A=1", 0, "not escaped" },
	{ "encoding", H "/t?c=\xc3\xb6%", "A=1", 0, H "/t?c=%C3%B6%25", "A=1",
	    0, "no percent" },
	{ "encoding", H "/t?c=1&d=", "A=1", 0, H "/t?c=1&&d", "A=1", 0,
	    "rewritten" },
	{ "encoding", H "/t?c=a%2Ab%20c", "A=1", 0, H "/t?c=a*b+c", "A=1", 0,
	    "rewritten" },
	{ "fragment", U, "A=1", 0, U "#rc=2&rp=all", "A=1", 0, "#" },
	{ "parameter", U, "A=1", 0, U, "A=1&B=2", 0, "\"B\"" },
	{ "parameter", U, "A=1", 0, U, "A=1&B%0A%1B[2J=2", 0, "\"B??[2J\"" },
	{ "parameter", U, "A=1&C=3", 0, U, "A=1&B=&C=3", 0, "empty" },
	{ "parameter", U, "B=2", 0, U, "A=&B=2&C=", 0, "empty" },
	{ "parameter", U "?x=1", "A=1&x=1", 0, U "?x=1", "A=1", 0, "query" },
	{ "parameter", U, "A=1&ApiVersion=2010-04-01", 0, U, "A=1", 0,
	    "\"ApiVersion\"" },
	{ "parameter", U, "MessageSid=SM1&SmsSid=SM1", 0, U, "MessageSid=SM1",
	    0, "\"SmsSid\"" },
	{ "parameter", U, "From=whatsapp%3A%2B14155550100&WaId=14155550100", 0,
	    U, "From=whatsapp%3A%2B14155550100", 0, "\"WaId\"" },
	{ "parameter", U, "A=1&Body=", 0, U, "A=1", 0, "\"Body\"" },
	{ "parameter", U, "ToCity=&FromCity=&FromZip=&ToZip=1&A=1", 0, U,
	    "ToZip=1&A=1", 0, "\"ToCity\", \"FromCity\", \"FromZip\"" },
	{ "parameter", U, "CallSid=CA1&ToCity=&CalledCity=", 0, U,
	    "CallSid=CA1", 0, "\"ToCity\"" },
	{ "repeated", U, "A=1&B=2", 0, U, "A=1&A=3&B=2", 0, "first" },
	{ "repeated", U, "A=3&B=2&C=4", 0, U, "A=1&A=2&A=3&B=2&C=4", 0,
	    "last" },
	{ "content_type", U, "", 0, U, "A=1&B=2", 0, "JSON" },
	{ "value", U, "Body=++hi++&From=%2B1", 0, U, "Body=hi&From=%2B1", 0,
	    "\"Body\"" },
	{ "value", U, "Body=hi%0D%0A&From=%2B1", 0, U, "Body=hi&From=%2B1", 0,
	    "\"Body\"" },
	{ "value", U, "Body=hi", 0, U, "Body=+hi++", 0, "trimmed" },
	{ "value", U, "Body=a%0D%0Ab", 0, U, "Body=a%0Ab", 0, "CRLF" },
	{ "value", U, "Body=a%0Ab", 0, U, "Body=a%0D%0Ab", 0, "LF" },
	{ "value", U, "Body=a+b", 0, U, "Body=a%2Bb", 0, "%2B" },
	{ "value", U, "Body=a%2Bb", 0, U, "Body=a+b", 0, "decoded" },
	{ "value", U, "Body=a%26b", 0, U, "Body=a%2526b", 0, "once more" },
	{ "value", U, "Body=a%2526b", 0, U, "Body=a%26b", 0, "not decoded" },
	{ "value", U, "Body=a%2520b", 0, U, "Body=a+b", 0, "%20" },
	{ "value", U, "Body=a%EF%BF%BDb", 0, U, "Body=a%FFb", 0, "UTF-8" },
	{ "token", U, "A=1", 0, U, "A=1", "0123456789abcdef0123456789abcdef\n",
	    "line end" },
	{ "token", U, "A=1", 0, U, "A=1", " 0123456789abcdef0123456789abcdef",
	    "white space" },
	{ "token", U, "A=1", 0, U, "A=1",
	    "\"0123456789abcdef0123456789abcdef\"", "quotes" },
	{ "token", U, "A=1", 0, U, "A=1", "0123456789ABCDEF0123456789ABCDEF",
	    "lower case" },
	{ "token", U, "A=1", "ABC", U, "A=1", "abc", "upper case" },
	{ "token", U, "A=1", 0, U, "A=1", "0123456789abcdef0123456789abcdefxx",
	    "32" },
	{ "token", U, "A=1", "abc\n", U, "A=1", "abc", "line end" },
	{ "token", U, "A=1", "abc\r\n", U, "A=1", "abc", "CRLF" },
	{ "token", U, "A=1", "abc ", U, "A=1", "abc", "space" },
	/* Two at once, as behind a proxy that ends TLS and takes a prefix. */
	{ "scheme", H "/twilio/whatsapp?x=1", "A=1", 0,
	    "http://h.example/whatsapp?x=1", "A=1", 0, "path: " },
	{ "scheme", "https://h.example:8443/t", "A=1", 0, "http://h.example/t",
	    "A=1", 0, "port: " },
	{ "none", "https://other.example/t", "A=1", 0, H "/t", "A=1", 0,
	    "another host" },
	{ "none", U, "A=1", 0, U, "A=2", 0, "body" },
	{ "none", U, "A=1", "other", U, "A=1", 0, "subaccount" },
	{ "valid", U, "A=1", 0, U, "A=1", 0, "right" },
};

/* The rest of what explain says must not tell secrets or what was said. */
static void
expect_explained(const struct signature_input *input, const char *key,
    const char *header, const char *cause, const char *words)
{
	const char *const tokens[] = { "", key, NULL };
	struct buf out = BUF_INIT;
	enum status st = signature_explain(input, tokens, header, &out);
	size_t n = strlen(cause);

	if (strncmp(buf_str(&out), cause, n) != 0 ||
	    strncmp(buf_str(&out) + n, ": ", 2) != 0 ||
	    strstr(buf_str(&out) + n, words) == NULL) {
		fprintf(stderr, "%s (%s) for %s: %s\n", cause, words,
		    input->url, buf_str(&out));
		CU_FAIL("explained otherwise");
	}
	CU_ASSERT_EQUAL(st, str_eq(cause, "none") ? ST_NOTFOUND : ST_OK);
	CU_ASSERT_PTR_NULL(strstr(buf_str(&out), "0123456789"));
	CU_ASSERT_PTR_NULL(strchr(buf_str(&out), '\n'));
	buf_release(&out);
}

static void
test_explain(void)
{
	char sig[SIGNATURE_MAX];
	struct sent s;
	size_t i;

	for (i = 0; i < TEST_COUNT(form_cases); i++) {
		const struct explain_case *c = &form_cases[i];
		const char *with =
		    c->signed_token == NULL ? token : c->signed_token;

		make(c->signed_url, form_type, c->signed_body, with, sig);
		sent_init(&s, c->url, form_type, c->body);
		expect_explained(&s.input, c->token != NULL ? c->token : token,
		    sig, c->cause, c->words);
		sent_release(&s);
	}
}

/* Signed as one text, whatever the order or the repeats in it. */
static void
expect_signed_as(const char *url, const char *body, const char *text,
    const char *cause, const char *words)
{
	struct kv_pair pair = { "", text, 0, strlen(text) };
	struct kv one = { &pair, 1, 1, NULL };
	struct signature_input as = { .url = url, .form = &one };
	char sig[SIGNATURE_MAX];
	struct sent s;

	CU_ASSERT_EQUAL(signature_make(&as, token, sig), ST_OK);
	sent_init(&s, url, form_type, body);
	expect_explained(&s.input, token, sig, cause, words);
	sent_release(&s);
}

static void
test_explain_order(void)
{
	expect_signed_as(U, "b=1&a=2", "b1a2", "parameter", "sort");
	expect_signed_as(U, "b=1&A=4&a=3&B=2", "A4a3b1B2", "parameter", "case");
	expect_signed_as(U, "b=1&A=4&a=3&B=2", "A4a3B2b1", "parameter", "case");
	expect_signed_as(U, "b=1&A=4&a=3&B=2", "a3A4b1B2", "parameter", "case");
	expect_signed_as(U, "Ab=1&A=z", "Ab1Az", "parameter", "sort");
	expect_signed_as(U, "A=z&Ab=1", "Ab1Az", "parameter", "joined");
	expect_signed_as(U, "B=2&A=1&A=1", "A1A1B2", "repeated", "twice");
}

static void
test_explain_body(void)
{
	static const char json[] = "{\"a\":1}";
	static const char hash[] =
	    "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862";
	static const char upper[] =
	    "015ABD7F5CC57A2DD94B7590F04AD8084273905EE33EC5CEBEAE62276A97F862";
	char url[200], sig[SIGNATURE_MAX];
	struct sent s;

	snprintf(url, sizeof(url), "%s?bodySHA256=%s&x=1", U, hash);
	make(url, "", "", token, sig);
	sent_init(&s, url, "application/json", json);
	expect_explained(&s.input, token, sig, "valid", "right");
	s.input.body = "{\"a\":1}\r\n";
	s.input.body_len = 9;
	expect_explained(&s.input, token, sig, "body", "line end");
	s.input.body_len = 8;
	s.input.body = "{\"a\":1}\n";
	expect_explained(&s.input, token, sig, "body", "line end");
	s.input.body = "{\"a\": 1}";
	expect_explained(&s.input, token, sig, "body", "another body");
	s.input.body = json;
	s.input.body_len = strlen(json);
	snprintf(url, sizeof(url), "%s?bodySHA256=%s", U, upper);
	make(url, "", "", token, sig);
	expect_explained(&s.input, token, sig, "body", "upper-case");
	snprintf(url, sizeof(url), "%s?bodySHA256=%%30%s", U, upper + 1);
	make(url, "", "", token, sig);
	expect_explained(&s.input, token, sig, "body", "upper-case");
	/* A digit too many is no hash. */
	snprintf(url, sizeof(url), "%s?bodySHA256=%s0", U, upper);
	make(url, "", "", token, sig);
	expect_explained(&s.input, token, sig, "body", "another body");
	make(U, "", "", token, sig);
	s.input.url = U;
	expect_explained(&s.input, token, sig, "body", "no bodySHA256");
	/* A form that was taken for something else, and a form's hash. */
	make(U, form_type, "A=1&B=2", token, sig);
	s.input.body = "A=1&B=2";
	expect_explained(&s.input, token, sig, "content_type", "as a form");
	expect_signed_as(U "?bodySHA256=1", "A=1", "", "body", "another");
}

/* A form under a bodySHA256, signed the form way. */
static void
test_explain_form_with_hash(void)
{
	const struct json *vectors, *v;
	struct json *j = load("signature-vectors.json", "vectors", &vectors);
	struct sent s;
	bool seen = false;

	for (v = json_first(vectors); v != NULL; v = json_next(v)) {
		if (!str_eq(member(v, "name"),
			"json-form-ct-with-bodysha-signed-as-form"))
			continue;
		seen = true;
		sent_init(&s, member(v, "url"), member(v, "content_type"),
		    member(v, "raw_body"));
		expect_explained(&s.input, token, member(v, "signature"),
		    "content_type", "does not belong");
		sent_release(&s);
	}
	CU_ASSERT(seen);
	json_free(j);
}

/* Vectors of which the cause is known. */
static void
test_explain_vectors(void)
{
	static const char *const known[][2] = {
		{ "get-query-also-as-params-rejected", "parameter" },
		{ "sort-case-insensitive-sort-rejected", "parameter" },
		{ "enc-trimmed-value-rejected", "value" },
		{ "enc-crlf-vs-lf-rejected", "value" },
		{ "dup-first-only-rejected", "repeated" },
		{ "query-single-quote-signed-raw-given-encoded", "encoding" },
		{ "query-at-signed-raw-given-encoded", "encoding" },
		{ "port-443-given-8443-signed", "port" },
		{ "port-8443-given-8444-signed", "port" },
		{ "port-http-given-https-signed", "scheme" },
		{ "url-trailing-slash-given-none-signed", "slash" },
		{ "url-host-other-rejected", "none" },
		{ "json-hash-missing", "body" },
		{ "tamper-param-removed", "parameter" },
		{ "tamper-param-added", "parameter" },
		{ "tamper-token-trailing-newline", "token" },
		{ "tamper-hmac-sha256", "header" },
	};
	const struct json *vectors, *v;
	struct json *j = load("signature-vectors.json", "vectors", &vectors);
	size_t i, seen = 0;
	struct sent s;

	for (v = json_first(vectors); v != NULL; v = json_next(v))
		for (i = 0; i < TEST_COUNT(known); i++) {
			if (!str_eq(member(v, "name"), known[i][0]))
				continue;
			seen++;
			sent_init(&s, member(v, "url"),
			    member(v, "content_type"), member(v, "raw_body"));
			if (s.input.form == NULL && s.input.body_len == 0)
				s.input.body = NULL;
			expect_explained(&s.input, member(v, "auth_token"),
			    member(v, "signature"), known[i][1], "");
			sent_release(&s);
		}
	CU_ASSERT_EQUAL(seen, TEST_COUNT(known));
	json_free(j);
}

static void
test_explain_header(void)
{
	static const char *const cases[][2] = {
		{ "", "no X-Twilio-Signature" },
		{ " 0000000000000000000000000000", "white space" },
		{ "f9T8hwjdqOHR8afIyiU680eJ4Us=\n", "white space" },
		{ "a=, b=", "comma" },
		{ "\"f9T8hwjdqOHR8afIyiU680eJ4Us=\"", "quotes" },
		{ "sha1=f9T8hwjdqOHR8afIyiU680eJ4Us=", "sha1=" },
		{ "sha256=Sy0BOBKBD/G6jHXBWrH64T0C54smXnJJcJxReMEAAAA=",
		    "sha256=" },
		{ "Sy0BOBKBD/G6jHXBWrH64T0C54smXnJJcJxReMEAAAA=",
		    "shared key" },
		{ "4b2d013812810ff1ba8c75c15ab1fae13d02e78b265e7249709c5178c100"
		  "0"
		  "000",
		    "hex" },
		{ "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79", "hex" },
		{ "f9T8hwjdqOHR8afIyiU680eJ4Us%3D", "percent" },
		{ "f9T8-wjdqOHR8afIyiU680eJ4Us=", "URL-safe" },
		{ "f9T8 wjdqOHR8afIyiU680eJ4Us=", "decoded to a space" },
		{ "f9T8hwjdqOHR8a", "cut off" },
	};
	struct sent s;
	size_t i;

	sent_init(&s, U, form_type, "A=1");
	for (i = 0; i < TEST_COUNT(cases); i++)
		expect_explained(
		    &s.input, token, cases[i][0], "header", cases[i][1]);
	expect_explained(
	    &s.input, "", "f9T8hwjdqOHR8afIyiU680eJ4Us=", "token", "none");
	s.input.url = "/t";
	expect_explained(&s.input, token,
	    "f9T8hwjdqOHR8afIyiU680eJ4Us=", "none", "absolute");
	sent_release(&s);
}

/* However much there is to try, it ends soon. */
static void
test_explain_ends(void)
{
	static const char *const tokens[] = { token, NULL };
	struct buf body = BUF_INIT, out = BUF_INIT;
	struct sent s;
	int i;

	for (i = 0; i < FORM_PARAMS_MAX; i++)
		buf_puts(&body, "a=1%20and%20so%20on&");
	sent_init(&s, U, form_type, buf_str(&body));
	CU_ASSERT_EQUAL(signature_explain(&s.input, tokens,
			    "f9T8hwjdqOHR8afIyiU680eJ4Us=", &out),
	    ST_NOTFOUND);
	sent_release(&s);
	buf_release(&body);
	buf_release(&out);
}

static const struct test tests[] = {
	{ "vectors come out as marked", test_vectors },
	{ "what is made is accepted", test_vectors_remade },
	{ "samples", test_samples },
	{ "tokens: current, previous, empty, none", test_tokens },
	{ "each bit of the header counts", test_header_bits },
	{ "bodySHA256 covers any body", test_body_hash },
	{ "many parameters", test_many_parameters },
	{ "names of verdicts", test_names },
	{ "explain: form and URL", test_explain },
	{ "explain: order", test_explain_order },
	{ "explain: body", test_explain_body },
	{ "explain: form with a hash", test_explain_form_with_hash },
	{ "explain: vectors", test_explain_vectors },
	{ "explain: header", test_explain_header },
	{ "explain: ends", test_explain_ends },
};

int
main(void)
{
	return test_main("signature", tests, TEST_COUNT(tests));
}
