/*
 * The parts of signature_explain, one group of causes a file. A cause makes a
 * variant of the input, and if the header fits that, it tells so.
 */
#ifndef TWILIO_EXPLAIN_H
#define TWILIO_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"
#include "codec/url.h"
#include "twilio/signature.h"

struct search {
	struct signature_input input;
	const char *const *tokens;
	const char *header;
	struct url url; /* input.url, taken apart */
	size_t cost; /* of one try, in bytes digested, roughly */
	size_t work; /* what may still be spent */
	enum status st; /* the first failure; nothing is tried after it */
	struct buf *out; /* what to tell */
};

/* A cause tells and is true, or it does not fit. */
typedef bool cause_fn(struct search *);

/* Does the header fit this variant? */
bool search_try(struct search *, const struct signature_input *);

/* The same for the input with another URL, form, or tokens. */
bool search_try_url(struct search *, const struct url *);
bool search_try_form(struct search *, const struct kv *);
bool search_try_tokens(struct search *, const char *const *tokens);

/* The same with exactly these bytes signed, after the URL. */
bool search_try_signed(struct search *, const struct buf *params);

/* Append the form's pairs, if any, to be changed. False: no memory. */
bool search_copy_form(struct search *, struct kv *);

/* Write to out; true, so that a cause can return it. */
bool search_tell(struct search *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* The causes that lie in the URL; in the form or body; in the token. */
cause_fn explain_url, explain_form, explain_token;

/* The one cause of explain_url that is large: how its bytes are encoded. */
cause_fn explain_encoding;

/* Of explain_form: values that were changed. */
cause_fn explain_values;

/* Of explain_form: parameters that were lost. */
cause_fn explain_missing;

/* Some way of writing a text differently, appended. */
typedef void text_fn(struct buf *, const char *, size_t len);

text_fn explain_unescape; /* no percent-escapes; "+" left alone */

#endif
