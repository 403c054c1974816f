#include "twilio/template_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "codec/xml.h"

/*
 * Times of files move in steps, of 2 s at worst (FAT). A file that was younger
 * than this when it was read is read again until it is not.
 */
#define SETTLED_NS (2000000000 + 100000000)

static int64_t
nanoseconds(const struct timespec *t)
{
	return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void
stamp_make(struct template_stamp *stamp, const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*stamp = (struct template_stamp){
		.device = st->st_dev,
		.inode = st->st_ino,
		.size = st->st_size,
		.modified = st->st_mtim,
		.changed = st->st_ctim,
		.settled =
		    nanoseconds(&now) - nanoseconds(&st->st_ctim) > SETTLED_NS,
	};
}

/* Is it surely the same version, unread? */
static bool
stamp_same(const struct template_stamp *a, const struct template_stamp *b)
{
	return a->settled && a->device == b->device && a->inode == b->inode &&
	    a->size == b->size &&
	    nanoseconds(&a->modified) == nanoseconds(&b->modified) &&
	    nanoseconds(&a->changed) == nanoseconds(&b->changed);
}

static enum status
read_all(int fd, struct buf *text)
{
	char piece[8192];
	ssize_t n;

	do {
		n = read(fd, piece, sizeof(piece));
		if (n < 0 && errno != EINTR)
			return ST_IO;
		if (n > 0 && buf_put(text, piece, (size_t)n) != ST_OK)
			return text->err;
		if (text->len > XML_MAX)
			return ST_TOOBIG;
	} while (n != 0);
	return ST_OK;
}

static enum status
complain(struct buf *errors, const char *name, const char *what)
{
	buf_printf(errors, "%s" TEMPLATES_SUFFIX ": %s\n", name, what);
	return errors->err != ST_OK ? errors->err : ST_CONFIG;
}

/* Why a file could not be opened. */
static enum status
not_opened(const char *dir, const char *name, int error, struct buf *errors)
{
	struct stat st;

	if (error == ENOENT || error == ENOTDIR) {
		if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode))
			return ST_NOTFOUND;
		buf_printf(errors,
		    "%s" TEMPLATES_SUFFIX
		    ": the folder %s is not there; put it back\n",
		    name, dir);
		return ST_UNAVAILABLE;
	}
	if (error == EACCES || error == ELOOP)
		return complain(errors, name,
		    "it may not be read; let the responder's user read it");
	return ST_IO;
}

enum status
template_file_read(const char *dir, const char *name,
    const struct template_stamp *stamp, struct template_stamp *now,
    struct buf *text, struct buf *errors)
{
	struct buf path = BUF_INIT;
	struct stat st;
	enum status result = ST_IO;
	int fd = -1;

	buf_printf(&path, "%s/%s" TEMPLATES_SUFFIX, dir, name);
	if ((result = path.err) != ST_OK)
		goto out;
	/* Without waiting: it may be a FIFO. */
	fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		result = not_opened(dir, name, errno, errors);
		goto out;
	}
	result = ST_IO;
	if (fstat(fd, &st) != 0)
		goto out;
	stamp_make(now, &st);
	if (!S_ISREG(st.st_mode)) {
		result = complain(
		    errors, name, "it is not a regular file; make it one");
		goto out;
	}
	if (stamp != NULL && stamp_same(stamp, now)) {
		now->hash = stamp->hash;
		result = ST_EXISTS;
		goto out;
	}
	if ((result = read_all(fd, text)) == ST_OK)
		now->hash = str_hash(STR_HASH, buf_str(text), text->len);
	else if (result == ST_TOOBIG)
		result = complain(
		    errors, name, "longer than 65536 bytes; make it shorter");
	if (result == ST_OK && stamp != NULL && now->hash == stamp->hash &&
	    now->size == stamp->size)
		result = ST_EXISTS;
out:
	if (fd >= 0)
		close(fd);
	buf_release(&path);
	return result;
}
