#include "site/refresh.h"

#include <stdlib.h>

#include "base/clock.h"
#include "codec/crypt.h"
#include "serve/freshness.h"
#include "site/fetch.h"
#include "site/secrets.h"
#include "site/source.h"

#define SECOND_US INT64_C(1000000)

#define RETRY_DOUBLINGS 6

/* A stop has to wait for it. */
#define FETCH_US (3 * SECOND_US)

const struct refresh_times refresh_times = {
	.usual_us = 300 * SECOND_US,
	.forced_us = 60 * SECOND_US,
	.retry_us = SECOND_US,
	.grace_us = 3600 * SECOND_US,
	.ceiling_us = 86400 * SECOND_US,
};

struct refresh {
	struct refresh_options o;
	int failures; /* in a row */
	int64_t due_us, forced_us; /* the next; not before that for doubts */
	struct freshness freshness;
};

/* Give or take a tenth, so that many responders do not ask in step. */
static int64_t
jitter(int64_t us)
{
	unsigned char byte = 128;

	(void)crypt_random(&byte, 1);
	return us - us / 10 + us / 5 * byte / 255;
}

static void
set_due(struct refresh *r)
{
	const struct refresh_times *t = r->o.times;
	int doublings = r->failures - 1;

	if (doublings > RETRY_DOUBLINGS)
		doublings = RETRY_DOUBLINGS;
	r->due_us = clock_mono_us() +
	    jitter(r->failures == 0 ? t->usual_us : t->retry_us << doublings);
}

static void
note_good(struct refresh *r)
{
	r->freshness.until_us = clock_mono_us() + r->o.times->ceiling_us;
}

enum status
refresh_open(struct refresh **out, const struct refresh_options *o)
{
	struct refresh *r = calloc(1, sizeof(*r));

	*out = r;
	if (r == NULL) {
		source_close(o->source);
		return ST_NOMEM;
	}
	r->o = *o;
	note_good(r);
	set_due(r);
	return ST_OK;
}

void
refresh_close(struct refresh *r)
{
	if (r == NULL)
		return;
	source_close(r->o.source);
	free(r);
}

bool
refresh_due(const struct refresh *r)
{
	int64_t now_us = clock_mono_us();

	return r != NULL &&
	    (now_us >= r->due_us ||
		(r->freshness.doubt && now_us >= r->forced_us));
}

void
refresh_run(struct refresh *r, const struct secrets *now, struct secrets **next)
{
	struct fetch fetches[SECRETS_N];
	size_t n = secrets_list(now, fetches);
	bool good = false;

	*next = NULL;
	if (atomic_exchange(&r->freshness.doubt, false))
		r->forced_us = clock_mono_us() + r->o.times->forced_us;
	if (fetch_all(r->o.source, fetches, n, clock_mono_us() + FETCH_US) !=
		ST_OK ||
	    secrets_next(now, fetches, r->o.times->grace_us, r->o.log, next,
		&good) != ST_OK)
		good = false;
	fetch_release(fetches, n);
	if (good)
		note_good(r);
	r->failures = good ? 0 : r->failures + 1;
	set_due(r);
	if (r->o.fetched != NULL)
		r->o.fetched(r->o.fetched_arg, good);
}

struct freshness *
refresh_freshness(struct refresh *r)
{
	return r == NULL ? NULL : &r->freshness;
}

bool
refresh_doubted(struct refresh *r)
{
	return r != NULL && r->freshness.untold &&
	    atomic_exchange(&r->freshness.untold, false);
}
