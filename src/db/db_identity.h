/*
 * Is the file at the database's path still the one that is open? Somebody may
 * delete, replace or empty it, or its log, while a process goes on writing to
 * what nobody will ever read. Private to the engine.
 */
#ifndef DB_IDENTITY_H
#define DB_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "db/db_conn.h"

enum db_change {
	DB_SAME,
	DB_GONE, /* there is no file at the path */
	DB_REPLACED, /* there is another one */
	DB_OVERWRITTEN, /* emptied, cut, or an older one written into it */
	DB_LOG_GONE, /* there is no -wal file */
	DB_LOG_REPLACED,
	DB_LOG_CUT,
};

/* What was seen of the files. The zero value knows of none. */
struct db_identity {
	bool known;
	dev_t device;
	ino_t file, log; /* log 0: there is none */
	off_t size;
	uint32_t counter; /* of the header; it only grows */
};

/* Remember the files as they are, of a file that is known already all but
 * which it is. log: the path of the -wal, or NULL. */
void db_identity_set(
    struct db_identity *, const char *path, const char *log, struct db_conn *);

/*
 * Compare, by two calls of stat(2) and a read; what cannot be told is the
 * same. begun: a transaction is, so that no journal of a process that was
 * killed can make the file shorter again; its size is then remembered.
 */
enum db_change db_identity_compare(struct db_identity *, const char *path,
    const char *log, struct db_conn *, bool begun);

/* The same of the file alone, from any thread. */
enum db_change db_identity_glance(const struct db_identity *, const char *path);

/* What happened and what to do about it, without a path. */
void db_change_explain(enum db_change, struct buf *why);

#endif
