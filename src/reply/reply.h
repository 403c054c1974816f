/*
 * Replies: from a request, a command or a worker into the database, and from
 * there to Twilio, each once (store/reply.h, twilio/rest/messages.h).
 */
#ifndef REPLY_REPLY_H
#define REPLY_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct app;
struct db;
struct json;

struct reply_draft {
	const char *conversation_id;
	const char *client_id; /* the caller's, or NULL */
	const char *author; /* an agent's name; of a machine "machine" */
	bool machine;
	const char *text; /* or NULL */
	const char *const *media; /* URLs */
	size_t media_n;
	/* What is to be done in the same transaction, or NULL: all of it or
	 * nothing. Its status is the result unless ST_OK. */
	enum status (*with)(struct db *, void *arg);
	void *with_arg;
};

/* What came of a draft. */
enum reply_answer {
	REPLY_STORED,
	REPLY_KNOWN, /* this client_id came before, with the same */
	REPLY_WRONG, /* why is a sentence */
	REPLY_NO_CONVERSATION,
	REPLY_OPTED_OUT,
	REPLY_HANDED_OFF, /* a machine's, and people have taken over */
	REPLY_NO_SENDER, /* nothing came from them, and no twilio.sender */
	REPLY_REUSED, /* this client_id came before, with something else */
	REPLY_BROKEN, /* see the status */
};

/* Store it. id is set by the first two; why is a sentence for whoever wrote it,
 * of all others. The status is that of REPLY_BROKEN. */
enum reply_answer reply_write(const struct app *, const struct reply_draft *,
    int64_t *id, struct buf *why, enum status *);

/*
 * Send this one now, if it is its turn, and keep what came of it; within some
 * seconds. What is not sent waits for reply_work.
 */
void reply_send(const struct app *, int64_t id);

/* What went wrong, in words: as it was noted, or what Twilio's code means; NULL:
 * nothing that is known. */
const char *reply_words(const char *error_code, const char *error);

/*
 * Do one thing that is due: send a reply, give up on one whose sender has died,
 * or look for one that is unknown. True: there may be more. Otherwise *due_us is
 * when to look again (0: when another is stored).
 */
bool reply_work(const struct app *, int64_t *due_us);

#endif
