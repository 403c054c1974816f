/*
 * Queues. A port, as store.h: "sqlite:NAME", or the https:// address of an
 * SQS queue.
 *
 * An item is due once its delay has passed. Receiving hides it for a while
 * (visibility) under a fresh receipt; who holds the receipt acknowledges it
 * (gone), releases it (due again, perhaps later) or buries it among the dead
 * letters with a reason. A receipt that is not acknowledged in time runs out:
 * the item is due again, and the old receipt is refused. (A standard queue at
 * SQS may still accept it until somebody has taken the item again.)
 *
 * Items of one group leave in the order they came: none is given out while an
 * earlier one of its group waits, is delayed or is taken. One that is released
 * or runs out is the next of its group again; one that is acknowledged or
 * buried makes way. Items without a group wait for nobody. (A standard queue
 * at SQS keeps no order.)
 *
 * Who has received the first of a group may take more of it (receive_more): a
 * batch. Each of it has a receipt of its own, and as long as one of these holds
 * no other of the group is given out.
 *
 * Spans are whole seconds; a negative one, or one that is longer than the back
 * end can keep, is ST_MALFORMED.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct queue;

struct queue_message {
	const char *body;
	size_t len;
	int64_t delay_s; /* 0: due at once */
	const char *group; /* order is kept within it; NULL: none */
	const char *dead; /* a dead letter from the start, for this reason;
	                   * NULL: it is not */
	const char
	    *dedupe; /* the same of a repeat; for back ends that deduplicate */
	const char *attributes; /* SQS's MessageAttributes, a JSON object, for
	                         * back ends that keep them; NULL: none */
	const char *trace; /* X-Amzn-Trace-Id to pass on, or NULL */
};

enum queue_state {
	QUEUE_READY, /* due */
	QUEUE_DELAYED, /* not yet */
	QUEUE_TAKEN, /* received, neither acknowledged nor run out */
	QUEUE_DEAD, /* a dead letter */
};

#define QUEUE_ID_MAX 128
#define QUEUE_RECEIPT_MAX 2048

struct queue_item {
	char *id;
	char *receipt; /* NULL unless received */
	char *queue;
	char *body;
	size_t len;
	char *group; /* NULL: none */
	char *attributes; /* as they were pushed; NULL: none */
	int64_t attempts; /* how often received, this time included */
	/* When it is or was due; taken: when the receipt runs out; dead: when
	 * it died. */
	int64_t available_us;
	int64_t created_us;
	enum queue_state state;
	char *reason; /* of a release or a burial; NULL: none */
};

void queue_item_release(struct queue_item *);

struct queue_stats {
	int64_t ready, delayed, taken, dead;
	int64_t oldest_us; /* creation of the oldest not dead; 0: none */
};

/* What becomes of items that were received. */
struct queue_end {
	enum { QUEUE_ACK, QUEUE_RELEASE, QUEUE_BURY } how;
	int64_t delay_s; /* of a release */
	const char *reason; /* of a release or a burial; NULL: none */
};

/* Gets each item; its strings live for the call. Not ST_OK ends the walk. */
typedef enum status queue_row_fn(const struct queue_item *, void *arg);

struct queue_ops {
	/* Durable when it returns ST_OK. ST_TOOBIG, ST_MALFORMED (an empty
	 * body, too): never will. ST_UNSUPPORTED: no dead letters here. */
	enum status (*push)(struct queue *, const struct queue_message *);
	/* Take the item that is due longest, or ST_NOTFOUND. ST_CORRUPT: its
	 * checksum was wrong and it is now a dead letter; the next may be
	 * taken. The caller releases the item, which is empty on failure. */
	enum status (*receive)(
	    struct queue *, int64_t visibility_s, struct queue_item *);
	/* ST_NOTFOUND: the receipt has run out or is unknown; nothing changed. */
	enum status (*ack)(struct queue *, const char *receipt);
	enum status (*release)(struct queue *, const char *receipt,
	    int64_t delay_s, const char *reason);
	enum status (*bury)(
	    struct queue *, const char *receipt, const char *reason);
	/* The receipt holds for so long from now on. */
	enum status (*extend)(
	    struct queue *, const char *receipt, int64_t visibility_s);
	/*
	 * Of the group of a receipt that holds take those that came after it,
	 * in their order, with early also those that are not due; they run out
	 * when it does. So many at most, in so many bytes; none behind one that
	 * is damaged, or not due. *n may be 0, as it is without a group. ST_NOTFOUND: the receipt has run out. NULL: this
	 * back end cannot. The caller releases the n items.
	 */
	enum status (*receive_more)(struct queue *, const char *receipt,
	    bool early, size_t bytes, struct queue_item *, size_t max,
	    size_t *n);
	/* The same end for several receipts, of all or of none: ST_NOTFOUND,
	 * one has run out and nothing changed. NULL: this back end cannot. */
	enum status (*settle)(struct queue *, const char *const *receipts,
	    size_t n, const struct queue_end *);
	/* Look without taking, oldest first. dead: the dead letters instead.
	 * A wrong checksum shows as the reason "checksum". */
	enum status (*peek)(
	    struct queue *, bool dead, size_t limit, queue_row_fn *, void *arg);
	/* Dead letters due again, attempts counted from 0: one id (or
	 * ST_NOTFOUND), or with NULL all, which may be none. */
	enum status (*redrive)(struct queue *, const char *id, int64_t *count);
	enum status (*stats)(struct queue *, struct queue_stats *);
	void (*close)(struct queue *);
};

struct queue {
	const struct queue_ops *ops;
	const char *name; /* as the operator wrote it: "sqlite:ai" */
};

#endif
