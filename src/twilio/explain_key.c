#include "twilio/explain_key.h"

#include <string.h>

#include "config/config.h"

void
signature_explain_settings(enum signature_verdict v,
    const struct signature_settings *s, struct buf *out)
{
	buf_puts(out, "settings: ");
	if (v == SIGNATURE_UNKNOWN_ALGORITHM)
		buf_puts(out,
		    "the algorithm is neither HMAC_SHA1 nor HMAC_SHA256; set "
		    "one of them in the Setting at Twilio, or look for a newer "
		    "version of this program");
	else if (s->key.len == 0)
		buf_puts(out,
		    "no key is named; write them as they came, in the form "
		    "key=ID,algorithm=HMAC_SHA256");
	else
		buf_printf(out,
		    "there is no shared key %.*s in the configuration; write "
		    "it and its secret under [shared_keys]",
		    (int)s->key.len, s->key.data);
}

/* Is it signed with a shared key that the settings do not name? Servers in front
 * may keep the header to themselves. */
static bool
explain_other_key(const struct config *config, const struct signature_input *in,
    const char *header, struct buf *out)
{
	const struct config_section *keys =
	    config_section(config, "shared_keys", "");
	const bool sha256 =
	    strlen(header) == signature_len(SIGNATURE_HMAC_SHA256);
	struct signature_input other = *in;
	const char *secret[2] = { NULL };
	size_t i;

	other.algorithm = sha256 ? SIGNATURE_HMAC_SHA256 : SIGNATURE_HMAC_SHA1;
	for (i = 0; keys != NULL && i < keys->n; i++) {
		secret[0] = keys->pairs[i].value;
		if (signature_check(&other, secret, header, NULL) !=
		    SIGNATURE_VALID)
			continue;
		buf_printf(out,
		    "settings: it is signed with the shared key %s by %s; let "
		    "the servers in front pass "
		    "X-Twilio-Webhooks-Signature-Settings, which says so, on",
		    keys->pairs[i].key,
		    signature_algorithm_name(other.algorithm));
		return true;
	}
	return false;
}

enum status
signature_explain_key(const struct config *config, enum signature_verdict v,
    const struct signature_settings *s, const struct signature_input *in,
    const char *header, struct buf *out)
{
	const bool unknown =
	    v == SIGNATURE_UNKNOWN_KEY || v == SIGNATURE_UNKNOWN_ALGORITHM;
	const bool named = s->key.len > 0 || v == SIGNATURE_UNKNOWN_ALGORITHM;

	if (unknown && named)
		signature_explain_settings(v, s, out);
	else if (config != NULL && explain_other_key(config, in, header, out))
		return out->err;
	else if (unknown)
		signature_explain_settings(v, s, out);
	else
		return ST_NOTFOUND;
	return out->err;
}
