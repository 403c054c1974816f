#include "codec/base64.h"

#include <stdint.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_encode(const void *from, size_t n, char *out)
{
	const unsigned char *in = from;
	uint32_t v;
	size_t i, left;

	for (i = 0; i < n; i += 3, out += 4) {
		left = n - i;
		v = (uint32_t)in[i] << 16;
		v |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		v |= left > 2 ? in[i + 2] : 0;
		out[0] = alphabet[v >> 18];
		out[1] = alphabet[v >> 12 & 63];
		out[2] = left > 1 ? alphabet[v >> 6 & 63] : '=';
		out[3] = left > 2 ? alphabet[v & 63] : '=';
	}
	*out = '\0';
}

enum status
base64_put(struct buf *b, const void *from, size_t n)
{
	if (n > BUF_MAX)
		return b->err = b->err == ST_OK ? ST_TOOBIG : b->err;
	if (buf_reserve(b, BASE64_LEN(n)) != ST_OK)
		return b->err;
	base64_encode(from, n, b->data + b->len);
	b->len += BASE64_LEN(n);
	return ST_OK;
}

/* 0 to 63, or -1. */
static int
value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

enum status
base64_decode(const char *in, size_t len, unsigned char *out, size_t *n)
{
	size_t i, j, chars, bytes = 0;
	uint32_t v;
	int d;

	*n = 0;
	if (len % 4 != 0)
		return ST_MALFORMED;
	for (i = 0; i < len; i += 4) {
		/* Padding may end the last four only. */
		chars = 4;
		if (i + 4 == len && in[i + 3] == '=')
			chars = in[i + 2] == '=' ? 2 : 3;
		for (v = 0, j = 0; j < 4; j++) {
			d = j < chars ? value_of(in[i + j]) : 0;
			if (d < 0)
				return ST_MALFORMED;
			v = v << 6 | (uint32_t)d;
		}
		if ((v & (chars == 2 ? 0xffff : chars == 3 ? 0xff : 0)) != 0)
			return ST_MALFORMED;
		for (j = 1; j < chars; j++)
			out[bytes++] = (unsigned char)(v >> (24 - 8 * j));
	}
	*n = bytes;
	return ST_OK;
}
