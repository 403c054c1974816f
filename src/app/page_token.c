#include "app/page_token.h"

#include <string.h>

#include "codec/base64.h"
#include "codec/crypt.h"

/* The secret serves other ends too, so the seal has a key of its own. */
#define PURPOSE "switchhook page token 1"

static enum status
make_seal(const struct page_token_seal *s, const char *place, size_t len,
    unsigned char out[static CRYPT_SHA256_SIZE])
{
	const struct crypt_piece purpose = { PURPOSE, sizeof(PURPOSE) - 1 };
	const struct crypt_piece pieces[] = {
		/* With its NUL: where it ends is sealed as well. */
		{ buf_str(s->filters), s->filters->len + 1 },
		{ place, len },
	};
	unsigned char key[CRYPT_SHA256_SIZE];
	enum status st;

	st = crypt_hmac_sha256(s->secret, strlen(s->secret), &purpose, 1, key);
	if (st == ST_OK)
		st = crypt_hmac_sha256(key, sizeof(key), pieces, 2, out);
	crypt_wipe(key, sizeof(key));
	return st;
}

static void
swap(char *s, char from, char to)
{
	for (; *s != '\0'; s++)
		if (*s == from)
			*s = to;
}

enum status
page_token_make(
    const struct page_token_seal *s, const struct buf *place, struct buf *out)
{
	unsigned char seal[CRYPT_SHA256_SIZE];
	struct buf whole = BUF_INIT;
	size_t at = out->len;
	enum status st;

	if (BASE64_LEN(sizeof(seal) + place->len) > PAGE_TOKEN_MAX)
		return ST_TOOBIG;
	st = make_seal(s, buf_str(place), place->len, seal);
	if (st == ST_OK) {
		buf_put(&whole, seal, sizeof(seal));
		st = buf_put(&whole, buf_str(place), place->len);
	}
	if (st == ST_OK)
		st = base64_put(out, whole.data, whole.len);
	if (st == ST_OK) {
		swap(out->data + at, '+', '-');
		swap(out->data + at, '/', '_');
		while (out->data[out->len - 1] == '=')
			out->data[--out->len] = '\0';
	}
	buf_release(&whole);
	return st;
}

/* The bytes of a token, whoever made it. */
static enum status
decode(const char *token, struct buf *out)
{
	size_t len = strlen(token), n = 0;
	struct buf text = BUF_INIT;
	enum status st;

	if (len > PAGE_TOKEN_MAX || strpbrk(token, "+/=") != NULL)
		return ST_DENIED;
	buf_put(&text, token, len);
	while (text.len % 4 != 0)
		buf_putc(&text, '=');
	if ((st = text.err) == ST_OK && text.len == 0)
		st = ST_DENIED;
	if (st == ST_OK)
		st = buf_reserve(out, text.len);
	if (st == ST_OK) {
		swap(text.data, '-', '+');
		swap(text.data, '_', '/');
		st = base64_decode(text.data, text.len,
			 (unsigned char *)out->data, &n) == ST_OK
		    ? ST_OK
		    : ST_DENIED;
		out->len = st == ST_OK ? n : 0;
	}
	buf_release(&text);
	return st;
}

enum status
page_token_open(
    const struct page_token_seal *s, const char *token, struct buf *place)
{
	unsigned char seal[CRYPT_SHA256_SIZE];
	struct buf whole = BUF_INIT;
	enum status st = decode(token, &whole);

	if (st == ST_OK && whole.len < sizeof(seal))
		st = ST_DENIED;
	if (st == ST_OK)
		st = make_seal(s, whole.data + sizeof(seal),
		    whole.len - sizeof(seal), seal);
	if (st == ST_OK && !crypt_equal(seal, whole.data, sizeof(seal)))
		st = ST_DENIED;
	if (st == ST_OK)
		st = buf_put(
		    place, whole.data + sizeof(seal), whole.len - sizeof(seal));
	buf_release(&whole);
	return st;
}
