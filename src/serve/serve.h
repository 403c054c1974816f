/* The life of a request: route, guard, handler, reply, log line. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

struct app;
struct exchange;

/*
 * Answer one request: the door's part of the exchange is set, all else is zero.
 * The response is always filled, whatever fails; then served is called, before
 * this returns or, if it has to wait for a commit, later and by the thread that
 * commits. So the exchange is not the caller's any more. Without served it
 * waits, and is.
 */
void app_serve(struct exchange *);

/* The reply of a request that was parked (exchange.h) is made. The exchange is
 * not the caller's any more. */
void app_resume(struct exchange *);

/* Count a request that the door answered by itself. */
void app_refused(const struct app *, int code);

/* The same of one without a path or a method (400), and say why in the log. */
void app_malformed(const struct app *, const char *id, const char *why);

#endif
