#include "twilio/signature.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/base64.h"
#include "codec/crypt.h"
#include "codec/url.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

const char *
signature_verdict_name(enum signature_verdict verdict)
{
	switch (verdict) {
	case SIGNATURE_VALID:
		return "valid";
	case SIGNATURE_MISSING:
		return "missing";
	case SIGNATURE_MALFORMED:
		return "malformed";
	case SIGNATURE_WRONG:
		return "wrong";
	case SIGNATURE_BODY_HASH:
		return "body_hash";
	case SIGNATURE_UNKNOWN_KEY:
		return "unknown_key";
	case SIGNATURE_UNKNOWN_ALGORITHM:
		return "unknown_algorithm";
	case SIGNATURE_NO_TOKEN:
		return "no_token";
	case SIGNATURE_FAILED:
		return "failed";
	}
	return "failed";
}

/* By enum signature_algorithm. */
static const struct {
	const char *name; /* Twilio's */
	size_t size;
	enum status (*hmac)(const void *key, size_t key_len,
	    const struct crypt_piece *, size_t n, unsigned char *out);
} algorithms[] = {
	[SIGNATURE_HMAC_SHA1] = { "HMAC_SHA1", CRYPT_SHA1_SIZE,
	    crypt_hmac_sha1 },
	[SIGNATURE_HMAC_SHA256] = { "HMAC_SHA256", CRYPT_SHA256_SIZE,
	    crypt_hmac_sha256 },
};

const char *
signature_algorithm_name(enum signature_algorithm a)
{
	return algorithms[a].name;
}

size_t
signature_len(enum signature_algorithm a)
{
	return (algorithms[a].size + 2) / 3 * 4;
}

static struct url_part
trim(struct url_part p)
{
	while (p.len > 0 && (p.data[0] == ' ' || p.data[0] == '\t')) {
		p.data++;
		p.len--;
	}
	while (p.len > 0 &&
	    (p.data[p.len - 1] == ' ' || p.data[p.len - 1] == '\t'))
		p.len--;
	return p;
}

/* The first value of this name that is not empty; len 0: there is none. */
static struct url_part
find_setting(const char *header, const char *name)
{
	struct url_part value = { header, 0 };
	const char *equals;
	size_t n;

	for (; value.len == 0; header += n + 1) {
		n = strcspn(header, ",");
		equals = memchr(header, '=', n);
		if (equals != NULL) {
			value = trim((struct url_part){
			    header, (size_t)(equals - header) });
			if (value.len == strlen(name) &&
			    memcmp(value.data, name, value.len) == 0)
				value = trim((struct url_part){ equals + 1,
				    n - (size_t)(equals - header) - 1 });
			else
				value.len = 0;
		}
		if (header[n] == '\0')
			break;
	}
	return value;
}

enum signature_verdict
signature_settings(const char *header, struct signature_settings *s)
{
	struct url_part name;
	size_t i;

	*s = (struct signature_settings){ .algorithm = SIGNATURE_HMAC_SHA1 };
	if (*header == '\0')
		return SIGNATURE_VALID;
	name = find_setting(header, "algorithm");
	for (i = 0; name.len > 0; i++) {
		if (i == COUNT(algorithms))
			return SIGNATURE_UNKNOWN_ALGORITHM;
		if (strlen(algorithms[i].name) != name.len ||
		    strncasecmp(algorithms[i].name, name.data, name.len) != 0)
			continue;
		s->algorithm = (enum signature_algorithm)i;
		break;
	}
	s->key = find_setting(header, "key");
	return s->key.len > 0 ? SIGNATURE_VALID : SIGNATURE_UNKNOWN_KEY;
}

static int
compare_bytes(const char *a, size_t a_len, const char *b, size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return order != 0 ? order : (a_len > b_len) - (a_len < b_len);
}

/* By name, then value: never by the two joined, which differs. */
static int
compare_pairs(const void *left, const void *right)
{
	const struct kv_pair *a = *(const struct kv_pair *const *)left;
	const struct kv_pair *b = *(const struct kv_pair *const *)right;
	int order;

	order = compare_bytes(a->name, a->name_len, b->name, b->name_len);
	if (order != 0)
		return order;
	return compare_bytes(a->value, a->value_len, b->value, b->value_len);
}

