#include "base/tally.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/owner.h"

#define MAGIC "Swhk tly"

/* Rounds of looking for the file and making it: each lost to another process
 * that did so at the same time. */
#define ROUNDS 64

/* Waiting for another process that makes it. */
#define WAITS 500
#define WAIT_NS 2000000

/* What a file begins with; the slots follow, from a cache line's beginning. */
struct head {
	char magic[8];
	uint64_t layout;
	uint64_t n;
	uint64_t unused[5];
};

struct file {
	struct head head;
	_Atomic uint64_t slots[];
};

_Static_assert(sizeof(struct head) == 64, "a cache line");
_Static_assert(sizeof(_Atomic uint64_t) == 8, "the file has numbers only");

struct tally {
	size_t n;
	_Atomic uint64_t *own; /* in memory */
	_Atomic uint64_t *_Atomic slots; /* that count: own, or the file's */
	struct file *map; /* NULL: none */
};

/* The file that is wanted. */
struct wanted {
	const char *path;
	char *new_path; /* where it is made */
	struct head head;
	size_t size;
};

/* --- a file that is there --------------------------------------------------- */

static enum status
of_errno(void)
{
	switch (errno) {
	case ENOENT:
		return ST_NOTFOUND;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ST_FULL;
	case ENOMEM:
		return ST_NOMEM;
	default:
		return ST_IO;
	}
}

/*
 * A page that has no place on the disk yet must get one now: to find none when
 * it is first written to is SIGBUS. Copies that some programs make have holes.
 */
static enum status
fill_holes(int fd, const struct stat *st)
{
	if (st->st_blocks * 512 >= st->st_size ||
	    fallocate(fd, 0, 0, st->st_size) == 0 || errno == EOPNOTSUPP)
		return ST_OK;
	return of_errno();
}

/* Read all of it: what the disk does not give now would be SIGBUS later. */
static enum status
read_whole(int fd, size_t size, struct head *head)
{
	char block[4096];
	size_t at;
	ssize_t n;

	for (at = 0; at < size; at += (size_t)n) {
		n = pread(fd, block, sizeof(block), (off_t)at);
		if (n <= 0)
			return n == 0 ? ST_CORRUPT : ST_IO;
		if (at == 0 && n >= (ssize_t)sizeof(*head))
			memcpy(head, block, sizeof(*head));
	}
	return ST_OK;
}

/* ST_OK: it is as it must be. ST_CORRUPT: it must be replaced. */
static enum status
check_file(int fd, const struct wanted *w)
{
	struct head head = { .n = 0 };
	enum status status;
	struct stat st;

	if (fstat(fd, &st) < 0)
		return ST_IO;
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)w->size)
		return ST_CORRUPT;
	if ((status = read_whole(fd, w->size, &head)) != ST_OK)
		return status;
	if (memcmp(&head, &w->head, sizeof(head)) != 0)
		return ST_CORRUPT;
	return fill_holes(fd, &st);
}

