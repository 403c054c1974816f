/*
 * The gate: accepts connections and gives one to a worker when it has sent a
 * whole request. Those that have not wait in one epoll set, at the cost of a
 * descriptor and no thread: silent peers, trickling ones, and idle kept-alive
 * ones, and those that do not take their reply at once. Workers take turns: one
 * sleeps in that set for all the others, and takes what comes until that is a
 * request.
 */
#ifndef DOOR_GATE_H
#define DOOR_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "door/conn.h"
#include "door/listener.h"

struct gate;

/*
 * The listener stays the caller's, and non-blocking. timeout_s is how long a
 * connection may take to send its parameters, and half of what it may take for
 * its body, or to take its reply. The limit of descriptors is raised as far as it helps.
 * ST_OK, ST_NOMEM, ST_IO.
 */
enum status gate_open(
    struct gate **, struct listener *, int timeout_s, size_t body_max);

/* A reload: from now on another bound for bodies. */
void gate_limit_body(struct gate *, size_t body_max);

/* Close it and every connection in it. NULL is allowed. */
void gate_close(struct gate *);

/* The next connection with a whole request, or with a reply that goes on
 * (conn->answer), blocking; NULL: there will be none any more. One of the next
 * two gives it back. */
struct conn *gate_next(struct gate *);

/* It is answered: let it wait for its next request, or close it. */
void gate_done(struct gate *, struct conn *, bool keep);

/* It takes no more of its reply now. False: nor will it, and it is still the
 * caller's. */
bool gate_later(struct gate *, struct conn *);

/* End what has been waiting for too long; to be called once a second. */
void gate_tick(struct gate *);

/*
 * No new connections. Those that had been made are still served, if they send
 * their request within a second; gate_next gives NULL once gate_drain, which
 * is to be called again and again, has seen that there are none, and that none
 * is being served.
 */
void gate_stop(struct gate *);
void gate_drain(struct gate *);

/* True if the listener is broken: no more connections will come. */
bool gate_failed(struct gate *);

#endif