#define FEW 64 /* Twilio sends about thirty */

/*
 * Voice webhooks come sorted already or nearly so: then this takes a few
 * comparisons, where qsort takes hundreds.
 */
static void
sort_few(const struct kv_pair **pairs, size_t n)
{
	const struct kv_pair *p;
	size_t i, j;

	for (i = 1; i < n; i++) {
		p = pairs[i];
		for (j = i; j > 0 && compare_pairs(&pairs[j - 1], &p) > 0; j--)
			pairs[j] = pairs[j - 1];
		pairs[j] = p;
	}
}

enum status
signature_params(const struct kv *form, struct buf *out)
{
	const struct kv_pair *few[FEW], **sorted = few;
	enum status st = ST_NOMEM;
	size_t size = 0, i;

	/* More than a few are sorted on the heap. */
	if (form->n > FEW &&
	    (sorted = reallocarray(NULL, form->n, sizeof(*sorted))) == NULL)
		goto out;
	for (i = 0; i < form->n; i++) {
		sorted[i] = &form->pairs[i];
		size += sorted[i]->name_len + sorted[i]->value_len;
	}
	if (form->n > FEW)
		qsort(sorted, form->n, sizeof(*sorted), compare_pairs);
	else
		sort_few(sorted, form->n);
	buf_reserve(out, size);
	for (i = 0; i < form->n; i++) {
		if (i > 0 && compare_pairs(&sorted[i - 1], &sorted[i]) == 0)
			continue;
		buf_put(out, sorted[i]->name, sorted[i]->name_len);
		buf_put(out, sorted[i]->value, sorted[i]->value_len);
	}
	st = out->err;
out:
	if (sorted != few)
		free(sorted);
	return st;
}

/* What one signature covers, ready to be digested. */
struct subject {
	struct url url;
	struct url_part hash; /* bodySHA256's value; data NULL: there is none */
	struct buf params;
};

/* The first bodySHA256 of a query, raw. */
static struct url_part
find_body_hash(const struct url_part *query)
{
	static const char name[] = "bodySHA256";
	const size_t n = sizeof(name) - 1;
	const char *at = query->data, *end, *stop;

	if (at == NULL)
		return (struct url_part){ NULL, 0 };
	for (end = at + query->len; at < end; at = stop + 1) {
		stop = memchr(at, '&', (size_t)(end - at));
		stop = stop == NULL ? end : stop;
		if ((size_t)(stop - at) < n || memcmp(at, name, n) != 0)
			continue;
		if (at + n == stop)
			return (struct url_part){ stop, 0 };
		if (at[n] == '=')
			return (struct url_part){ at + n + 1,
				(size_t)(stop - at) - n - 1 };
	}
	return (struct url_part){ NULL, 0 };
}

static enum status
subject_init(struct subject *s, const struct signature_input *input)
{
	*s = (struct subject){ .params = BUF_INIT };
	if (url_split(input->url, strlen(input->url), &s->url) != ST_OK)
		return ST_MALFORMED;
	s->hash = find_body_hash(&s->url.query);
	if (input->form == NULL || s->hash.data != NULL)
		return ST_OK;
	return signature_params(input->form, &s->params);
}

static void
subject_release(struct subject *s)
{
	buf_release(&s->params);
}

/* One way of writing the URL: what stands between "://" and the parameters. */
struct variant {
	struct url_part userinfo, port; /* data NULL: left out */
	struct crypt_piece tail[2];
};

#define PIECES_N 9

/* The string that is signed. */
static void
subject_string(const struct subject *s, const struct variant *v,
    struct crypt_piece out[static PIECES_N])
{
	const struct crypt_piece pieces[PIECES_N] = {
		{ s->url.scheme.data, s->url.scheme.len + strlen("://") },
		{ v->userinfo.data, v->userinfo.len },
		{ "@", v->userinfo.data == NULL ? 0 : 1 },
		{ s->url.host.data, s->url.host.len },
		{ ":", v->port.data == NULL ? 0 : 1 },
		{ v->port.data, v->port.len },
		v->tail[0],
		v->tail[1],
		{ s->params.data, s->params.len },
	};

