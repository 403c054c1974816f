/*
 * A new database file that is whole or not there: it is made beside its place,
 * as "<path>.partial", and moved there when all of it is on the disk. Private
 * to the engine.
 */
#ifndef DB_TARGET_H
#define DB_TARGET_H

#include "base/buf.h"
#include "base/status.h"

struct db_target {
	char *path;
	char *partial; /* made, 0600, empty */
};

/* ST_OK, ST_EXISTS (path is there), ST_FULL, ST_IO, ST_NOMEM; on failure *why
 * gets a sentence. */
enum status db_target_open(
    struct db_target *, const char *path, struct buf *why);

/* What was written is synced and gets its name, if st is ST_OK; else it is
 * removed. The target is empty afterwards. Gives st, or as db_target_open. */
enum status db_target_close(
    struct db_target *, enum status st, struct buf *why);

#endif
