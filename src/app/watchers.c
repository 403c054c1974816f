#include "app/watchers.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/owner.h"
#include "base/str.h"

#define NONE -1

struct watchers {
	char *file;
	pthread_mutex_t mutex; /* guards the rest */
	int place; /* while any waits: a descriptor, or NONE */
	size_t holders;
	size_t limit;
	size_t waiting;
};

enum status
watchers_open(struct watchers **out, const char *file)
{
	struct watchers *w = calloc(1, sizeof(*w));

	*out = NULL;
	if (w == NULL || str_dup(file, &w->file) != ST_OK) {
		free(w);
		return ST_NOMEM;
	}
	pthread_mutex_init(&w->mutex, NULL);
	w->holders = 1;
	w->limit = SIZE_MAX;
	w->place = NONE;
	*out = w;
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
	free(w->file);
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

/*
 * Lock a byte of the file, which ends with the descriptor, however the process
 * does. False: all are locked. Where there can be no file every process has its
 * own limit still.
 */
static bool
take_place(const char *file, int *place)
{
	struct flock byte = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1
	};
	int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	*place = NONE;
	if (fd < 0)
		return true;
	owner_give(fd, file);
	for (; byte.l_start < WATCHERS_PLACES; byte.l_start++) {
		if (fcntl(fd, F_OFD_SETLK, &byte) == 0) {
			*place = fd;
			return true;
		}
		if (errno != EAGAIN && errno != EACCES)
			break;
	}
	close(fd);
	return byte.l_start < WATCHERS_PLACES;
}

/* With the mutex held: may one more wait? */
static bool
has_room(struct watchers *w)
{
	if (w->waiting >= w->limit)
		return false;
	if (w->waiting > 0 || w->limit == SIZE_MAX || w->file == NULL)
		return true;
	return take_place(w->file, &w->place);
}

bool
watchers_enter(struct watchers *w)
{
	bool enters;

	if (w == NULL)
		return true;
	pthread_mutex_lock(&w->mutex);
	enters = has_room(w);
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
	if (--w->waiting == 0 && w->place != NONE) {
		close(w->place);
		w->place = NONE;
	}
	pthread_mutex_unlock(&w->mutex);
}
