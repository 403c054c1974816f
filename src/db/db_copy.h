/*
 * Copies of the database, in files that were not there before: of one that is
 * whole, while it is in use; and of what can be read of a damaged one.
 */
#ifndef DB_COPY_H
#define DB_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "db/db.h"

/*
 * Write all of an open database, as it is at one moment, into the new file to
 * (0600, one file, synced); what a copy must not do by itself is held in it
 * (struct db_schema). On failure there is no file, and *why has a sentence.
 * ST_OK; ST_EXISTS: to is there already, and stays as it is; ST_FULL; ST_BUSY;
 * ST_CORRUPT; ST_IO; ST_NOMEM.
 */
enum status db_copy(struct db *, const char *to, struct buf *why);

/* What became of a table's rows. */
struct db_saved {
	const char *table;
	int64_t saved;
	int64_t lost; /* of which something is known, by an index or a key */
	bool sure; /* and there were no others */
};
typedef void db_saved_fn(const struct db_saved *, void *arg);

/*
 * Save what can be read of the database that the options name into the new
 * file to, row by row past what is damaged; nobody writes to it meanwhile. As
 * db_copy; ST_CORRUPT: not even the list of its tables can be read, or it is
 * no database of ours; ST_NOTFOUND: it is not there; ST_UNSUPPORTED: a newer
 * program's.
 */
enum status db_recover(const struct db_options *, const char *to, db_saved_fn *,
    void *arg, struct buf *why);

#endif
