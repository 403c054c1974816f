/* Forms, URLs, base64, UTF-8. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/form.h"
#include "codec/url.h"
#include "t/test.h"

/* "name=value" of every pair, each in brackets, to compare in one go. */
static char *
parsed(const char *data, size_t len, bool *malformed)
{
	struct kv kv = KV_INIT;
	struct buf b = BUF_INIT;
	size_t i;

	CU_ASSERT_EQUAL(form_parse(data, len, &kv, malformed), ST_OK);
	for (i = 0; i < kv.n; i++) {
		buf_putc(&b, '[');
		buf_put(&b, kv.pairs[i].name, kv.pairs[i].name_len);
		buf_putc(&b, '=');
		buf_put(&b, kv.pairs[i].value, kv.pairs[i].value_len);
		buf_putc(&b, ']');
		CU_ASSERT_EQUAL(kv.pairs[i].name[kv.pairs[i].name_len], '\0');
		CU_ASSERT_EQUAL(kv.pairs[i].value[kv.pairs[i].value_len], '\0');
	}
	kv_release(&kv);
	return buf_detach(&b);
}

struct form_case {
	const char *data, *expect;
	bool malformed;
};

static void
test_form_parse(void)
{
	static const struct form_case cases[] = {
		{ "", "", false },
		{ "a=1&b=2", "[a=1][b=2]", false },
		{ "a=1&a=1&a=0", "[a=1][a=1][a=0]", false },
		{ "Body=a=b=c", "[Body=a=b=c]", false },
		{ "Body=hi+there%21", "[Body=hi there!]", false },
		{ "%41%62=%c3%A9", "[Ab=\xc3\xa9]", false },
		{ "a&b=&=c&=", "[a=][b=][=c][=]", false },
		{ "&&a=1&&&b=2&", "[a=1][b=2]", false },
		{ "a;b=c;d", "[a;b=c;d]", false },
		{ "a=%26&b=%3D", "[a=&][b==]", false },
		{ "a=%2B+%20", "[a=+  ]", false },
		{ "a=%", "[a=%]", true },
		{ "a=%4", "[a=%4]", true },
		{ "a=%4g%zz%%41", "[a=%4g%zz%A]", true },
		{ "a=%4&b=1", "[a=%4][b=1]", true },
		{ "%=%", "[%=%]", true },
	};
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		/* No NUL behind it: the sanitizer sees reads past the end. */
		size_t len = strlen(cases[i].data);
		char *data = malloc(len + 1), *text;
		bool malformed = !cases[i].malformed;

		memcpy(data + 1, cases[i].data, len);
		text = parsed(data + 1, len, &malformed);
		CU_ASSERT_STRING_EQUAL(text, cases[i].expect);
		CU_ASSERT_EQUAL(malformed, cases[i].malformed);
		free(text);
		free(data);
	}
}

static void
test_form_keeps_nul(void)
{
	struct kv kv = KV_INIT;
	const char *value;
	bool malformed;

	CU_ASSERT_EQUAL(
	    form_parse("Body=a%00b&c=1\0", 15, &kv, &malformed), ST_OK);
	CU_ASSERT_EQUAL(kv.n, 2);
	CU_ASSERT_EQUAL(kv.pairs[0].value_len, 3);
	CU_ASSERT(memcmp(kv.pairs[0].value, "a\0b", 4) == 0);
	CU_ASSERT_EQUAL(kv.pairs[1].value_len, 2);
	CU_ASSERT_EQUAL(kv_get(&kv, "Body", &value), ST_MALFORMED);
	kv_release(&kv);
}

/* Microseconds of this process alone: other load does not count. */
static int64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The microseconds that n parameters take. */
static int64_t
form_time(size_t n)
{
	struct buf b = BUF_INIT;
	struct kv kv = KV_INIT;
	bool malformed;
	int64_t start, took, best = INT64_MAX;
	size_t i;
	int round;

	for (i = 0; i < n; i++)
		buf_puts(&b, "a=1&");
	for (round = 0; round < 5; round++) {
		start = cpu_us();
		form_parse(b.data, b.len, &kv, &malformed);
		took = cpu_us() - start;
		CU_ASSERT_EQUAL(kv.n, n);
		kv_release(&kv);
		best = took < best ? took : best;
	}
	buf_release(&b);
	return best;
}

