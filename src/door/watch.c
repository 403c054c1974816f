#include "door/watch.h"

#include <sys/socket.h>

void
watch_init(struct watch *w)
{
	pthread_mutex_init(&w->lock, NULL);
	w->fd = -1;
	w->until_us = 0;
	w->cut = false;
}

void
watch_destroy(struct watch *w)
{
	pthread_mutex_destroy(&w->lock);
}

void
watch_begin(struct watch *w, int fd, int64_t until_us)
{
	pthread_mutex_lock(&w->lock);
	w->fd = fd;
	w->until_us = until_us;
	w->cut = false;
	pthread_mutex_unlock(&w->lock);
}

bool
watch_end(struct watch *w)
{
	bool cut;

	pthread_mutex_lock(&w->lock);
	w->fd = -1;
	cut = w->cut;
	pthread_mutex_unlock(&w->lock);
	return cut;
}

void
watch_check(struct watch *w, int64_t now_us)
{
	pthread_mutex_lock(&w->lock);
	if (w->fd >= 0 && !w->cut && now_us >= w->until_us) {
		shutdown(w->fd, SHUT_RD);
		w->cut = true;
	}
	pthread_mutex_unlock(&w->lock);
}
