#include "aws/retry.h"

#include "codec/crypt.h"

#define ASKED_MARGIN_MS 5000
#define MS INT64_C(1000)

void
retry_init(struct retry_bucket *b)
{
	atomic_init(&b->tokens, RETRY_TOKENS);
}

bool
retry_take(struct retry_bucket *b, int tokens)
{
	int has = atomic_load(&b->tokens);

	while (has >= tokens)
		if (atomic_compare_exchange_weak(
			&b->tokens, &has, has - tokens))
			return true;
	return false;
}

void
retry_give(struct retry_bucket *b, int tokens)
{
	int has = atomic_load(&b->tokens), now;

	do {
		now = has + tokens;
		if (now > RETRY_TOKENS)
			now = RETRY_TOKENS;
	} while (!atomic_compare_exchange_weak(&b->tokens, &has, now));
}

/* Evenly below max; all of it if there is no randomness. */
static int64_t
random_below(int64_t max)
{
	uint64_t n;

	if (max <= 0 || crypt_random(&n, sizeof(n)) != ST_OK)
		return max;
	return (int64_t)(n % (uint64_t)max);
}

int64_t
retry_delay_us(int base_ms, int retry, int64_t asked_ms)
{
	int64_t limit = base_ms, delay;

	while (retry-- > 0 && limit < RETRY_DELAY_MAX_MS)
		limit *= 2;
	if (limit > RETRY_DELAY_MAX_MS)
		limit = RETRY_DELAY_MAX_MS;
	delay = random_below(limit * MS);
	if (asked_ms > delay / MS + ASKED_MARGIN_MS)
		asked_ms = delay / MS + ASKED_MARGIN_MS;
	return asked_ms * MS > delay ? asked_ms * MS : delay;
}
