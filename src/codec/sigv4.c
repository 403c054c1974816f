#include "codec/sigv4.h"

#include <stdbool.h>
#include <string.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/url.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"
#define DAY_LEN \
	SIGV4_DAY_LEN /* of "20261121T185000Z", what keys are derived from */

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

/* --- what somebody else has signed ------------------------------------------- */

#define NAME_SET "abcdefghijklmnopqrstuvwxyz0123456789-"

/* Copy up to the separator, and go past it. False: nothing or too much. */
static bool
take_field(
    const char **s, const char *end, char separator, char *out, size_t size)
{
	const char *stop = memchr(*s, separator, (size_t)(end - *s));
	size_t n;

	if (stop == NULL)
		return false;
	n = (size_t)(stop - *s);
	if (n == 0 || n >= size)
		return false;
	memcpy(out, *s, n);
	out[n] = '\0';
	*s = stop + 1;
	return true;
}

/* "AKID/20261121/us-east-1/sqs/aws4_request" */
static bool
read_credential(struct sigv4_claim *c, const char *s, const char *end)
{
	return take_field(
		   &s, end, '/', c->access_key_id, sizeof(c->access_key_id)) &&
	    take_field(&s, end, '/', c->day, sizeof(c->day)) &&
	    take_field(&s, end, '/', c->region, sizeof(c->region)) &&
	    take_field(&s, end, '/', c->service, sizeof(c->service)) &&
	    (size_t)(end - s) == strlen(SCOPE_END) &&
	    memcmp(s, SCOPE_END, strlen(SCOPE_END)) == 0;
}

const char *
sigv4_next_name(const struct sigv4_claim *c, size_t *at, size_t *len)
{
	const char *name = c->names + *at, *stop;
	size_t left = c->names_len - *at;

	if (*at >= c->names_len)
		return NULL;
	stop = memchr(name, ';', left);
	*len = stop == NULL ? left : (size_t)(stop - name);
	*at += *len + 1;
	return name;
}

static bool
read_names(struct sigv4_claim *c, const char *s, const char *end)
{
	const char *name, *before = NULL;
	size_t at = 0, len, len_before = 0, i, common;
	int order;

	c->names = s;
	c->names_len = (size_t)(end - s);
	if (c->names_len == 0 || end[-1] == ';')
		return false;
	while ((name = sigv4_next_name(c, &at, &len)) != NULL) {
		for (i = 0; i < len; i++)
			if (strchr(NAME_SET, name[i]) == NULL)
				return false;
		common = len < len_before ? len : len_before;
		order = before == NULL ? 1 : memcmp(name, before, common);
		if (len == 0 || order < 0 || (order == 0 && len <= len_before))
			return false;
		before = name;
		len_before = len;
	}
	return true;
}

static bool
read_signature(struct sigv4_claim *c, const char *s, const char *end)
{
	size_t n = (size_t)(end - s);

	if (n != SIGV4_SIGNATURE_MAX - 1 || strspn(s, "0123456789abcdef") < n)
		return false;
	memcpy(c->signature, s, n);
	c->signature[n] = '\0';
	return true;
}

enum status
sigv4_read(const char *s, struct sigv4_claim *c)
{
	static const struct {
		const char *name;
		bool (*read)(struct sigv4_claim *, const char *, const char *);
	} parts[] = {
		{ "Credential=", read_credential },
		{ "SignedHeaders=", read_names },
		{ "Signature=", read_signature },
	};
	unsigned seen = 0;
	const char *end;
	size_t i;

	*c = (struct sigv4_claim){ .names = "" };
	if (!str_starts(s, ALGORITHM " "))
		return ST_MALFORMED;
	s += strlen(ALGORITHM);
	while (*(s += strspn(s, " ,")) != '\0') {
		end = s + strcspn(s, " ,");
		for (i = 0; i < 3 && !str_starts(s, parts[i].name); i++)
			continue;
		if (i == 3 || (seen & 1u << i) != 0 ||
		    !parts[i].read(c, s + strlen(parts[i].name), end))
			return ST_MALFORMED;
		seen |= 1u << i;
		s = end;
	}
	return seen == 7 ? ST_OK : ST_MALFORMED;
}