static void
test_form_bound(void)
{
	struct buf b = BUF_INIT;
	struct kv kv = KV_INIT;
	bool malformed;
	size_t i;

	for (i = 0; i < FORM_PARAMS_MAX; i++)
		buf_puts(&b, "&&a");
	CU_ASSERT_EQUAL(form_parse(b.data, b.len, &kv, &malformed), ST_OK);
	CU_ASSERT_EQUAL(kv.n, FORM_PARAMS_MAX);
	kv_release(&kv);
	buf_puts(&b, "&=");
	CU_ASSERT_EQUAL(form_parse(b.data, b.len, &kv, &malformed), ST_TOOBIG);
	CU_ASSERT_EQUAL(kv.n, 0);
	CU_ASSERT_PTR_NULL(kv.mem);
	buf_release(&b);
}

static void
test_form_is_linear(void)
{
	int64_t small = form_time(100), large = form_time(3200);

	/* 32 times the work; a quadratic parser would take 1000 times. */
	CU_ASSERT(large < (small + 100) * 32 * 10);
}

static void
test_form_put(void)
{
	struct buf b = BUF_INIT;
	struct kv kv = KV_INIT, back = KV_INIT;
	char all[256];
	bool malformed;
	size_t i;

	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)i;
	kv_add(&kv, "From", 4, "whatsapp:+1", 11);
	kv_add(&kv, "a b", 3, "\xc3\xa9&=", 4);
	kv_add(&kv, "", 0, "", 0);
	for (i = 0; i < kv.n; i++)
		CU_ASSERT_EQUAL(form_put(&b, &kv.pairs[i]), ST_OK);
	CU_ASSERT_STRING_EQUAL(
	    buf_str(&b), "From=whatsapp%3A%2B1&a+b=%C3%A9%26%3D&=");
	kv_add(&kv, all, sizeof(all), all, sizeof(all));
	CU_ASSERT_EQUAL(form_put(&b, &kv.pairs[3]), ST_OK);
	CU_ASSERT_EQUAL(form_parse(b.data, b.len, &back, &malformed), ST_OK);
	CU_ASSERT_FALSE(malformed);
	CU_ASSERT_EQUAL(back.n, 4);
	CU_ASSERT_EQUAL(back.pairs[3].value_len, 256);
	CU_ASSERT(memcmp(back.pairs[3].value, all, 256) == 0);
	CU_ASSERT(memcmp(back.pairs[3].name, all, 256) == 0);
	kv_release(&back);
	kv_release(&kv);
	buf_release(&b);
}

struct url_case {
	const char *text;
	/* scheme|userinfo|host|port|path|query|fragment, "-" if not there;
	 * NULL: malformed */
	const char *parts;
};

static void
put_part(struct buf *b, const struct url_part *p)
{
	if (b->len > 0)
		buf_putc(b, '|');
	if (p->data == NULL)
		buf_putc(b, '-');
	else
		buf_put(b, p->data, p->len);
}

