#include "watch/page_token.h"

#include <string.h>

#include "codec/base64.h"
#include "codec/crypt.h"

/* A token is the first bytes of a digest of filters and place, and the place,
 * in base64 with - and _. */
#define CHECK_SIZE 8

static enum status
token_check(const char *filters, const char *place, size_t len,
    unsigned char out[static CRYPT_SHA256_SIZE])
{
	const struct crypt_piece pieces[] = {
		/* With its NUL, so that it is plain where it ends. */
		{ filters, strlen(filters) + 1 },
		{ place, len },
	};

	return crypt_sha256(pieces, 2, out);
}

static void
swap_letters(char *s, const char *from, const char *to)
{
	for (; *s != '\0'; s++)
		if (*s == from[0] || *s == from[1])
			*s = *s == from[0] ? to[0] : to[1];
}

enum status
page_token_make(const struct buf *place, const char *filters, struct buf *out)
{
	unsigned char check[CRYPT_SHA256_SIZE];
	struct buf whole = BUF_INIT;
	size_t at = out->len;
	enum status st;

	if (BASE64_LEN(CHECK_SIZE + place->len) > PAGE_TOKEN_MAX)
		return ST_TOOBIG;
	st = token_check(filters, buf_str(place), place->len, check);
	if (st != ST_OK)
		return st;
	buf_put(&whole, check, CHECK_SIZE);
	st = buf_put(&whole, buf_str(place), place->len);
	if (st == ST_OK)
		st = base64_put(out, whole.data, whole.len);
	if (st == ST_OK) {
		swap_letters(out->data + at, "+/", "-_");
		while (out->data[out->len - 1] == '=')
			out->data[--out->len] = '\0';
	}
	buf_release(&whole);
	return st;
}

/* The bytes of a token, whoever made it. */
static enum status
token_decode(const char *token, struct buf *out)
{
	size_t len = strlen(token);
	struct buf text = BUF_INIT;
	enum status st;

	if (len == 0 || len > PAGE_TOKEN_MAX || strpbrk(token, "+/=") != NULL)
		return ST_DENIED;
	buf_put(&text, token, len);
	while (text.len % 4 != 0)
		buf_putc(&text, '=');
	if ((st = text.err) == ST_OK &&
	    (st = buf_reserve(out, text.len)) == ST_OK) {
		swap_letters(text.data, "-_", "+/");
		if (base64_decode(text.data, text.len,
			(unsigned char *)out->data, &out->len) != ST_OK)
			st = ST_DENIED;
	}
	buf_release(&text);
	return st;
}

enum status
page_token_open(const char *token, const char *filters, struct buf *place)
{
	unsigned char check[CRYPT_SHA256_SIZE];
	struct buf whole = BUF_INIT;
	enum status st = token_decode(token, &whole);
	const char *its = NULL;

	if (st == ST_OK && whole.len < CHECK_SIZE)
		st = ST_DENIED;
	if (st == ST_OK) {
		its = whole.data + CHECK_SIZE;
		st = token_check(filters, its, whole.len - CHECK_SIZE, check);
	}
	if (st == ST_OK && memcmp(check, whole.data, CHECK_SIZE) != 0)
		st = ST_DENIED;
	if (st == ST_OK)
		st = buf_put(place, its, whole.len - CHECK_SIZE);
	buf_release(&whole);
	return st;
}
