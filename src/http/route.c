#include "http/route.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What a name is made of; no dot in front, so no "..", nor a hidden file. */
#define NAME_SET \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define NAME_MAX_LEN 64

static bool
may_be(const struct route *route, const char *segment, size_t n)
{
	switch (route->guard) {
	case GUARD_OPEN:
	case GUARD_SIGNED:
		return n <= NAME_MAX_LEN && strspn(segment, NAME_SET) >= n &&
		    *segment != '.';
	case GUARD_ADMIN:
	case GUARD_AGENT:
	case GUARD_ACCESS_KEY:
		break;
	}
	return n < ROUTE_ARG_MAX;
}

/* A segment that can be nobody's name still has a route, whose guard comes
 * first; it is named "", which is nobody's either. */
static void
take_arg(const struct route *route, const char *segment, size_t n, char *arg)
{
	if (!may_be(route, segment, n))
		return;
	memcpy(arg, segment, n);
	arg[n] = '\0';
}

static bool
pattern_fits(const struct route *route, const char *path, size_t len,
    struct route_args *args)
{
	const char *p = route->pattern, *end = path + len;
	size_t i, n = 0;

	for (i = 0; i < ROUTE_ARGS_MAX; i++)
		*args->arg[i] = '\0';
	for (i = 0; *p != '\0'; path += n) {
		n = *p == '{' ? strcspn(path, "/") : strcspn(p, "{");
		if (n > (size_t)(end - path))
			return false;
		if (*p != '{') {
			if (memcmp(p, path, n) != 0)
				return false;
			p += n;
		} else {
			if (n == 0)
				return false;
			take_arg(route, path, n, args->arg[i++]);
			p = strchr(p, '}') + 1;
		}
	}
	return path == end;
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

/* A slash at the end is nothing. */
static size_t
path_len(const char *path)
{
	size_t len = strlen(path);

	return len > 1 && path[len - 1] == '/' ? len - 1 : len;
}

enum status
route_find(const struct route *table, size_t n, enum method method,
    const char *path, const struct route **route, struct route_args *args)
{
	enum status st = ST_NOTFOUND;
	size_t len = path_len(path);

	*route = NULL;
	for (size_t i = 0; i < n; i++) {
		if (!pattern_fits(&table[i], path, len, args))
			continue;
		*route = &table[i];
		if (method_fits(&table[i], method))
			return ST_OK;
		st = ST_UNSUPPORTED;
	}
	for (size_t i = 0; i < ROUTE_ARGS_MAX; i++)
		*args->arg[i] = '\0';
	return st;
}

void
route_allow(const struct route *table, size_t n, const char *path,
    char out[static ROUTE_ALLOW_MAX])
{
	static const struct {
		enum method method;
		const char *name;
	} methods[] = {
		{ METHOD_GET, "GET" },
		{ METHOD_HEAD, "HEAD" },
		{ METHOD_POST, "POST" },
	};
	const struct route *route;
	struct route_args args;
	size_t i, len = 0;

	*out = '\0';
	for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (route_find(table, n, methods[i].method, path, &route,
			&args) == ST_OK)
			len +=
			    (size_t)snprintf(out + len, ROUTE_ALLOW_MAX - len,
				"%s%s", len == 0 ? "" : ", ", methods[i].name);
}
