/*
 * The message log, on the embedded engine: each inbound message once (that is
 * what makes a repeat harmless) with where it went, and the status callbacks
 * of outbound messages.
 *
 * A message is known by its MessageSid and by the digest of what was signed:
 * whoever cuts a signed form in another way can take the SID away, but not
 * change the digest.
 */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

struct message_record {
	const char *sid; /* or, where it has none, what stands for it */
	const char *route; /* "ai", "human", "unrouted", "ignored" */
	const char *conversation_id; /* NULL: none */
	int64_t at_us;
	const unsigned char *digest; /* of what was signed; NULL when read */
	bool brief; /* the digest counts for MESSAGE_BRIEF_US only */
};

struct message_event {
	const char *sid;
	const char *status; /* "sent", "delivered", "read", … as Twilio says */
	const char *error_code; /* NULL: none */
	int64_t at_us;
};

#define MESSAGE_DIGEST_SIZE 32

/* So much of it is stored, for a short index. Two that begin alike would take
 * 2^64 messages that Twilio has signed. */
#define MESSAGE_DIGEST_KEPT 16

/*
 * Messages that rightly have no SID (Studio's JSON) may be the same again and
 * mean it: their digest tells a repeat for so long.
 */
#define MESSAGE_BRIEF_US INT64_C(900000000)

/* ST_OK, or ST_EXISTS: this sid or digest came before and nothing was added. */
enum status message_record(struct db *, const struct message_record *);

/* Take a record back: its message could not be kept. */
enum status message_forget(struct db *, const char *sid);

/* It went elsewhere since. ST_OK also if the sid is unknown. */
enum status message_reroute(struct db *, const char *sid, const char *route,
    const char *conversation_id);

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
