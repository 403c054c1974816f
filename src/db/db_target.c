#include "db/db_target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum status
target_fail(const char *path, struct buf *why)
{
	int error = errno;

	buf_printf(why, "%s: %s", path,
	    error == EEXIST ? "is there already, and nothing is overwritten"
			    : strerror(error));
	if (error == EEXIST)
		return ST_EXISTS;
	return error == ENOSPC || error == EDQUOT ? ST_FULL : ST_IO;
}

enum status
db_target_open(struct db_target *t, const char *path, struct buf *why)
{
	struct buf full = BUF_INIT, partial = BUF_INIT;
	int fd;

	*t = (struct db_target){ 0 };
	/* So that no name is taken for a URI by SQLite. */
	buf_printf(&full, "%s%s", *path == '/' ? "" : "./", path);
	buf_printf(&partial, "%s.partial", buf_str(&full));
	t->path = buf_detach(&full);
	t->partial = buf_detach(&partial);
	if (t->path == NULL || t->partial == NULL)
		return ST_NOMEM;
	if (access(t->path, F_OK) == 0) {
		errno = EEXIST;
		return target_fail(path, why);
	}
	unlink(t->partial); /* of one that was killed */
	fd = open(t->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return target_fail(t->partial, why);
	close(fd);
	return ST_OK;
}

static enum status
target_sync(const char *path, struct buf *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int synced = fd < 0 ? -1 : fsync(fd);
	enum status st = synced < 0 ? target_fail(path, why) : ST_OK;

	if (fd >= 0)
		close(fd);
	return st;
}

/* Also where the file system cannot do it in one step. */
static enum status
target_move(const struct db_target *t, struct buf *why)
{
	int moved = renameat2(
	    AT_FDCWD, t->partial, AT_FDCWD, t->path, RENAME_NOREPLACE);

	if (moved < 0 && errno == EINVAL && access(t->path, F_OK) < 0)
		moved = rename(t->partial, t->path);
	return moved < 0 ? target_fail(t->path, why) : ST_OK;
}

static enum status
target_sync_directory(const struct db_target *t, struct buf *why)
{
	char *slash = strrchr(t->path, '/'), *dir;
	enum status st = ST_NOMEM;

	dir = strndup(t->path, (size_t)(slash - t->path) + 1);
	if (dir != NULL)
		st = target_sync(dir, why);
	free(dir);
	return st;
}

enum status
db_target_close(struct db_target *t, enum status st, struct buf *why)
{
	if (st == ST_OK)
		st = target_sync(t->partial, why);
	if (st == ST_OK && (st = target_move(t, why)) == ST_OK)
		st = target_sync_directory(t, why);
	else if (t->partial != NULL && st != ST_EXISTS)
		unlink(t->partial);
	free(t->path);
	free(t->partial);
	*t = (struct db_target){ 0 };
	return st;
}
