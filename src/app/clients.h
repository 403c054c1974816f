/*
 * HTTP clients for Twilio's API. A client serves one request at a time and
 * keeps its connection; a snapshot keeps those that are idle and opens another
 * when all are taken. The first one loads libcurl, so that no other request
 * pays for it.
 */
#ifndef APP_CLIENTS_H
#define APP_CLIENTS_H

#include "base/buf.h"
#include "base/status.h"

struct http_client;
struct http_library_options;

struct clients; /* safe from several threads */

/* Opens none yet; copies the options. ST_OK or ST_NOMEM. */
enum status clients_open(
    struct clients **, const struct http_library_options *);

/* After every client has come back. NULL is allowed. */
void clients_close(struct clients *);

/* ST_OK, ST_NOMEM, or ST_UNAVAILABLE: *why then is for the log. */
enum status clients_take(
    struct clients *, struct http_client **, struct buf *why);
void clients_give(struct clients *, struct http_client *);

#endif
