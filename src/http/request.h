/*
 * One request, as the CGI variables give it (RFC 3875). Every door has them
 * as an environment of NAME=VALUE strings, so one reader serves all doors.
 */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_POST, METHOD_OTHER };

/* Of a body that is too large this much is read and dropped, then no more. */
#define REQUEST_DRAIN_MAX ((size_t)16 << 20)

/*
 * Strings point into the environment, or into what the request owns, and live
 * as long as both; "" if absent.
 */
struct request {
	enum method method;
	const char *method_text;
	const char *path; /* PATH_INFO, or REQUEST_URI below base_path */
	const char *uri; /* REQUEST_URI: raw bytes, from the path on */
	const char *query; /* that of uri, raw, without "?" */
	const char *content_type; /* as sent */
	const char *signature; /* X-Twilio-Signature */
	bool signature_repeated; /* came twice: refused */
	const char
	    *signature_settings; /* X-Twilio-Webhooks-Signature-Settings */
	const char *authorization;
	const char *api_key;
	const char *if_none_match;
	const char *host; /* Host header */
	const char *https; /* "on" or "1" if the server had TLS */
	const char *scheme; /* REQUEST_SCHEME */
	const char *server_name;
	const char *server_port;
	const char *remote_addr;
	const char *forwarded_proto;
	const char *forwarded_host;
	const char *forwarded_port;
	const char *traceparent;
	const char *amzn_trace_id;

	struct buf body; /* all that came, unless it is too large */
	size_t announced; /* CONTENT_LENGTH */
	bool has_length; /* CONTENT_LENGTH was there and not "" */
	enum status body_status; /* ST_OK, ST_MALFORMED (length), ST_TOOBIG */
	bool broken_off; /* the body ended before it was all there */

	char *const *envp; /* all that the door gave */

	char *path_mem; /* owns path when it was cut out of REQUEST_URI */
	char *uri_mem; /* owns uri when it had to be made */
};

/*
 * Fill a zeroed request from CGI variables. ST_OK; ST_MALFORMED without
 * REQUEST_METHOD or with a path that has no "/" in front or a control
 * character in it; ST_NOMEM. Release it in any case.
 *
 * A variable that stands twice counts as its first, the signature excepted
 * (signature_repeated). base_path is taken from the front of PATH_INFO and,
 * when there is none, of REQUEST_URI: as whole segments, and only if they
 * have it. Of REQUEST_URI scheme and host are left away, nothing else. When
 * there is none, uri is made of base_path, path and QUERY_STRING; otherwise
 * the query is always that of uri, which is what Twilio signed, whatever a
 * rewrite rule put into QUERY_STRING.
 */
enum status request_init(
    struct request *, char *const *envp, const char *base_path);

/* What a request lacks for which request_init gave ST_MALFORMED, and what to
 * write into the web server's configuration. */
const char *request_lack(const struct request *);

/*
 * Where a door reads the body from. Gives 1..n bytes and ST_OK, or *got = 0
 * and ST_OK at the end; ST_TOOBIG is a body that the door has not kept, and
 * anything else a broken one.
 */
struct body_source {
	enum status (*read)(void *ctx, char *to, size_t n, size_t *got);
	void *ctx;
};

/*
 * Read the body to its end and drain what is too much, so that the server in
 * front gets to read our answer. Sets body and body_status: all that came is
 * kept, also when its length is wrong, because the signature goes first; only
 * a body of more than max bytes is dropped. The result is ST_OK or ST_NOMEM
 * (the body is then drained and dropped too).
 */
enum status request_read_body(
    struct request *, const struct body_source *, size_t max);

/* True if the content type's media type is this one, whatever parameters. */
bool request_is_type(const struct request *, const char *media_type);

/*
 * A header by its name in lower case ("x-amz-date"), from the variables that
 * servers pass it in. ST_OK; ST_NOTFOUND; ST_MALFORMED if it came twice, and a
 * server has not joined the two.
 */
enum status request_header(
    const struct request *, const char *name, size_t len, const char **value);

/*
 * Walk the headers whose names begin so ("x-amz-"): the next one's name, as the
 * variable has it behind HTTP_, and its length, or NULL. *at is the place, 0 at
 * first.
 */
const char *request_next_header(
    const struct request *, const char *prefix, size_t *at, size_t *len);

void request_release(struct request *);

#endif
