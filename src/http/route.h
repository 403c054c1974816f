/*
 * The route table: policy is a column of it, and one place enforces the
 * column before a handler runs. A pattern is a path whose last segment may be
 * "{name}", which takes 1 to 64 characters of A-Z a-z 0-9 . _ -
 * (not beginning with a dot).
 */
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include <stddef.h>

#include "http/request.h"

enum guard { GUARD_OPEN, GUARD_SIGNED, GUARD_ADMIN };

/* What a POST may carry; anything else is 415. */
enum accept { ACCEPT_FORM, ACCEPT_FORM_OR_JSON };

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

#define ROUTE_ARG_MAX 65

/*
 * ST_OK with the route and its argument ("" if the pattern has none);
 * ST_NOTFOUND if no pattern fits; ST_UNSUPPORTED if the path is known but not
 * by this method, *route is then one of that path. A segment that cannot be a
 * name (too long, other characters, a dot in front) gives the argument "":
 * that nothing is called so is not for everybody to know.
 * A slash at the end of the path is nothing.
 * HEAD matches where GET does. On a GUARD_SIGNED route GET stands for POST.
 */
enum status route_find(const struct route *table, size_t n, enum method,
    const char *path, const struct route **route,
    char arg[static ROUTE_ARG_MAX]);

/* The Allow header of that path: "GET, HEAD" and so on. */
void route_allow(const struct route *, char out[static 32]);

#endif
