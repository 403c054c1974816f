/*
 * The stores and queues that requests use. A set of handles serves one request
 * at a time: remote back ends have a connection in them. A snapshot keeps the
 * sets that are idle and opens another when all are taken.
 */
#ifndef APP_PORTS_H
#define APP_PORTS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

struct config;
struct db;
struct queue;
struct store;

/* Where a message waits whose sender has no conversation (hold). */
#define PORTS_UNROUTED "sqlite:unrouted"

struct ports {
	struct store *conversations;
	struct queue *ai, *human, *unrouted, *digits;
	bool local; /* all are part of the embedded engine: one transaction */
	struct ports *next;
};

struct ports_pool;

/*
 * Open a first set, so that mistakes show at the start. config and db must
 * outlive the pool. ST_OK; ST_CONFIG with a line in errors for each mistake,
 * "FILE:LINE: section.key: what is wrong; what to do"; ST_NOMEM, ST_IO.
 */
enum status ports_pool_open(struct ports_pool **, const struct config *,
    struct db *, struct buf *errors);

/* After every set has come back. NULL is taken. */
void ports_pool_close(struct ports_pool *);

/* From any thread. NULL: another set could not be opened. */
struct ports *ports_take(struct ports_pool *);
void ports_give(struct ports_pool *, struct ports *); /* NULL is taken */

#endif
