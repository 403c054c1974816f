#include "app/senders.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "app/app.h"
#include "app/outbox.h"
#include "base/clock.h"
#include "base/cond.h"

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
	pthread_mutex_lock(&s->mutex);
	if (!__atomic_load_n(&s->stop, __ATOMIC_ACQUIRE))
		cond_wait(&s->stopping, &s->mutex, clock_mono_us() + LOOK_US);
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

enum status
senders_start(struct senders **out, const struct app *app)
{
	struct senders *s = calloc(1, sizeof(*s));

	*out = NULL;
	if (s == NULL || cond_init(&s->mutex, &s->stopping) != ST_OK) {
		free(s);
		return ST_NOMEM;
	}
	*out = s;
	s->app = app;
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
	cond_release(&s->mutex, &s->stopping);
	free(s);
}
