/*
 * switchhook queue run --reply: what a command prints is the reply to the
 * messages that it was given, and it can hand them to people.
 */
#ifndef CTL_QUEUE_REPLY_H
#define CTL_QUEUE_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "message/envelope.h"
#include "message/waiting.h"

struct ctl;

/* The command's exit status that hands the conversation to people. */
#define QUEUE_REPLY_PEOPLE 10

/* What is kept of its output: more than any reply has. */
#define QUEUE_REPLY_OUTPUT ((size_t)64 << 10)

#define QUEUE_REPLY_REASON_MAX 256

/* Messages of one conversation on their way through the command. The caller
 * sets the first four; ctl->app is open. */
struct queue_reply {
	struct ctl *ctl;
	const struct waiting *waiting;
	const struct waiting_taken *taken;
	char *reason; /* QUEUE_REPLY_REASON_MAX: see below */

	char *conversation_id;
	char *from, *to; /* of the last message, as Twilio sent them; or NULL */
	char channel[ENVELOPE_CHANNEL_MAX];
	int64_t id; /* of the reply; 0: none was stored */
};

/* Find out whose they are. False: they cannot be answered, see reason. */
bool queue_reply_begin(struct queue_reply *);

/* Nothing that was set by the caller. */
void queue_reply_release(struct queue_reply *);

/* What has become of the messages. */
enum queue_reply_end {
	QUEUE_REPLY_SETTLED, /* answered and acknowledged, in one */
	QUEUE_REPLY_DONE, /* to be acknowledged; a reason says why there is no
	                   * new reply */
	QUEUE_REPLY_HANDED_OFF, /* they are with people, the receipts are spent */
	QUEUE_REPLY_FAILED, /* a failed try, see reason */
};

/* The command has ended well, and has printed this. */
enum queue_reply_end queue_reply_store(
    struct queue_reply *, const struct buf *printed);

/* The command, or somebody meanwhile, wants people to answer. */
enum queue_reply_end queue_reply_hand_over(struct queue_reply *);

#endif
