#include "base/counter_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/owner.h"
#include "base/str.h"

#define MAGIC "Swhk tly"

/* The lock is held for microseconds; who holds it longer was stopped. */
#define LOCK_TRIES 250
#define LOCK_PAUSE_NS 2000000

/* The file, as it is written: in the machine's own byte order. */
struct image {
	char magic[8];
	uint64_t layout;
	uint64_t n;
	uint64_t unused[5];
	uint64_t counters[];
};

_Static_assert(sizeof(struct image) == 64, "the header");

struct counter_file {
	size_t n, sums;
	_Atomic uint64_t *own; /* counted here, since the process began */

	pthread_mutex_t mutex; /* guards the rest */
	char *path; /* NULL: none */
	bool shared; /* the last save reached the file */
	bool joined; /* some save has */
	uint64_t *saved; /* of own, what the file has */
	uint64_t *now; /* own, as it is being saved */
	struct image *known; /* the file as this process last saw it */
	struct image *next; /* as it is to be */
};

static size_t
image_size(const struct counter_file *f)
{
	return sizeof(struct image) + f->n * sizeof(uint64_t);
}

enum status
counter_file_open(
    struct counter_file **out, size_t sums, size_t latest, uint64_t layout)
{
	struct counter_file *f = calloc(1, sizeof(*f));

	*out = NULL;
	if (f == NULL)
		return ST_NOMEM;
	pthread_mutex_init(&f->mutex, NULL);
	f->sums = sums;
	f->n = sums + latest;
	if ((f->own = calloc(f->n + 1, sizeof(*f->own))) == NULL ||
	    (f->saved = calloc(f->n + 1, sizeof(*f->saved))) == NULL ||
	    (f->now = calloc(f->n + 1, sizeof(*f->now))) == NULL ||
	    (f->known = calloc(1, image_size(f))) == NULL ||
	    (f->next = calloc(1, image_size(f))) == NULL) {
		counter_file_close(f);
		return ST_NOMEM;
	}
	memcpy(f->known->magic, MAGIC, sizeof(f->known->magic));
	f->known->layout = layout;
	f->known->n = f->n;
	*out = f;
	return ST_OK;
}

void
counter_file_close(struct counter_file *f)
{
	if (f == NULL)
		return;
	pthread_mutex_destroy(&f->mutex);
	free(f->path);
	free(f->own);
	free(f->saved);
	free(f->now);
	free(f->known);
	free(f->next);
	free(f);
}

enum status
counter_file_name(struct counter_file *f, const char *path)
{
	char *copy;

	if (str_dup(path, &copy) != ST_OK)
		return ST_NOMEM;
	pthread_mutex_lock(&f->mutex);
	if (!str_eq(path, f->path)) {
		/* What the file of another name has is no part of this one. */
		memset(f->known->counters, 0, f->n * sizeof(uint64_t));
		f->joined = f->shared = false;
		free(f->path);
		f->path = copy;
		copy = NULL;
	}
	pthread_mutex_unlock(&f->mutex);
	free(copy);
	return ST_OK;
}

void
counter_file_add(struct counter_file *f, size_t counter, uint64_t n)
{
	if (counter < f->n)
		atomic_fetch_add_explicit(
		    &f->own[counter], n, memory_order_relaxed);
}

void
counter_file_set(struct counter_file *f, size_t counter, uint64_t value)
{
	if (counter < f->n)
		atomic_store_explicit(
		    &f->own[counter], value, memory_order_relaxed);
}

/* A counter of all processes, from what a file has, what this process has
 * counted, and what of that is in the file already. */
static uint64_t
total(const struct counter_file *f, size_t i, uint64_t in_file, uint64_t own)
{
	if (i < f->sums)
		return in_file + (own - f->saved[i]);
	return own != f->saved[i] ? own : in_file;
}

static uint64_t
own_of(const struct counter_file *f, size_t i)
{
	return atomic_load_explicit(&f->own[i], memory_order_relaxed);
}

uint64_t
counter_file_get(struct counter_file *f, size_t counter)
{
	uint64_t n = 0;

	pthread_mutex_lock(&f->mutex);
	if (counter < f->n)
		n = total(f, counter, f->known->counters[counter],
		    own_of(f, counter));
	pthread_mutex_unlock(&f->mutex);
	return n;
}

bool
counter_file_is_shared(struct counter_file *f)
{
	bool shared;

	pthread_mutex_lock(&f->mutex);
	shared = f->shared;
	pthread_mutex_unlock(&f->mutex);
	return shared;
}

/* --- saving: the mutex is held ---------------------------------------------- */

