#include "base/cond.h"

#include <time.h>

enum status
cond_init(pthread_mutex_t *mutex, pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	bool good;

	if (pthread_mutex_init(mutex, NULL) != 0)
		return ST_NOMEM;
	good = pthread_condattr_init(&attr) == 0;
	if (good) {
		good = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
		    pthread_cond_init(cond, &attr) == 0;
		pthread_condattr_destroy(&attr);
	}
	if (good)
		return ST_OK;
	pthread_mutex_destroy(mutex);
	return ST_NOMEM;
}

void
cond_release(pthread_mutex_t *mutex, pthread_cond_t *cond)
{
	pthread_cond_destroy(cond);
	pthread_mutex_destroy(mutex);
}

bool
cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, int64_t until_us)
{
	const struct timespec until = { until_us / 1000000,
		until_us % 1000000 * 1000 };

	return pthread_cond_timedwait(cond, mutex, &until) == 0;
}
