/*
 * How fresh secrets are that are kept at AWS: what requests and the thread that
 * fetches them again (site/refresh.h) tell each other. NULL is well, and takes
 * no doubt: nothing is kept there.
 */
#ifndef SERVE_FRESHNESS_H
#define SERVE_FRESHNESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct freshness {
	atomic_bool doubt; /* since the last fetch */
	atomic_bool untold; /* the first doubt, until that thread hears of it */
	_Atomic int64_t until_us; /* on the monotonic clock: too old then */
};

/* A signature or token was wrong: perhaps ours is old. */
void freshness_doubt(struct freshness *);

/* Is what there is not too old? *why is for the log. */
bool freshness_good(const struct freshness *, struct buf *why);

#endif
