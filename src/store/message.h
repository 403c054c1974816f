/*
 * The message log, on the embedded engine: each inbound MessageSid once (that
 * is what makes a repeat harmless) with where it went, and the status
 * callbacks of outbound messages.
 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

struct message_record {
	const char *sid;
	const char *route; /* "ai", "human", "unrouted", "ignored" */
	const char *conversation_id; /* NULL: none */
	int64_t at_us;
};

struct message_event {
	const char *sid;
	const char *status; /* "sent", "delivered", "read", … as Twilio says */
	const char *error_code; /* NULL: none */
	int64_t at_us;
};

/* ST_OK, or ST_EXISTS: this sid came before and nothing was added. */
enum status message_record(struct db *, const struct message_record *);

/* Take a record back: its message could not be kept. */
enum status message_forget(struct db *, const char *sid);

/* ST_OK, or ST_EXISTS: this status of this sid is known already. */
enum status message_event(struct db *, const struct message_event *);

/* What is known of a sid; either may be missing. Strings live for the call. */
typedef enum status message_record_fn(const struct message_record *, void *);
typedef enum status message_event_fn(const struct message_event *, void *);
enum status message_show(struct db *, const char *sid, message_record_fn *,
    message_event_fn *, void *arg);

/* Forget records and events older than before_us, at most limit of each. */
enum status message_purge(struct db *, int64_t before_us, int64_t limit);

#endif
