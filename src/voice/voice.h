/* The handlers of calls, and what they read from a request. */
#ifndef VOICE_VOICE_H
#define VOICE_VOICE_H

#include <stdbool.h>
#include <stdint.h>

#include "serve/exchange.h"

/* No site wants to ask this often; a larger number in a URL is not ours. */
#define VOICE_ATTEMPT_MAX 1000

/*
 * Which attempt this is, from 1: it travels in the query of the action URL,
 * which Twilio signs. False if it answered 400.
 */
bool voice_attempt(struct exchange *, int64_t *attempt);

/* What was pressed, "" for nothing. False if it answered 400. */
bool voice_digits(struct exchange *, const char **digits);

void handle_incoming_call(struct exchange *);
void handle_transfer_call(struct exchange *);
void handle_call_status(struct exchange *);
/* A call that came to a route which has no TwiML for it. */
void handle_call_astray(struct exchange *);

/* Of digits.c. */
void handle_process_digits(struct exchange *);
void handle_confirm_digits(struct exchange *);

#endif
