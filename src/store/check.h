/* Is the database sound, as SQLite sees it and as the product does? */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "base/status.h"

struct db;

/* What to do about a damaged one. */
#define STORE_RECOVER \
	"stop the responder, save what can be saved with switchhook store " \
	"recover FILE, or restore a copy"

/* What is wrong, and what to do about it. The strings live for the call. */
typedef void store_found_fn(const char *wrong, const char *advice, void *arg);

/*
 * Look at all of it; of a large one that takes a while. ST_OK: it was looked
 * at, whatever was found; also where it cannot be read, which is then found.
 */
enum status store_check(struct db *, store_found_fn *, void *arg);

/* The same with SQLite's quick_check alone, up to the first thing found; for a
 * database that is ours (db_judge). */
enum status store_check_quick(struct db *, store_found_fn *, void *arg);

#endif
