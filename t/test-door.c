/* The doors: in memory, and FastCGI over a Unix socket with a fake web server
 * and a fake application. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "door/answer.h"
#include "door/door.h"
#include "t/door-app.h"
#include "t/fcgi-peer.h"
#include "t/test.h"

/* What "not held up" is, on a busy machine and under sanitizers. */
#define PROMPT_MS 1500

#define TIMEOUT_S 2

/* ---- in memory ---- */

static char *
ask_memory(const char *method, const char *path, const char *body)
{
	char m[64], p[64], l[64], *envp[] = { m, p, l, NULL };
	struct app *app = door_app_new();
	struct buf reply = BUF_INIT;

	snprintf(m, sizeof(m), "REQUEST_METHOD=%s", method);
	snprintf(p, sizeof(p), "PATH_INFO=%s", path);
	snprintf(l, sizeof(l), "CONTENT_LENGTH=%zu", strlen(body));
	CU_ASSERT_EQUAL(
	    door_memory(app, envp, body, strlen(body), &reply), ST_OK);
	app_close(app);
	return buf_detach(&reply);
}

/* Also shows that base_path of the configuration gets there. */
static void
test_memory(void)
{
	char *reply = ask_memory("POST", "/base/echo", "hello");

	CU_ASSERT_STRING_EQUAL(reply,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 16\r\n\r\n/echo  0 5 hello");
	free(reply);
}

static void
test_memory_head(void)
{
	char *reply = ask_memory("HEAD", "/echo", "");

	CU_ASSERT_STRING_EQUAL(reply,
	    "Status: 200 OK\r\nContent-Type: text/plain\r\n"
	    "Content-Length: 11\r\n\r\n");
	free(reply);
}

static void
test_memory_malformed(void)
{
	char *reply = ask_memory("", "/echo", "");

	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "Status: 400 Bad Request\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\r\nX-Request-Id: "));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\"request_id\":\""));
	free(reply);
}

/* A reply that could not be built is 503, not half of it. */
static void
test_memory_broken(void)
{
	char *reply = ask_memory("POST", "/broken", "");

	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "Status: 503 "));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\r\nX-Request-Id: "));
	CU_ASSERT_PTR_NULL(strstr(reply, "/broken"));
	free(reply);
}

/* ---- a FastCGI server in a process of its own ---- */

struct running {
	pid_t pid;
	char path[128];
	char bad[160]; /* while this file exists a reload fails */
};

static int
serve(const struct running *r, size_t threads)
{
	struct door_fastcgi_options o = {
		.threads = threads,
		.timeout_s = TIMEOUT_S,
		.app = { .config_file = r->bad },
	};
	struct buf why = BUF_INIT;

	door_block_signals();
	if (listener_open(&o.listener, r->path, &why) != ST_OK)
		return 99;
	return (int)door_fastcgi(door_app_new(), &o);
}

static struct running
start(size_t threads)
{
	struct running r = { .pid = 0 };

	snprintf(r.path, sizeof(r.path), "%s/door.sock", test_tmpdir());
	snprintf(r.bad, sizeof(r.bad), "%s/bad", test_tmpdir());
	fflush(stdout);
	r.pid = fork();
	if (r.pid == 0)
		exit(serve(&r, threads));
	return r;
}

/* Wait for the end: its exit status, -1 if it died, and how long it took. */
static int
ended(const struct running *r, int *ms)
{
	int64_t began = clock_mono_us();
	int status = 0;

	CU_ASSERT_EQUAL(waitpid(r->pid, &status, 0), r->pid);
	*ms = (int)((clock_mono_us() - began) / 1000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void
stop(const struct running *r)
{
	int ms;

	kill(r->pid, SIGTERM);
	CU_ASSERT_EQUAL(ended(r, &ms), ST_OK);
	CU_ASSERT_TRUE(ms < PROMPT_MS);
}

/* The server is well: it answers, and soon. */
static void
check_prompt(const struct running *r)
{
	struct peer_request q = { "/echo", "hello", NULL, false };
	int ms;
	char *reply = peer_ask(r->path, &q, &ms);

	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\r\n\r\n/echo  0 5 hello"));
	CU_ASSERT_TRUE(ms >= 0 && ms < PROMPT_MS);
	free(reply);
}

static void
test_fastcgi(void)
{
	struct running r = start(0);
	struct peer_request get = { "/base/echo", NULL, NULL, false };
	char *reply;

	check_prompt(&r);
	reply = peer_ask(r.path, &get, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "Status: 200 OK\r\n"));
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "\r\n\r\n/echo  0 0 "));
	free(reply);
	stop(&r);
	CU_ASSERT_NOT_EQUAL(access(r.path, F_OK), 0);
}

