/*
 * How much waits on each queue of the embedded engine: for a page that is
 * asked for again and again, whatever waits (a million messages take some
 * hundredths of a second). store/queue.h has the same of one queue, with the
 * age of the oldest whatever became of it, which takes several times as long.
 */
#ifndef STORE_QUEUE_DEPTH_H
#define STORE_QUEUE_DEPTH_H

#include <stdint.h>

#include "base/status.h"

struct db;

struct queue_depth {
	const char *name; /* without "sqlite:" */
	int64_t ready, delayed, taken, dead;
	int64_t next_us; /* creation of the one that is next (due longest, or
	                    first to be); 0: none */
};

/* All queues that have something, by name. Strings live for the call. Not
 * ST_OK ends the walk. ST_OK, or as db_read. */
typedef enum status queue_depth_fn(const struct queue_depth *, void *arg);
enum status queue_depths(struct db *, queue_depth_fn *, void *arg);

#endif
