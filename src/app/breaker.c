#include "app/breaker.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

#define FAILURES_MAX 3 /* in a row, then it opens */
#define OPEN_US INT64_C(1000000) /* for so long at first, doubling */
#define OPEN_MAX_US INT64_C(30000000)
#define ROLES_MAX 8

struct breaker {
	char role[16];
	int failures;
	int64_t open_until; /* monotonic */
};

struct breakers {
	pthread_mutex_t mutex; /* guards list */
	struct breaker list[ROLES_MAX];
	size_t n;
};

enum status
breakers_open(struct breakers **out)
{
	struct breakers *b = calloc(1, sizeof(*b));

	*out = b;
	if (b == NULL)
		return ST_NOMEM;
	pthread_mutex_init(&b->mutex, NULL);
	return ST_OK;
}

void
breakers_close(struct breakers *b)
{
	if (b == NULL)
		return;
	pthread_mutex_destroy(&b->mutex);
	free(b);
}

/* The role's own; roles are few, and one too many shares the last. */
static struct breaker *
find(struct breakers *b, const char *role)
{
	struct breaker *p;

	for (p = b->list; p < b->list + b->n; p++)
		if (strncmp(p->role, role, sizeof(p->role) - 1) == 0)
			return p;
	if (b->n == ROLES_MAX)
		return &b->list[ROLES_MAX - 1];
	b->n++;
	snprintf(p->role, sizeof(p->role), "%s", role);
	return p;
}

bool
breaker_lets(struct breakers *b, const char *role)
{
	bool lets;

	pthread_mutex_lock(&b->mutex);
	lets = clock_mono_us() >= find(b, role)->open_until;
	pthread_mutex_unlock(&b->mutex);
	return lets;
}

bool
breaker_note(struct breakers *b, const char *role, bool good)
{
	struct breaker *p;
	int64_t span = OPEN_US;
	bool again;
	int i;

	pthread_mutex_lock(&b->mutex);
	p = find(b, role);
	again = good && p->failures >= FAILURES_MAX;
	if (good) {
		p->failures = 0;
		p->open_until = 0;
	} else if (++p->failures >= FAILURES_MAX) {
		for (i = FAILURES_MAX; i < p->failures && span < OPEN_MAX_US;
		     i++)
			span = span * 2 > OPEN_MAX_US ? OPEN_MAX_US : span * 2;
		p->open_until = clock_mono_us() + span;
	}
	pthread_mutex_unlock(&b->mutex);
	return again;
}
