/*
 * When to try again: how long to wait, and whether so many tries fail that
 * one should stop adding to them. As AWS's own SDKs do it (their "standard"
 * mode of 2026).
 */
#ifndef AWS_RETRY_H
#define AWS_RETRY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Tokens that retries are paid with; shared by all threads of a process. */
struct retry_bucket {
	atomic_int tokens;
};

#define RETRY_TOKENS 500
#define RETRY_COST 14
#define RETRY_COST_THROTTLED 5
#define RETRY_REWARD 1 /* for a call that succeeded at once */

/* Delays grow up to this, and throttled ones begin here. */
#define RETRY_DELAY_MAX_MS 20000
#define RETRY_THROTTLED_MS 1000

void retry_init(struct retry_bucket *);

/* Take that many tokens, or none if there are not so many. */
bool retry_take(struct retry_bucket *, int tokens);

/* Give back, up to RETRY_TOKENS. */
void retry_give(struct retry_bucket *, int tokens);

/*
 * Microseconds to wait before try number retry (from 0): random, up to
 * base_ms * 2^retry. asked_ms is what the service asked for (0: nothing); it
 * is obeyed within 5 seconds of our own delay.
 */
int64_t retry_delay_us(int base_ms, int retry, int64_t asked_ms);

#endif
