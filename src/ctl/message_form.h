/*
 * The parameters that Twilio posts with an inbound message and with a status
 * callback (https://www.twilio.com/docs/messaging/guides/webhook-request), as
 * t/data/webhook-samples.json has them.
 */
#ifndef CTL_MESSAGE_FORM_H
#define CTL_MESSAGE_FORM_H

#include "base/status.h"
#include "ctl/ctl.h"
#include "ctl/webhook.h"

/*
 * Made of the command line; the account is of ctl->config, zeros if it has
 * none. ST_OK or ST_NOMEM.
 */
enum status message_form(const struct ctl *, struct webhook *, const char *sid);
enum status message_status_form(
    const struct ctl *, struct webhook *, const char *sid);

/* How many --media there are. */
size_t message_media_n(const struct ctl *);

#endif
