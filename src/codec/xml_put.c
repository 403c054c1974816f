#include <string.h>

#include "base/utf8.h"
#include "codec/xml.h"

size_t
xml_step(const char *s, size_t n, bool *legal)
{
	unsigned char c = (unsigned char)s[0];
	size_t len;

	if (c < 0x80) {
		*legal = c >= 0x20 || c == '\t' || c == '\n' || c == '\r';
		return 1;
	}
	len = utf8_step(s, n, legal);
	/* U+FFFE and U+FFFF */
	if (*legal && c == 0xef && s[1] == '\xbf' &&
	    (unsigned char)s[2] >= 0xbe)
		*legal = false;
	return len;
}

/*
 * What is put for the character at s, or NULL: itself. A reader turns "\r"
 * into "\n", and in attributes "\n" and "\t" into a space (XML 2.11, 3.3.3),
 * unless they come as references. *n gets the character's length.
 */
static const char *
replacement(const char *s, size_t len, bool attr, size_t *n)
{
	bool legal;

	*n = xml_step(s, len, &legal);
	if (!legal)
		return UTF8_REPLACEMENT;
	switch (s[0]) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\r':
		return "&#13;";
	case '"':
		return attr ? "&quot;" : NULL;
	case '\t':
		return attr ? "&#9;" : NULL;
	case '\n':
		return attr ? "&#10;" : NULL;
	default:
		return NULL;
	}
}

/* What stands for itself anywhere: most of all values. */
static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '&' && c != '<' && c != '>' &&
	    c != '"';
}

static enum status
put(struct buf *out, const char *value, size_t len, bool attr)
{
	size_t from = 0, at, n;
	const char *instead;

	for (at = 0; at < len; at += n) {
		n = 1;
		if (is_plain((unsigned char)value[at]))
			continue;
		instead = replacement(value + at, len - at, attr, &n);
		if (instead == NULL)
			continue;
		buf_put(out, value + from, at - from);
		buf_puts(out, instead);
		from = at + n;
	}
	return buf_put(out, value + from, len - from);
}

enum status
xml_put_text(struct buf *out, const char *value, size_t len)
{
	return put(out, value, len, false);
}

enum status
xml_put_attr(struct buf *out, const char *value, size_t len)
{
	return put(out, value, len, true);
}