static void
test_url_split(void)
{
	static const struct url_case cases[] = {
		{ "https://h.example/a?b=1#c", "https|-|h.example|-|/a|b=1|c" },
		{ "HTTPS://H", "HTTPS|-|H|-||-|-" },
		{ "http://h:8080", "http|-|h|8080||-|-" },
		{ "http://h:/", "http|-|h||/|-|-" },
		{ "http://u:p@h:1/x", "http|u:p|h|1|/x|-|-" },
		{ "http://u@v@h/", "http|u@v|h|-|/|-|-" },
		{ "http://@h/", "http||h|-|/|-|-" },
		{ "http://h/a@b:c?d@e:f#g@h", "http|-|h|-|/a@b:c|d@e:f|g@h" },
		{ "http://h?a=1", "http|-|h|-||a=1|-" },
		{ "http://h#f?g", "http|-|h|-||-|f?g" },
		{ "http://h/?", "http|-|h|-|/||-" },
		{ "http://h/#", "http|-|h|-|/|-|" },
		{ "http://h/?a?b#c#d", "http|-|h|-|/|a?b|c#d" },
		{ "wss://[2001:db8::1]:8443/t",
		    "wss|-|[2001:db8::1]|8443|/t|-|-" },
		{ "wss://u@[::1]/t", "wss|u|[::1]|-|/t|-|-" },
		{ "http://h//a/../b c/\xc3\xa9",
		    "http|-|h|-|//a/../b c/\xc3\xa9|-|-" },
		{ "git+ssh-2.0://h", "git+ssh-2.0|-|h|-||-|-" },
		{ "", NULL },
		{ "/path", NULL },
		{ "h.example/a", NULL },
		{ "http:/h/a", NULL },
		{ "http:", NULL },
		{ "1http://h/", NULL },
		{ "://h/", NULL },
		{ "http://", NULL },
		{ "http:///a", NULL },
		{ "http://u@/a", NULL },
		{ "http://:80/", NULL },
		{ "http://h:80a/", NULL },
		{ "http://h:-1/", NULL },
		{ "http://a:b:80/", NULL },
		{ "http://[::1/", NULL },
		{ "http://[::1]x/", NULL },
	};
	struct buf b = BUF_INIT;
	struct url u;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		enum status st =
		    url_split(cases[i].text, strlen(cases[i].text), &u);

		CU_ASSERT_EQUAL(
		    st, cases[i].parts == NULL ? ST_MALFORMED : ST_OK);
		if (st != ST_OK || cases[i].parts == NULL)
			continue;
		buf_reset(&b);
		put_part(&b, &u.scheme);
		put_part(&b, &u.userinfo);
		put_part(&b, &u.host);
		put_part(&b, &u.port);
		put_part(&b, &u.path);
		put_part(&b, &u.query);
		put_part(&b, &u.fragment);
		CU_ASSERT_STRING_EQUAL(buf_str(&b), cases[i].parts);
		CU_ASSERT_PTR_EQUAL(u.tail.data, u.path.data);
		CU_ASSERT_PTR_EQUAL(u.tail.data + u.tail.len,
		    cases[i].text + strlen(cases[i].text));
	}
	buf_release(&b);
}

static void
test_url_default_port(void)
{
	static const char *const schemes[][2] = { { "https", "443" },
		{ "WSS", "443" }, { "Http", "80" }, { "ws", "80" },
		{ "ftp", NULL }, { "httpsx", NULL } };
	size_t i;

	for (i = 0; i < TEST_COUNT(schemes); i++) {
		struct url_part p = { schemes[i][0], strlen(schemes[i][0]) };
		const char *port = url_default_port(&p);

		if (schemes[i][1] == NULL)
			CU_ASSERT_PTR_NULL(port)
		else
			CU_ASSERT_STRING_EQUAL(port, schemes[i][1]);
	}
}

static void
test_url_encode(void)
{
	struct buf b = BUF_INIT;

	url_encode(&b, "aZ09-._~ +/\xe9\0'", 14);
	CU_ASSERT_STRING_EQUAL(buf_str(&b), "aZ09-._~%20%2B%2F%E9%00%27");
	buf_release(&b);
}

