/* A page of calls as Twilio sends it. For src/twilio/rest. */
#ifndef TWILIO_REST_PAGE_H
#define TWILIO_REST_PAGE_H

#include <stdbool.h>

#include "base/status.h"

struct calls_page;

/* "/2010-04-01/Accounts/AC…/Calls" */
#define PAGE_PATH "/2010-04-01/Accounts/%s/Calls"

/*
 * May this be asked for next? It is another page of this account's list, and
 * nothing in it leads elsewhere or breaks out of the request.
 */
bool page_uri_fits(const char *uri, const char *account_sid);

/* Find items and next_uri in the text. ST_OK; ST_MALFORMED, and *wrong says
 * what is; ST_NOMEM. */
enum status page_read(
    struct calls_page *, const char *account_sid, const char **wrong);

#endif
