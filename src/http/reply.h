/* An answer that the HTTP client got. The zero value is empty. */
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"

struct http_reply {
	int code; /* HTTP status code; 0: no answer came */
	struct kv headers; /* names as sent; they live as long as the reply */
	struct buf body;
	int connections; /* how many had to be made: 0 is a kept one */
	struct buf head; /* what headers point into */
};

void http_reply_release(struct http_reply *);

/* The first header of that name, in whatever case, or NULL. */
const char *http_reply_header(const struct http_reply *, const char *name);

/*
 * May another try go better? No connection, a time-out, broken off; or an
 * answer (ST_OK) whose code is 429 or 5xx.
 */
bool http_may_pass(enum status, int code);

/* For the client: cut head's lines into headers, in place. A line without a
 * colon, as the status line, is none. ST_OK or ST_NOMEM. */
enum status http_reply_parse(struct http_reply *);

/* For the client: can this pair be sent as a header line? */
bool http_header_fits(const struct kv_pair *);

/*
 * "https://host:port: " of a URL, to begin a message with: without the
 * password or the query, which may be secrets. Nothing if it is no URL.
 */
void http_put_origin(struct buf *, const char *url);

#endif
