#include "base/backoff.h"

#include <sys/random.h>

int64_t
backoff_delay(int64_t first, int64_t failures, int64_t cap, int random_percent)
{
	int64_t delay = first, part;
	uint64_t n;

	while (failures-- > 0 && delay > 0 && delay < cap)
		delay = delay > cap / 2 ? cap : delay * 2;
	if (delay > cap)
		delay = cap;
	part =
	    delay / 100 * random_percent + delay % 100 * random_percent / 100;
	if (part <= 0 || getrandom(&n, sizeof(n), 0) != (ssize_t)sizeof(n))
		return delay;
	return delay - 1 - (int64_t)(n % (uint64_t)part);
}
