#include "app/senders.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "app/app.h"
#include "app/outbox.h"

#define SENDERS 4 /* groups do not wait for each other */
#define LOOK_US 500000

struct senders {
	const struct app *app;
	pthread_t threads[SENDERS];
	size_t n;
	pthread_mutex_t mutex; /* for the condition alone */
	pthread_cond_t stopping;
	bool stop; /* atomic */
};

/* Until it is time to look again, or to stop. */
static void
rest(struct senders *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_US * 1000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&s->mutex);
	if (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
		pthread_cond_timedwait(&s->stopping, &s->mutex, &until);
	pthread_mutex_unlock(&s->mutex);
}

static void *
run(void *arg)
{
	struct senders *s = arg;
	struct outbox_flushed f = { 0, 0 };

	while (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE)) {
		outbox_flush(s->app, &s->stop, &f);
		rest(s);
	}
	return NULL;
}

static void
init(struct senders *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->stopping, &attr);
	pthread_condattr_destroy(&attr);
}

enum status
senders_start(struct senders **out, const struct app *app)
{
	struct senders *s = calloc(1, sizeof(*s));

	*out = s;
	if (s == NULL)
		return ST_NOMEM;
	s->app = app;
	init(s);
	for (; s->n < SENDERS; s->n++)
		if (pthread_create(&s->threads[s->n], NULL, run, s) != 0)
			break;
	return s->n > 0 ? ST_OK : ST_IO;
}

void
senders_stop(struct senders *s)
{
	size_t i;

	if (s == NULL)
		return;
	pthread_mutex_lock(&s->mutex);
	__atomic_store_n(&s->stop, true, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&s->stopping);
	pthread_mutex_unlock(&s->mutex);
	for (i = 0; i < s->n; i++)
		pthread_join(s->threads[i], NULL);
	pthread_cond_destroy(&s->stopping);
	pthread_mutex_destroy(&s->mutex);
	free(s);
}
