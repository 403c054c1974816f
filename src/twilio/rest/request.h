/* A GET at Twilio's API, with all its tries, or a POST, tried once, and why it
 * did not work. */
#ifndef TWILIO_REST_REQUEST_H
#define TWILIO_REST_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct http_client;
struct http_reply;
struct rest_account;

/* Why it did not work, for a reply and the log; shows no secret. */
struct rest_failure {
	int http; /* Twilio's HTTP code, 0: no answer */
	int code; /* Twilio's error code (20404, …), 0: none */
	int retry_after_s; /* -1: not said */
	char text[256]; /* a sentence */
};

struct rest_request {
	const char *uri; /* from "/" on, behind the API's URL */
	long total_ms; /* for all tries */
	size_t max_body; /* of the answer, bytes */
	const char *form; /* of a POST: what it sends, encoded */
	/* What the words of a failure must not show besides the secret, should
	 * Twilio say it; NULL-ended, or NULL. Empty ones are passed over. */
	const char *const *hidden;
};

#define REST_TRIES 3

/*
 * ST_OK: HTTP 200, and the reply is the caller's to release. Else it is empty
 * and the failure tells; the status is one of calls_fetch's.
 */
enum status rest_get(struct http_client *, const struct rest_account *,
    const struct rest_request *, struct http_reply *, struct rest_failure *);

/*
 * One try on a connection of its own, never repeated: for what must not be done
 * twice. ST_OK: a 2xx, whichever (f->http), and the reply is the caller's to
 * release. Else it is empty and the failure tells; without an answer (f->http
 * is 0) *sent is false if Twilio surely got nothing of it.
 */
enum status rest_post(struct http_client *, const struct rest_account *,
    const struct rest_request *, struct http_reply *, bool *sent,
    struct rest_failure *);

/* Is the account whole? ST_OK, and an empty failure; or ST_CONFIG. */
enum status rest_check(const struct rest_account *, struct rest_failure *);

/* What must not be in the words of a failure, whoever says it. */
struct rest_private {
	const char *secret;
	const char *sent; /* with the user, in base64 */
	const char *const *others; /* as hidden of a rest_request */
};

/*
 * What an answer says, by its HTTP code and Twilio's error object, which may be
 * anything: {"code":20404,"message":"…","more_info":"…","status":404}. ST_OK is
 * 200; else the status is one of calls_fetch's.
 */
enum status failure_judge(struct rest_failure *, const struct http_reply *,
    const struct rest_private *);

/* What is to be told of a failure: nothing yet; a sentence, cut where it is
 * too long. */
void failure_reset(struct rest_failure *);
void failure_say(struct rest_failure *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
