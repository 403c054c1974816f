/*
 * A FastCGI server without memory: whatever allocation fails, each request has
 * its answer, 200 or 503, and the process goes on.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "door/door.h"
#include "t/door-app.h"
#include "t/fcgi-peer.h"
#include "t/memory.h"
#include "t/test.h"

/* Shared with the server: what SIGUSR2 makes it do. */
struct order {
	long after; /* -1: memory_feed */
	bool for_good;
	bool obeyed;
};

static volatile struct order *order;

static void
obey(int sig)
{
	(void)sig;
	if (order->after < 0)
		memory_feed();
	else
		memory_starve(order->after, order->for_good);
	order->obeyed = true;
}

static void
serve(const char *path)
{
	struct door_fastcgi_options o = { .threads = 4, .timeout_s = 2 };
	struct buf why = BUF_INIT;

	signal(SIGUSR2, obey);
	door_block_signals();
	if (listener_open(&o.listener, path, &why) != ST_OK)
		exit(99);
	exit((int)door_fastcgi(door_app_new(), &o));
}

static void
give(pid_t pid, long after, bool for_good)
{
	order->after = after;
	order->for_good = for_good;
	order->obeyed = false;
	kill(pid, SIGUSR2);
	for (int i = 0; i < 5000 && !order->obeyed; i++)
		usleep(1000);
}

/* 200, 503, or 0 if there is no answer. */
static int
ask(const char *path, const char *body)
{
	struct peer_request q = { "/echo", body, NULL, false };
	char *reply = peer_ask(path, &q, NULL);
	int code = 0;

	if (sscanf(reply, "Status: %d", &code) != 1)
		code = 0;
	free(reply);
	return code;
}

static void
test_starved(void)
{
	char path[128], *large = malloc(200001);
	int oks = 0, refused = 0, others = 0, status = 0;
	pid_t pid;

	memset(large, 'b', 200000);
	large[200000] = '\0';
	snprintf(path, sizeof(path), "%s/door.sock", test_tmpdir());
	if ((pid = fork()) == 0)
		serve(path);
	CU_ASSERT_EQUAL(ask(path, "hello"), 200);
	for (int for_good = 0; for_good <= 1; for_good++) {
		for (long n = 0; n < 30; n++) {
			int code[2];

			give(pid, n, for_good);
			code[0] = ask(path, "hello");
			code[1] = ask(path, large);
			for (int i = 0; i < 2; i++) {
				oks += code[i] == 200;
				refused += code[i] == 503;
				others += code[i] != 200 && code[i] != 503;
			}
			give(pid, -1, false);
			CU_ASSERT_EQUAL(ask(path, large), 200);
		}
	}
	printf(" %d answered, %d told to try again: ", oks, refused);
	CU_ASSERT_EQUAL(others, 0);
	CU_ASSERT_TRUE(oks > 20 && refused > 20);
	kill(pid, SIGTERM);
	CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
	CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == ST_OK);
	free(large);
}

int
main(void)
{
	static const struct test tests[] = {
		{ "every n-th allocation", test_starved },
	};

	if (!memory_is_ours())
		return 77;
	order = mmap(NULL, sizeof(*order), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return test_main("door-memory", tests, TEST_COUNT(tests));
}
