#include "codec/sigv4.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"
#include "codec/crypt.h"
#include "codec/url.h"

#define ALGORITHM "AWS4-HMAC-SHA256"
#define SCOPE_END "aws4_request"
#define DAY_LEN 8 /* of "20261121T185000Z", what keys are derived from */

/* The headers in the order in which they are signed. */
struct signed_headers {
	struct kv_pair pairs[SIGV4_HEADERS_MAX];
	size_t n;
};

static enum status
put_date(int64_t time_s, char out[static SIGV4_DATE_MAX])
{
	time_t seconds = (time_t)time_s;
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL ||
	    strftime(out, SIGV4_DATE_MAX, "%Y%m%dT%H%M%SZ", &tm) !=
		SIGV4_DATE_MAX - 1)
		return ST_MALFORMED;
	return ST_OK;
}

/* Insert by name in lower case; the same name again goes behind. */
static enum status
add_header(struct signed_headers *h, const struct kv_pair *p)
{
	size_t i = h->n;

	if (h->n == SIGV4_HEADERS_MAX)
		return ST_TOOBIG;
	for (; i > 0 && strcasecmp(h->pairs[i - 1].name, p->name) > 0; i--)
		h->pairs[i] = h->pairs[i - 1];
	h->pairs[i] = *p;
	h->n++;
	return ST_OK;
}

static enum status
add_own_header(struct signed_headers *h, const char *name, const char *value)
{
	const struct kv_pair p = { name, value, strlen(name), strlen(value) };

	return add_header(h, &p);
}

static enum status
collect_headers(const struct sigv4_request *r, const struct sigv4_keys *keys,
    const char *date, struct signed_headers *h)
{
	enum status st = add_own_header(h, "x-amz-date", date);
	size_t i;

	if (st == ST_OK && !str_empty(keys->session_token))
		st = add_own_header(
		    h, "x-amz-security-token", keys->session_token);
	for (i = 0; st == ST_OK && i < r->headers->n; i++)
		st = add_header(h, &r->headers->pairs[i]);
	return st;
}

/* Drop the last segment of what was written since start. */
static void
pop_segment(struct buf *out, size_t start)
{
	while (out->len > start && out->data[out->len - 1] != '/')
		out->len--;
	if (out->len > start)
		out->len--;
}

/*
 * The path without empty, "." and ".." segments, and escaped once more: all
 * services but S3 sign the escapes of the wire as text.
 */
static void
put_path(struct buf *out, const char *path)
{
	size_t start = out->len, n;
	bool slash = path[0] != '\0' && path[strlen(path) - 1] == '/';

	for (; *path != '\0'; path += n + (path[n] == '/')) {
		n = strcspn(path, "/");
		if (n == 0 || (n == 1 && path[0] == '.'))
			continue;
		if (n == 2 && memcmp(path, "..", 2) == 0) {
			pop_segment(out, start);
			continue;
		}
		buf_putc(out, '/');
		url_encode(out, path, n);
	}
	if (out->len == start || slash)
		buf_putc(out, '/');
}

static int
compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

static int
compare_pairs(const void *a, const void *b)
{
	const struct kv_pair *x = a, *y = b;
	int order = compare_bytes(x->name, x->name_len, y->name, y->name_len);

	return order != 0
	    ? order
	    : compare_bytes(x->value, x->value_len, y->value, y->value_len);
}

/* The parameters sorted by name, then value; a missing "=" is added. */
static enum status
put_query(struct buf *out, const char *query)
{
	struct kv list = KV_INIT;
	enum status st = ST_OK;
	size_t i, n, name_len;

	for (; st == ST_OK && *query != '\0'; query += n + (query[n] == '&')) {
		n = strcspn(query, "&");
		name_len = strcspn(query, "&=");
		st = name_len == n
		    ? kv_add(&list, query, n, "", 0)
		    : kv_add(&list, query, name_len, query + name_len + 1,
			  n - name_len - 1);
	}
	if (st != ST_OK)
		goto out;
	if (list.n > 1)
		qsort(list.pairs, list.n, sizeof(*list.pairs), compare_pairs);
	for (i = 0; i < list.n; i++) {
		if (i > 0)
			buf_putc(out, '&');
		buf_put(out, list.pairs[i].name, list.pairs[i].name_len);
		buf_putc(out, '=');
		buf_put(out, list.pairs[i].value, list.pairs[i].value_len);
	}
out:
	kv_release(&list);
	return st;
}

static void
put_lower(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++)
		buf_putc(out, (char)tolower((unsigned char)*s));
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

static bool
same_name(const struct signed_headers *h, size_t i)
{
	return i > 0 && strcasecmp(h->pairs[i - 1].name, h->pairs[i].name) == 0;
}

static void
put_headers(struct buf *out, const struct signed_headers *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (same_name(h, i)) {
			buf_putc(out, ',');
		} else {
			if (i > 0)
				buf_putc(out, '\n');
			put_lower(out, h->pairs[i].name);
			buf_putc(out, ':');
		}
		put_trimmed(out, h->pairs[i].value);
	}
	buf_putc(out, '\n');
}

