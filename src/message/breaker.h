/*
 * A circuit breaker: after some failures in a row it opens, and for a while
 * nobody waits for that queue's time-outs. Then one after another may try,
 * until one succeeds. Times are those of clock_mono_us; a lock is the user's.
 */
#ifndef MESSAGE_BREAKER_H
#define MESSAGE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

/* The zero value is closed. */
struct breaker {
	int failures; /* in a row */
	int64_t open_until;
	int64_t probe_until; /* somebody tries; when that counts as failed */
};

/* 0: a try is allowed now. Else for how long not, in microseconds. */
int64_t breaker_wait(const struct breaker *, int64_t now_us);

/* The same, and if it is allowed the caller tries: breaker_note follows. */
int64_t breaker_try(struct breaker *, int64_t now_us);

/* How a try went. True: it was open, and works again. */
bool breaker_note(struct breaker *, int64_t now_us, bool good);

#endif
