#include "app/watchers.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

struct watchers {
	pthread_mutex_t mutex; /* guards the rest */
	size_t holders;
	size_t limit;
	size_t waiting;
};

enum status
watchers_open(struct watchers **out)
{
	struct watchers *w = calloc(1, sizeof(*w));

	*out = w;
	if (w == NULL)
		return ST_NOMEM;
	pthread_mutex_init(&w->mutex, NULL);
	w->holders = 1;
	w->limit = SIZE_MAX;
	return ST_OK;
}

struct watchers *
watchers_share(struct watchers *w)
{
	if (w == NULL)
		return NULL;
	pthread_mutex_lock(&w->mutex);
	w->holders++;
	pthread_mutex_unlock(&w->mutex);
	return w;
}

void
watchers_close(struct watchers *w)
{
	bool last;

	if (w == NULL)
		return;
	pthread_mutex_lock(&w->mutex);
	last = --w->holders == 0;
	pthread_mutex_unlock(&w->mutex);
	if (!last)
		return;
	pthread_mutex_destroy(&w->mutex);
	free(w);
}

/* For 3 and more a quarter leaves two, and so does the one at least. */
size_t
watchers_limit(size_t workers)
{
	return workers / 4 > 0 ? workers / 4 : 1;
}

void
watchers_workers(struct watchers *w, size_t workers)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->mutex);
	w->limit = watchers_limit(workers);
	pthread_mutex_unlock(&w->mutex);
}

bool
watchers_enter(struct watchers *w)
{
	bool enters;

	if (w == NULL)
		return true;
	pthread_mutex_lock(&w->mutex);
	enters = w->waiting < w->limit;
	w->waiting += enters;
	pthread_mutex_unlock(&w->mutex);
	return enters;
}

void
watchers_leave(struct watchers *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->mutex);
	w->waiting--;
	pthread_mutex_unlock(&w->mutex);
}
