#include "serve/limit.h"

/* For 3 and more a quarter leaves two, and so does the one at least. */
void
limit_workers(struct limit *l, size_t workers)
{
	if (l != NULL)
		atomic_store(&l->most, workers / 4 > 0 ? workers / 4 : 1);
}

bool
limit_enter(struct limit *l)
{
	size_t n;

	if (l == NULL)
		return true;
	n = atomic_load(&l->waiting);
	do {
		if (n >= atomic_load(&l->most))
			return false;
	} while (!atomic_compare_exchange_weak(&l->waiting, &n, n + 1));
	if (l->entered != NULL)
		l->entered(l->ctx);
	return true;
}

void
limit_leave(struct limit *l)
{
	if (l != NULL)
		atomic_fetch_sub(&l->waiting, 1);
}

size_t
limit_waiting(const struct limit *l)
{
	return l == NULL ? 0 : atomic_load(&l->waiting);
}

void
limit_close(struct limit *l)
{
	if (l != NULL)
		atomic_store(&l->closed, true);
}

bool
limit_closed(const struct limit *l)
{
	return l != NULL && atomic_load(&l->closed);
}
