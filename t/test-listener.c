/* Listening sockets, and the records that come in on them. */
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "door/listener.h"
#include "door/records.h"
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

/* Every beginning of a request is partial until the parameters are whole, and
 * then headed until the body is. */
static void
test_records_prefixes(void)
{
	struct peer_request q = { "/echo", "hello", NULL, false };
	size_t stdin_at;
	struct buf b = BUF_INIT;

	peer_records(&b, &q);
	/* BEGIN, PARAMS with content, PARAMS without; then STDIN. */
	stdin_at = 16 + 8 +
	    ((size_t)(unsigned char)b.data[20] << 8 |
		(unsigned char)b.data[21]) +
	    8;
	for (size_t n = 0; n <= b.len; n++) {
		enum records_state expected = RECORDS_PARTIAL;

		if (n >= stdin_at)
			expected = RECORDS_HEAD;
		if (n == b.len)
			expected = RECORDS_WHOLE;
		CU_ASSERT_EQUAL(records_scan(b.data, n), expected);
	}
	/* What follows is the next request's. */
	buf_puts(&b, "garbage");
	CU_ASSERT_EQUAL(records_scan(b.data, b.len), RECORDS_WHOLE);
	buf_release(&b);
}

/* The records of a test: a type and content each, up to type 0. */
struct record_list {
	struct {
		int type;
		const char *content;
		size_t n;
	} records[6];
	enum records_state expected;
};

#define BEGIN_RESPONDER \
	{ \
		1, "\0\1\0\0\0\0\0\0", 8 \
	}
#define PARAMS_END \
	{ \
		4, "", 0 \
	}
#define STDIN_END \
	{ \
		5, "", 0 \
	}

static const struct record_list record_lists[] = {
	{ { BEGIN_RESPONDER, PARAMS_END, STDIN_END }, RECORDS_WHOLE },
	{ { BEGIN_RESPONDER, { 4, "\1\2a", 3 }, { 4, "bc", 2 }, PARAMS_END },
	    RECORDS_HEAD },
	/* a length that is split over records */
	{ { BEGIN_RESPONDER, { 4, "\200\0", 2 }, { 4, "\0\1\0a", 4 },
	      PARAMS_END },
	    RECORDS_HEAD },
	/* aborted */
	{ { BEGIN_RESPONDER, PARAMS_END, { 2, "", 0 } }, RECORDS_WHOLE },
	{ { BEGIN_RESPONDER, { 2, "", 0 } }, RECORDS_BAD },
	/* authorizer, filter, none */
	{ { { 1, "\0\2\0\0\0\0\0\0", 8 } }, RECORDS_BAD },
	{ { { 1, "\0\3\0\0\0\0\0\0", 8 } }, RECORDS_BAD },
	{ { { 1, "\0\0\0\0\0\0\0\0", 8 } }, RECORDS_BAD },
	{ { { 1, "\0\1\0", 3 } }, RECORDS_BAD },
	/* out of turn */
	{ { PARAMS_END }, RECORDS_BAD },
	{ { STDIN_END }, RECORDS_BAD },
	{ { BEGIN_RESPONDER, STDIN_END }, RECORDS_BAD },
	{ { BEGIN_RESPONDER, BEGIN_RESPONDER }, RECORDS_BAD },
	{ { BEGIN_RESPONDER, PARAMS_END, PARAMS_END }, RECORDS_BAD },
	/* the stream ends inside a pair */
	{ { BEGIN_RESPONDER, { 4, "\1\2ab", 4 }, PARAMS_END }, RECORDS_BAD },
	{ { BEGIN_RESPONDER, { 4, "\1", 1 }, PARAMS_END }, RECORDS_BAD },
	/* lengths over the bound, and those of CVE-2025-23016 */
	{ { BEGIN_RESPONDER, { 4, "\200\20\0\1\0", 5 } }, RECORDS_BAD },
	{ { BEGIN_RESPONDER, { 4, "\0\200\20\0\1", 5 } }, RECORDS_BAD },
	{ { BEGIN_RESPONDER, { 4, "\377\377\377\377\377\377\377\377", 8 } },
	    RECORDS_BAD },
	{ { BEGIN_RESPONDER, { 4, "\200\20\0\0\0", 5 } }, RECORDS_PARTIAL },
	/* a NUL in a name or a value */
	{ { BEGIN_RESPONDER, { 4, "\1\2ab\0", 5 }, PARAMS_END }, RECORDS_BAD },
	{ { BEGIN_RESPONDER, { 4, "\1\1\0b", 4 }, PARAMS_END }, RECORDS_BAD },
	/* a type nobody knows is passed over */
	{ { BEGIN_RESPONDER, { 99, "xyz", 3 }, PARAMS_END, STDIN_END },
	    RECORDS_WHOLE },
};

static void
test_records_lists(void)
{
	for (size_t i = 0; i < TEST_COUNT(record_lists); i++) {
		const struct record_list *l = &record_lists[i];
		struct buf b = BUF_INIT;

		for (size_t k = 0; l->records[k].type != 0; k++)
			peer_record(&b, l->records[k].type,
			    l->records[k].content, l->records[k].n);
		CU_ASSERT_EQUAL(records_scan(b.data, b.len), l->expected);
		buf_release(&b);
	}
}

static void
test_records_garbage(void)
{
	/* A management record (id 0) before the request is none of ours. */
	static const char values[] = "\1\11\0\0\0\0\0\0";

	CU_ASSERT_EQUAL(records_scan("", 0), RECORDS_PARTIAL);
	CU_ASSERT_EQUAL(records_scan("\1", 1), RECORDS_PARTIAL);
	CU_ASSERT_EQUAL(records_scan("G", 1), RECORDS_BAD);
	CU_ASSERT_EQUAL(records_scan("GET / HTTP/1.0", 14), RECORDS_BAD);
	CU_ASSERT_EQUAL(records_scan(values, 8), RECORDS_PARTIAL);
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
		{ "records: prefixes", test_records_prefixes },
		{ "records: lists", test_records_lists },
		{ "records: garbage", test_records_garbage },
	};

	return test_main("listener", tests, TEST_COUNT(tests));
}
