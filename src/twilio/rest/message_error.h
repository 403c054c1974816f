/*
 * Twilio's error codes of messages in plain English, for the people who wrote
 * them: what is wrong, and what to do. The codes come with a refusal (REST) and
 * with the status callbacks undelivered and failed (ErrorCode). Source:
 * https://www.twilio.com/docs/api/errors
 */
#ifndef TWILIO_REST_MESSAGE_ERROR_H
#define TWILIO_REST_MESSAGE_ERROR_H

/* A sentence, or NULL: it is not one of the well-known codes, and Twilio's own
 * words have to do. */
const char *message_error_words(int code);

#endif