static enum status
open_file(const struct wanted *w, int *out)
{
	int fd = open(w->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	enum status st;

	if (fd < 0)
		return of_errno();
	if ((st = check_file(fd, w)) == ST_OK)
		*out = fd;
	else
		close(fd);
	return st;
}

/* --- a new one --------------------------------------------------------------- */

static enum status
wait_for_lock(int fd)
{
	const struct timespec pause = { 0, WAIT_NS };
	int i;

	for (i = 0; i < WAITS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return ST_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return ST_IO;
		nanosleep(&pause, NULL);
	}
	return ST_BUSY;
}

/* Has it still the name that it was opened by? */
static bool
has_name(int fd, const char *path)
{
	struct stat file, name;

	return fstat(fd, &file) == 0 && lstat(path, &name) == 0 &&
	    file.st_dev == name.st_dev && file.st_ino == name.st_ino;
}

static enum status
fill(int fd, const struct wanted *w)
{
	int error;

	/* Whoever began before us was killed; nobody has mapped it. */
	if (ftruncate(fd, 0) < 0)
		return of_errno();
	if ((error = posix_fallocate(fd, 0, (off_t)w->size)) != 0) {
		errno = error;
		return of_errno();
	}
	owner_give(fd, w->path);
	if (pwrite(fd, &w->head, sizeof(w->head), 0) !=
	    (ssize_t)sizeof(w->head))
		return errno == 0 ? ST_IO : of_errno();
	return ST_OK;
}

/*
 * Under its lock and whole before it gets the name: nobody ever sees half of a
 * file, and one that is mapped somewhere is never written anew. ST_OK: look
 * again; who was here before us has made one perhaps.
 */
static enum status
make_locked(int fd, const struct wanted *w)
{
	enum status st;
	int good = -1;

	if (!has_name(fd, w->new_path))
		return ST_OK;
	if (open_file(w, &good) == ST_OK) {
		close(good);
		(void)unlink(w->new_path);
		return ST_OK;
	}
	if ((st = fill(fd, w)) == ST_OK && rename(w->new_path, w->path) < 0)
		st = of_errno();
	if (st != ST_OK) {
		int error = errno;

		(void)unlink(w->new_path);
		errno = error;
	}
	return st;
}

static enum status
make_file(const struct wanted *w)
{
	int fd = open(w->new_path,
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	enum status st;
	int error;

	if (fd < 0)
		return of_errno() == ST_NOTFOUND ? ST_IO : of_errno();
	if ((st = wait_for_lock(fd)) == ST_OK)
		st = make_locked(fd, w);
	error = errno;
	close(fd);
	errno = error;
	return st;
}

static enum status
find_or_make(const struct wanted *w, int *fd)
{
	enum status st = ST_BUSY;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		st = open_file(w, fd);
		if (st != ST_NOTFOUND && st != ST_CORRUPT)
			return st;
		if ((st = make_file(w)) != ST_OK)
			return st;
	}
	return ST_BUSY;
}

/* --- the tally ---------------------------------------------------------------- */

enum status
tally_open(struct tally **out, size_t n)
{
	struct tally *t = calloc(1, sizeof(*t));

	*out = NULL;
	if (t == NULL ||
	    (t->own = calloc(n == 0 ? 1 : n, sizeof(*t->own))) == NULL) {
		free(t);
		return ST_NOMEM;
	}
	t->n = n;
	atomic_init(&t->slots, t->own);
	*out = t;
	return ST_OK;
}

static size_t
size_of(const struct tally *t)
{
	return sizeof(struct file) + t->n * sizeof(*t->own);
}

void
tally_close(struct tally *t)
{
	if (t == NULL)
		return;
	if (t->map != NULL)
		munmap(t->map, size_of(t));
	free(t->own);
	free(t);
}

static enum status
map_file(struct tally *t, int fd)
{
	void *at =
	    mmap(NULL, size_of(t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	size_t i;

	if (at == MAP_FAILED)
		return of_errno();
	t->map = at;
	atomic_store_explicit(&t->slots, t->map->slots, memory_order_release);
	for (i = 0; i < t->n; i++)
		if (t->own[i] != 0)
			tally_add(t, i, t->own[i]);
	return ST_OK;
}

enum status
tally_share(struct tally *t, const char *path, uint64_t layout, struct buf *why)
{
	struct wanted w = { .path = path,
		.head = { .layout = layout, .n = t->n },
		.size = size_of(t) };
	struct buf name = BUF_INIT;
	enum status st = ST_NOMEM;
	int fd = -1;

	memcpy(w.head.magic, MAGIC, sizeof(w.head.magic));
	buf_printf(&name, "%s.new", path);
	if ((w.new_path = buf_detach(&name)) != NULL)
		st = find_or_make(&w, &fd);
	if (st == ST_OK)
		st = map_file(t, fd);
	if (st != ST_OK)
		buf_printf(why, "%s: %s", path,
		    st == ST_IO ? strerror(errno) : status_text(st));
	if (fd >= 0)
		close(fd);
	free(w.new_path);
	return st;
}

bool
tally_is_shared(const struct tally *t)
{
	return t->map != NULL;
}

static _Atomic uint64_t *
slots_of(const struct tally *t)
{
	return atomic_load_explicit(&t->slots, memory_order_acquire);
}

void
tally_add(struct tally *t, size_t slot, uint64_t n)
{
	if (slot < t->n)
		atomic_fetch_add_explicit(
		    &slots_of(t)[slot], n, memory_order_relaxed);
}

void
tally_set(struct tally *t, size_t slot, uint64_t value)
{
	if (slot < t->n)
		atomic_store_explicit(
		    &slots_of(t)[slot], value, memory_order_relaxed);
}

uint64_t
tally_get(const struct tally *t, size_t slot)
{
	return slot < t->n
	    ? atomic_load_explicit(&slots_of(t)[slot], memory_order_relaxed)
	    : 0;
}
