/* signature_explain: what is looked at in which order. */
#include "twilio/explain.h"

#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "codec/crypt.h"

/* Bytes digested in all, 0.1 s or so; a usual message needs a third. */
#define WORK_MAX ((size_t)12 << 20)

bool
search_try(struct search *s, const struct signature_input *variant)
{
	enum signature_verdict verdict;

	if (s->st != ST_OK || s->work < s->cost)
		return false;
	s->work -= s->cost;
	verdict = signature_check(variant, s->tokens, s->header, NULL);
	if (verdict == SIGNATURE_FAILED)
		s->st = ST_NOMEM;
	/* The URL's signature fits, whatever the hash of the body is. */
	return verdict == SIGNATURE_VALID || verdict == SIGNATURE_BODY_HASH;
}

bool
search_try_form(struct search *s, const struct kv *form)
{
	struct signature_input variant = s->input;

	variant.form = form;
	return search_try(s, &variant);
}

bool
search_tell(struct search *s, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	buf_vprintf(s->out, format, ap);
	va_end(ap);
	return true;
}

static bool
header_is_hex(const char *h, size_t n)
{
	return (n == 2 * CRYPT_SHA1_SIZE || n == 2 * CRYPT_SHA256_SIZE) &&
	    strspn(h, "0123456789abcdefABCDEF") == n;
}

/* A header that cannot be a signature: what is it? */
static bool
explain_header(struct search *s)
{
	const char *h = s->header;
	const size_t n = strlen(h);
	const bool sha256 = s->input.algorithm == SIGNATURE_HMAC_SHA256;
	const struct {
		bool is;
		const char *words;
	} causes[] = {
		{ strchr(h, ',') != NULL,
		    "X-Twilio-Signature came more than once and was joined "
		    "with a comma; send it once." },
		{ n > signature_len(s->input.algorithm) &&
			strpbrk(h, " \t\r\n") != NULL,
		    "there is white space around the signature; take it off." },
		{ h[0] == '"' || h[0] == '\'',
		    "the signature is in quotes; take them off." },
		{ strncasecmp(h, "sha1=", 5) == 0 ||
			strncasecmp(h, "sha256=", 7) == 0,
		    "the signature has a prefix (\"sha1=\", \"sha256=\"), "
		    "which Twilio's has not." },
		{ !sha256 && n == signature_len(SIGNATURE_HMAC_SHA256),
		    "44 characters are an HMAC-SHA256, which Twilio makes with "
		    "a shared key; X-Twilio-Webhooks-Signature-Settings, which "
		    "names key and algorithm, is missing or says HMAC_SHA1." },
		{ sha256 && n == signature_len(SIGNATURE_HMAC_SHA1),
		    "28 characters are an HMAC-SHA1, but "
		    "X-Twilio-Webhooks-Signature-Settings says HMAC_SHA256." },
		{ header_is_hex(h, n),
		    "the signature is in hex; Twilio's is in base64." },
		{ strchr(h, '%') != NULL,
		    "the signature is percent-encoded; give it as it came." },
		{ strpbrk(h, "-_") != NULL,
		    "this is base64 of the URL-safe kind; Twilio's has \"+\" "
		    "and \"/\"." },
		{ strchr(h, ' ') != NULL,
		    "a \"+\" of the signature was decoded to a space; give it "
		    "as it came." },
		{ sha256,
		    "this is not 44 characters of base64, so it is cut off or "
		    "no signature at all." },
		{ true,
		    "this is not 28 characters of base64, so it is cut off or "
		    "no signature at all." },
	};
	size_t i = 0;

	while (!causes[i].is)
		i++;
	return search_tell(s, "header: %s", causes[i].words);
}

/* Is hash that of the body with this many bytes more or fewer at its end? */
static bool
hash_fits(
    const struct search *s, const char *hash, size_t cut, const char *more)
{
	const struct crypt_piece body[] = {
		{ s->input.body, s->input.body_len - cut },
		{ more, strlen(more) },
	};
	char hex[CRYPT_SHA256_HEX_MAX];

	return crypt_sha256_hex(body, 2, hex) == ST_OK &&
	    strcasecmp(hash, hex) == 0;
}

/* The URL is signed, the body is not the one that was. */
static bool
explain_body(struct search *s)
{
	const struct url_part *query = &s->url.query;
	const char *body = s->input.body, *at = NULL;
	char hash[CRYPT_SHA256_HEX_MAX];
	struct url_part value;
	size_t n = s->input.body_len;

	if (query->data != NULL)
		at = memmem(query->data, query->len, "bodySHA256=", 11);
	if (at == NULL)
		return search_tell(s,
		    "body: the body was not handled as a "
		    "form, and the URL has no bodySHA256 to "
		    "cover it; if it is a form, its "
		    "Content-Type is wrong or got lost.");
	at += strlen("bodySHA256=");
	value = (struct url_part){ at, strcspn(at, "&#") };
	signature_hash(&value, hash);
	if (hash_fits(s, hash, 0, ""))
		return search_tell(s,
		    "body: bodySHA256 is in upper-case hex; "
		    "Twilio's is in lower-case.");
	if (hash_fits(s, hash, 0, "\n") || hash_fits(s, hash, 0, "\r\n") ||
	    (n > 0 && body[n - 1] == '\n' && hash_fits(s, hash, 1, "")) ||
	    (n > 1 && body[n - 2] == '\r' && hash_fits(s, hash, 2, "")))
		return search_tell(s,
		    "body: a line end was added to the body "
		    "or taken off; use its bytes as they "
		    "came.");
	return search_tell(s,
	    "body: the URL's signature is right, but "
	    "bodySHA256 is of another body; use the raw "
	    "bytes, not JSON that was read and written "
	    "again.");
}

