/* The writing part of json.h. */
#include "codec/json.h"

#include <string.h>

#include "base/utf8.h"

/* What stands for itself in a string, among ASCII. */
static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

static void
put_escaped(struct buf *b, unsigned char c)
{
	/* RFC 8259, section 7: the short forms, by the byte they stand for. */
	static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
	const char *p = c == '\0' ? NULL : strchr(from, c);

	if (p != NULL) {
		buf_putc(b, '\\');
		buf_putc(b, to[p - from]);
	} else {
		buf_printf(b, "\\u%04x", c);
	}
}

/*
 * JSON has it as it stands, others do not: noncharacters, of which SQS takes
 * no message with U+FFFE or U+FFFF, and what readers of lines take for an end
 * of one (Python's splitlines).
 */
static bool
is_troublesome(uint32_t code)
{
	return code == 0x85 || code == 0x2028 || code == 0x2029 ||
	    (code >= 0xfdd0 && code <= 0xfdef) || (code & 0xfffe) == 0xfffe;
}

static void
put_code(struct buf *b, uint32_t code)
{
	if (code > 0xffff) {
		code -= 0x10000;
		buf_printf(b, "\\u%04x", 0xd800 | (unsigned)(code >> 10));
		code = 0xdc00 | (code & 0x3ff);
	}
	buf_printf(b, "\\u%04x", (unsigned)code);
}

enum status
json_put_string(struct buf *b, const char *s, size_t len)
{
	size_t at = 0, start = 0, step;
	uint32_t code;
	bool valid;

	/* Most text needs no escape: one allocation then does. */
	buf_reserve(b, len + 2);
	buf_putc(b, '"');
	while (at < len) {
		if (is_plain((unsigned char)s[at])) {
			at++;
			continue;
		}
		step = utf8_step(s + at, len - at, &valid);
		code = valid ? utf8_code(s + at, step) : 0;
		if (step > 1 && valid && !is_troublesome(code)) {
			at += step;
			continue;
		}
		buf_put(b, s + start, at - start);
		if (!valid)
			buf_puts(b, UTF8_REPLACEMENT);
		else if (step > 1)
			put_code(b, code);
		else
			put_escaped(b, (unsigned char)code);
		start = at += step;
	}
	buf_put(b, s + start, len - start);
	return buf_putc(b, '"');
}

enum status
json_put_value(struct buf *b, const char *s, size_t len)
{
	size_t at, start = 0, step;
	uint32_t code;
	bool valid;

	for (at = 0; at < len; at += step) {
		step = utf8_step(s + at, len - at, &valid);
		code = valid ? utf8_code(s + at, step) : 0;
		if (!is_troublesome(code) && code != '\n' && code != '\r')
			continue;
		buf_put(b, s + start, at - start);
		if (step > 1)
			put_code(b, code);
		else
			buf_putc(b, ' ');
		start = at + step;
	}
	return buf_put(b, s + start, len - start);
}

enum status
json_put_text(struct buf *b, const char *s)
{
	return s == NULL ? buf_puts(b, "null")
			 : json_put_string(b, s, strlen(s));
}
