#include "base/quit.h"

#include <stddef.h>
#include <time.h>

#include "base/clock.h"

/* How late a sleeper may notice. */
#define SLICE_US 20000

void
quit_set(struct quit *s, int64_t at_us)
{
	if (s != NULL)
		__atomic_store_n(&s->at_us, at_us, __ATOMIC_RELEASE);
}

bool
quit_due(const struct quit *s)
{
	int64_t at_us =
	    s == NULL ? 0 : __atomic_load_n(&s->at_us, __ATOMIC_ACQUIRE);

	return at_us != 0 && clock_mono_us() >= at_us;
}

bool
quit_sleep(const struct quit *s, int64_t us)
{
	int64_t end_us = clock_mono_us() + us, left_us = us;
	struct timespec slice = { 0 };

	for (; left_us > 0 && !quit_due(s);
	     left_us = end_us - clock_mono_us()) {
		slice.tv_nsec =
		    (left_us < SLICE_US ? left_us : SLICE_US) * 1000;
		nanosleep(&slice, NULL);
	}
	return !quit_due(s);
}
