#include "config/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* *size: about how much there is to read. */
static enum status
check_kind(int fd, bool devices, size_t *size, const char **why)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		*why = strerror(errno);
		return ST_IO;
	}
	*size = st.st_size > 0 ? (size_t)st.st_size : 0;
	if (S_ISREG(st.st_mode) || (devices && S_ISCHR(st.st_mode)))
		return ST_OK;
	*why = S_ISDIR(st.st_mode) ? "it is a directory"
				   : "it is not a regular file";
	return ST_UNSUPPORTED;
}

/* Read to the end. One byte over max is asked for, to see that it is there. */
static enum status
read_all(int fd, size_t max, struct buf *out, const char **why)
{
	char part[4096];
	size_t want;
	ssize_t n;

	do {
		want = max + 1 - out->len;
		if (want > sizeof(part))
			want = sizeof(part);
		n = read(fd, part, want);
		if (n > 0)
			buf_put(out, part, (size_t)n);
	} while ((n > 0 && out->err == ST_OK && out->len <= max) ||
	    (n < 0 && errno == EINTR));
	explicit_bzero(part, sizeof(part));
	if (n < 0) {
		*why = strerror(errno);
		return ST_IO;
	}
	if (out->err != ST_OK)
		return out->err;
	if (out->len > max) {
		*why = "it is too large";
		return ST_TOOBIG;
	}
	return ST_OK;
}

enum status
textfile_read(const char *path, size_t max, bool devices, struct buf *out,
    const char **why)
{
	enum status st = ST_IO;
	size_t size = 0;
	int fd;

	*why = "no memory";
	/* Not blocking: a pipe that nobody writes to must not stop the start. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		*why = strerror(errno);
		return ST_IO;
	}
	st = check_kind(fd, devices, &size, why);
	/* Room at once: growing would leave copies of secrets behind. */
	if (st == ST_OK)
		st = buf_reserve(out, (size < max ? size : max) + 1);
	if (st == ST_OK)
		st = read_all(fd, max, out, why);
	close(fd);
	return st;
}
