/*
 * The database file: its names, its journal, its version. Private to the
 * engine.
 */
#ifndef DB_FILE_H
#define DB_FILE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "db/db.h"
#include "db/db_conn.h"
#include "db/db_identity.h"
#include "db/db_lock.h"

struct db_file {
	char *path; /* absolute, links resolved: the lock goes by it */
	char *uri;
	char *log; /* the -wal's path; NULL: there is none */
	char *reserve; /* its path (db_reserve.h) */
	enum db_journal journal;
	const struct db_schema *schema;
	const void *upkeep; /* for its chore */
	bool existing; /* must be there */
	struct db_lock lock; /* not open where one only looks */
	struct db_identity identity; /* of what was opened */
};

#define DB_FILE_INIT \
	{ \
		.journal = DB_WAL, .lock = DB_LOCK_INIT \
	}

/*
 * Find the file's place and open its lock; the file need not exist.
 * On failure *why is a sentence. ST_OK, ST_NOMEM, ST_IO.
 */
enum status db_file_init(
    struct db_file *, const struct db_options *, struct buf *why);
void db_file_release(struct db_file *);

/*
 * A connection that may write; the file is made or migrated if need be, under
 * the lock, which is taken for that unless it is held. A file that was there
 * before, and is not there now or empty, is not made: ST_UNAVAILABLE; the lock
 * file remembers. Else errors as db_open.
 */
enum status db_file_writer(
    struct db_file *, struct db_conn **, struct buf *why);

/* A connection that only reads a file that exists. */
enum status db_file_reader(
    struct db_file *, struct db_conn **, struct buf *why);

/* What db_file_writer would say of the file, of which nothing is changed. */
enum status db_file_judge(struct db_file *, struct buf *why);

/* The version of a schema that has all its migrations. */
int64_t db_file_known(const struct db_schema *);

/* "Swhk" in the file's header: how we know our own from another program's. */
#define DB_FILE_APPLICATION 0x5377686b

/* Run the migrations from one version to another. Errors as db_run. */
enum status db_file_migrate(
    const struct db_schema *, struct db_conn *, int64_t version, int64_t to);

/* Has the file, or its log, changed under the connection? begun: it has begun
 * a transaction. */
enum db_change db_file_compare(struct db_file *, struct db_conn *, bool begun);

/*
 * Write a page of the file as it is, if that is wanted, inside a write
 * transaction. ST_UNSUPPORTED: a newer program has migrated the file since it was opened;
 * else as db_run.
 */
enum status db_file_touch(const struct db_file *, struct db_conn *, bool write);

#endif