/* "content-type;host;x-amz-date" */
static void
put_names(struct buf *out, const struct signed_headers *h)
{
	size_t i;

	for (i = 0; i < h->n; i++) {
		if (same_name(h, i))
			continue;
		if (i > 0)
			buf_putc(out, ';');
		put_lower(out, h->pairs[i].name);
	}
}

static enum status
put_canonical(struct buf *out, const struct sigv4_request *r,
    const struct signed_headers *h)
{
	const struct crypt_piece body = { r->body, r->body_len };
	char hash[CRYPT_SHA256_HEX_MAX];
	enum status st = crypt_sha256_hex(&body, 1, hash);

	if (st != ST_OK)
		return st;
	buf_puts(out, r->method);
	buf_putc(out, '\n');
	put_path(out, r->path);
	buf_putc(out, '\n');
	if (!str_empty(r->query) && (st = put_query(out, r->query)) != ST_OK)
		return st;
	buf_putc(out, '\n');
	put_headers(out, h);
	buf_putc(out, '\n');
	put_names(out, h);
	buf_putc(out, '\n');
	return buf_puts(out, hash);
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
signing_key(const struct sigv4_request *r, const char *secret, const char *date,
    unsigned char key[static CRYPT_SHA256_SIZE])
{
	const struct crypt_piece day = { date, DAY_LEN };
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

static void
put_scope(struct buf *out, const struct sigv4_request *r, const char *date)
{
	buf_put(out, date, DAY_LEN);
	buf_putc(out, '/');
	buf_puts(out, r->region);
	buf_putc(out, '/');
	buf_puts(out, r->service);
	buf_puts(out, "/" SCOPE_END);
}

/* Append the signature, in hex, of the canonical request. */
static enum status
put_signature(struct buf *out, const struct buf *canonical,
    const struct sigv4_request *r, const char *secret, const char *date)
{
	static const char digits[] = "0123456789abcdef";
	const struct crypt_piece text = { canonical->data, canonical->len };
	unsigned char key[CRYPT_SHA256_SIZE], mac[CRYPT_SHA256_SIZE];
	char hash[CRYPT_SHA256_HEX_MAX];
	struct buf to_sign = BUF_INIT;
	struct crypt_piece piece;
	enum status st = crypt_sha256_hex(&text, 1, hash);
	size_t i;

	if (st != ST_OK)
		goto out;
	buf_puts(&to_sign, ALGORITHM "\n");
	buf_puts(&to_sign, date);
	buf_putc(&to_sign, '\n');
	put_scope(&to_sign, r, date);
	buf_putc(&to_sign, '\n');
	if ((st = buf_puts(&to_sign, hash)) != ST_OK ||
	    (st = signing_key(r, secret, date, key)) != ST_OK)
		goto out;
	piece = (struct crypt_piece){ to_sign.data, to_sign.len };
	st = crypt_hmac_sha256(key, sizeof(key), &piece, 1, mac);
	for (i = 0; st == ST_OK && i < sizeof(mac); i++) {
		buf_putc(out, digits[mac[i] >> 4]);
		st = buf_putc(out, digits[mac[i] & 15]);
	}
out:
	crypt_wipe(key, sizeof(key));
	buf_release(&to_sign);
	return st;
}

static size_t
size_of_headers(const struct signed_headers *h)
{
	size_t i, size = 1024; /* method, path, names, digest */

	for (i = 0; i < h->n; i++)
		size += h->pairs[i].name_len + h->pairs[i].value_len + 2;
	return size;
}

enum status
sigv4_sign(const struct sigv4_request *r, const struct sigv4_keys *keys,
    struct sigv4 *out)
{
	struct signed_headers h = { .n = 0 };
	struct buf canonical = BUF_INIT;
	struct buf *auth = &out->authorization;
	enum status st;

	*out = (struct sigv4){ .authorization = BUF_INIT };
	/* Room for the token, so that no copy of it is left by growing. */
	if ((st = put_date(r->time_s, out->date)) != ST_OK ||
	    (st = collect_headers(r, keys, out->date, &h)) != ST_OK ||
	    (st = buf_reserve(&canonical, size_of_headers(&h))) != ST_OK ||
	    (st = put_canonical(&canonical, r, &h)) != ST_OK)
		goto out;
	buf_puts(auth, ALGORITHM " Credential=");
	buf_puts(auth, keys->access_key_id);
	buf_putc(auth, '/');
	put_scope(auth, r, out->date);
	buf_puts(auth, ", SignedHeaders=");
	put_names(auth, &h);
	buf_puts(auth, ", Signature=");
	st = put_signature(auth, &canonical, r, keys->secret, out->date);
out:
	buf_wipe(&canonical);
	if (st != ST_OK)
		sigv4_release(out);
	return st;
}

void
sigv4_release(struct sigv4 *s)
{
	buf_release(&s->authorization);
}
