#include "codec/xml_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

#define BYTE_ORDER_MARK "\xef\xbb\xbf"
#define REFERENCE_MAX 12 /* "&#x0010FFFF;": leading zeros, within reason */

char *
xml_text_copy(const char *text, size_t len, size_t *out_len)
{
	size_t from = 0, n = 0;
	char *copy;

	if (len >= 3 && memcmp(text, BYTE_ORDER_MARK, 3) == 0)
		from = 3;
	if ((copy = malloc(len - from + 1)) == NULL)
		return NULL;
	for (; from < len; from++) {
		if (text[from] == '\r' && from + 1 < len &&
		    text[from + 1] == '\n')
			continue;
		copy[n++] = text[from] == '\r' ? '\n' : text[from];
	}
	copy[n] = '\0';
	*out_len = n;
	return copy;
}

size_t
xml_text_step(const char *s, size_t n, bool *legal)
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

enum status
xml_text_check(const char *text, size_t len, size_t *at, const char **wrong)
{
	bool legal;
	size_t n;

	for (*at = 0; *at < len; *at += n) {
		n = xml_text_step(text + *at, len - *at, &legal);
		if (!legal && utf8_valid(text + *at, n)) {
			*wrong = "a character that XML forbids stands here; "
				 "remove it";
			return ST_MALFORMED;
		}
		if (!legal) {
			*wrong = "this is not UTF-8; save the file as UTF-8";
			return ST_MALFORMED;
		}
		if (n == 3 && memcmp(text + *at, BYTE_ORDER_MARK, 3) == 0) {
			*wrong = "a byte order mark (U+FEFF, invisible) "
				 "stands here; remove it";
			return ST_UNSUPPORTED;
		}
	}
	return ST_OK;
}

/* The value of a digit in base 10 or 16, or 16. */
static unsigned
digit(char c, bool hex)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (hex && c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	if (hex && c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	return 16;
}

/* May a reference stand for it (XML 2.2)? */
static bool
is_legal(unsigned long c)
{
	if (c < 0x20)
		return c == '\t' || c == '\n' || c == '\r';
	return c < 0xd800 || (c > 0xdfff && c < 0xfffe) ||
	    (c > 0xffff && c <= 0x10ffff);
}

/* "&#65;" and "&#x41;": n bytes, without what stands around the number. */
static bool
numeric(const char *s, size_t n, unsigned long *character)
{
	bool hex = n > 0 && s[0] == 'x';
	size_t i = hex ? 1 : 0;

	if (i == n)
		return false;
	for (*character = 0; i < n; i++) {
		if (digit(s[i], hex) == 16)
			return false;
		*character = *character * (hex ? 16 : 10) + digit(s[i], hex);
	}
	return is_legal(*character);
}

size_t
xml_text_reference(const char *s, size_t n, unsigned long *character)
{
	static const struct {
		const char *text;
		char character;
	} named[] = { { "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' },
		{ "&quot;", '"' }, { "&apos;", '\'' } };
	const char *end;
	size_t i, len;

	end = memchr(s, ';', n < REFERENCE_MAX ? n : REFERENCE_MAX);
	if (end == NULL)
		return 0;
	len = (size_t)(end - s) + 1;
	if (len > 3 && s[1] == '#')
		return numeric(s + 2, len - 3, character) ? len : 0;
	for (i = 0; i < sizeof(named) / sizeof(named[0]); i++)
		if (strlen(named[i].text) == len &&
		    memcmp(named[i].text, s, len) == 0) {
			*character = (unsigned char)named[i].character;
			return len;
		}
	return 0;
}

size_t
xml_text_size(unsigned long character)
{
	if (character < 0x80)
		return 1;
	if (character < 0x800)
		return 2;
	return character < 0x10000 ? 3 : 4;
}

void
xml_text_place(const char *text, size_t at, unsigned *line, unsigned *column)
{
	size_t i;

	*line = 1;
	*column = 1;
	for (i = 0; i < at; i++) {
		if (text[i] == '\n') {
			(*line)++;
			*column = 1;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			(*column)++;
		}
	}
}
