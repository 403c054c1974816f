#include "door/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/str.h"
#include "config/env.h"

/* What waits while all workers are busy; the kernel cuts it to somaxconn. */
#define BACKLOG 4096
#define SOCKET_MODE 0660
/* systemd passes descriptors from here on (sd_listen_fds(3)). */
#define FIRST_PASSED 3

static enum status
fail(struct buf *why, const char *what)
{
	buf_printf(why, "%s: %s", what, strerror(errno));
	return ST_IO;
}

static enum status
unix_address(struct sockaddr_un *a, const char *path, struct buf *why)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (*path == '\0' || strlen(path) >= sizeof(a->sun_path)) {
		buf_printf(why, "a socket's path has 1 to %zu bytes",
		    sizeof(a->sun_path) - 1);
		return ST_MALFORMED;
	}
	memcpy(a->sun_path, path, strlen(path) + 1);
	return ST_OK;
}

/* Is there a socket file that nobody listens on any more? */
static bool
is_stale(const struct sockaddr_un *a)
{
	struct stat st;
	bool stale;
	int fd;

	if (lstat(a->sun_path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	/* EAGAIN is a full queue: alive, and very much so. */
	stale = connect(fd, (const struct sockaddr *)a, sizeof(*a)) != 0 &&
	    errno == ECONNREFUSED;
	close(fd);
	return stale;
}

static enum status
unix_bind(int fd, const struct sockaddr_un *a, struct buf *why)
{
	const struct sockaddr *sa = (const struct sockaddr *)a;

	/* Linux gives the file the mode that the socket has at bind, less the
	 * umask: so it is never wider than it should be. */
	if (fchmod(fd, SOCKET_MODE) != 0)
		return fail(why, "fchmod");
	if (bind(fd, sa, sizeof(*a)) == 0)
		return ST_OK;
	if (errno != EADDRINUSE)
		return fail(why, a->sun_path);
	if (!is_stale(a)) {
		buf_printf(why,
		    "%s: somebody listens on it, or it is not a socket",
		    a->sun_path);
		return ST_EXISTS;
	}
	if (unlink(a->sun_path) != 0 || bind(fd, sa, sizeof(*a)) != 0)
		return fail(why, a->sun_path);
	return ST_OK;
}

/*
 * Two that start at once might each take the other's fresh socket for a stale
 * one: the directory is locked meanwhile. -1, and no lock, if that is not
 * possible.
 */
static int
lock_directory(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;
	int fd;

	dir = slash == NULL ? strdup(".")
			    : strndup(path, (size_t)(slash - path) + 1);
	if (dir == NULL)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Remember which file it is, and widen what a strict umask narrowed. */
static enum status
unix_finish(struct listener *l, const char *path, struct buf *why)
{
	struct stat st;

	if (chmod(path, SOCKET_MODE) != 0 || lstat(path, &st) != 0)
		return fail(why, path);
	if ((l->path = strdup(path)) == NULL)
		return ST_NOMEM;
	l->device = st.st_dev;
	l->inode = st.st_ino;
	l->made = st.st_mtim;
	if (listen(l->fd, BACKLOG) != 0)
		return fail(why, path);
	return ST_OK;
}

static enum status
unix_open(struct listener *l, const char *path, struct buf *why)
{
	struct sockaddr_un a;
	enum status st;
	int lock;

	if ((st = unix_address(&a, path, why)) != ST_OK)
		return st;
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return fail(why, "socket");
	lock = lock_directory(path);
	if ((st = unix_bind(l->fd, &a, why)) == ST_OK)
		st = unix_finish(l, path, why);
	if (lock >= 0)
		close(lock);
	return st;
}

static enum status
tcp_listen(struct listener *l, const struct addrinfo *a, struct buf *why)
{
	int on = 1;

	l->fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return fail(why, "socket");
	if (setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return fail(why, "SO_REUSEADDR");
	if (bind(l->fd, a->ai_addr, a->ai_addrlen) != 0 ||
	    listen(l->fd, BACKLOG) != 0)
		return fail(why, "bind");
	return ST_OK;
}

/* A name may stand for addresses that this machine does not have. */
static enum status
tcp_listen_any(struct listener *l, const struct addrinfo *list, struct buf *why)
{
	enum status st = ST_IO;

	for (; list != NULL && st != ST_OK; list = list->ai_next) {
		listener_close(l);
		buf_reset(why);
		st = tcp_listen(l, list, why);
	}
	return st;
}

/* "HOST:PORT" in two; "[::1]" loses its brackets. */
static enum status
split_host(const char *where, char **host, const char **port)
{
	const char *colon = strrchr(where, ':');
	size_t n = (size_t)(colon - where);
	uint64_t number;

	*port = colon + 1;
	if (str_u64(*port, UINT16_MAX, &number) != ST_OK)
		return ST_MALFORMED;
	if (n == 0)
		return str_dup("127.0.0.1", host);
	if (n > 2 && where[0] == '[' && where[n - 1] == ']') {
		where++;
		n -= 2;
	}
	*host = strndup(where, n);
	return *host == NULL ? ST_NOMEM : ST_OK;
}

static enum status
tcp_open(struct listener *l, const char *where, struct buf *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	const char *port;
	char *host = NULL;
	enum status st;
	int err;

	if ((st = split_host(where, &host, &port)) != ST_OK) {
		buf_printf(why, "%s: not HOST:PORT", where);
		return st;
	}
	err = getaddrinfo(host, port, &hints, &list);
	if (err == 0) {
		st = tcp_listen_any(l, list, why);
		freeaddrinfo(list);
	} else {
		buf_printf(why, "%s: %s", where, gai_strerror(err));
		st = ST_MALFORMED;
	}
	free(host);
	return st;
}

enum status
listener_open(struct listener *l, const char *where, struct buf *why)
{
	enum status st = ST_MALFORMED;

	*l = (struct listener){ .fd = -1 };
	if (str_starts(where, "unix:"))
		st = unix_open(l, where + strlen("unix:"), why);
	else if (strchr(where, '/') != NULL)
		st = unix_open(l, where, why);
	else if (strchr(where, ':') != NULL)
		st = tcp_open(l, where, why);
	else
		buf_puts(why,
		    "neither unix:PATH, nor a path with a slash, "
		    "nor HOST:PORT");
	if (st != ST_OK)
		listener_close(l);
	return st;
}

void
listener_adopt(struct listener *l, int fd)
{
	*l = (struct listener){ .fd = fd };
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void
listener_retire(struct listener *l)
{
	struct stat st;

	if (l->path == NULL)
		return;
	if (lstat(l->path, &st) == 0 && st.st_dev == l->device &&
	    st.st_ino == l->inode && st.st_mtim.tv_sec == l->made.tv_sec &&
	    st.st_mtim.tv_nsec == l->made.tv_nsec)
		unlink(l->path);
	free(l->path);
	l->path = NULL;
	shutdown(l->fd, SHUT_RD);
}

void
listener_close(struct listener *l)
{
	listener_retire(l);
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

bool
listener_is(int fd)
{
	int on = 0;
	socklen_t n = sizeof(on);

	return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &n) == 0 &&
	    on != 0;
}

int
listener_passed(char *const *envp)
{
	uint64_t n, pid;

	/* Meant for another process of that chain, or not for us at all. */
	if (str_u64(env_get(envp, "LISTEN_PID"), INT32_MAX, &pid) != ST_OK ||
	    str_u64(env_get(envp, "LISTEN_FDS"), INT32_MAX, &n) != ST_OK)
		return -1;
	if (pid != (uint64_t)getpid() || n < 1 || !listener_is(FIRST_PASSED))
		return -1;
	return FIRST_PASSED;
}
