/* Why a request to Twilio's API did not work, in words. For src/twilio/rest. */
#ifndef TWILIO_REST_FAILURE_H
#define TWILIO_REST_FAILURE_H

#include "base/status.h"

struct calls_failure;
struct http_reply;

/* What must not be in the words, whoever says it. */
struct failure_secrets {
	const char *secret;
	const char *credentials; /* both, as they are sent: base64 */
};

void failure_reset(struct calls_failure *);

/* The sentence, cut where it is too long. */
void failure_say(struct calls_failure *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * What an answer means, by its HTTP code and Twilio's error object:
 * {"code":20404,"message":"…","more_info":"…","status":404}. ST_OK is 200.
 */
enum status failure_judge(struct calls_failure *, const struct http_reply *,
    const struct failure_secrets *);

#endif
