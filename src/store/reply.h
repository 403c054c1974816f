/*
 * Replies, on the embedded engine. Creating a message at Twilio is not
 * idempotent, so a reply is stored before it is sent, and it is recorded that
 * it is being sent before it is: whoever dies in between leaves one that is
 * unknown, which is never sent again by itself.
 *
 *	queued		stored; to be sent at due_us
 *	sending		somebody is at it, since attempt_us; unknown at due_us
 *	unknown		Twilio may have it: to be settled by its status callback
 *			or Twilio's list, else by people (resend, drop)
 *	sent		Twilio has it (sid); then, by its status callbacks,
 *	delivered, read, undelivered, failed
 *	refused		Twilio does not take it, or we do not
 *	dropped		by people
 */
#ifndef STORE_REPLY_H
#define STORE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

#define REPLY_QUEUED "queued"
#define REPLY_SENDING "sending"
#define REPLY_UNKNOWN "unknown"
#define REPLY_SENT "sent"
#define REPLY_REFUSED "refused"
#define REPLY_FAILED "failed"
#define REPLY_DROPPED "dropped"

/* Strings are NULL where there is none. */
struct reply {
	int64_t id; /* given by reply_add */
	const char *conversation_id;
	const char *client_id; /* the caller's, for repeats */
	const char *author; /* an agent's name, or "machine" */
	bool machine;
	const char *from, *to; /* as Twilio wants them */
	const char *service_sid;
	const char *channel;
	const char *text;
	const char *media; /* JSON: [{"url":…,"content_type":null}, …] */
	int64_t created_us;
	const char *state;
	const char *sid;
	const char *error_code, *error;
	int64_t attempt_us; /* of the last; 0: none */
	int64_t attempts; /* that Twilio surely did not take */
	int64_t due_us; /* 0: nothing is to be done */
};

typedef enum status reply_fn(const struct reply *, void *arg);

/*
 * Inside a job: store one as queued and due now; it is the conversation's last
 * message, and what came before it is answered. ST_OK, its id is set;
 * ST_EXISTS: this client_id came before with this text and media, id is that
 * one's; ST_DENIED: with others.
 */
enum status reply_add(struct db *, struct reply *);

/* Inside a job or not; strings live for the call. ST_NOTFOUND. */
enum status reply_get(struct db *, int64_t id, reply_fn *, void *arg);

/*
 * Inside a job: the next that is queued, due and first of its conversation's
 * queued and sending ones (or, id not 0, this one if it is so) is sending from
 * now on, until until_us. ST_NOTFOUND: none.
 */
enum status reply_take(struct db *, int64_t id, int64_t now_us,
    int64_t until_us, reply_fn *, void *arg);

/* Inside a job: those that were sending until before now are unknown, and due
 * to be looked for. */
enum status reply_overdue(struct db *, int64_t now_us);

/* Inside a job: what waits to be tried again need not wait. */
enum status reply_hurry(struct db *, int64_t now_us);

/* The next that is unknown and due to be looked for; due again at until_us.
 * Inside a job. */
enum status reply_doubtful(
    struct db *, int64_t now_us, int64_t until_us, reply_fn *, void *arg);

/* When the next is due, for whoever waits; 0: nothing. Inside a job or not. */
enum status reply_next(struct db *, int64_t *due_us);

/*
 * Inside a job: what came of the attempt of that time. attempted: surely not
 * taken, counts as one. guessed: the SID is from Twilio's list. ST_NOTFOUND: it
 * is not sending (or unknown) any more, or is being tried again.
 */
struct reply_outcome {
	const char *state;
	int64_t attempt_us;
	bool guessed;
	const char *sid, *error_code, *error;
	int64_t due_us;
	bool attempted;
};
enum status reply_settle(struct db *, int64_t id, const struct reply_outcome *);

/* Does another reply have this SID? ST_OK: yes; ST_NOTFOUND: no. */
enum status reply_of_sid(struct db *, const char *sid);

/*
 * Inside a job: Twilio's status of the message with this SID, or (id not 0) of
 * this reply, which learns its SID by it. It never goes back: delivered stays
 * though sent comes late. What an attempt before the last says counts only if
 * the message went out. ST_NOTFOUND: none of ours, or no more.
 */
enum status reply_status(struct db *, int64_t id, const char *sid,
    const char *status, const char *error_code, const char *error);

/* Inside a job, by people: send again one that is unknown, refused or failed
 * (it keeps the SID that it had, so that this is known as the old one's);
 * or give up one that is not final. ST_DENIED: not in this state. */
enum status reply_resend(struct db *, int64_t id, int64_t now_us);
enum status reply_drop(struct db *, int64_t id);

/* Inside a job: the text of final ones from before is forgotten, at most limit
 * of them. */
enum status reply_purge(struct db *, int64_t before_us, int64_t limit);

/* How many of each state were created in a span, for a summary. */
typedef enum status reply_count_fn(
    int64_t hour, const char *state, int64_t n, void *arg);
enum status reply_counts(
    struct db *, int64_t from_us, reply_count_fn *, void *arg);

#endif
