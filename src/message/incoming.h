/*
 * The inbound messages in a webhook: one in a form, or in a JSON object as
 * Studio sends it; one in a Conversations webhook (EventType=onMessageAdded);
 * any number in an array of CloudEvents as Event Streams sends it
 * (https://www.twilio.com/docs/events/event-types/messaging/inbound-message).
 */
#ifndef MESSAGE_INCOMING_H
#define MESSAGE_INCOMING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "message/said.h"

struct exchange;
struct json;

/* Strings live as long as the exchange and this; NULL if absent. */
struct incoming {
	const char *from; /* never NULL or "" */
	const char *sid;
	const char *opt_out; /* OptOutType */
	const char *user_id; /* ExternalUserId */
	struct said said;
	struct buf message; /* "twilio_message" */
	struct json *json; /* owns the strings of a JSON webhook */
};

struct incoming_list {
	struct incoming *each;
	size_t n;
	bool is_events;
};

/*
 * All of them, or none: false if it answered, which it did where something is
 * missing or malformed (400), and where there is no message in it (204). The
 * caller releases the list in any case.
 */
bool incoming_take(struct exchange *, struct incoming_list *);
void incoming_release(struct incoming_list *);

#endif
