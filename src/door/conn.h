/*
 * One connection of a web server: it is read without blocking, until a request
 * is there, and so the reply is written. Any thread may do either, one at a
 * time.
 */
#ifndef DOOR_CONN_H
#define DOOR_CONN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "door/answer.h"
#include "door/records.h"

struct conn {
	int fd; /* does not block */
	struct records in;
	struct buf ahead; /* came behind a request: the next one's */
	const struct answer *answer; /* being written; NULL: none is */
	size_t sent; /* of it */
};

/* Takes fd over; see records_init. */
void conn_init(struct conn *, int fd, unsigned connections, size_t body_max);
void conn_close(struct conn *);

/* Take what has come, some of it at least, and say what there is now. */
enum records_state conn_read(struct conn *);

/* Has something come that was not looked at? */
bool conn_has_input(const struct conn *);

/*
 * Write of the reply to the request what the peer takes now. CONN_LATER: there
 * is more, to be written by the same call when the socket takes it. Otherwise
 * the request is forgotten; CONN_KEPT: there may be another one.
 */
enum conn_reply { CONN_KEPT, CONN_ENDED, CONN_LATER };
enum conn_reply conn_reply(struct conn *, const struct answer *);

#endif
