/*
 * The HTTP client: requests to Twilio and AWS, and those the operator's
 * command makes. The only user of libcurl, which is loaded (dlopen) when the
 * first client opens, because loading it costs more than a plain CGI request.
 *
 * TLS is always verified (1.2 or newer). Redirects are not followed, a proxy
 * is used only where one is named here, never from the environment, and no
 * protocol but http and https is spoken.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/quit.h"
#include "base/status.h"
#include "http/reply.h"

/* What all clients of a process share; safe from several threads. */
struct http_library;

struct http_library_options {
	const char *ca_bundle; /* PEM file in place of the system's; or NULL */
	const char *proxy; /* "http://host:port"; NULL or "": none */
	const struct quit *quit; /* when it is due, calls end with
	                            ST_TIMEOUT; NULL, or must outlive this */
};

/* Loads nothing yet; copies the options. ST_OK or ST_NOMEM. */
enum status http_library_open(
    struct http_library **, const struct http_library_options *);
/* After the last client's close. NULL is allowed. */
void http_library_close(struct http_library *);

/* One thread's client. It keeps connections open for its next request. */
struct http_client;

/*
 * ST_OK, ST_NOMEM, or ST_UNAVAILABLE if libcurl cannot be loaded: why then
 * says what to install. Loads libcurl the first time.
 */
enum status http_client_open(
    struct http_client **, struct http_library *, struct buf *why);
void http_client_close(struct http_client *); /* NULL is allowed */

/*
 * For threads that have none of their own: a client that was given back, or
 * else another one, with the results of http_client_open; and back to the
 * library, which keeps it with its connections. NULL is allowed.
 */
enum status http_client_take(
    struct http_client **, struct http_library *, struct buf *why);
void http_client_give(struct http_client *);

/* One request, as "switchhook/VERSION" unless the headers have another
 * User-Agent. All memory is the caller's and is only read. */
struct http_call {
	const char *method; /* GET, HEAD, POST, PUT, DELETE, … */
	const char *url;
	const struct kv *headers; /* or NULL; Content-Type only if in here */
	const void *body; /* NULL: none */
	size_t body_len;
	long connect_ms; /* to resolve, connect and agree on TLS; 0: 5000 */
	long total_ms; /* from start to last byte; 0: 15000 */
	size_t max_body; /* of the answer, bytes; 0: 1 MiB */
	bool direct; /* past the proxy: for addresses of the machine itself */
	bool once; /* on a connection of its own, so that it is sent once at
	              most: for what must not be done twice */
};

/*
 * Send and wait for the answer, whatever its code. Anything but ST_OK leaves
 * the reply empty, and http_client_error tells what happened:
 *
 * ST_UNAVAILABLE  no connection (name, refusal, time-out, TLS handshake):
 *                 nothing was sent, another try is harmless
 * ST_DENIED       the server's certificate is not to be trusted; nothing sent
 * ST_TIMEOUT      total_ms passed, or the process stops; the server may have done
 *                 the work
 * ST_IO           broken off, or no HTTP; the server may have done the work
 * ST_TOOBIG       the answer is over max_body, or its headers over 64 KiB
 * ST_MALFORMED    the URL, or a header with CR, LF or NUL; nothing sent
 * ST_UNSUPPORTED  not http or https; nothing sent
 * ST_CONFIG       the CA bundle cannot be read; nothing sent
 * ST_NOMEM
 *
 * A request on a kept connection that turns out to have been closed, before
 * a byte of an answer came, is sent once more on a new one, unless once is set.
 */
enum status http_client_send(
    struct http_client *, const struct http_call *, struct http_reply *);

/*
 * May the server have got any of the last request? False is sure: no name, no
 * connection, no TLS, or not even tried. In doubt it is true. A CONNECT to a
 * proxy does not count if once was set.
 */
bool http_client_sent(const struct http_client *);

/* Wait before another try. False, at once, if the deadline (monotonic) would
 * pass meanwhile, or as soon as the process stops. */
bool http_client_wait(
    const struct http_client *, int64_t us, int64_t deadline_us);

/* A phrase about the last failure, "https://host: what"; never a query, a
 * password or a body. Valid until the next send. */
const char *http_client_error(const struct http_client *);

#endif
