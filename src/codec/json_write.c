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

enum status
json_put_string(struct buf *b, const char *s, size_t len)
{
	size_t at = 0, start = 0, step;
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
		if (valid && step > 1) {
			at += step;
			continue;
		}
		buf_put(b, s + start, at - start);
		if (valid)
			put_escaped(b, (unsigned char)s[at]);
		else
			buf_puts(b, UTF8_REPLACEMENT);
		start = at += step;
	}
	buf_put(b, s + start, len - start);
	return buf_putc(b, '"');
}

enum status
json_put_text(struct buf *b, const char *s)
{
	return s == NULL ? buf_puts(b, "null")
			 : json_put_string(b, s, strlen(s));
}
