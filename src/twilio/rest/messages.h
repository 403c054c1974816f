/*
 * Twilio's Messages API (2010-04-01): create a message, and look for one that
 * may have been created. The wire format is Twilio's OpenAPI description
 * (twilio_api_v2010, CreateMessage and ListMessage) and
 * https://www.twilio.com/docs/messaging/api/message-resource.
 *
 * Creating is not idempotent: who sends again what Twilio has taken sends twice.
 * So messages_create tries once, on a connection of its own (libcurl would
 * repeat what a kept one lost), and says which of five things happened:
 *
 * outcome            what came of it                     what a caller does
 * MESSAGES_CREATED   2xx, with a SID                     remembers the SID
 * MESSAGES_REFUSED   4xx but the ones below; or the      shows messages_words;
 *                    draft is none (http is 0)           never sends it as it is
 * MESSAGES_NOT_TAKEN no name, connection or TLS; no      sends again, later
 *                    memory; 429 or code 20429           (retry_after_s)
 * MESSAGES_DENIED    401, 403; or the account lacks      fetches the credentials
 *                    something (http is 0)               anew, then sends again
 * MESSAGES_UNKNOWN   anything else: time-out, broken     never sends again by
 *                    off, 5xx, a redirect (it is not     itself; waits for the
 *                    followed), an answer that is none   status callback, or asks
 *                    or has no SID                       messages_find
 *
 * With the first four Twilio has surely taken it, or surely not.
 */
#ifndef TWILIO_REST_MESSAGES_H
#define TWILIO_REST_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "twilio/rest/account.h"
#include "twilio/rest/request.h"

struct http_client;

#define MESSAGES_BODY_MAX 1600 /* characters: code points of Unicode */
#define MESSAGES_MEDIA_MAX 10

/* What is to be sent. Addresses are exactly as Twilio has them: "+14155550100",
 * "whatsapp:+14155550100". */
struct messages_draft {
	const char *to, *from;
	const char *service_sid; /* MessagingServiceSid (MG…); NULL, "": none */
	const char *body; /* UTF-8; NULL or "": media alone */
	const char *const *media; /* URLs */
	size_t media_n;
	const char *status_callback; /* URL; NULL or "": none */
	long total_ms; /* how long Twilio may take; 0: MESSAGES_CREATE_MS */
};

/* Why this cannot be sent, a sentence for whoever wrote it; NULL: it can. Looks
 * at the bounds above, at text and addresses that are missing, and at UTF-8. */
const char *messages_draft_wrong(const struct messages_draft *);

enum messages_outcome {
	MESSAGES_UNKNOWN = 0,
	MESSAGES_CREATED,
	MESSAGES_REFUSED,
	MESSAGES_NOT_TAKEN,
	MESSAGES_DENIED,
};

#define MESSAGES_SID_MAX 35
#define MESSAGES_STATUS_MAX 24

struct messages_result {
	enum messages_outcome outcome;
	/* Of what was created: */
	char sid[MESSAGES_SID_MAX]; /* SM… or MM… */
	char status[MESSAGES_STATUS_MAX]; /* "queued", …; "" if not said */
	int error_code; /* 0: none */
	/* Otherwise: Twilio's HTTP and error codes, when to try again, and what
	 * happened, without secrets, text or numbers of the draft. */
	struct rest_failure why;
};

#define MESSAGES_CREATE_MS 10000

/* Waits for Twilio, total_ms at most. All memory is the caller's. */
void messages_create(struct http_client *, const struct rest_account *,
    const struct messages_draft *, struct messages_result *);

/* For people: what a well-known code means (message_error.h), else why.text.
 * Lives as long as the result. */
const char *messages_words(const struct messages_result *);

/* What an unknown one was. */
struct messages_query {
	const char *to, *from;
	const char *body; /* NULL is "" */
	int64_t since_us; /* when it was tried; of its second on */
};

/* A message of Twilio's whose To, From and text are those, created since. */
struct messages_found {
	char sid[MESSAGES_SID_MAX];
	char status[MESSAGES_STATUS_MAX];
	int error_code; /* 0: none */
	int64_t created_us; /* whole seconds */
};

#define MESSAGES_FOUND_MAX 32

struct messages_list {
	struct messages_found
	    items[MESSAGES_FOUND_MAX]; /* as Twilio lists them */
	size_t n;
	bool more; /* there may be others: these prove nothing */
};

#define MESSAGES_FIND_MS 30000 /* all pages */

/*
 * Ask Twilio's list: To, From, and DateSent on or after the day of since (that
 * filter has days); the rest is compared here. Follows next_page_uri, within
 * this account's list, for 2000 messages at most. A GET, so that it may be
 * tried again and again: an empty list may also mean that it is too early.
 *
 * ST_OK; or as calls_fetch (calls.h), the list is then empty and the failure
 * tells. A page with a message that fits but lacks SID or date is ST_MALFORMED.
 */
enum status messages_find(struct http_client *, const struct rest_account *,
    const struct messages_query *, struct messages_list *,
    struct rest_failure *);

#endif
