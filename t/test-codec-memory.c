/*
 * Parsers and the signature when memory runs out, at every allocation: each
 * fails as it says, leaves nothing behind, and no verdict is another one. By
 * an allocator of our own over glibc's, so not under a sanitizer.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/form.h"
#include "codec/json.h"
#include "t/memory.h"
#include "t/test.h"
#include "twilio/signature.h"

static const char token[] = "0123456789abcdef0123456789abcdef";
static const char *const tokens[] = { token, NULL };
static const char url[] = "https://h.example/t?x=1";
static char body[4000]; /* more pairs than are sorted on the stack */

static enum status
parse_form(void)
{
	struct kv kv = KV_INIT;
	bool malformed;
	enum status st = form_parse(body, strlen(body), &kv, &malformed);

	if (st != ST_OK && (kv.n != 0 || kv.mem != NULL))
		return ST_CORRUPT;
	kv_release(&kv);
	return st;
}

static enum status
parse_json(void)
{
	static const char text[] =
	    "{\"a\":[1,{\"b\":\"x\\u00fc\"},true],\"c\":{\"d\":null}}";
	struct json *j;
	enum status st = json_parse(text, strlen(text), &j);

	if (st != ST_OK && j != NULL)
		return ST_CORRUPT;
	json_free(j);
	return st;
}

static enum status
write_json(void)
{
	struct buf b = BUF_INIT;
	enum status st;

	json_put_string(&b, "\n\n\n\xff\xff", 5);
	json_put_string(&b, body, strlen(body));
	st = b.err;
	buf_release(&b);
	return st;
}

/* The form is parsed with all memory there is; the work is on it. */
static struct kv form;
static char right[SIGNATURE_MAX];

static enum status
make(void)
{
	const struct signature_input in = { .url = url,
		.form = &form,
		.body = body,
		.body_len = strlen(body) };

	return signature_make(&in, token, right);
}

static enum status
check(void)
{
	const struct signature_input in = { .url = url,
		.form = &form,
		.body = body,
		.body_len = strlen(body) };

	switch (signature_check(&in, tokens, right, NULL)) {
	case SIGNATURE_VALID:
		return ST_OK;
	case SIGNATURE_FAILED:
		return ST_NOMEM;
	default:
		return ST_CORRUPT;
	}
}

static enum status
explain(void)
{
	struct signature_input in = { .url = "http://h.example/t?x=1",
		.form = &form,
		.body = body,
		.body_len = strlen(body) };
	struct buf out = BUF_INIT;
	enum status st = signature_explain(&in, tokens, right, &out);

	if (st == ST_OK && strncmp(buf_str(&out), "scheme: ", 8) != 0)
		st = ST_CORRUPT;
	buf_release(&out);
	return st;
}

/* Nothing fits, so every cause is tried. */
static enum status
explain_all(void)
{
	struct kv_pair pairs[] = { { "Body", "hi there", 4, 8 },
		{ "From", "+1", 4, 2 } };
	struct kv few = { pairs, 2, 2, NULL };
	struct signature_input in = { .url = "https://h.example/a/b?x=%27",
		.form = &few,
		.body = "Body=hi+there&From=%2B1",
		.body_len = 23 };
	struct buf out = BUF_INIT;
	enum status st = signature_explain(
	    &in, tokens, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", &out);

	buf_release(&out);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static void
test_memory(void)
{
	struct buf b = BUF_INIT;
	bool malformed;
	int i;

	for (i = 0; i < 200; i++)
		buf_printf(&b, "P%03d=v%%20%d&", 199 - i, i);
	snprintf(body, sizeof(body), "%s", buf_str(&b));
	buf_release(&b);
	memory_run_out("form_parse", parse_form, 4, 1, 0);
	memory_run_out("json_parse", parse_json, 10, 1, 0);
	memory_run_out("json_put_string", write_json, 2, 1, 0);
	CU_ASSERT_EQUAL(
	    form_parse(body, strlen(body), &form, &malformed), ST_OK);
	memory_run_out("signature_make", make, 2, 1, 0);
	memory_run_out("signature_check", check, 2, 1, 0);
	memory_run_out("signature_explain", explain, 5, 1, 0);
	memory_run_out("signature_explain, all", explain_all, 300, 7, 0);
	kv_release(&form);
}

static const struct test tests[] = {
	{ "each allocation fails once", test_memory },
};

int
main(void)
{
	if (!memory_is_ours())
		return 77;
	return test_main("codec, without memory", tests, TEST_COUNT(tests));
}