	memcpy(out, pieces, sizeof(pieces));
}

enum status
signature_make(const struct signature_input *input, const char *token,
    char out[static SIGNATURE_MAX])
{
	unsigned char mac[SIGNATURE_MAC_MAX];
	struct crypt_piece string[PIECES_N];
	struct variant as_it_is = { 0 };
	struct subject s;
	enum status st;

	out[0] = '\0';
	if ((st = subject_init(&s, input)) != ST_OK)
		goto out;
	as_it_is.port = s.url.port;
	as_it_is.tail[0] =
	    (struct crypt_piece){ s.url.tail.data, s.url.tail.len };
	subject_string(&s, &as_it_is, string);
	st = algorithms[input->algorithm].hmac(
	    token, strlen(token), string, PIECES_N, mac);
	if (st == ST_OK)
		base64_encode(mac, algorithms[input->algorithm].size, out);
out:
	subject_release(&s);
	return st;
}

enum status
signature_digest(const struct signature_input *input,
    unsigned char digest[static SIGNATURE_DIGEST_SIZE])
{
	struct crypt_piece string[] = { { input->url, strlen(input->url) },
		{ NULL, 0 } };
	struct url url = { .query = { NULL, 0 } };
	struct buf params = BUF_INIT;
	enum status st = ST_OK;

	(void)url_split(input->url, strlen(input->url), &url);
	if (input->form != NULL && find_body_hash(&url.query).data == NULL) {
		st = signature_params(input->form, &params);
		string[1] = (struct crypt_piece){ params.data, params.len };
	} else {
		string[1] =
		    (struct crypt_piece){ input->body, input->body_len };
	}
	if (st == ST_OK)
		st = crypt_sha256(string, COUNT(string), digest);
	buf_release(&params);
	return st;
}

#define VARIANTS_MAX 8 /* 2 ports, 2 root paths, 2 ways with userinfo */

/*
 * A URL without its port and with it; with the default port only where it has
 * none: https://h:8443 is not what was signed as https://h:443.
 */
static size_t
list_ports(const struct url *url, struct variant out[static VARIANTS_MAX])
{
	const char *usual = url_default_port(&url->scheme);
	struct variant v = { .port = url->port };
	size_t n = 0;

	v.tail[0] = (struct crypt_piece){ url->tail.data, url->tail.len };
	if (v.port.data == NULL && usual != NULL)
		v.port = (struct url_part){ usual, strlen(usual) };
	out[n] = v;
	out[n++].port = (struct url_part){ NULL, 0 };
	if (v.port.data != NULL)
		out[n++] = v;
	return n;
}

/*
 * All URLs to try, the likely ones first. twilio-node takes a root path with
 * and without its "/". Twilio signs no userinfo, but the SDKs take the URL as
 * they are given it.
 */
static size_t
list_variants(const struct url *url, struct variant out[static VARIANTS_MAX])
{
	size_t n = list_ports(url, out), i, known;

	for (i = 0, known = n; i < known; i++) {
		out[n] = out[i];
		if (url->path.len == 0) {
			out[n].tail[0] = (struct crypt_piece){ "/", 1 };
			out[n++].tail[1] = out[i].tail[0];
		} else if (url_part_is(&url->path, "/")) {
			out[n++].tail[0] =
			    (struct crypt_piece){ url->tail.data + 1,
				    url->tail.len - 1 };
		}
	}
	for (i = 0, known = n; i < known && url->userinfo.data != NULL; i++) {
		out[n] = out[i];
		out[n++].userinfo = url->userinfo;
	}
	return n;
}

