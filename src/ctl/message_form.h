/*
 * The parameters that Twilio posts with an inbound message and with a status
 * callback (https://www.twilio.com/docs/messaging/guides/webhook-request), as
 * t/data/webhook-samples.json has them.
 */
#ifndef CTL_MESSAGE_FORM_H
#define CTL_MESSAGE_FORM_H

#include "base/kv.h"
#include "base/status.h"
#include "ctl/webhook.h"

/* An inbound message. Strings are not NULL. */
struct message_form {
	const char *sid, *from, *to, *body;
	const char *account_sid; /* "": zeros */
	const char *profile; /* the sender's name; WhatsApp only */
	struct kv media; /* the values are URLs; at most 10 */
};

/* Is it WhatsApp, by its address? */
bool message_is_whatsapp(const char *address);

enum status message_form_fill(struct webhook *, const struct message_form *);

/* A status callback of an outbound message. */
struct status_form {
	const char *sid, *status, *from, *to;
	const char *account_sid;
	const char *error_code; /* NULL: none */
};

enum status status_form_fill(struct webhook *, const struct status_form *);

#endif
