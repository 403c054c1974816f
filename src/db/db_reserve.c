#include "db/db_reserve.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/owner.h"

/* Some twenty messages received and acknowledged, or a large one. */
#define RESERVE_SIZE (1 << 20)
#define RESERVE_LEAST (1 << 16)

void
db_reserve_make(const char *path)
{
	int saved = errno, fd;
	struct stat st;
	off_t size;

	if (path == NULL ||
	    (stat(path, &st) == 0 && st.st_size >= RESERVE_SIZE))
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	owner_give(fd, path);
	for (size = RESERVE_SIZE; size >= RESERVE_LEAST; size /= 2)
		if (posix_fallocate(fd, 0, size) != ENOSPC)
			break;
	close(fd);
	errno = saved;
}

bool
db_reserve_release(const char *path)
{
	struct stat st;

	return path != NULL && stat(path, &st) == 0 && st.st_size > 0 &&
	    truncate(path, 0) == 0;
}
