#include <string.h>

#include "codec/utf8.h"
#include "codec/xml.h"
#include "codec/xml_text.h"

enum place { PLACE_TEXT, PLACE_ATTR };

/*
 * What stands in for an ASCII character, or NULL: it stands for itself. A
 * reader turns "\r" into "\n", and in attributes "\n" and "\t" into a space
 * (XML 2.11, 3.3.3), unless they come as references.
 */
static const char *const instead[][0x80] = {
	[PLACE_TEXT] = {
		[0 ... 0x08] = UTF8_REPLACEMENT,
		[0x0b ... 0x0c] = UTF8_REPLACEMENT,
		[0x0e ... 0x1f] = UTF8_REPLACEMENT,
		['\r'] = "&#13;",
		['&'] = "&amp;",
		['<'] = "&lt;",
		['>'] = "&gt;",
	},
	[PLACE_ATTR] = {
		[0 ... 0x08] = UTF8_REPLACEMENT,
		[0x0b ... 0x0c] = UTF8_REPLACEMENT,
		[0x0e ... 0x1f] = UTF8_REPLACEMENT,
		['\t'] = "&#9;",
		['\n'] = "&#10;",
		['\r'] = "&#13;",
		['"'] = "&quot;",
		['&'] = "&amp;",
		['<'] = "&lt;",
		['>'] = "&gt;",
	},
};

/* How many bytes from here on stand for themselves, ASCII only. */
static size_t
plain(const char *const table[static 0x80], const char *s, size_t len)
{
	size_t n = 0;

	while (n < len && (unsigned char)s[n] < 0x80 &&
	    table[(unsigned char)s[n]] == NULL)
		n++;
	return n;
}

/* What is put for the character at s, or NULL; *n gets its length. */
static const char *
replacement(
    const char *const table[static 0x80], const char *s, size_t len, size_t *n)
{
	bool legal;

	if ((unsigned char)s[0] < 0x80) {
		*n = 1;
		return table[(unsigned char)s[0]];
	}
	*n = xml_text_step(s, len, &legal);
	return legal ? NULL : UTF8_REPLACEMENT;
}

static enum status
put(struct buf *out, const char *const table[static 0x80], const char *value,
    size_t len)
{
	size_t from = 0, at, n;
	const char *put;

	for (at = plain(table, value, len); at < len;) {
		put = replacement(table, value + at, len - at, &n);
		if (put != NULL) {
			buf_put(out, value + from, at - from);
			buf_puts(out, put);
			from = at + n;
		}
		at += n;
		at += plain(table, value + at, len - at);
	}
	return buf_put(out, value + from, len - from);
}

enum status
xml_put_text(struct buf *out, const char *value, size_t len)
{
	return put(out, instead[PLACE_TEXT], value, len);
}

enum status
xml_put_attr(struct buf *out, const char *value, size_t len)
{
	return put(out, instead[PLACE_ATTR], value, len);
}
