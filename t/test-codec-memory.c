/*
 * Parsers and the signature when memory runs out, at every allocation: each
 * fails as it says, leaves nothing behind, and no verdict is another one. By
 * an allocator of our own over glibc's, so not under a sanitizer.
 */
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "codec/form.h"
#include "codec/json.h"
#include "t/test.h"
#include "twilio/signature.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SKIPPED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    !defined(__GLIBC__)
#define SKIPPED
#endif

#ifdef SKIPPED
int
main(void)
{
	printf("not with this allocator\n");
	return 77;
}
#else

void *__libc_malloc(size_t);
void __libc_free(void *);

/* Volatile, because the compiler knows what malloc and free do not touch. */
static volatile long countdown = -1; /* allocations that succeed; -1: all */
static volatile long live; /* allocations that were not freed */

void *
malloc(size_t n)
{
	void *p;

	if (countdown == 0) {
		errno = ENOMEM;
		return NULL;
	}
	if (countdown > 0)
		countdown--;
	if ((p = __libc_malloc(n)) != NULL)
		live++;
	return p;
}

void *
calloc(size_t n, size_t size)
{
	size_t all;
	void *p;

	if (__builtin_mul_overflow(n, size, &all) || (p = malloc(all)) == NULL)
		return NULL;
	return memset(p, 0, all);
}

void
free(void *p)
{
	live -= p != NULL;
	__libc_free(p);
}

void *
realloc(void *old, size_t n)
{
	size_t had = old == NULL ? 0 : malloc_usable_size(old);
	void *p = malloc(n);

	if (p == NULL)
		return NULL;
	if (old != NULL)
		memcpy(p, old, had < n ? had : n);
	free(old);
	return p;
}

static const char token[] = "0123456789abcdef0123456789abcdef";
static const char *const tokens[] = { token, NULL };
static const char url[] = "https://h.example/t?x=1";
static char body[4000]; /* more pairs than are sorted on the stack */

/* One thing to do; it tells whether it was done, and cleans up. */
typedef enum status work_fn(void);

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
	const struct signature_input in = { url, &form, body, strlen(body) };

	return signature_make(&in, token, right);
}

static enum status
check(void)
{
	const struct signature_input in = { url, &form, body, strlen(body) };

	switch (signature_check(&in, tokens, right)) {
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
	struct signature_input in = { "http://h.example/t?x=1", &form, body,
		strlen(body) };
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
	struct signature_input in = { "https://h.example/a/b?x=%27", &few,
		"Body=hi+there&From=%2B1", 23 };
	struct buf out = BUF_INIT;
	enum status st = signature_explain(
	    &in, tokens, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=", &out);

	buf_release(&out);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* With n allocations, for every n until it is done. */
static void
run_out(const char *what, work_fn *fn, long least, long step)
{
	enum status st = ST_NOMEM;
	long n, before, left;

	for (n = 0; n < 100000 && st == ST_NOMEM; n += n < 200 ? 1 : step) {
		before = live;
		countdown = n;
		st = fn();
		countdown = -1;
		left = live - before;
		if (left != 0 || (st != ST_NOMEM && st != ST_OK)) {
			fprintf(stderr,
			    "%s: %ld allocations: status %d, "
			    "%ld left\n",
			    what, n, (int)st, left);
			CU_FAIL("out of memory");
		}
	}
	CU_ASSERT_EQUAL(st, ST_OK);
	if (n <= least) {
		fprintf(stderr, "%s: only %ld\n", what, n);
		CU_FAIL("too few allocations to mean anything");
	}
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
	run_out("form_parse", parse_form, 4, 1);
	run_out("json_parse", parse_json, 10, 1);
	run_out("json_put_string", write_json, 2, 1);
	CU_ASSERT_EQUAL(
	    form_parse(body, strlen(body), &form, &malformed), ST_OK);
	run_out("signature_make", make, 2, 1);
	run_out("signature_check", check, 2, 1);
	run_out("signature_explain", explain, 5, 1);
	run_out("signature_explain, all", explain_all, 300, 7);
	kv_release(&form);
}

static const struct test tests[] = {
	{ "each allocation fails once", test_memory },
};

int
main(void)
{
	return test_main("codec, without memory", tests, TEST_COUNT(tests));
}
#endif
