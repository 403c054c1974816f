/* A mutex with a condition that waits by the monotonic clock. */
#ifndef BASE_COND_H
#define BASE_COND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* ST_OK or ST_NOMEM: nothing to release then. */
enum status cond_init(pthread_mutex_t *, pthread_cond_t *);
void cond_release(pthread_mutex_t *, pthread_cond_t *);

/* The mutex is held. Until somebody signals, or clock_mono_us() is until_us:
 * false. May end earlier for no reason, as pthread_cond_wait. */
bool cond_wait(pthread_cond_t *, pthread_mutex_t *, int64_t until_us);

#endif