static void
test_body_lengths(void)
{
	struct running r = start(0);
	struct peer_request q = { "/echo", "hello", "6", false };
	char *reply = peer_ask(r.path, &q, NULL), text[64];

	snprintf(text, sizeof(text), "/echo  %d 5 hello", ST_MALFORMED);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, text));
	free(reply);
	q.length = "4";
	reply = peer_ask(r.path, &q, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, text));
	free(reply);
	stop(&r);
}

/* Over max_body: drained, so that the peer gets to read the answer. */
static void
test_body_huge(void)
{
	struct running r = start(0);
	size_t n = 3 << 20;
	char *body = malloc(n + 1), *reply, text[64];
	struct peer_request q = { "/echo", body, NULL, false };

	memset(body, 'b', n);
	body[n] = '\0';
	reply = peer_ask(r.path, &q, NULL);
	snprintf(text, sizeof(text), "/echo  %d 0 ", ST_TOOBIG);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, text));
	free(reply);
	body[900000] = '\0';
	reply = peer_ask(r.path, &q, NULL);
	CU_ASSERT_PTR_NOT_NULL(strstr(reply, "/echo  0 900000 bbb"));
	free(reply);
	free(body);
	check_prompt(&r);
	stop(&r);
}

/* Connections that send the first n bytes of a request and then nothing. */
static void
check_silent(const struct running *r, size_t count, size_t n)
{
	struct peer_request q = { "/echo", "hello", NULL, false };
	struct buf b = BUF_INIT;
	int *fds = calloc(count, sizeof(*fds));

	peer_records(&b, &q);
	for (size_t i = 0; i < count; i++) {
		fds[i] = peer_connect(r->path);
		CU_ASSERT_TRUE(fds[i] >= 0 && peer_send(fds[i], b.data, n));
	}
	for (int i = 0; i < 20; i++)
		check_prompt(r);
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
	free(fds);
	buf_release(&b);
}

static void
test_silent(void)
{
	struct running r = start(2);

	check_silent(&r, 3, 0);
	check_silent(&r, 64, 0);
	check_silent(&r, 64, 5);
	check_silent(&r, 64, 40);
	/* More than there are seats: who is longest there goes first. */
	check_silent(&r, 600, 10);
	stop(&r);
}

/* A silent peer is let go after the time-out. */
static void
test_silent_ends(void)
{
	struct running r = start(2);
	int fd = peer_connect(r.path);
	int64_t began = clock_mono_us();
	char c;

	CU_ASSERT_EQUAL(read(fd, &c, 1), 0);
	CU_ASSERT_TRUE(
	    clock_mono_us() - began > (int64_t)TIMEOUT_S * 1000000 - 200000);
	CU_ASSERT_TRUE(
	    clock_mono_us() - began < (int64_t)(TIMEOUT_S + 3) * 1000000);
	close(fd);
	stop(&r);
}

static void
test_garbage(void)
{
	static const char *const texts[] = { "", "G", "GET / HTTP/1.0\r\n\r\n",
		"\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0" };
	struct running r = start(2);
	char c;

	for (size_t i = 0; i < TEST_COUNT(texts); i++) {
		int fd = peer_connect(r.path);

		peer_send(fd, texts[i], i == 3 ? 16 : strlen(texts[i]));
		shutdown(fd, SHUT_WR);
		/* Closed, or reset where some of it was not worth reading. */
		CU_ASSERT_TRUE(read(fd, &c, 1) <= 0);
		close(fd);
		check_prompt(&r);
	}
	stop(&r);
}

