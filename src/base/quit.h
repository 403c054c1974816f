/*
 * When a process that stops gives up what it waits for: a service, a lock, a
 * pause before another try. Set once, by the thread that takes the signals,
 * and asked by every other.
 */
#ifndef BASE_QUIT_H
#define BASE_QUIT_H

#include <stdbool.h>
#include <stdint.h>

struct quit {
	int64_t at_us; /* monotonic; 0: not stopping. Atomic */
};

/* NULL is allowed. */
void quit_set(struct quit *, int64_t at_us);

/* Is it time? NULL: never. */
bool quit_due(const struct quit *);

/* Sleep; false if it is time to stop, now or meanwhile. */
bool quit_sleep(const struct quit *, int64_t us);

#endif
