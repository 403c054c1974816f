/* The life of a request: route, guard, handler, reply, log line. */
#ifndef SERVE_SERVE_H
#define SERVE_SERVE_H

struct app;
struct request;
struct response;

/*
 * Answer one request: the response is always filled, whatever fails.
 * response_reset is the caller's.
 */
void app_serve(const struct app *, struct request *, struct response *);

/* Count a request that the door answered by itself. */
void app_refused(const struct app *, int code);

/* The same of one without a path or a method (400), and say why in the log. */
void app_malformed(const struct app *, const char *id, const char *why);

#endif