/* ST_OK: this token gives the signature, for one of the URLs. */
static enum status
try_token(const struct subject *s, enum signature_algorithm a,
    const char *token, const unsigned char *wanted, unsigned char *digest)
{
	struct variant variants[VARIANTS_MAX];
	struct crypt_piece string[PIECES_N];
	unsigned char mac[SIGNATURE_MAC_MAX];
	size_t n = list_variants(&s->url, variants), i;
	enum status st = ST_NOTFOUND;

	for (i = 0; i < n; i++) {
		subject_string(s, &variants[i], string);
		st = algorithms[a].hmac(
		    token, strlen(token), string, PIECES_N, mac);
		if (st != ST_OK)
			return st;
		if (crypt_equal(mac, wanted, algorithms[a].size))
			return digest == NULL
			    ? ST_OK
			    : crypt_sha256(string, PIECES_N, digest);
	}
	return ST_NOTFOUND;
}

bool
signature_hash(
    const struct url_part *hash, char plain[static CRYPT_SHA256_HEX_MAX])
{
	const char *at = hash->data, *end = at + hash->len;
	size_t n = 0;
	int byte;

	for (; at < end && n < CRYPT_SHA256_HEX_MAX - 1; n++) {
		byte = *at == '%' ? url_hex_byte(at, end) : -1;
		plain[n] = byte < 0 ? *at : (char)byte;
		at += byte < 0 ? 1 : 3;
	}
	if (at != end || n != CRYPT_SHA256_HEX_MAX - 1)
		n = 0;
	plain[n] = '\0';
	return n > 0;
}

/* After the URL was found to be Twilio's: is the body? */
static enum signature_verdict
check_body(const struct signature_input *input, const struct url_part *hash)
{
	const struct crypt_piece body = { input->body, input->body_len };
	char hex[CRYPT_SHA256_HEX_MAX], plain[CRYPT_SHA256_HEX_MAX];

	if (hash->data == NULL)
		return input->form == NULL && input->body_len > 0
		    ? SIGNATURE_BODY_HASH
		    : SIGNATURE_VALID;
	if (crypt_sha256_hex(&body, 1, hex) != ST_OK)
		return SIGNATURE_FAILED;
	/* Exactly the lower-case digits, as every SDK compares them. */
	return signature_hash(hash, plain) &&
		crypt_equal(plain, hex, sizeof(hex) - 1)
	    ? SIGNATURE_VALID
	    : SIGNATURE_BODY_HASH;
}

static enum signature_verdict
check_mac(const struct signature_input *input, const char *const *tokens,
    const unsigned char *wanted, unsigned char *digest)
{
	enum signature_verdict verdict = SIGNATURE_NO_TOKEN;
	enum status st = ST_NOMEM;
	struct subject s;

	st = subject_init(&s, input);
	if (st != ST_OK && st != ST_MALFORMED) {
		verdict = SIGNATURE_FAILED;
		goto out;
	}
	for (; *tokens != NULL; tokens++) {
		if (**tokens == '\0')
			continue;
		verdict = SIGNATURE_WRONG;
		if (st == ST_MALFORMED) /* no URL, so nothing Twilio signed */
			goto out;
		st = try_token(&s, input->algorithm, *tokens, wanted, digest);
		if (st == ST_NOTFOUND)
			continue;
		verdict =
		    st == ST_OK ? check_body(input, &s.hash) : SIGNATURE_FAILED;
		goto out;
	}
out:
	subject_release(&s);
	return verdict;
}

enum signature_verdict
signature_header(
    const char *header, enum signature_algorithm a, unsigned char *mac)
{
	unsigned char bytes[(SIGNATURE_MAX - 1) / 4 * 3];
	size_t len = signature_len(a), n;

	if (str_empty(header))
		return SIGNATURE_MISSING;
	if (strlen(header) != len ||
	    base64_decode(header, len, bytes, &n) != ST_OK ||
	    n != algorithms[a].size)
		return SIGNATURE_MALFORMED;
	if (mac != NULL)
		memcpy(mac, bytes, n);
	return SIGNATURE_VALID;
}

enum signature_verdict
signature_check(const struct signature_input *input, const char *const *tokens,
    const char *header, unsigned char *digest)
{
	unsigned char wanted[SIGNATURE_MAC_MAX];
	enum signature_verdict verdict =
	    signature_header(header, input->algorithm, wanted);

	return verdict == SIGNATURE_VALID
	    ? check_mac(input, tokens, wanted, digest)
	    : verdict;
}