/* A request without REQUEST_METHOD, as BEGIN and nothing else makes it. */
static void
test_no_method(void)
{
	struct running r = start(2);
	struct buf b = BUF_INIT, out = BUF_INIT;
	int fd = peer_connect(r.path);

	peer_record(&b, 1, "\0\1\0\0\0\0\0\0", 8);
	peer_record(&b, 4, "", 0);
	peer_record(&b, 5, "", 0);
	CU_ASSERT_TRUE(peer_send(fd, b.data, b.len));
	CU_ASSERT_TRUE(peer_reply(fd, &out, NULL));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), "Status: 400 "));
	close(fd);
	buf_release(&b);
	buf_release(&out);
	stop(&r);
}

/* A body that breaks off is told so; one that trickles is broken off. */
static void
test_body_breaks_off(void)
{
	struct running r = start(2);
	struct peer_request q = { "/echo", "hello", NULL, false };
	struct buf b = BUF_INIT, out = BUF_INIT;
	char text[64];
	int fd = peer_connect(r.path), ms;

	snprintf(text, sizeof(text), "/echo  %d ", ST_MALFORMED);
	peer_records(&b, &q);
	CU_ASSERT_TRUE(peer_send(fd, b.data, b.len - 8));
	shutdown(fd, SHUT_WR);
	CU_ASSERT_TRUE(peer_reply(fd, &out, &ms));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), text));
	CU_ASSERT_TRUE(ms < PROMPT_MS);
	close(fd);
	buf_reset(&out);
	fd = peer_connect(r.path);
	CU_ASSERT_TRUE(peer_send(fd, b.data, b.len - 8));
	CU_ASSERT_TRUE(peer_reply(fd, &out, &ms));
	CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), text));
	CU_ASSERT_TRUE(ms < (TIMEOUT_S * 2 + 3) * 1000);
	close(fd);
	buf_release(&b);
	buf_release(&out);
	stop(&r);
}

/* Each byte comes before the socket's time-out; the whole never does. */
static void
test_trickle(void)
{
	struct running r = start(1);
	struct peer_request q = { "/echo", "hello", NULL, false };
	struct buf b = BUF_INIT, out = BUF_INIT;
	int64_t began = clock_mono_us();
	int fd = peer_connect(r.path);

	peer_records(&b, &q);
	CU_ASSERT_TRUE(peer_send(fd, b.data, b.len - 21));
	for (int i = 0; i < 20; i++) {
		usleep(500000);
		if (!peer_send(fd, "\1\5\0\1\0\1\0\0x", 9))
			break;
	}
	CU_ASSERT_TRUE(clock_mono_us() - began < 9000000);
	close(fd);
	check_prompt(&r);
	buf_release(&b);
	buf_release(&out);
	stop(&r);
}

static void
test_keep(void)
{
	struct running r = start(2);
	struct peer_request q = { "/echo", "hello", NULL, true };
	struct buf b = BUF_INIT, out = BUF_INIT;
	int fds[8];

	peer_records(&b, &q);
	for (size_t i = 0; i < TEST_COUNT(fds); i++)
		fds[i] = peer_connect(r.path);
	for (size_t i = 0; i < 5 * TEST_COUNT(fds); i++) {
		buf_reset(&out);
		CU_ASSERT_TRUE(
		    peer_send(fds[i % TEST_COUNT(fds)], b.data, b.len));
		CU_ASSERT_TRUE(
		    peer_reply(fds[i % TEST_COUNT(fds)], &out, NULL));
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), " 5 hello"));
	}
	/* They are open and idle, and there are more of them than workers. */
	check_prompt(&r);
	stop(&r);
	for (size_t i = 0; i < TEST_COUNT(fds); i++)
		close(fds[i]);
	buf_release(&b);
	buf_release(&out);
}

