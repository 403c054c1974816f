/*
 * The gate: accepts connections, and lets one through to a worker when it has
 * sent a whole request. Those that have not wait in a seat, at the cost of a
 * descriptor and no thread: silent peers, trickling ones, and idle kept-alive
 * ones. Workers take turns at the gate; one waits there for all the others.
 */
#ifndef DOOR_GATE_H
#define DOOR_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "door/listener.h"

struct gate;

/*
 * The listener stays the caller's, and non-blocking. timeout_s is how long a
 * connection may take to send its request; early_max (1 at least), how many
 * requests may be let through at a time before all of their body is there.
 * ST_OK, ST_NOMEM, ST_IO.
 */
enum status gate_open(
    struct gate **, struct listener *, int timeout_s, size_t early_max);

/* Close it and every connection in it. NULL is taken. */
void gate_close(struct gate *);

/*
 * The next connection with a request in it, blocking, with its time-outs set;
 * it is the caller's. -1: there will be none any more. *early: more of its
 * body may be to come; gate_early_done is to be called once it is served.
 */
int gate_next(struct gate *, bool *early);
void gate_early_done(struct gate *);

/* Take a kept-alive connection back until it sends its next request. */
void gate_return(struct gate *, int fd);

/* Close what has been waiting for too long; to be called once a second. */
void gate_tick(struct gate *);

/*
 * No new connections. Those that had been made are still let through, if they
 * send their request within a second; then gate_next gives -1.
 */
void gate_stop(struct gate *);

/* True if the listener is broken; gate_next then gives -1 to everyone. */
bool gate_failed(struct gate *);

#endif
