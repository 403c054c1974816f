#include "db/db_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/owner.h"

/*
 * A blocking flock(2) has no deadline, so we ask again and again. To keep
 * that cheap and fair there is a queue of one before the lock: who holds the
 * gate (an OFD lock on the same file) is next and asks often; the others wait
 * for the gate and ask seldom; and who has just let the lock go must pass the
 * gate again like everyone. The gate is a courtesy only: after a while
 * without it the lock is asked for all the same, so that a process stopped
 * in the gate stops nobody.
 */
#define NEXT_PAUSE_US 40
#define GATE_PAUSE_US 150
#define PAUSE_MAX_US 4000
#define GATE_PATIENCE_US 50000

/* No longer than this once the process stops. */
#define STOP_PATIENCE_US 100000

static enum status
open_file(struct db_lock *l)
{
	int flags = O_RDWR | O_CLOEXEC;

	l->fd = open(l->path, flags | O_CREAT | O_EXCL, 0600);
	if (l->fd >= 0)
		owner_give(l->fd, l->path);
	if (l->fd < 0 && errno == EEXIST)
		l->fd = open(l->path, flags | O_CREAT, 0600);
	return l->fd < 0 ? ST_IO : ST_OK;
}

enum status
db_lock_open(struct db_lock *l, const char *db_path, struct buf *why)
{
	struct buf path = BUF_INIT;
	enum status st;

	*l = (struct db_lock)DB_LOCK_INIT;
	buf_printf(&path, "%s.lock", db_path);
	if ((l->path = buf_detach(&path)) == NULL)
		return ST_NOMEM;
	if ((st = open_file(l)) != ST_OK)
		buf_printf(why, "cannot open %s: %s", l->path, strerror(errno));
	return st;
}

void
db_lock_release(struct db_lock *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	*l = (struct db_lock)DB_LOCK_INIT;
}

bool
db_lock_marked(const struct db_lock *l)
{
	struct stat st;

	if (l->fd < 0 && l->path == NULL)
		return false;
	return (l->fd >= 0 ? fstat(l->fd, &st) : stat(l->path, &st)) == 0 &&
	    st.st_size > 0;
}

void
db_lock_mark(struct db_lock *l)
{
	static const char text[] =
	    "The database beside this file has been made. To begin with an "
	    "empty one, remove both.\n";

	/* What cannot be noted now will be at the next opening. */
	if (l->fd >= 0 && !db_lock_marked(l) &&
	    pwrite(l->fd, text, sizeof(text) - 1, 0) < 0)
		errno = 0;
}

/* True also where such locks do not exist: they are a courtesy. */
static bool
gate_enter(struct db_lock *l)
{
	struct flock f = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1
	};

	return fcntl(l->fd, F_OFD_SETLK, &f) == 0 ||
	    (errno != EAGAIN && errno != EACCES);
}

static void
gate_leave(struct db_lock *l)
{
	struct flock f = {
		.l_type = F_UNLCK, .l_whence = SEEK_SET, .l_len = 1
	};

	fcntl(l->fd, F_OFD_SETLK, &f);
}

/* A lock on a file that somebody has deleted excludes nobody any more. */
static bool
deleted(const struct db_lock *l)
{
	struct stat st;

	return fstat(l->fd, &st) == 0 && st.st_nlink == 0;
}

static enum status
try_lock(struct db_lock *l)
{
	if (l->fd < 0 && open_file(l) != ST_OK)
		return ST_IO;
	if (flock(l->fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK || errno == EINTR ? ST_BUSY : ST_IO;
	if (!deleted(l))
		return ST_OK;
	close(l->fd);
	l->fd = -1;
	return ST_BUSY;
}

static void
pause_us(int64_t us)
{
	struct timespec t = { 0, us * 1000 };

	nanosleep(&t, NULL);
}

enum status
db_lock_take(struct db_lock *l, int64_t until_us)
{
	int64_t start = clock_mono_us(), now = start, pause = 0;
	bool gate = false, asks;
	enum status st = ST_BUSY;

	for (;;) {
		gate = l->fd >= 0 && (gate || gate_enter(l));
		asks = gate || l->fd < 0 || now - start > GATE_PATIENCE_US;
		if (asks && (st = try_lock(l)) != ST_BUSY)
			break;
		if ((now = clock_mono_us()) >= until_us ||
		    (now - start > STOP_PATIENCE_US && quit_due(l->quit)))
			break;
		/* The first while at the shortest pause, then ever longer. */
		pause = gate ? NEXT_PAUSE_US : GATE_PAUSE_US;
		pause += (now - start) / 64;
		pause_us(pause > PAUSE_MAX_US ? PAUSE_MAX_US : pause);
	}
	if (gate && l->fd >= 0)
		gate_leave(l);
	l->held = st == ST_OK;
	return st;
}

void
db_lock_drop(struct db_lock *l)
{
	flock(l->fd, LOCK_UN);
	l->held = false;
}
