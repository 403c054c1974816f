/*
 * application/x-www-form-urlencoded (https://url.spec.whatwg.org/#application/
 * x-www-form-urlencoded), read as Twilio's official SDKs read it: bodies and
 * queries.
 */
#ifndef CODEC_FORM_H
#define CODEC_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"

/* Twilio sends about thirty; a longer list is refused before it costs much. */
#define FORM_PARAMS_MAX 4000

/*
 * The parameters in their order, in linear time. out must be empty; it owns
 * the decoded text. "+" is a space, the first "=" splits, an empty segment is
 * nothing, a name without "=" has the value "", ";" is data, a NUL (%00)
 * stays. A bad percent-escape is kept as it stands, and *malformed tells that
 * there was one. ST_OK; ST_TOOBIG (more than FORM_PARAMS_MAX) or ST_NOMEM: out
 * is then empty.
 */
enum status form_parse(
    const char *data, size_t len, struct kv *out, bool *malformed);

/* Append a name or value, encoded: a space is "+". */
enum status form_encode_value(struct buf *, const char *, size_t len);

/* Append "name=value", behind an "&" unless it is the first. */
enum status form_put(struct buf *, const struct kv_pair *);

#endif
