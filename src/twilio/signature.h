/*
 * X-Twilio-Signature (https://www.twilio.com/docs/usage/security): base64 of
 * the HMAC-SHA1, under the account's token, of the URL that Twilio called and
 * each unique (name, value) pair of the form, sorted by name, then value,
 * bytewise. A body that is not a form is covered by bodySHA256 in the query.
 */
#ifndef TWILIO_SIGNATURE_H
#define TWILIO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"

#define SIGNATURE_MAX 29 /* 28 base64 characters and NUL */

/* What was signed, in pieces as the request has them. */
struct signature_input {
	const char *url; /* the whole public URL, raw, with its query */
	const struct kv *form; /* NULL: the body is not a form */
	const char *body; /* read only when form is NULL */
	size_t body_len;
};

enum signature_verdict {
	SIGNATURE_VALID,
	SIGNATURE_MISSING, /* no header */
	SIGNATURE_MALFORMED, /* not 28 characters of base64, repeated, joined */
	SIGNATURE_WRONG, /* none of the tokens and URLs gives it */
	SIGNATURE_BODY_HASH, /* bodySHA256 is missing or is of another body */
	SIGNATURE_NO_TOKEN, /* nothing to check with */
	SIGNATURE_FAILED, /* no memory, or libcrypto refused */
};

/* For the log and the metrics: "valid", "missing", "malformed", … */
const char *signature_verdict_name(enum signature_verdict);

/*
 * The signature of exactly this URL (userinfo is not signed; ports and all
 * else stay as they are). ST_OK, ST_NOMEM, ST_IO.
 */
enum status signature_make(const struct signature_input *, const char *token,
    char out[static SIGNATURE_MAX]);

/*
 * Is header the signature of this input under one of the tokens (NULL-ended;
 * "" is passed over)? Tried: the URL without a port, with its port as it came,
 * with the default port; a root path with and without its "/".
 */
enum signature_verdict signature_check(const struct signature_input *,
    const char *const *tokens, const char *header);

/*
 * Why does it not fit? Tries the usual causes on the input and names the first
 * that makes header right: one sentence with what to do in *out.
 * ST_OK: a cause was found; ST_NOTFOUND: none fits (out says that too).
 */
enum status signature_explain(const struct signature_input *,
    const char *const *tokens, const char *header, struct buf *out);

#endif
