#include "base/utf8.h"

/*
 * How long the character that begins with this byte is, and what its second
 * byte may be (Unicode, table 3-7); 0 if none begins so.
 */
static size_t
lead(unsigned char c, unsigned char *low, unsigned char *high)
{
	*low = 0x80;
	*high = 0xbf;
	if (c < 0x80)
		return 1;
	if (c < 0xc2 || c > 0xf4)
		return 0;
	if (c < 0xe0)
		return 2;
	if (c < 0xf0) {
		*low = c == 0xe0 ? 0xa0 : 0x80;
		*high = c == 0xed ? 0x9f : 0xbf;
		return 3;
	}
	*low = c == 0xf0 ? 0x90 : 0x80;
	*high = c == 0xf4 ? 0x8f : 0xbf;
	return 4;
}

size_t
utf8_step(const char *s, size_t n, bool *valid)
{
	unsigned char low, high;
	size_t len = lead((unsigned char)s[0], &low, &high), i;

	for (i = 1; i < len && i < n; i++) {
		if ((unsigned char)s[i] < low || (unsigned char)s[i] > high)
			break;
		low = 0x80;
		high = 0xbf;
	}
	*valid = i == len;
	return i;
}

bool
utf8_valid(const char *s, size_t n)
{
	bool valid = true;
	size_t at;

	for (at = 0; valid && at < n;)
		at += utf8_step(s + at, n - at, &valid);
	return valid;
}

uint32_t
utf8_code(const char *s, size_t len)
{
	/* What the first byte has besides the length. */
	static const unsigned char mask[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	uint32_t code = (unsigned char)s[0] & mask[len];

	for (size_t i = 1; i < len; i++)
		code = code << 6 | ((unsigned char)s[i] & 0x3f);
	return code;
}

bool
utf8_is_control(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
	    (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069);
}
