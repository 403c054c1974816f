/*
 * What was said in conversations, on the embedded engine: inbound messages
 * with their text, kept for store.keep_messages days, and for each conversation
 * what happened last. Replies are in store/reply.h; transcript_list shows both.
 *
 * Conversations may be kept elsewhere (DynamoDB): what is here came through
 * this installation.
 */
#ifndef STORE_TRANSCRIPT_H
#define STORE_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "store/store.h"

struct db;

/* An inbound message. Strings are NULL where there is none. */
struct transcript_said {
	const char *conversation_id;
	const char *key; /* MessageSid, or what stands for it */
	const char *sid; /* MessageSid, or NULL */
	const char *from; /* as Twilio sent it */
	const char *to;
	const char *channel;
	const char *text;
	const char *media; /* JSON: [{"url":…,"content_type":…}, …] */
	const char *route; /* "ai", "human" */
	const char *name; /* ProfileName */
	const char *service_sid; /* MessagingServiceSid */
	int64_t at_us;
};

/*
 * Inside a job: keep it, unless keep is false, and note that it came. Of a
 * conversation as it is now.
 */
enum status transcript_add(struct db *, const struct transcript_said *,
    const struct conversation *, bool keep);

/* Inside a job: a conversation has been added or changed; by is who did it, or
 * NULL. */
enum status transcript_note(
    struct db *, const struct conversation *, const char *by, int64_t at_us);

/* Inside a job: a conversation is removed, with all that was said in it. */
enum status transcript_forget(struct db *, const char *conversation_id);

/* Forget what was said before, at most limit messages. */
enum status transcript_purge(struct db *, int64_t before_us, int64_t limit);

/* --- conversations, as they are listed -------------------------------------- */

struct transcript_summary {
	const char *conversation_id;
	const char *tel;
	const char *name; /* the last ProfileName */
	bool handoff;
	int64_t handoff_us; /* 0: never, or before this was noted */
	const char *handoff_by;
	int64_t last_us; /* of the last message either way, or its creation */
	const char *last_text; /* of the last message that is kept */
	int64_t unanswered; /* inbound messages since the last outbound one */
	const char *our_address; /* what the last inbound message came to */
	const char *their_address; /* and from, as Twilio sent it */
	const char *channel;
	const char *service_sid;
};

/* Gets each; strings live for the call. Not ST_OK ends the walk. */
typedef enum status transcript_summary_fn(
    const struct transcript_summary *, void *arg);

/* ST_NOTFOUND: nothing came yet. */
enum status transcript_get(
    struct db *, const char *conversation_id, transcript_summary_fn *, void *);

/*
 * Newest activity first, after (last_us, id) of the page before: 0 and NULL are
 * the beginning. tri-state filters: -1 is any.
 */
struct transcript_query {
	int handoff, unanswered;
	const char *const *tels; /* any of these, or NULL */
	size_t tels_n;
	const char *part; /* of number or name, or NULL */
	int64_t before_us;
	const char *before_id;
	size_t limit;
};
enum status transcript_conversations(struct db *,
    const struct transcript_query *, transcript_summary_fn *, void *);

/* --- messages, both ways ---------------------------------------------------- */

struct transcript_message {
	const char *id; /* inbound: the key; outbound: "r" and a number */
	const char *conversation_id;
	bool outbound;
	const char *sid, *from, *to, *channel, *text;
	const char *media; /* JSON, or NULL */
	int64_t at_us;
	const char *route; /* inbound */
	const char *author; /* outbound, as the rest */
	const char *state, *error_code, *error;
};
typedef enum status transcript_message_fn(
    const struct transcript_message *, void *arg);

/* Newest first, after (at_us, id) of the page before. */
enum status transcript_messages(struct db *, const char *conversation_id,
    int64_t before_us, const char *before_id, size_t limit,
    transcript_message_fn *, void *);

#endif