/*
 * A proxy that ends TLS often changes something else too: look at the rest
 * with the other scheme.
 */
static bool
explain_url_and_scheme(struct search *s)
{
	const bool tls = url_part_is(&s->url.scheme, "https");
	const char *scheme = tls ? "http" : "https";
	struct search other = *s;
	struct buf url = BUF_INIT, what = BUF_INIT;
	bool found;

	if (!tls && !url_part_is(&s->url.scheme, "http"))
		return false;
	buf_printf(&url, "%s%s", scheme, s->input.url + s->url.scheme.len);
	other.url.scheme = (struct url_part){ scheme, strlen(scheme) };
	other.out = &what;
	other.input.url = buf_str(&url);
	other.st = url.err;
	found = explain_url(&other) &&
	    search_tell(s,
		"scheme: the URL that Twilio called began with %s:// (make "
		"server.public_url begin so), and something else differs too: "
		"%s",
		scheme, buf_str(&what));
	s->work = other.work;
	s->st = other.st;
	buf_release(&url);
	buf_release(&what);
	return found;
}

static enum status
explain_wrong(struct search *s)
{
	if (explain_url(s) || explain_form(s) || explain_token(s) ||
	    explain_url_and_scheme(s) || s->st != ST_OK)
		return s->st;
	search_tell(s,
	    "none: no usual cause fits. Compare with the URL in Twilio's "
	    "console letter by letter (another host cannot be guessed), look "
	    "whether the token is that of the account which owns the number "
	    "(a subaccount has its own) or the secret that of the shared key, "
	    "and whether the body is complete and unchanged.");
	return ST_NOTFOUND;
}

static void
search_init(struct search *s, const struct signature_input *input,
    const char *const *tokens, const char *header, struct buf *out)
{
	const struct kv_pair *p;
	size_t i;

	*s = (struct search){ .input = *input,
		.tokens = tokens,
		.header = header == NULL ? "" : header,
		.work = WORK_MAX,
		.out = out };
	s->cost = strlen(input->url) + 512;
	if (input->form != NULL)
		for (i = 0; i < input->form->n; i++) {
			p = &input->form->pairs[i];
			s->cost += p->name_len + p->value_len + 64;
		}
}

/* Names and paths are whoever's who sent them: no control of a terminal. */
static void
tame(struct buf *out, size_t from)
{
	size_t i;

	for (i = from; i < out->len; i++)
		if ((unsigned char)out->data[i] < 0x20 || out->data[i] == 0x7f)
			out->data[i] = '?';
}

static enum status
explain(const struct signature_input *input, const char *const *tokens,
    const char *header, struct buf *out)
{
	struct search s;
	enum status st = ST_OK;

	search_init(&s, input, tokens, header, out);
	if (url_split(input->url, strlen(input->url), &s.url) != ST_OK) {
		search_tell(&s,
		    "none: the URL is not absolute; it begins "
		    "with https:// and a host.");
		return out->err != ST_OK ? out->err : ST_NOTFOUND;
	}
	switch (signature_check(input, tokens, s.header, NULL)) {
	case SIGNATURE_VALID:
		search_tell(&s, "valid: the signature is right.");
		break;
	case SIGNATURE_MISSING:
		search_tell(&s,
		    "header: there is no X-Twilio-Signature; the "
		    "request is not from Twilio, or the server in "
		    "front does not pass the header on.");
		break;
	case SIGNATURE_MALFORMED:
		explain_header(&s);
		break;
	case SIGNATURE_WRONG:
		st = explain_wrong(&s);
		break;
	case SIGNATURE_BODY_HASH:
		explain_body(&s);
		break;
	case SIGNATURE_NO_TOKEN:
		search_tell(&s, "token: there is none; set twilio.auth_token.");
		break;
	case SIGNATURE_UNKNOWN_KEY:
	case SIGNATURE_UNKNOWN_ALGORITHM: /* are of signature_settings */
	case SIGNATURE_FAILED:
		st = ST_NOMEM;
		break;
	}
	return out->err != ST_OK ? out->err : st;
}

enum status
signature_explain(const struct signature_input *input,
    const char *const *tokens, const char *header, struct buf *out)
{
	size_t from = out->len;
	enum status st = explain(input, tokens, header, out);

	tame(out, from);
	return st;
}
