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
#define PROBE_US INT64_C(5000000) /* what a request's calls may take */
#define ROLES_MAX 8

struct breaker {
	char role[16];
	int failures;
	int64_t open_until; /* monotonic, as the next */
	int64_t probe_until; /* somebody tries; when he counts as dead */
	int64_t span; /* for how long it is open */
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

/* For how long it must not be tried. */
static int64_t
closed_for(const struct breaker *p, int64_t now)
{
	int64_t until =
	    p->open_until > p->probe_until ? p->open_until : p->probe_until;

	return p->failures < FAILURES_MAX || until <= now ? 0 : until - now;
}

int64_t
breaker_try(struct breakers *b, const char *role)
{
	int64_t now = clock_mono_us(), wait;
	struct breaker *p;

	pthread_mutex_lock(&b->mutex);
	p = find(b, role);
	wait = closed_for(p, now);
	if (wait == 0)
		p->probe_until = now + PROBE_US;
	pthread_mutex_unlock(&b->mutex);
	return wait;
}

bool
breaker_lets(struct breakers *b, const char *role)
{
	bool lets;

	pthread_mutex_lock(&b->mutex);
	lets = closed_for(find(b, role), clock_mono_us()) == 0;
	pthread_mutex_unlock(&b->mutex);
	return lets;
}

static void
note_failure(struct breaker *p)
{
	int64_t now = clock_mono_us();

	/* Tries that began together tell the same once. */
	if (p->open_until > now)
		return;
	p->probe_until = 0;
	if (++p->failures < FAILURES_MAX)
		return;
	p->span = p->failures == FAILURES_MAX ? OPEN_US : p->span * 2;
	if (p->span > OPEN_MAX_US)
		p->span = OPEN_MAX_US;
	p->open_until = now + p->span;
}

bool
breaker_note(struct breakers *b, const char *role, bool good)
{
	struct breaker *p;
	bool again;

	pthread_mutex_lock(&b->mutex);
	p = find(b, role);
	again = good && p->failures >= FAILURES_MAX;
	if (good) {
		p->failures = 0;
		p->open_until = p->probe_until = 0;
	} else {
		note_failure(p);
	}
	pthread_mutex_unlock(&b->mutex);
	return again;
}
