/* Causes of a signature that does not fit which lie in the choice of the key:
 * X-Twilio-Webhooks-Signature-Settings, and [shared_keys]. */
#ifndef TWILIO_EXPLAIN_KEY_H
#define TWILIO_EXPLAIN_KEY_H

#include "base/buf.h"
#include "base/status.h"
#include "twilio/signature.h"

struct config;

/*
 * As signature_explain, with the cause "settings": what they say (verdict
 * SIGNATURE_UNKNOWN_KEY, SIGNATURE_UNKNOWN_ALGORITHM), or that a shared key fits
 * which they do not name. config NULL: it is not known. ST_OK; ST_NOTFOUND: it
 * lies elsewhere; ST_NOMEM.
 */
enum status signature_explain_key(const struct config *, enum signature_verdict,
    const struct signature_settings *, const struct signature_input *,
    const char *header, struct buf *out);

/* What is wrong with the settings of such a verdict: "settings: …". */
void signature_explain_settings(
    enum signature_verdict, const struct signature_settings *, struct buf *out);

#endif
