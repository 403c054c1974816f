/* Listening sockets. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "door/listener.h"
#include "t/fcgi-peer.h"
#include "t/test.h"

static const char *
in_tmpdir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", test_tmpdir(), name);
	return path;
}

static enum status
open_quietly(struct listener *l, const char *where)
{
	struct buf why = BUF_INIT;
	enum status st = listener_open(l, where, &why);

	/* Whoever cannot start is told why. */
	CU_ASSERT_EQUAL(st == ST_OK, why.len == 0);
	buf_release(&why);
	return st;
}

static void
check_mode(mode_t mask)
{
	const char *path = in_tmpdir("mode.sock");
	mode_t before = umask(mask);
	struct listener l;
	struct stat st;

	CU_ASSERT_EQUAL(open_quietly(&l, path), ST_OK);
	umask(before);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
	CU_ASSERT_EQUAL(st.st_mode & 07777, 0660);
	CU_ASSERT_TRUE(listener_is(l.fd));
	CU_ASSERT_TRUE(fcntl(l.fd, F_GETFD) & FD_CLOEXEC);
	listener_close(&l);
	CU_ASSERT_EQUAL(l.fd, -1);
	CU_ASSERT_NOT_EQUAL(lstat(path, &st), 0);
}

static void
test_mode(void)
{
	check_mode(0);
	check_mode(022);
	check_mode(0777);
}

static void
test_stale_and_live(void)
{
	char where[300];
	struct listener first, second;
	int fd;

	snprintf(where, sizeof(where), "unix:%s", in_tmpdir("live.sock"));
	CU_ASSERT_EQUAL(open_quietly(&first, where), ST_OK);
	CU_ASSERT_EQUAL(open_quietly(&second, where), ST_EXISTS);
	CU_ASSERT_EQUAL(second.fd, -1);
	/* As after kill -9: the file stays, nobody listens. */
	close(first.fd);
	CU_ASSERT_EQUAL(open_quietly(&second, where), ST_OK);
	/* The first one's end must not take the second one's file away. */
	first.fd = -1;
	listener_close(&first);
	fd = peer_connect(in_tmpdir("live.sock"));
	CU_ASSERT_TRUE(fd >= 0);
	close(fd);
	listener_close(&second);
}

static void
test_not_a_socket(void)
{
	const char *path = in_tmpdir("precious");
	struct listener l;
	struct stat st;
	int fd = open(path, O_CREAT | O_WRONLY, 0600);

	CU_ASSERT_TRUE(fd >= 0);
	close(fd);
	CU_ASSERT_EQUAL(open_quietly(&l, path), ST_EXISTS);
	CU_ASSERT_EQUAL(lstat(path, &st), 0);
}

/* After it has been retired nobody gets in, but who was in is not lost. */
static void
test_retire(void)
{
	const char *path = in_tmpdir("retire.sock");
	struct listener l;
	struct stat st;
	int fd, got;

	CU_ASSERT_EQUAL(open_quietly(&l, path), ST_OK);
	fd = peer_connect(path);
	CU_ASSERT_TRUE(fd >= 0);
	listener_retire(&l);
	CU_ASSERT_NOT_EQUAL(lstat(path, &st), 0);
	got = accept4(l.fd, NULL, NULL, SOCK_NONBLOCK);
	CU_ASSERT_TRUE(got >= 0);
	CU_ASSERT_EQUAL(accept4(l.fd, NULL, NULL, SOCK_NONBLOCK), -1);
	close(got);
	close(fd);
	listener_close(&l);
}

static void
test_bad_names(void)
{
	char longest[300];
	struct listener l;

	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = '\0';
	CU_ASSERT_EQUAL(open_quietly(&l, longest), ST_MALFORMED);
	CU_ASSERT_EQUAL(open_quietly(&l, "unix:"), ST_MALFORMED);
	CU_ASSERT_EQUAL(open_quietly(&l, "socket"), ST_MALFORMED);
	CU_ASSERT_EQUAL(open_quietly(&l, ""), ST_MALFORMED);
	CU_ASSERT_EQUAL(open_quietly(&l, "127.0.0.1:http"), ST_MALFORMED);
	CU_ASSERT_EQUAL(open_quietly(&l, "127.0.0.1:99999999"), ST_MALFORMED);
	CU_ASSERT_EQUAL(open_quietly(&l, "/no/such/directory/s"), ST_IO);
}

static void
check_tcp(const char *where, int family)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);
	struct listener l;

	CU_ASSERT_EQUAL(open_quietly(&l, where), ST_OK);
	CU_ASSERT_TRUE(listener_is(l.fd));
	CU_ASSERT_EQUAL(getsockname(l.fd, (struct sockaddr *)&a, &n), 0);
	CU_ASSERT_EQUAL(a.ss_family, family);
	if (family == AF_INET)
		CU_ASSERT_EQUAL(((struct sockaddr_in *)&a)->sin_addr.s_addr,
		    htonl(INADDR_LOOPBACK));
	listener_close(&l);
}

static void
test_tcp(void)
{
	check_tcp("127.0.0.1:0", AF_INET);
	/* Not the whole world, if no host is named. */
	check_tcp(":0", AF_INET);
}

static void
test_is_listener(void)
{
	int pair[2];

	CU_ASSERT_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	CU_ASSERT_FALSE(listener_is(pair[0]));
	close(pair[0]);
	CU_ASSERT_FALSE(listener_is(pair[0]));
	close(pair[1]);
	CU_ASSERT_EQUAL(pipe(pair), 0);
	CU_ASSERT_FALSE(listener_is(pair[0]));
	close(pair[0]);
	close(pair[1]);
}

/* sd_listen_fds(3): descriptor 3, if it is for this process. */
static void
test_passed(void)
{
	char mine[64], one[] = "LISTEN_FDS=1", nought[] = "LISTEN_FDS=0";
	char *envp[] = { mine, one, NULL }, *none[] = { NULL };
	char *zero[] = { mine, nought, NULL };
	struct listener l;
	int kept;

	snprintf(mine, sizeof(mine), "LISTEN_PID=%d", (int)getpid());
	CU_ASSERT_EQUAL(open_quietly(&l, in_tmpdir("passed.sock")), ST_OK);
	kept = fcntl(3, F_DUPFD_CLOEXEC, 10);
	dup2(l.fd, 3);
	CU_ASSERT_EQUAL(listener_passed(envp), 3);
	CU_ASSERT_EQUAL(listener_passed(none), -1);
	CU_ASSERT_EQUAL(listener_passed(zero), -1);
	snprintf(mine, sizeof(mine), "LISTEN_PID=%d", (int)getppid());
	CU_ASSERT_EQUAL(listener_passed(envp), -1);
	if (l.fd != 3)
		close(3);
	if (kept >= 0) {
		dup2(kept, 3);
		close(kept);
	}
	listener_close(&l);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "mode of a Unix socket", test_mode },
		{ "stale and live", test_stale_and_live },
		{ "not a socket", test_not_a_socket },
		{ "retire", test_retire },
		{ "bad names", test_bad_names },
		{ "TCP", test_tcp },
		{ "is it listening", test_is_listener },
		{ "passed by systemd", test_passed },
	};

	return test_main("listener", tests, TEST_COUNT(tests));
}
