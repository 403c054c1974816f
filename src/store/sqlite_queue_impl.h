/* What the files of the SQLite queue share. Private to them. */
#ifndef STORE_SQLITE_QUEUE_IMPL_H
#define STORE_SQLITE_QUEUE_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#include "db/db.h"
#include "store/queue.h"

/* queue_item.state; the indexes of schema.c depend on the numbers. */
enum queue_item_state { ITEM_WAITS = 0, ITEM_TAKEN = 1, ITEM_DEAD = 2 };

/* The reason of an item whose checksum is wrong. */
#define SQLITE_QUEUE_DAMAGED "checksum"

struct sqlite_queue {
	struct queue queue;
	struct db *db;
	char *url;
	char *name;
};

#define SQLITE_QUEUE_COLUMNS \
	"id, state, available_us, created_us, attempts, reason, ordered_by," \
	" checksum, body, attributes, behind"

/* What else a query asks for comes behind so many. */
#define SQLITE_QUEUE_COLUMNS_N 11

/* A row of these, its strings still the row's. */
struct sqlite_queue_row {
	int64_t id, state, available_us, created_us, attempts, checksum, behind;
	const char *reason, *group, *body, *attributes;
	size_t len;
};

/* A receipt is "ID-SECRET": the row, and which receiving of it. */
struct sqlite_queue_receipt {
	int64_t id;
	const char *secret;
};

/* ST_OK, or ST_NOTFOUND: it is none. */
enum status sqlite_queue_receipt(const char *, struct sqlite_queue_receipt *);

/* Can a span be so many seconds? */
bool sqlite_queue_span_ok(int64_t seconds);

/* Make an item of a row, for who receives it with this secret: its strings, its
 * length and when it came. ST_OK or ST_NOMEM. */
enum status sqlite_queue_item(struct queue_item *, const struct sqlite_queue *,
    const struct sqlite_queue_row *, const char *secret);

/* push of struct queue_ops. */
enum status sqlite_queue_push_plain(
    struct queue *, const struct queue_message *);

/* Read the present row. */
void sqlite_queue_row(struct db_rows *, struct sqlite_queue_row *);

/* Over all of an item that changes only when it is moved. */
int64_t sqlite_queue_checksum(const char *queue, const char *group,
    const char *body, size_t len, const char *attributes);

/* Is the row's checksum that of what it holds? */
bool sqlite_queue_undamaged(
    const struct sqlite_queue *, const struct sqlite_queue_row *);

/*
 * Something of this group (NULL: none) has come or gone: let its first be
 * given out, if none may be. queue_item.behind is 0 of the one item of a group
 * that may be given out or is, 2 of those that were taken together with it (and
 * may have run out since), and 1 of those that wait for it.
 */
enum status sqlite_queue_promote(
    const struct sqlite_queue *, struct db *, const char *group);

/* The operator's part of struct queue_ops. */
enum status sqlite_queue_peek(
    struct queue *, bool dead, size_t limit, queue_row_fn *, void *arg);
enum status sqlite_queue_redrive(
    struct queue *, const char *id, int64_t *count);
enum status sqlite_queue_stats(struct queue *, struct queue_stats *);

#endif
