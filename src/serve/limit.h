/*
 * How many requests may wait at a time for something that takes seconds. For
 * Twilio's API it is a quarter of the worker threads, at least one, and never
 * one of the last two where there are three or more, so that they never keep
 * the answers to Twilio waiting. Messages to come are waited for without a
 * worker (sqs/sqs_parking.h), by so many as descriptors allow. One count for the
 * process, which outlives every snapshot.
 */
#ifndef SERVE_LIMIT_H
#define SERVE_LIMIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct limit {
	atomic_size_t most; /* from limit_workers, or as it was made; 0: none */
	atomic_size_t waiting;
	atomic_bool closed;
	/* Told of each that begins to wait; or NULL. */
	void (*entered)(void *ctx);
	void *ctx;
};

/* NULL, as under plain CGI with a request for each process, limits nothing. */

/* There are so many worker threads now, 1 at least. */
void limit_workers(struct limit *, size_t workers);

/* False: not now, too many are waiting. True: limit_leave ends it. */
bool limit_enter(struct limit *);
void limit_leave(struct limit *);
size_t limit_waiting(const struct limit *); /* NULL: 0 */

/* The process stops: whoever waits and asks is told to end. NULL: never. */
void limit_close(struct limit *);
bool limit_closed(const struct limit *);

#endif
