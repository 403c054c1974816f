#include "codec/sigv4.h"

#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/url.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"
#define DAY_LEN 8 /* of "20261121T185000Z", what keys are derived from */

/* Escaped once more: all services but S3 sign the escapes of the wire as
 * text. */
static void
put_path(struct buf *out, const char *path)
{
	size_t n;

	if (*path == '\0')
		buf_putc(out, '/');
	for (; *path != '\0'; path += n) {
		n = strcspn(path, "/");
		url_encode(out, path, n);
		if (path[n] == '/') {
			buf_putc(out, '/');
			n++;
		}
	}
}

/* Without white space at the ends, and one space for each run within. */
static void
put_trimmed(struct buf *out, const char *s)
{
	size_t n;
	bool first = true;

	while (*(s += strspn(s, " \t")) != '\0') {
		n = strcspn(s, " \t");
		if (!first)
			buf_putc(out, ' ');
		buf_put(out, s, n);
		first = false;
		s += n;
	}
}

/* "content-type;host;x-amz-date" */
static void
put_names(struct buf *out, const struct kv *headers)
{
	size_t i;

	for (i = 0; i < headers->n; i++) {
		if (i > 0)
			buf_putc(out, ';');
		buf_puts(out, headers->pairs[i].name);
	}
}

static enum status
put_canonical(struct buf *out, const struct sigv4_request *r)
{
	const struct crypt_piece body = { r->body, r->body_len };
	char hash[CRYPT_SHA256_HEX_MAX];
	size_t size = 1024 + 3 * strlen(r->path), i;
	enum status st = crypt_sha256_hex(&body, 1, hash);

	/* Room for a token, so that no copy of it is left by growing. */
	for (i = 0; i < r->headers->n; i++)
		size += 2 * r->headers->pairs[i].name_len +
		    r->headers->pairs[i].value_len + 3;
	if (st != ST_OK || (st = buf_reserve(out, size)) != ST_OK)
		return st;
	buf_puts(out, r->method);
	buf_putc(out, '\n');
	put_path(out, r->path);
	buf_puts(out, "\n\n"); /* between them no query */
	for (i = 0; i < r->headers->n; i++) {
		buf_puts(out, r->headers->pairs[i].name);
		buf_putc(out, ':');
		put_trimmed(out, r->headers->pairs[i].value);
		buf_putc(out, '\n');
	}
	buf_putc(out, '\n');
	put_names(out, r->headers);
	buf_putc(out, '\n');
	return buf_puts(out, hash);
}

static void
put_scope(struct buf *out, const struct sigv4_request *r)
{
	buf_put(out, r->date, DAY_LEN);
	buf_putc(out, '/');
	buf_puts(out, r->region);
	buf_putc(out, '/');
	buf_puts(out, r->service);
	buf_puts(out, "/" SCOPE_END);
}

/* One step of the derivation: key = HMAC(key, text). */
static enum status
derive(unsigned char key[static CRYPT_SHA256_SIZE], const char *text, size_t n)
{
	const struct crypt_piece piece = { text, n };
	unsigned char next[CRYPT_SHA256_SIZE];
	enum status st =
	    crypt_hmac_sha256(key, CRYPT_SHA256_SIZE, &piece, 1, next);

	memcpy(key, next, sizeof(next));
	crypt_wipe(next, sizeof(next));
	return st;
}

static enum status
signing_key(const struct sigv4_request *r, const char *secret,
    unsigned char key[static CRYPT_SHA256_SIZE])
{
	const struct crypt_piece day = { r->date, DAY_LEN };
	struct buf first = BUF_INIT;
	enum status st = buf_reserve(&first, strlen(secret) + 4);

	buf_puts(&first, "AWS4");
	buf_puts(&first, secret);
	if (st == ST_OK)
		st = crypt_hmac_sha256(first.data, first.len, &day, 1, key);
	buf_wipe(&first);
	if (st == ST_OK)
		st = derive(key, r->region, strlen(r->region));
	if (st == ST_OK)
		st = derive(key, r->service, strlen(r->service));
	if (st == ST_OK)
		st = derive(key, SCOPE_END, strlen(SCOPE_END));
	return st;
}

enum status
sigv4_signature(const struct sigv4_request *r, const char *secret,
    char out[static SIGV4_SIGNATURE_MAX])
{
	unsigned char key[CRYPT_SHA256_SIZE], mac[CRYPT_SHA256_SIZE];
	char hash[CRYPT_SHA256_HEX_MAX];
	struct buf canonical = BUF_INIT, to_sign = BUF_INIT;
	enum status st = put_canonical(&canonical, r);

	*out = '\0';
	if (st == ST_OK)
		st = crypt_sha256_hex(
		    &(struct crypt_piece){ canonical.data, canonical.len }, 1,
		    hash);
	buf_wipe(&canonical);
	if (st != ST_OK)
		return st;
	buf_printf(&to_sign, ALGORITHM "\n%s\n", r->date);
	put_scope(&to_sign, r);
	buf_putc(&to_sign, '\n');
	if ((st = buf_puts(&to_sign, hash)) == ST_OK &&
	    (st = signing_key(r, secret, key)) == ST_OK &&
	    (st = crypt_hmac_sha256(key, sizeof(key),
		 &(struct crypt_piece){ to_sign.data, to_sign.len }, 1, mac)) ==
		ST_OK)
		crypt_hex(mac, sizeof(mac), out);
	crypt_wipe(key, sizeof(key));
	buf_release(&to_sign);
	return st;
}

enum status
sigv4_authorization(const struct sigv4_request *r, const char *access_key_id,
    const char *secret, struct buf *out)
{
	char signature[SIGV4_SIGNATURE_MAX];
	enum status st = sigv4_signature(r, secret, signature);

	if (st != ST_OK)
		return st;
	buf_printf(out, ALGORITHM " Credential=%s/", access_key_id);
	put_scope(out, r);
	buf_puts(out, ", SignedHeaders=");
	put_names(out, r->headers);
	return buf_printf(out, ", Signature=%s", signature);
}
