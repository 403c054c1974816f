/*
 * X-Twilio-Signature (https://www.twilio.com/docs/usage/security): base64 of
 * the HMAC-SHA1, under the account's token, of the URL that Twilio called and
 * each unique (name, value) pair of the form, sorted by name, then value,
 * bytewise. A URL with bodySHA256 in its query (JSON, or any other body that
 * is no form) is signed alone, and the hash covers the body.
 *
 * With a shared key (https://www.twilio.com/docs/usage/webhooks) the same is
 * signed, under the key's secret, by HMAC-SHA1 or HMAC-SHA256, and another
 * header, X-Twilio-Webhooks-Signature-Settings, says which and how.
 */
#ifndef TWILIO_SIGNATURE_H
#define TWILIO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"
#include "codec/crypt.h"
#include "codec/url.h"

/* Base64 characters and NUL: 28 by HMAC-SHA1, 44 by HMAC-SHA256. */
#define SIGNATURE_MAX 45

enum signature_algorithm { SIGNATURE_HMAC_SHA1, SIGNATURE_HMAC_SHA256 };

/* What was signed, in pieces as the request has them, and how. */
struct signature_input {
	const char *url; /* the whole public URL, raw, with its query */
	const struct kv *form; /* NULL: no form, or a GET */
	const char *body; /* raw, also of a form; NULL: none */
	size_t body_len;
	enum signature_algorithm algorithm;
};

enum signature_verdict {
	SIGNATURE_VALID,
	SIGNATURE_MISSING, /* no header */
	SIGNATURE_MALFORMED, /* not 28 (or 44) characters of base64, repeated,
	                        joined */
	SIGNATURE_WRONG, /* none of the tokens and URLs gives it */
	SIGNATURE_BODY_HASH, /* bodySHA256 is missing or is of another body */
	SIGNATURE_UNKNOWN_KEY, /* of a key that we have not, or none is named */
	SIGNATURE_UNKNOWN_ALGORITHM,
	SIGNATURE_NO_TOKEN, /* nothing to check with */
	SIGNATURE_FAILED, /* no memory, or libcrypto refused */
};

/* For the log and the metrics: "valid", "missing", "malformed", … */
const char *signature_verdict_name(enum signature_verdict);

/*
 * What X-Twilio-Webhooks-Signature-Settings says, "key=ID,algorithm=NAME", read
 * as npm twilio 6.3.1 does: cut at commas, white space around names and values
 * passed over, the first value that is not empty counts, no algorithm is
 * HMAC_SHA1. Of an empty header key.data is NULL: the account's token.
 * SIGNATURE_VALID; SIGNATURE_UNKNOWN_KEY, there is no ID in it;
 * SIGNATURE_UNKNOWN_ALGORITHM.
 */
struct signature_settings {
	struct url_part key; /* the ID, in header */
	enum signature_algorithm algorithm;
};
enum signature_verdict signature_settings(
    const char *header, struct signature_settings *);

const char *signature_algorithm_name(enum signature_algorithm);

/* How long a signature is: 28 or 44. */
size_t signature_len(enum signature_algorithm);

/*
 * Has the header the form of a signature (SIGNATURE_VALID), whatever it is of?
 * Else SIGNATURE_MISSING or SIGNATURE_MALFORMED. What it says goes to mac,
 * which has room for SIGNATURE_MAC_MAX bytes, unless that is NULL.
 */
#define SIGNATURE_MAC_MAX CRYPT_SHA256_SIZE
enum signature_verdict signature_header(
    const char *header, enum signature_algorithm, unsigned char *mac);

/*
 * The signature of exactly this URL (userinfo is not signed; ports and all
 * else stay as they are). ST_OK, ST_MALFORMED (no absolute URL), ST_NOMEM,
 * ST_IO.
 */
enum status signature_make(const struct signature_input *, const char *token,
    char out[static SIGNATURE_MAX]);

/*
 * Is header the signature of this input under one of the tokens, or secrets of
 * shared keys (NULL-ended; "" is passed over)? Tried: the URL without a port, and with its port as it
 * came or, where it has none, the default port; without userinfo and with it; a
 * root path with and without its "/". A fragment is not taken off: it is no
 * part of a request, so the configured URL must not have one.
 *
 * Where it is valid, digest gets the SHA-256 of the string that was signed
 * (NULL: it is not wanted). That string has no mark between names and values,
 * so one signature fits forms that are cut in many ways; the digest is the
 * same of them all, and of the same string under another token.
 */
#define SIGNATURE_DIGEST_SIZE 32
enum signature_verdict signature_check(const struct signature_input *,
    const char *const *tokens, const char *header, unsigned char *digest);

/*
 * The digest where nobody looks at the signature: of what would be signed of
 * this URL. A body that this does not cover counts as well. ST_OK, ST_NOMEM,
 * ST_IO.
 */
enum status signature_digest(const struct signature_input *,
    unsigned char digest[static SIGNATURE_DIGEST_SIZE]);

/*
 * Why does it not fit? Tries the usual causes on the input and names the first
 * that makes header right, in *out: "CAUSE: what differs; what to do", on one
 * line, never with the token, a parameter's value or the query in it. CAUSE is
 * one of valid, header, body, scheme, port, host, path, slash, query, encoding,
 * fragment, content_type, parameter, repeated, value, token, none.
 * ST_OK: a cause was found (or it is valid); ST_NOTFOUND: none; ST_NOMEM,
 * ST_IO. It gives up after 0.1 s or so, however large the input is.
 */
enum status signature_explain(const struct signature_input *,
    const char *const *tokens, const char *header, struct buf *out);

/*
 * The value of a bodySHA256, its percent-escapes decoded as by every SDK. False
 * and "": it is no hash, for its length.
 */
bool signature_hash(
    const struct url_part *, char plain[static CRYPT_SHA256_HEX_MAX]);

/*
 * Append what is signed of a form: the sorted pairs, each once, names and
 * values with nothing between them. Linear but for the sort.
 */
enum status signature_params(const struct kv *, struct buf *);

#endif
