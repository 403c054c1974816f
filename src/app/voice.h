/* What the handlers of calls read from a request. */
#ifndef APP_VOICE_H
#define APP_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "app/app.h"

/* No site wants to ask this often; a larger number in a URL is not ours. */
#define VOICE_ATTEMPT_MAX 1000

/*
 * Which attempt this is, from 1: it travels in the query of the action URL,
 * which Twilio signs. False if it answered 400.
 */
bool voice_attempt(struct exchange *, int64_t *attempt);

/* What was pressed, "" for nothing. False if it answered 400. */
bool voice_digits(struct exchange *, const char **digits);

#endif
