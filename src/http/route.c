#include "http/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What a name is made of; no dot in front, so no "..", nor a hidden file. */
#define ARG_SET \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* A segment that can be nobody's name still has a route, whose guard comes
 * first; it is named "", which is nobody's either. */
static bool
take_arg(const char *segment, size_t n, char *arg)
{
	if (n == 0 || memchr(segment, '/', n) != NULL)
		return false;
	if (n < ROUTE_ARG_MAX && strspn(segment, ARG_SET) >= n &&
	    *segment != '.') {
		memcpy(arg, segment, n);
		arg[n] = '\0';
	}
	return true;
}

static bool
pattern_fits(const char *pattern, const char *path, size_t len, char *arg)
{
	size_t fixed = strcspn(pattern, "{");

	*arg = '\0';
	if (len < fixed || memcmp(pattern, path, fixed) != 0)
		return false;
	if (pattern[fixed] == '\0')
		return len == fixed;
	return take_arg(path + fixed, len - fixed, arg);
}

static bool
method_fits(const struct route *route, enum method method)
{
	switch (method) {
	case METHOD_GET:
		return route->method == METHOD_GET ||
		    (route->method == METHOD_POST &&
			route->guard == GUARD_SIGNED);
	case METHOD_HEAD:
		return route->method == METHOD_GET;
	case METHOD_POST:
		return route->method == METHOD_POST;
	case METHOD_OTHER:
		break;
	}
	return false;
}

enum status
route_find(const struct route *table, size_t n, enum method method,
    const char *path, const struct route **route,
    char arg[static ROUTE_ARG_MAX])
{
	enum status st = ST_NOTFOUND;
	size_t len = strlen(path);

	/* A slash at the end is nothing. */
	if (len > 1 && path[len - 1] == '/')
		len--;
	*route = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!pattern_fits(table[i].pattern, path, len, arg))
			continue;
		*route = &table[i];
		if (method_fits(&table[i], method))
			return ST_OK;
		st = ST_UNSUPPORTED;
	}
	*arg = '\0';
	return st;
}

void
route_allow(const struct route *route, char out[static 32])
{
	const char *allow = "POST";

	if (route->method == METHOD_GET)
		allow = "GET, HEAD";
	else if (route->guard == GUARD_SIGNED)
		allow = "GET, POST";
	snprintf(out, 32, "%s", allow);
}
