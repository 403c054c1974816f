/*
 * The route table: policy is a column of it, and one place enforces the
 * column before a handler runs. A pattern is a path, of whose segments
 * ROUTE_ARGS_MAX at most may be "{name}". On routes that anybody may ask, or
 * Twilio, it takes a name: 1 to 64 characters of A-Z a-z 0-9 . _ - (not
 * beginning with a dot). On the others it may be whatever a conversation or a
 * queue is called, up to ROUTE_ARG_MAX - 1 bytes of any but "/" and controls;
 * in the URL they are percent-encoded, and the path has them decoded.
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stddef.h>

#include "http/request.h"

enum guard {
	GUARD_OPEN,
	GUARD_SIGNED, /* by Twilio */
	GUARD_ADMIN, /* server.admin_token */
	GUARD_AGENT, /* that, or a token of [agents] */
	GUARD_ACCESS_KEY, /* signed with a key of [access_keys], as AWS has it */
};

/* What a POST may carry; anything else is 415. */
enum accept {
	ACCEPT_FORM,
	ACCEPT_FORM_OR_JSON,
	ACCEPT_JSON, /* or nothing at all */
	ACCEPT_ANY, /* the handler answers what is wrong with it, in the words
	               of its protocol */
};

/*
 * What a signed webhook is. A route names the kind that it is for; one of
 * another kind is taken all the same (serve/webhook.h).
 */
enum webhook_kind {
	WEBHOOK_NONE,
	WEBHOOK_MESSAGE, /* inbound */
	WEBHOOK_MESSAGE_STATUS, /* of an outbound one */
	WEBHOOK_CALL, /* a step of a call, which wants TwiML */
	WEBHOOK_CALL_STATUS,
	WEBHOOK_N
};

struct exchange;
typedef void route_fn(struct exchange *);

struct route {
	enum method method;
	const char *pattern;
	enum guard guard;
	route_fn *handler;
	enum accept accept;
	enum webhook_kind webhook; /* of a GUARD_SIGNED route */
};

#define ROUTE_ARGS_MAX 2
#define ROUTE_ARG_MAX 129
struct route_args {
	char arg[ROUTE_ARGS_MAX][ROUTE_ARG_MAX]; /* "": the pattern has none */
};

/*
 * ST_OK with the route and its arguments; ST_NOTFOUND if no pattern fits;
 * ST_UNSUPPORTED if the path is known but not by this method, *route is then
 * one of that path. A segment that cannot be a name (too long, other
 * characters, a dot in front) gives the argument "": that nothing is called so
 * is not for everybody to know.
 * A slash at the end of the path is nothing.
 * HEAD matches where GET does. On a GUARD_SIGNED route GET stands for POST.
 */
enum status route_find(const struct route *table, size_t n, enum method,
    const char *path, const struct route **route, struct route_args *);

/* The Allow header of a path that is known: "GET, HEAD" and so on. */
#define ROUTE_ALLOW_MAX 32
void route_allow(const struct route *table, size_t n, const char *path,
    char out[static ROUTE_ALLOW_MAX]);

#endif
