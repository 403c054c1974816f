/*
 * Twilio's Calls API (2010-04-01): one call, or a page of the list. The wire
 * format is Twilio's OpenAPI description (twilio_api_v2010, FetchCall and
 * ListCall) and https://www.twilio.com/docs/voice/api/call-resource.
 *
 * Requests go over the shared HTTP client with Basic authentication. What may
 * be repeated is (429, 5xx, no connection): three tries, after a random part
 * of 100 ms doubled each time, at most 3 s, inside one deadline for all.
 */
#ifndef TWILIO_REST_CALLS_H
#define TWILIO_REST_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "twilio/rest/account.h"
#include "twilio/rest/page.h"
#include "twilio/rest/request.h"

struct http_client;

#define CALLS_FETCH_MS 10000 /* one call, all tries in all */
#define CALLS_LIST_MS 30000 /* a page */

/*
 * One call: the JSON object as Twilio sent it replaces what call has.
 *
 * ST_OK; ST_NOTFOUND (404); ST_DENIED (401, 403 or another 4xx: Twilio
 * refuses us); ST_BUSY (429 to the end); ST_TIMEOUT (late);
 * ST_UNAVAILABLE (no connection, or 5xx to the end); ST_MALFORMED (no JSON, or
 * not what was asked for); ST_TOOBIG; ST_IO (broken off); ST_NOMEM; ST_CONFIG
 * (rest_account_lacks something: nothing is asked). What went wrong
 * is in the failure.
 */
enum status calls_fetch(struct http_client *, const struct rest_account *,
    const char *sid, struct buf *call, struct rest_failure *);

/* What Twilio filters by. NULL: not. Times "2026-11-21T00:00:00Z". */
struct calls_query {
	const char *status;
	const char *from, *to; /* exactly as Twilio has them */
	const char *parent_sid; /* ParentCallSid */
	const char *start_from; /* StartTime>=, on or after */
	const char *start_before; /* StartTime<, before */
	int page_size; /* 1..REST_PAGE_MAX */
};

/*
 * A page of the list: the first one of query, or, if next_uri is not NULL,
 * that one, which must be a next_uri that Twilio gave for this account (any
 * other is ST_MALFORMED, and nothing is asked). Results as of calls_fetch, but
 * a 404 is ST_DENIED: there is no such account. A page without a next_page_uri
 * is the last.
 */
enum status calls_list(struct http_client *, const struct rest_account *,
    const struct calls_query *, const char *next_uri, struct rest_page *,
    struct rest_failure *);

/* What Twilio is known to say of calls (its OpenAPI description:
 * call_enum_status and the text of a call's direction; "initiated" is of status
 * callbacks); it adds to them. NULL-ended. */
extern const char *const calls_statuses[];
extern const char *const calls_directions[];

#endif
