/* What can be asked: path, method, who may, and who answers. */
#ifndef SITE_ROUTES_H
#define SITE_ROUTES_H

#include "http/route.h"

extern const struct route app_routes[];
extern const size_t app_routes_n;

/* What takes a webhook of each kind that came to a route of another. */
extern route_fn *const app_webhooks[WEBHOOK_N];

#endif