static void
test_base64(void)
{
	/* RFC 4648, section 10. */
	static const char *const pairs[][2] = { { "", "" }, { "f", "Zg==" },
		{ "fo", "Zm8=" }, { "foo", "Zm9v" }, { "foob", "Zm9vYg==" },
		{ "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" },
		{ "\xfb\xff\xbf", "+/+/" } };
	struct buf b = BUF_INIT;
	unsigned char out[64];
	size_t i, n;

	for (i = 0; i < TEST_COUNT(pairs); i++) {
		const char *plain = pairs[i][0], *coded = pairs[i][1];

		buf_reset(&b);
		base64_put(&b, plain, strlen(plain));
		CU_ASSERT_STRING_EQUAL(buf_str(&b), coded);
		CU_ASSERT_EQUAL(b.len, BASE64_LEN(strlen(plain)));
		CU_ASSERT_EQUAL(
		    base64_decode(coded, strlen(coded), out, &n), ST_OK);
		CU_ASSERT_EQUAL(n, strlen(plain));
		CU_ASSERT(memcmp(out, plain, n) == 0);
	}
	buf_release(&b);
}

static void
test_base64_is_strict(void)
{
	static const char *const bad[] = { "Z", "Zg",
		"Zg=", "Zg===", "====", "=",
		"Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm8=Zm8=", "Zm 9v",
		"Zm9v\n", "Zm9-", "Zm9_", "Z=9v", "Zg=v", "Zm9\xc3" };
	unsigned char out[64];
	size_t i, n;

	for (i = 0; i < TEST_COUNT(bad); i++) {
		CU_ASSERT_EQUAL(base64_decode(bad[i], strlen(bad[i]), out, &n),
		    ST_MALFORMED);
		CU_ASSERT_EQUAL(n, 0);
	}
}

struct utf8_case {
	const char *text;
	size_t step;
	bool valid;
};

static void
test_utf8(void)
{
	static const struct utf8_case cases[] = {
		{ "a", 1, true },
		{ "\xc3\xa9", 2, true },
		{ "\xe2\x82\xac", 3, true },
		{ "\xf0\x9f\xa6\x84", 4, true },
		{ "\xef\xbf\xbf", 3, true },
		{ "\xf4\x8f\xbf\xbf", 4, true },
		{ "\x80", 1, false },
		{ "\xff", 1, false },
		{ "\xc0\x80", 1, false },
		{ "\xc1\xbf", 1, false },
		{ "\xe0\x9f\xbf", 1, false },
		{ "\xed\xa0\x80", 1, false },
		{ "\xf0\x8f\xbf\xbf", 1, false },
		{ "\xf4\x90\x80\x80", 1, false },
		{ "\xf5\x80\x80\x80", 1, false },
		{ "\xc3", 1, false },
		{ "\xc3(", 1, false },
		{ "\xe2\x82", 2, false },
		{ "\xe2\x82(", 2, false },
		{ "\xf0\x9f\xa6", 3, false },
		{ "\xf0\x9f\xa6(", 3, false },
	};
	bool valid;
	size_t i;

	for (i = 0; i < TEST_COUNT(cases); i++) {
		const char *s = cases[i].text;

		CU_ASSERT_EQUAL(utf8_step(s, strlen(s), &valid), cases[i].step);
		CU_ASSERT_EQUAL(valid, cases[i].valid);
		CU_ASSERT_EQUAL(utf8_valid(s, strlen(s)), cases[i].valid);
	}
	CU_ASSERT(utf8_valid("", 0));
	CU_ASSERT(utf8_valid("a\0b", 3));
	CU_ASSERT_FALSE(utf8_valid("ab\xc3", 3));
}

static const struct test tests[] = {
	{ "form: so many parameters and no more", test_form_bound },
	{ "form: what is parsed", test_form_parse },
	{ "form: NUL stays", test_form_keeps_nul },
	{ "form: linear in the number of parameters", test_form_is_linear },
	{ "form: what is encoded comes back", test_form_put },
	{ "url: split", test_url_split },
	{ "url: default ports", test_url_default_port },
	{ "url: encode", test_url_encode },
	{ "base64: both ways", test_base64 },
	{ "base64: one text only", test_base64_is_strict },
	{ "utf8: characters, and what is not one", test_utf8 },
};

int
main(void)
{
	return test_main("codec", tests, TEST_COUNT(tests));
}