static enum status
failed(struct buf *why)
{
	buf_puts(why, strerror(errno));
	return errno == ENOSPC || errno == EDQUOT || errno == EFBIG ? ST_FULL
								    : ST_IO;
}

static enum status
wait_for_lock(int fd, struct buf *why)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return ST_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return failed(why);
		nanosleep(&pause, NULL);
	}
	buf_puts(why, "another process holds its lock");
	return ST_BUSY;
}

/*
 * The file as it is, into f->next. ST_CORRUPT: it must be written again, which
 * is no news when it is the first time; then it is being made, or another
 * version of the program has left it.
 */
static enum status
read_image(struct counter_file *f, int fd, bool *fresh, struct buf *why)
{
	size_t size = image_size(f), header = sizeof(struct image);
	bool ours, whole;
	struct stat st;
	ssize_t n;

	*fresh = false;
	if (fstat(fd, &st) < 0)
		return failed(why);
	if (!S_ISREG(st.st_mode)) {
		buf_puts(why, "it is not a regular file; remove it");
		return ST_IO;
	}
	if ((n = pread(fd, f->next, size, 0)) < 0)
		return failed(why);
	whole = n == (ssize_t)size && st.st_size == n;
	if (whole && memcmp(f->next, f->known, header) == 0)
		return ST_OK;
	/* Whole, and of another agreement. */
	ours = n >= (ssize_t)header &&
	    memcmp(f->next->magic, MAGIC, sizeof(f->next->magic)) == 0 &&
	    memcmp(f->next, f->known, header) != 0 &&
	    (uint64_t)st.st_size == header + f->next->n * sizeof(uint64_t);
	*fresh = !f->joined && (st.st_size == 0 || ours);
	if (f->joined && ours) {
		buf_puts(why, "another version of the program has taken it");
		return ST_EXISTS;
	}
	return ST_CORRUPT;
}

/* Killed or out of space amid this, it leaves a short file, which the
 * next that saves writes again. */
static enum status
write_image(struct counter_file *f, int fd, bool again, struct buf *why)
{
	ssize_t n;

	if (again && ftruncate(fd, 0) < 0)
		return failed(why);
	if (again)
		owner_give(fd, f->path);
	n = pwrite(fd, f->next, image_size(f), 0);
	if (n == (ssize_t)image_size(f))
		return ST_OK;
	if (n >= 0)
		errno = ENOSPC;
	failed(why);
	return ftruncate(fd, 0) == 0 ? ST_FULL : ST_IO;
}

static enum status
save_locked(struct counter_file *f, int fd, struct buf *why)
{
	enum status st, was;
	struct image *image;
	uint64_t *numbers;
	bool fresh;
	size_t i;

	was = read_image(f, fd, &fresh, why);
	if (was != ST_OK && was != ST_CORRUPT)
		return was;
	if (was == ST_CORRUPT)
		memcpy(f->next, f->known, image_size(f));
	for (i = 0; i < f->n; i++) {
		f->now[i] = own_of(f, i);
		f->next->counters[i] =
		    total(f, i, f->next->counters[i], f->now[i]);
	}
	if ((st = write_image(f, fd, was == ST_CORRUPT, why)) != ST_OK)
		return st;
	image = f->known;
	f->known = f->next;
	f->next = image;
	numbers = f->saved;
	f->saved = f->now;
	f->now = numbers;
	f->joined = true;
	if (was == ST_OK || fresh)
		return ST_OK;
	buf_puts(why, "it was gone, cut or overwritten");
	return ST_CORRUPT;
}

static enum status
save_file(struct counter_file *f, struct buf *why)
{
	enum status st;
	int fd;

	/* Without waiting: it may be a FIFO. */
	fd = open(f->path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return failed(why);
	if ((st = wait_for_lock(fd, why)) == ST_OK)
		st = save_locked(f, fd, why);
	close(fd);
	return st;
}

static bool
has_news(const struct counter_file *f)
{
	size_t i;

	for (i = 0; i < f->n; i++)
		if (own_of(f, i) != f->saved[i])
			return true;
	return false;
}

enum status
counter_file_save(struct counter_file *f, bool read, struct buf *why)
{
	enum status st = ST_OK;

	pthread_mutex_lock(&f->mutex);
	if (f->path != NULL && (read || has_news(f))) {
		buf_printf(why, "%s: ", f->path);
		st = save_file(f, why);
		f->shared = st == ST_OK || st == ST_CORRUPT;
	}
	if (st == ST_OK)
		buf_reset(why);
	pthread_mutex_unlock(&f->mutex);
	return st;
}
