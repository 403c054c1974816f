/* One reply: built whole, written once. The zero value is an empty reply. */
#ifndef HTTP_RESPONSE_H
#define HTTP_RESPONSE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

struct response {
	int code; /* HTTP status code; 0: not set yet */
	const char *content_type; /* static; NULL: no content */
	struct buf headers; /* further lines, each ended by CRLF */
	struct buf body;
};

void response_release(struct response *);

/* Start again, keeping the memory: for the next request of a worker. */
void response_reset(struct response *);

/* Add "Name: value"; a value with CR or LF is refused (ST_MALFORMED). */
enum status response_header(
    struct response *, const char *name, const char *value);

/* {"error":"…","request_id":"…"} with this code, in place of any body. */
void response_error(
    struct response *, int code, const char *message, const char *request_id);

/*
 * The reply in CGI's form (RFC 3875, section 6): Status, Content-Type,
 * Content-Length, headers, a blank line, and the body unless head_only.
 * ST_OK, or the first error of the bufs.
 */
enum status response_write(
    const struct response *, bool head_only, struct buf *out);

/* "OK" for 200 and so on; "" for a code that is not ours. */
const char *response_reason(int code);

#endif
