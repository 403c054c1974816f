/*
 * What a message says, whoever keeps it: out of a form, a JSON webhook or an
 * event, or out of the envelope in which it has waited.
 */
#ifndef MESSAGE_SAID_H
#define MESSAGE_SAID_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"

struct conversation;
struct db;
struct json;

/* Strings live as long as what they were read from; NULL if absent. */
struct said {
	const char *text; /* Body */
	const char *to;
	const char *name; /* ProfileName */
	const char *service_sid; /* MessagingServiceSid */
	struct buf
	    media; /* JSON: [{"url":…,"content_type":…}, …]; len 0: none */
};

/* ST_OK or ST_NOMEM. What is not as it should be is absent. */
enum status said_of_form(const struct kv *form, struct said *);

/* twilio_message of a webhook, or of one that was put into an envelope: its
 * parameters are texts or lists. An event's names begin with small letters. */
enum status said_of_json(const struct json *, bool is_event, struct said *);

/* A parameter's text in twilio_message; NULL if it is absent or "". */
const char *said_text(const struct json *, const char *name);

void said_release(struct said *);

#endif
