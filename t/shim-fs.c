#include "t/shim-fs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct shim shim = { .space = -1, .kinds = SHIM_ALL };

void
shim_reset(void)
{
	shim.fault_from = 0;
	shim.fault_n = 0;
	shim.faults = 0;
	shim.kinds = SHIM_ALL;
	shim.kill_at = 0;
	shim.calls = 0;
	shim.syncs = 0;
	shim.sync_delay_us = 0;
	shim.space = -1;
}

void
shim_fail(int kinds, int64_t from, int64_t n, int error)
{
	shim.kinds = kinds;
	shim.calls = 0;
	shim.faults = 0;
	shim.fault_errno = error;
	shim.fault_n = n;
	shim.fault_from = from;
}

__attribute__((constructor)) static void
read_environment(void)
{
	const char *delay = getenv("SHIM_SYNC_DELAY_US");

	if (delay != NULL)
		shim.sync_delay_us = strtol(delay, NULL, 10);
}

/* Count a call; true if it is to fail. */
static bool
fails(enum shim_call kind)
{
	int64_t n, from = shim.fault_from;

	if ((shim.kinds & (int)kind) == 0)
		return false;
	n = ++shim.calls;
	if (n == shim.kill_at)
		kill(getpid(), SIGKILL);
	if (from == 0 || n < from || n - from >= shim.fault_n)
		return false;
	shim.faults++;
	errno = shim.fault_errno;
	return true;
}

int
fdatasync(int fd)
{
	int64_t us = shim.sync_delay_us;
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	if (fails(SHIM_SYNC))
		return -1;
	shim.syncs++;
	if (us > 0)
		nanosleep(&t, NULL);
	return shim.skip_syncs ? 0 : (int)syscall(SYS_fdatasync, fd);
}

/* How much of a write fits on the disk; a hole before it takes room, too. */
static size_t
fits(int fd, size_t n, off_t at)
{
	int64_t space = shim.space, grow, lacking;
	struct stat st;

	if (space < 0 || fstat(fd, &st) < 0)
		return n;
	grow = at + (int64_t)n - st.st_size;
	if (grow <= 0)
		return n;
	lacking = grow > space ? grow - space : 0;
	if (lacking >= (int64_t)n)
		return 0;
	shim.space -= grow - lacking;
	return n - (size_t)lacking;
}

ssize_t
pwrite64(int fd, const void *data, size_t n, off64_t at)
{
	size_t fit;

	if (fails(SHIM_WRITE))
		return -1;
	fit = fits(fd, n, at);
	if (fit == 0 && n > 0) {
		errno = ENOSPC;
		return -1;
	}
	return syscall(SYS_pwrite64, fd, data, fit, at);
}

int
statvfs(const char *path, struct statvfs *out)
{
	int fd = open(path, O_PATH | O_CLOEXEC);
	int result = fd < 0 ? -1 : fstatvfs(fd, out);

	if (fd >= 0)
		close(fd);
	if (result == 0 && shim.space >= 0)
		out->f_bavail = (fsblkcnt_t)shim.space / out->f_frsize;
	return result;
}

ssize_t
pread64(int fd, void *data, size_t n, off64_t at)
{
	if (fails(SHIM_READ))
		return -1;
	return syscall(SYS_pread64, fd, data, n, at);
}

int
ftruncate64(int fd, off64_t length)
{
	if (fails(SHIM_WRITE))
		return -1;
	return (int)syscall(SYS_ftruncate, fd, length);
}

int
fcntl64(int fd, int what, ...)
{
	const struct flock *lock;
	va_list ap;
	void *arg;

	va_start(ap, what);
	arg = va_arg(ap, void *);
	va_end(ap);
	lock = arg;
	if (what == F_SETLK &&
	    fails(lock->l_type == F_UNLCK ? SHIM_UNLOCK : SHIM_LOCK))
		return -1;
	return (int)syscall(SYS_fcntl, fd, what, arg);
}
