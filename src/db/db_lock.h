/*
 * The lock that serialises the writers of all processes: a flock on
 * "<path>.lock". Held for a write transaction, a checkpoint, or a change of
 * the file's form. An operator's script can take the same with flock(1).
 */
#ifndef DB_LOCK_H
#define DB_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/quit.h"
#include "base/status.h"

struct db_lock {
	char *path; /* of the lock file */
	int fd; /* -1: not open */
	bool held;
	const struct quit *quit; /* NULL, or its user's: see db.h */
};

#define DB_LOCK_INIT \
	{ \
		NULL, -1, false, NULL \
	}

/*
 * Open the lock file of a database, or make it (0600, and if root makes it,
 * for the directory's owner). On failure *why gets a sentence.
 * ST_OK, ST_NOMEM, ST_IO.
 */
enum status db_lock_open(
    struct db_lock *, const char *db_path, struct buf *why);
void db_lock_release(struct db_lock *);

/* Note in the lock file, for good, that its database has been made; and ask
 * for it. */
void db_lock_mark(struct db_lock *);
bool db_lock_marked(const struct db_lock *);

/*
 * Take the lock, waiting until until_us (clock_mono_us) at most, and once stop
 * is due a tenth of a second: who holds it may have been stopped. Waiting processes get it in fair turns.
 * ST_OK, ST_BUSY, or ST_IO with errno kept.
 */
enum status db_lock_take(struct db_lock *, int64_t until_us);
void db_lock_drop(struct db_lock *);

#endif
