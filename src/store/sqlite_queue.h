/* Queues in the embedded database: one table, each queue a name in it. */
#ifndef STORE_SQLITE_QUEUE_H
#define STORE_SQLITE_QUEUE_H

#include "base/buf.h"
#include "store/queue.h"

struct db;

/*
 * url is how the operator wrote it, name what is in it after the scheme; both
 * are copied. ST_OK or ST_NOMEM. The db must outlive the queue.
 */
enum status sqlite_queue_open(
    struct db *, const char *url, const char *name, struct queue **);

/*
 * How much waits on each queue that has something, by name: for a page that is
 * asked for again and again, and so without what takes long (items.oldest_us).
 * Each number is counted up to most. Strings live for the call. Not ST_OK ends
 * the walk. ST_OK, or as db_read.
 */
struct queue_depth {
	const char *name; /* without "sqlite:" */
	struct queue_stats items;
	int64_t next_us; /* creation of the one that is next (due longest, or
	                    first to be); 0: none */
};
typedef enum status queue_depth_fn(const struct queue_depth *, void *arg);
enum status sqlite_queue_depths(
    struct db *, int64_t most, queue_depth_fn *, void *arg);

/* The same of one queue, which may have nothing; inside a job. The name in it
 * is the caller's. */
enum status sqlite_queue_depth(
    struct db *, const char *name, int64_t most, struct queue_depth *);

/*
 * The items of a queue in pages, inside a job: what is not dead in the order in
 * which it is due, those behind another of their group after all others, then
 * the dead letters, oldest first. A walk of an index, however many there are.
 * fn gets each with its place, which is the cursor of a page that begins behind
 * it. As peek in queue.h.
 */
struct queue_cursor {
	int64_t dead, behind, available_us, state, id;
};
struct queue_page {
	const char *queue; /* without "sqlite:" */
	const enum queue_state *state; /* NULL: any */
	const struct queue_cursor *after; /* NULL: from the beginning */
	int64_t limit;
};
typedef enum status queue_listed_fn(
    const struct queue_item *, const struct queue_cursor *, void *arg);
enum status sqlite_queue_list(
    struct db *, const struct queue_page *, queue_listed_fn *, void *arg);

/*
 * Inside a writing job: what waits of a group, neither taken nor dead, goes to
 * another place, or (to->queue NULL) leaves. Ids and ages stay, so that the
 * oldest is first there too. fn says what becomes of each, oldest first:
 * ST_OK, with its new body and when it is due; ST_NOTFOUND: it stays where it
 * is; any other ends the walk. count is added to. Names are without "sqlite:".
 */
struct queue_place {
	const char *queue;
	const char *group;
};
struct queue_moved {
	struct buf body;
	int64_t available_us; /* as it was, unless fn sets it */
};
typedef enum status queue_move_fn(
    struct db *, const char *body, size_t len, struct queue_moved *, void *arg);
enum status sqlite_queue_move(struct db *, const struct queue_place *from,
    const struct queue_place *to, queue_move_fn *, void *arg, int64_t *count);

/* The first group by name, after this one, that has something on the queue; the
 * caller frees it. ST_NOTFOUND: none. */
enum status sqlite_queue_next_group(
    struct db *, const char *queue, const char *after, char **group);

/*
 * push, and the new item's id. A dedupe that this queue has taken within
 * SQLITE_QUEUE_DEDUPE_US: ST_EXISTS, nothing is added, and the id is that of the
 * first, which may be gone.
 */
#define SQLITE_QUEUE_DEDUPE_US INT64_C(300000000)
enum status sqlite_queue_push(
    struct queue *, const struct queue_message *, char id[static QUEUE_ID_MAX]);

/* Inside a job: is the item of this receipt, which need not hold, still on some
 * queue? ST_OK, ST_NOTFOUND, ST_MALFORMED (it is none), or as db_read. */
enum status sqlite_queue_known(struct db *, const char *receipt);

/* Is anything due, at little cost? ST_OK, ST_NOTFOUND, or as db_read. */
enum status sqlite_queue_due(struct queue *);

/*
 * The dead letters of a queue as one of their own: push makes one of a message
 * whose dead is the reason, receive hides the oldest for a while under a
 * receipt (attempts are not counted), ack deletes it, extend and release hide
 * it for longer or no more. stats has them as ready. There is no bury, peek or
 * redrive: ST_UNSUPPORTED. A damaged one is passed over. As sqlite_queue_open.
 */
enum status sqlite_queue_open_dead(
    struct db *, const char *url, const char *name, struct queue **);

/* How many items of all queues do not fit their checksum; inside a job. */
enum status sqlite_queue_count_damaged(struct db *, int64_t *);

/*
 * Inside a writing job: what was pushed, taken or released while the clock was
 * ahead is due by its own span from now on, some hundred items of all queues at
 * a time. push and receive do it as well.
 */
enum status sqlite_queue_rebase(struct db *, int64_t now_us);

#endif
