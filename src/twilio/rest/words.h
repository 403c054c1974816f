/* What Twilio says of calls (its OpenAPI description: call_enum_status, and
 * the text of a call's direction). NULL-ended. */
#ifndef TWILIO_REST_WORDS_H
#define TWILIO_REST_WORDS_H

extern const char *const calls_statuses[];
extern const char *const calls_directions[];

#endif
