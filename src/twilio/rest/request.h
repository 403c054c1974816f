/* A GET at Twilio's API, with all its tries, and why it did not work. */
#ifndef TWILIO_REST_REQUEST_H
#define TWILIO_REST_REQUEST_H

#include <stddef.h>

#include "base/status.h"

struct http_client;
struct http_reply;

/* Whom to ask, and as whom. Strings outlive the calls; our copies of the
 * secret are wiped. */
struct calls_account {
	const char *api_url; /* "https://api.twilio.com" */
	const char *account_sid;
	const char *user; /* account SID, or API key SID */
	const char *secret; /* auth token, or API key secret */
};

/* Why it did not work, for a reply and the log; shows no secret. */
struct calls_failure {
	int http; /* Twilio's HTTP code, 0: no answer */
	int code; /* Twilio's error code (20404, …), 0: none */
	int retry_after_s; /* -1: not said */
	char text[256]; /* a sentence */
};

struct rest_request {
	const char *uri; /* from "/" on, behind the API's URL */
	long total_ms; /* for all tries */
	size_t max_body; /* bytes */
};

#define REST_TRIES 3

/*
 * ST_OK: HTTP 200, and the reply is the caller's to release. Else it is empty
 * and the failure tells; the status is one of calls_fetch's.
 */
enum status rest_get(struct http_client *, const struct calls_account *,
    const struct rest_request *, struct http_reply *, struct calls_failure *);

/* What is to be told of a failure: nothing yet; a sentence, cut where it is
 * too long. */
void failure_reset(struct calls_failure *);
void failure_say(struct calls_failure *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
