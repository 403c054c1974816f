#include "serve/freshness.h"

#include "base/clock.h"

void
freshness_doubt(struct freshness *f)
{
	if (f != NULL && !atomic_exchange(&f->doubt, true))
		f->untold = true;
}

bool
freshness_good(const struct freshness *f, struct buf *why)
{
	if (f == NULL || clock_mono_us() <= f->until_us)
		return true;
	buf_puts(why, "secrets were not fetched for too long");
	return false;
}