static int
reloads(const struct running *r)
{
	struct peer_request q = { "/reloads", NULL, NULL, false };
	char *reply = peer_ask(r->path, &q, NULL);
	const char *body = strstr(reply, "\r\n\r\n");
	int n = body == NULL ? -1 : atoi(body + 4);

	free(reply);
	return n;
}

static bool
reloads_become(const struct running *r, int n)
{
	for (int i = 0; i < 300; i++) {
		if (reloads(r) == n)
			return true;
		usleep(10000);
	}
	return false;
}

static void
test_reload(void)
{
	struct running r = start(2);
	int first = reloads(&r);
	FILE *bad;

	kill(r.pid, SIGHUP);
	CU_ASSERT_TRUE(reloads_become(&r, first + 1));
	bad = fopen(r.bad, "w");
	CU_ASSERT_PTR_NOT_NULL(bad);
	fclose(bad);
	kill(r.pid, SIGHUP);
	usleep(200000);
	CU_ASSERT_EQUAL(reloads(&r), first + 1);
	unlink(r.bad);
	kill(r.pid, SIGHUP);
	CU_ASSERT_TRUE(reloads_become(&r, first + 2));
	stop(&r);
}

/* Requests that are under way, or wait to be accepted, get their answers. */
static void
check_stop_finishes(int sig)
{
	struct running r = start(4);
	struct peer_request q = { "/slow", "hello", NULL, false };
	struct buf b = BUF_INIT, out = BUF_INIT;
	int fds[12], ms;

	peer_records(&b, &q);
	check_prompt(&r);
	for (size_t i = 0; i < TEST_COUNT(fds); i++) {
		fds[i] = peer_connect(r.path);
		CU_ASSERT_TRUE(peer_send(fds[i], b.data, b.len));
	}
	usleep(50000);
	kill(r.pid, sig);
	for (size_t i = 0; i < TEST_COUNT(fds); i++) {
		buf_reset(&out);
		CU_ASSERT_TRUE(peer_reply(fds[i], &out, NULL));
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), " 5 hello"));
		close(fds[i]);
	}
	CU_ASSERT_EQUAL(ended(&r, &ms), ST_OK);
	CU_ASSERT_TRUE(ms < PROMPT_MS);
	buf_release(&b);
	buf_release(&out);
}

static void
test_stop_finishes(void)
{
	check_stop_finishes(SIGTERM);
	check_stop_finishes(SIGINT);
	check_stop_finishes(SIGUSR1);
}

/* Send the same request by so many connections. */
static void
ask_many(const struct running *r, const char *path, int fds[], size_t n)
{
	struct peer_request q = { path, "hello", NULL, false };
	struct buf b = BUF_INIT;

	peer_records(&b, &q);
	for (size_t i = 0; i < n; i++) {
		fds[i] = peer_connect(r->path);
		CU_ASSERT_TRUE(peer_send(fds[i], b.data, b.len));
	}
	buf_release(&b);
}

static void
check_answered(int fds[], size_t n, size_t least)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < n; i++) {
		buf_reset(&out);
		CU_ASSERT_TRUE(peer_reply(fds[i], &out, NULL));
		CU_ASSERT_PTR_NOT_NULL(strstr(buf_str(&out), " 5 hello"));
		CU_ASSERT_TRUE(out.len > least);
		close(fds[i]);
	}
	buf_release(&out);
}

/* One worker, and many requests that somebody else answers later. */
static void
test_parked(void)
{
	struct running r = start(1);
	int fds[50], gone[50];
	int64_t began;

	check_prompt(&r);
	began = clock_mono_us();
	ask_many(&r, "/parked", fds, TEST_COUNT(fds));
	ask_many(&r, "/parked", gone, TEST_COUNT(gone));
	check_prompt(&r);
	for (size_t i = 0; i < TEST_COUNT(gone); i++)
		close(gone[i]);
	check_answered(fds, TEST_COUNT(fds), 0);
	CU_ASSERT_TRUE(clock_mono_us() - began < (int64_t)PROMPT_MS * 1000);
	check_prompt(&r);
	stop(&r);
}

