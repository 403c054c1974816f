/*
 * Messages on their way to queues that are not part of the embedded engine.
 *
 * A message is written into the spool first, in the transaction that records
 * its MessageSid, and only then sent; once the queue has it, it leaves the
 * spool. So an answer of 200 never depends on the queue: what could not be
 * sent stays, and is sent later, in order within its group. With store.spool
 * = off there is no such net, and a failure is the sender's to hear.
 */
#ifndef MESSAGE_OUTBOX_H
#define MESSAGE_OUTBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "message/ports.h"

struct db;
struct log;
struct outbox;
struct spool_entry;

/*
 * All of what it is opened with outlives it. behind: with threads that send
 * what waits, behind requests, where there is a spool. ST_OK, ST_NOMEM, ST_IO
 * (no thread).
 */
struct outbox_options {
	struct db *db;
	struct log *log;
	struct ports_pool *ports; /* for what waits */
	bool spool; /* there is one to fall back on (store.spool) */
	bool behind;
};
enum status outbox_open(struct outbox **, const struct outbox_options *);

/* The threads finish what they are doing. NULL is allowed. */
void outbox_close(struct outbox *);

/*
 * What else the transaction that accepts a message records. ST_EXISTS: it
 * was accepted before; nothing is sent then. undo takes it back: without a
 * spool, and the queue would not have it.
 */
typedef enum status outbox_record_fn(struct db *, void *arg, bool undo);

/* Is there a spool to fall back on (store.spool)? */
bool outbox_spools(const struct outbox *);

struct outbox_message {
	struct spool_entry *entry; /* NULL: it goes nowhere, and is recorded */
	outbox_record_fn *record;
	void *arg;

	/* Results. */
	bool repeated; /* it was accepted before */
	bool sent; /* its queue has it already */
};

/*
 * Accept messages, all or none: record them, spool them, and send them at once
 * unless earlier ones of their group wait, their queue has been failing or they
 * are several and there are threads that send. ST_OK: they are safe. ST_EXISTS:
 * all are repeats. Else nothing of them was recorded (ST_TIMEOUT: perhaps all;
 * without a spool those before the one that failed).
 */
enum status outbox_accept(
    struct outbox *, struct ports *, struct outbox_message *, size_t n);

/*
 * Send everything that is due, until nothing is or *stop is set; with NULL,
 * what is due now, each once. What failed is due again later. sent and failed
 * count.
 */
struct outbox_flushed {
	int64_t sent, failed;
};
enum status outbox_flush(
    struct outbox *, const bool *stop, struct outbox_flushed *);

#endif
