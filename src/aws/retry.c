#include "aws/retry.h"

#include "base/backoff.h"

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

int64_t
retry_delay_us(int base_ms, int retry, int64_t asked_ms)
{
	int64_t delay =
	    backoff_delay(base_ms * MS, retry, RETRY_DELAY_MAX_MS * MS, 100);

	if (asked_ms > delay / MS + ASKED_MARGIN_MS)
		asked_ms = delay / MS + ASKED_MARGIN_MS;
	return asked_ms * MS > delay ? asked_ms * MS : delay;
}
