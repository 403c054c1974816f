/* INI text by lines, beside a plain reading of the same rules. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "config/inifile.h"
#include "config/nearest.h"
#include "t/test.h"

#define LINE_MAX_BYTES 8191

/* What came, as text: "1[name]", "2 key=value", "3!". */
static void
on_section(void *ctx, int line, const char *name)
{
	buf_printf(ctx, "%d[%s]\n", line, name == NULL ? "(null)" : name);
}

static void
on_pair(void *ctx, int line, const char *key, const char *value)
{
	buf_printf(ctx, "%d %s=%s\n", line, key, value);
}

static void
on_mistake(void *ctx, int line, const char *text)
{
	CU_ASSERT_TRUE(strlen(text) > 10);
	buf_printf(ctx, "%d!\n", line);
}

static const struct inifile_events events = {
	.section = on_section, .pair = on_pair, .mistake = on_mistake
};

static void
parse(const char *text, size_t len, struct buf *out)
{
	buf_reset(out);
	CU_ASSERT_EQUAL(
	    inifile_parse(text, len, LINE_MAX_BYTES, &events, out), ST_OK);
}

static void
assert_parse(const char *text, const char *expected)
{
	struct buf out = BUF_INIT;

	parse(text, strlen(text), &out);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), expected);
	if (strcmp(buf_str(&out), expected) != 0)
		printf("\n<%s>\n%s", text, buf_str(&out));
	buf_release(&out);
}

static void
test_lines(void)
{
	assert_parse("", "");
	assert_parse("\n\n", "");
	assert_parse("\xef\xbb\xbf", "");
	assert_parse("\xef\xbb\xbf[a]", "1[a]\n");
	assert_parse("[a]\n[b]\nk=v", "1[a]\n2[b]\n3 k=v\n");
	assert_parse("k=v\n", "1 k=v\n");
	assert_parse(" k = v w \t\n", "1 k=v w\n");
	assert_parse("k: v\n", "1 k=v\n");
	assert_parse("k=a=b:c\n", "1 k=a=b:c\n");
	assert_parse("k=\n", "1 k=\n");
	assert_parse("k=v ; comment\n", "1 k=v\n");
	assert_parse("k=v\t; comment\n", "1 k=v\n");
	assert_parse("k=v;no comment\n", "1 k=v;no comment\n");
	assert_parse("k= ; comment\n", "1 k=\n");
	assert_parse("k=v # no comment\n", "1 k=v # no comment\n");
	assert_parse("; x = y\n# x = y\n  ; x\n", "");
	assert_parse("[a] ; comment\n", "1[a]\n");
	assert_parse("[a b]\n", "1[a b]\n");
	/* Indented lines are lines, not more of the value above. */
	assert_parse("k=v\n  l=w\n\tm=x\n", "1 k=v\n2 l=w\n3 m=x\n");
	assert_parse("k=v\n  w\n", "1 k=v\n2!\n");
	assert_parse("[a\nk=v\n", "1!\n1[(null)]\n2 k=v\n");
	assert_parse("[a]b\n", "1!\n1[(null)]\n");
	assert_parse("k\n=v\n:\n", "1!\n2!\n3!\n");
	assert_parse("k ; = v\n", "1!\n");
	assert_parse("k=v\r\n\r\nl=w\r\n", "1 k=v\n3 l=w\n");
	assert_parse("k=\rv\n", "1!\n");
	assert_parse("k=\x7f\n", "1!\n");
	assert_parse("k=\xc3\xa9\n", "1 k=\xc3\xa9\n");
}

static void
test_nul(void)
{
	struct buf out = BUF_INIT;

	parse("a=1\nb=\0\nc=3\n", 12, &out);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "1 a=1\n2!\n");
	parse("\0", 1, &out);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "1!\n");
	buf_release(&out);
}

