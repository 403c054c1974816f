/*
 * The parts of signature_explain. A cause changes the input, and if the header
 * fits the changed one, it is told. Most are a row of a table: which part of
 * the request, how it is changed, and the sentence (explain_table.c).
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

/* Does the header fit this input, or the one with this form? */
bool search_try(struct search *, const struct signature_input *);
bool search_try_form(struct search *, const struct kv *);

/* Append the form's pairs, if any, to be changed. False: no memory. */
bool search_copy_form(struct search *, struct kv *);

/* Write to out; true, so that a cause can return it. */
bool search_tell(struct search *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

/* The causes that lie in the URL; in the form or body; in values of the form;
 * in the token. True: one was found and told. */
bool explain_url(struct search *);
bool explain_form(struct search *);
bool explain_values(struct search *);
bool explain_token(struct search *);

#endif
