/* What Twilio's answers say of messages; whatever it is that answers. For
 * messages.c, and what tests it. */
#ifndef TWILIO_REST_MESSAGES_READ_H
#define TWILIO_REST_MESSAGES_READ_H

#include "base/buf.h"
#include "base/status.h"
#include "twilio/rest/messages.h"
#include "twilio/rest/page.h"

/* The message that was created: outcome, sid, status and error_code. ST_OK;
 * ST_MALFORMED (it has no SID, or is none) or ST_NOMEM, and nothing is set. */
enum status messages_read_created(
    const struct buf *, struct messages_result *out);

/* Add what fits of a page. ST_OK; ST_MALFORMED (what fits lacks SID or date) or
 * ST_NOMEM. */
enum status messages_read_page(
    const struct messages_query *, struct rest_page *, struct messages_list *);

#endif