static void
test_stop_with_parked(void)
{
	struct running r = start(1);
	int fds[20], ms;

	check_prompt(&r);
	ask_many(&r, "/parked", fds, TEST_COUNT(fds));
	usleep(100000);
	kill(r.pid, SIGTERM);
	check_answered(fds, TEST_COUNT(fds), 0);
	CU_ASSERT_EQUAL(ended(&r, &ms), ST_OK);
	CU_ASSERT_TRUE(ms < PROMPT_MS);
}

/* Who is slow to take a reply holds up neither the worker, nor who commits,
 * and gets all of it; also while it stops. */
static void
test_slow_to_take(void)
{
	struct running r = start(1);
	int fds[2], ms;

	ask_many(&r, "/large", fds, 1);
	ask_many(&r, "/parked-large", fds + 1, 1);
	usleep(500000);
	check_prompt(&r);
	check_answered(fds, 1, DOOR_APP_LARGE);
	kill(r.pid, SIGTERM);
	usleep(200000);
	check_answered(fds + 1, 1, DOOR_APP_LARGE);
	CU_ASSERT_EQUAL(ended(&r, &ms), ST_OK);
	CU_ASSERT_TRUE(ms < PROMPT_MS);
}

/* Who takes none of it is let go. */
static void
test_takes_nothing(void)
{
	struct running r = start(1);
	int64_t began = clock_mono_us();
	struct buf out = BUF_INIT;
	int fd, ms;

	ask_many(&r, "/large", &fd, 1);
	sleep(2 * TIMEOUT_S + 2);
	CU_ASSERT_FALSE(peer_reply(fd, &out, &ms));
	CU_ASSERT_TRUE(clock_mono_us() - began < (int64_t)9000000);
	close(fd);
	buf_release(&out);
	check_prompt(&r);
	stop(&r);
}

/* Whoever sends nothing, or stops in the middle, does not hold up the end. */
static void
test_stop_with_silent(void)
{
	struct running r = start(2);
	struct peer_request q = { "/echo", "hello", NULL, false };
	struct buf b = BUF_INIT;
	int fds[20], ms;

	peer_records(&b, &q);
	check_prompt(&r);
	for (size_t i = 0; i < TEST_COUNT(fds); i++) {
		fds[i] = peer_connect(r.path);
		peer_send(fds[i], b.data, i % 2 == 0 ? 0 : b.len - 8);
	}
	usleep(50000);
	kill(r.pid, SIGTERM);
	CU_ASSERT_EQUAL(ended(&r, &ms), ST_OK);
	CU_ASSERT_TRUE(ms < 7000);
	for (size_t i = 0; i < TEST_COUNT(fds); i++)
		close(fds[i]);
	buf_release(&b);
}

/* Stopped at once after the start, when nothing is in place yet. */
static void
test_stop_early(void)
{
	for (int i = 0; i < 20; i++) {
		struct running r = start(2);
		int fd = peer_connect(r.path);

		close(fd);
		usleep((unsigned)i * 500);
		stop(&r);
	}
}

int
main(void)
{
	static const struct test tests[] = {
		{ "memory", test_memory },
		{ "memory: HEAD", test_memory_head },
		{ "memory: malformed", test_memory_malformed },
		{ "memory: reply that failed", test_memory_broken },
		{ "fastcgi", test_fastcgi },
		{ "body lengths", test_body_lengths },
		{ "huge body", test_body_huge },
		{ "silent peers", test_silent },
		{ "silent peers are let go", test_silent_ends },
		{ "garbage", test_garbage },
		{ "no method", test_no_method },
		{ "body breaks off", test_body_breaks_off },
		{ "trickling body", test_trickle },
		{ "kept connections", test_keep },
		{ "reload", test_reload },
		{ "stop finishes requests", test_stop_finishes },
		{ "parked requests", test_parked },
		{ "stop with parked requests", test_stop_with_parked },
		{ "slow to take a reply", test_slow_to_take },
		{ "takes nothing of a reply", test_takes_nothing },
		{ "stop with silent peers", test_stop_with_silent },
		{ "stop early", test_stop_early },
	};

	return test_main("door", tests, TEST_COUNT(tests));
}
