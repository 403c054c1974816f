/*
 * The spool, on the embedded engine: what a remote queue has not taken yet.
 * Entries of one group leave in the order they came; groups do not wait for
 * each other.
 */
#ifndef STORE_SPOOL_H
#define STORE_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct db;

/* Due when the one before it in its group has left. */
#define SPOOL_AFTER INT64_MAX

/* Of a copy of the database: until spool_restore, since the original may still
 * send it. schema.c has the number, too. */
#define SPOOL_HELD (INT64_MAX - 1)

/* How long whoever took an entry may be at it before others may: the calls have
 * five seconds, and telling the database what came of them twelve. */
#define SPOOL_TAKEN_US INT64_C(30000000)

struct spool_entry {
	int64_t id; /* given by spool_add */
	const char *role; /* which queue: "ai", "human", "digits", …; "" if
	                      * the sender is still to be looked up */
	const char *group; /* order is kept within it */
	const char *queue_group; /* of the message on the queue, or NULL */
	const char *sid; /* what a repeat is told by; NULL: none */
	const char *digest; /* of what was signed, in hex, or NULL */
	bool brief; /* a repeat is one for a short time, see message.h */
	const char *from; /* for the look-up: the address as Twilio sent it */
	const char *trace; /* X-Amzn-Trace-Id to pass on, or NULL */
	const char *reason; /* why the last try failed; NULL: none did */
	int64_t received_us; /* when the message came in */
	int64_t visible_us; /* when whoever reads the queue may see it */
	int64_t due_us; /* the next try, or SPOOL_AFTER; of a taken one: when
	                   its taker counts as dead */
	bool taken; /* somebody is trying just now */
	int64_t attempts; /* tries that failed */
	const char *body; /* what goes on the queue; with role "" the
	                      * "twilio_message" alone */
	size_t len;
};

/* Add one, perhaps as taken by the caller already, and with SPOOL_AFTER where
 * its group is not idle; entry->id is set. */
enum status spool_add(struct db *, struct spool_entry *);

/* ST_OK: nothing of this group waits. ST_EXISTS: something does. */
enum status spool_idle(struct db *, const char *group);

/*
 * What was set while the clock was ahead is due now, or, if somebody has taken
 * it, when that sender counts as dead; the oldest counts as received now.
 * spool_take does this too.
 */
enum status spool_rebase(struct db *, int64_t now_us);

/*
 * The oldest entry that is due and first of its group; it becomes due again
 * at until_us, when whoever took it has died. The caller gives it to
 * spool_entry_release. ST_NOTFOUND: none.
 */
enum status spool_take(
    struct db *, int64_t now_us, int64_t until_us, struct spool_entry *);
void spool_entry_release(struct spool_entry *);

/* It was delivered, and what came after it is due. ST_OK also if it is gone
 * already. */
enum status spool_remove(struct db *, int64_t id);

/* A try failed: the next one at due_us. reason NULL: it was not tried, which
 * does not count as an attempt. */
enum status spool_defer(
    struct db *, int64_t id, int64_t due_us, const char *reason);

/* All that nobody has taken, that wait for no other and are not held become
 * due now; the number of them. */
enum status spool_hurry(struct db *, int64_t now_us, int64_t *count);

/* What is held becomes due in its turn; the number of them. */
enum status spool_restore(struct db *, int64_t now_us, int64_t *count);

/* Oldest first. Strings live for the call. Not ST_OK ends the walk. */
typedef enum status spool_row_fn(const struct spool_entry *, void *arg);
enum status spool_list(struct db *, size_t limit, spool_row_fn *, void *arg);

/* The name of this installation, random, its own for ever. */
#define SPOOL_INSTALLATION_MAX 33
enum status spool_installation(
    struct db *, char name[static SPOOL_INSTALLATION_MAX]);

/* How much waits, counted up to a limit, and when the oldest came in (0: there
 * is none). In a job, or with one of its own. ST_OK, or as db_read. */
struct spool_depth {
	int64_t waiting, oldest_us;
};
enum status spool_depth(struct db *, int64_t limit, struct spool_depth *);

#endif
