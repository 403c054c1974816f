/*
 * Messages that wait on an embedded queue while it becomes known who their
 * sender is, or that people have taken over: they go where they belong then,
 * in their order. To a queue elsewhere they go by the spool.
 */
#ifndef MESSAGE_WAITING_H
#define MESSAGE_WAITING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "message/backends.h"

struct conversation;
struct conversation_change;
struct envelope;
struct queue;
struct queue_item;
struct sender_names;
struct store;

struct waiting {
	struct backends with;
	struct store *conversations;
	const char *by; /* who changes a conversation, or NULL */
};

/* How many messages went elsewhere. */
struct waiting_count {
	int64_t held; /* of what unknown_sender = hold kept */
	int64_t moved; /* from the AI's queue to people's */
};

/*
 * Add a conversation, or change one. What is held for its sender is then routed
 * by the sender's newest conversation, and where people have taken over, what
 * waits for the AI goes to them; with an embedded store it is one transaction.
 * ST_OK, ST_EXISTS, ST_NOTFOUND, or as the store.
 */
struct waiting_change {
	const char *id;
	const struct conversation *add; /* or NULL: */
	const struct conversation_change *to;
};
enum status waiting_apply(const struct waiting *, const struct waiting_change *,
    struct waiting_count *);

/*
 * People take a conversation over, and with it those of its messages that were
 * received and are not settled; all go to their queue, in order, and the
 * receipts are spent. ST_NOTFOUND: there is no such conversation, or a receipt
 * has run out.
 */
struct waiting_taken {
	struct queue *queue;
	const struct queue_item *items;
	const char *const *receipts; /* the items' */
	size_t n;
};
enum status waiting_hand_over(
    const struct waiting *, const char *id, const struct waiting_taken *);

/* Remove one, with what was said in it; what waits stays. ST_NOTFOUND. */
enum status waiting_remove(const struct waiting *, const char *id);

/*
 * Inside a job, of a sender whose conversation is known: what is held is
 * routed. count is added to. *opt_out is what was last said in it of opting out
 * (opt_out.h), or NULL; the caller notes it.
 */
enum status waiting_held(const struct waiting *, struct db *,
    const struct sender_names *, const struct conversation *, int64_t *count,
    const char **opt_out);

/*
 * What waits on a queue, all of it or (tel) a sender's, is put on the queue of
 * a role, or (role NULL) where the sender's conversation says, and stays if
 * there is none. count is added to. ST_OK; ST_UNSUPPORTED: that queue is
 * elsewhere, and there is no spool; or as db_write and the look-up.
 */
struct waiting_route {
	const char *queue; /* without "sqlite:" */
	const char *tel; /* NULL: of all */
	const char *role; /* ROLE_AI, ROLE_HUMAN, or NULL */
};
enum status waiting_route(
    const struct waiting *, const struct waiting_route *, int64_t *count);

/*
 * A message has been received from a queue: if that is the AI's, and people
 * have taken its conversation over meanwhile, it is put on theirs, *moved is
 * true, and the receipt is spent. Otherwise it may be handed out. Not ST_OK:
 * that could not be found out, or not be done; nothing has changed.
 */
enum status waiting_look_again(const struct waiting *, struct queue *,
    const struct queue_item *, bool *moved);

/* The conversation of a message: the one that it was routed by, or if there was
 * none, or is no more, the one that its sender has by now. ST_NOTFOUND: there is
 * none. The caller releases it. */
enum status waiting_conversation(
    const struct waiting *, const struct envelope *, struct conversation *);

/* Could a conversation be looked up just now? ST_OK, or as the look-up. */
enum status waiting_can_look(const struct waiting *);

#endif
