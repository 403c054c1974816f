/*
 * What a signed webhook is decides what happens to it, not the URL that it
 * came to: in Twilio's console URLs are easily swapped, or one is given for
 * everything. A message is then routed, a status recorded, and the log has a
 * warning, at most once an hour, that says which URL is wrong.
 */
#ifndef SERVE_WEBHOOK_H
#define SERVE_WEBHOOK_H

#include "http/route.h"

/*
 * What handles this request, which the guard has let through: the route's own
 * handler, or, of a webhook that is of another kind, the one of its kind. NULL:
 * it was answered.
 */
route_fn *webhook_handler(struct exchange *);

#endif
