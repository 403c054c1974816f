#include "message/breaker.h"

#define FAILURES_MAX 3 /* in a row, then it opens */
#define OPEN_US INT64_C(1000000) /* for so long at first, doubling */
#define OPEN_MAX_US INT64_C(30000000)
#define PROBE_US INT64_C(5000000) /* what a request's calls may take */

int64_t
breaker_wait(const struct breaker *b, int64_t now_us)
{
	int64_t until =
	    b->open_until > b->probe_until ? b->open_until : b->probe_until;

	return b->failures < FAILURES_MAX || until <= now_us ? 0
							     : until - now_us;
}

int64_t
breaker_try(struct breaker *b, int64_t now_us)
{
	int64_t wait_us = breaker_wait(b, now_us);

	if (wait_us == 0)
		b->probe_until = now_us + PROBE_US;
	return wait_us;
}

bool
breaker_note(struct breaker *b, int64_t now_us, bool good)
{
	bool was_open = b->failures >= FAILURES_MAX;
	int64_t span = OPEN_US;
	int i;

	if (good) {
		*b = (struct breaker){ 0 };
		return was_open;
	}
	/* Tries that began together tell the same once. */
	if (b->open_until > now_us)
		return false;
	b->probe_until = 0;
	b->failures++;
	for (i = FAILURES_MAX; i < b->failures && span < OPEN_MAX_US; i++)
		span *= 2;
	if (b->failures >= FAILURES_MAX)
		b->open_until =
		    now_us + (span < OPEN_MAX_US ? span : OPEN_MAX_US);
	return false;
}