/* The bound on a line, at the byte. */
static void
test_longest_line(void)
{
	char *text = malloc(LINE_MAX_BYTES + 3);
	struct buf out = BUF_INIT;

	CU_ASSERT_PTR_NOT_NULL_FATAL(text);
	memset(text, 'x', LINE_MAX_BYTES + 3);
	text[1] = '=';
	text[LINE_MAX_BYTES] = '\n';
	parse(text, LINE_MAX_BYTES + 1, &out);
	CU_ASSERT_EQUAL(out.len, LINE_MAX_BYTES + strlen("1 \n"));
	text[LINE_MAX_BYTES] = 'x';
	parse(text, LINE_MAX_BYTES + 1, &out);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "1!\n");
	/* Nothing but white space, or no place to cut it. */
	memset(text, ' ', LINE_MAX_BYTES);
	parse(text, LINE_MAX_BYTES, &out);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "");
	text[0] = 'k';
	text[1] = '=';
	text[2] = 'a';
	text[LINE_MAX_BYTES - 1] = 'b';
	parse(text, LINE_MAX_BYTES, &out);
	CU_ASSERT_STRING_EQUAL(buf_str(&out), "1!\n");
	buf_release(&out);
	free(text);
}

/* The value of "k=…" by the rules, written plainly. */
static void
plain_value(const char *s, char *out)
{
	size_t n = 0, i;

	for (i = 0; s[i] != '\0'; i++) {
		if (s[i] == ';' && i > 0 &&
		    (s[i - 1] == ' ' || s[i - 1] == '\t'))
			break;
		if (n > 0 || (s[i] != ' ' && s[i] != '\t'))
			out[n++] = s[i];
	}
	while (n > 0 && (out[n - 1] == ' ' || out[n - 1] == '\t'))
		n--;
	out[n] = '\0';
}

/* Values of all lengths, also those that libinih gets in pieces. */
static void
test_long_values(void)
{
	static const char alphabet[] = "abcdefghi  \t;;##==::[]\"'\xc3\xa9";
	char value[1200], line[1300], plain[1200], expected[1300];
	struct buf out = BUF_INIT;
	unsigned seed = 20261121;
	size_t n, i, round, bad = 0;

	for (round = 0; round < 6000; round++) {
		n = round % (sizeof(value) - 1);
		for (i = 0; i < n; i++) {
			seed = seed * 1103515245 + 12345;
			value[i] =
			    alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
			/* Otherwise nearly all end in an early comment. */
			if (value[i] == ';' && i > 0 && seed % 16 != 0 &&
			    isspace((unsigned char)value[i - 1]))
				value[i] = 'z';
		}
		value[n] = '\0';
		snprintf(line, sizeof(line), "k=%s", value);
		parse(line, strlen(line), &out);
		plain_value(value, plain);
		snprintf(expected, sizeof(expected), "1 k=%s\n", plain);
		if (strcmp(expected, buf_str(&out)) != 0 && bad++ < 3)
			printf("\n%s\n%s%s", line, expected, buf_str(&out));
	}
	CU_ASSERT_EQUAL(bad, 0);
	buf_release(&out);
}

static void
assert_nearest(const char *wrong, const char *a, const char *b, int which)
{
	struct nearest best = { 0 };
	int taken = 0;

	if (nearest_offer(&best, wrong, a))
		taken = 1;
	if (nearest_offer(&best, wrong, b))
		taken = 2;
	CU_ASSERT_EQUAL(taken, which);
	CU_ASSERT_EQUAL(best.found, which != 0);
}

static void
test_nearest(void)
{
	char name[200];

	assert_nearest("treads", "threads", "path", 1);
	assert_nearest("PATH", "threads", "path", 2);
	assert_nearest("log-levle", "log_level", "log_format", 1);
	assert_nearest("wran", "warn|warning", "info", 1);
	assert_nearest("Sya", "Sms", "Say", 2);
	assert_nearest("yas", "Sms", "Say", 0);
	assert_nearest("banana", "threads", "path", 0);
	assert_nearest("", "threads", "path", 0);
	/* Longer than any name of ours: nothing is computed. */
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_nearest(name, "threads", name, 0);
}

static const struct test tests[] = {
	{ "lines", test_lines },
	{ "NUL bytes", test_nul },
	{ "the longest line", test_longest_line },
	{ "long values", test_long_values },
	{ "the nearest name", test_nearest },
};

int
main(void)
{
	return test_main("inifile", tests, TEST_COUNT(tests));
}
