/* Is the database sound, as SQLite sees it and as the product does? */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include "base/status.h"

struct db;

/* What is wrong, and what to do about it. The strings live for the call. */
typedef void store_found_fn(const char *wrong, const char *advice, void *arg);

/*
 * Look at all of it; of a large one that takes a while. ST_OK: it was looked
 * at, whatever was found; also where it cannot be read, which is then found.
 */
enum status store_check(struct db *, store_found_fn *, void *arg);

#endif
