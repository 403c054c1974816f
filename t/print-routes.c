/*
 * The route table for the test of its description, one line a route: method,
 * pattern, guard, what a POST may carry, and the Allow header of the path,
 * between tabs.
 */
#include <stdio.h>

#include "site/routes.h"

static const char *
method_name(const struct route *r)
{
	return r->method == METHOD_GET ? "GET" : "POST";
}

static const char *
guard_name(enum guard guard)
{
	switch (guard) {
	case GUARD_OPEN:
		return "open";
	case GUARD_SIGNED:
		return "signed";
	case GUARD_ADMIN:
		return "admin";
	case GUARD_AGENT:
		return "agent";
	case GUARD_ACCESS_KEY:
		return "access key";
	}
	return "";
}

static const char *
accept_name(enum accept accept)
{
	switch (accept) {
	case ACCEPT_FORM:
		return "form";
	case ACCEPT_FORM_OR_JSON:
		return "form or json";
	case ACCEPT_JSON:
		return "json";
	case ACCEPT_ANY:
		return "any";
	}
	return "";
}

int
main(void)
{
	const struct route *r;
	char allow[ROUTE_ALLOW_MAX];

	for (r = app_routes; r < app_routes + app_routes_n; r++) {
		route_allow(app_routes, app_routes_n, r->pattern, allow);
		printf("%s\t%s\t%s\t%s\t%s\n", method_name(r), r->pattern,
		    guard_name(r->guard), accept_name(r->accept), allow);
	}
	return 0;
}
