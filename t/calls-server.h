/*
 * A web server of the test's own that gives scripted answers, byte for byte,
 * and keeps what it was asked.
 */
#ifndef T_CALLS_SERVER_H
#define T_CALLS_SERVER_H

#include <stddef.h>

struct calls_server;

/* Ends the program if it cannot. */
struct calls_server *calls_server_start(void);
void calls_server_stop(struct calls_server *);
int calls_server_port(const struct calls_server *);

/* The connection is closed behind an answer that begins so, which is not sent. */
#define CLOSE_AFTER "!"
/* No answer, and the connection is closed a second later. */
#define CLOSE_LATE "~"
/* No answer, but the connection stays open until the client closes it. */
#define HANG "?"

/*
 * The answers from now on, NULL-ended, one a request; the last of them to all
 * that come after. They are copied. Forgets what was asked.
 */
void calls_server_script(struct calls_server *, const char *const *answers);

/* Since then: how many requests and new connections, and the i-th request,
 * head and body ("" if there was none; valid until the next script). */
size_t calls_server_requests(struct calls_server *);
size_t calls_server_connections(struct calls_server *);
const char *calls_server_request(struct calls_server *, size_t i);

#endif
