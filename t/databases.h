/* Databases for tests: one at a time in a fresh directory, in four ways. */
#ifndef T_DATABASES_H
#define T_DATABASES_H

#include <stdbool.h>
#include <stddef.h>

#include "db/db.h"

/* How a database is used; tests run in each of them. */
struct database_way {
	const char *name;
	enum db_journal journal;
	bool threaded;
};
extern const struct database_way database_ways[];
extern const size_t database_ways_n;

/* Choose the way; then each database_fresh is a new empty place. */
void database_use(const struct database_way *);
const struct database_way *database_way(void);
void database_fresh(void);
const char *database_path(void);

/* Open the database of that place; ends the program if it cannot. schema
 * NULL: the product's own. */
struct db *database_open(const struct db_schema *);

/* The product's own: the time by which it forgets is this. */
void database_forget_by(struct db *, int64_t at_us);

/* The same without ending anything. */
enum status database_try(
    struct db **, const struct db_schema *, struct buf *why);

#endif
