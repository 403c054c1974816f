/*
 * The Messages API client when memory runs out, at every allocation, libcurl's
 * too: what it says of a message is then still true. By an allocator of our
 * own, so not under a sanitizer.
 */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "http/client.h"
#include "t/memory.h"
#include "t/test.h"
#include "twilio/rest/messages.h"

#define ACCOUNT "AC00000000000000000000000000000001"
#define SID "SM0123456789abcdef0123456789abcdef"
#define SECRET "s3cr3t-of-the-account"
#define MESSAGE \
	"{\"sid\":\"" SID "\",\"to\":\"+14155550100\",\"from\":" \
	"\"+14155550999\",\"body\":\"hello there\",\"status\":\"queued\"," \
	"\"date_created\":\"Sat, 21 Nov 2026 18:50:00 +0000\"}"

static struct {
	pid_t server; /* a process: it has memory of its own */
	volatile int *taken; /* how many messages it has created */
	struct http_library *library;
	struct http_client *client;
	char url[64];
	struct rest_account account;
} t;

/* --- a Twilio that creates and lists ------------------------------------- */

static void
reply(int fd, const char *status, const char *body)
{
	char text[1024];
	int n = snprintf(text, sizeof(text),
	    "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
	    status, strlen(body), body);

	(void)send(fd, text, (size_t)n, MSG_NOSIGNAL);
}

static void
serve_one(int fd)
{
	char text[4096] = "";
	size_t len = 0;
	ssize_t n;

	/* A message ends with its text. */
	while (strstr(text, "Body=hello+there") == NULL &&
	    (text[0] != 'G' || strstr(text, "\r\n\r\n") == NULL)) {
		n = recv(fd, text + len, sizeof(text) - 1 - len, 0);
		if (n <= 0)
			return;
		len += (size_t)n;
		text[len] = '\0';
	}
	if (text[0] == 'G') {
		reply(fd, "200 OK",
		    "{\"messages\":[" MESSAGE "],\"next_page_uri\":null}");
		return;
	}
	++*t.taken;
	reply(fd, "201 Created", MESSAGE);
}

static void
start_server(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	int fd, listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	t.taken = mmap(NULL, sizeof(*t.taken), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.taken == MAP_FAILED ||
	    bind(listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
	    listen(listener, 64) != 0 ||
	    getsockname(listener, (struct sockaddr *)&at, &size) != 0)
		exit(99);
	snprintf(
	    t.url, sizeof(t.url), "http://127.0.0.1:%d", ntohs(at.sin_port));
	t.account = (struct rest_account){ t.url, ACCOUNT, ACCOUNT, SECRET };
	if ((t.server = fork()) == 0)
		while ((fd = accept(listener, NULL, NULL)) >= 0) {
			serve_one(fd);
			close(fd);
		}
	close(listener);
}

/* --- the client ------------------------------------------------------------ */

static void
open_client(void)
{
	struct http_library_options options = { 0 };
	struct buf why = BUF_INIT;

	if (http_library_open(&t.library, &options) != ST_OK ||
	    http_client_open(&t.client, t.library, &why) != ST_OK)
		exit(99);
}

static void
close_client(void)
{
	http_client_close(t.client);
	http_library_close(t.library);
}

static const struct messages_draft draft = {
	.to = "+14155550100", .from = "+14155550999", .body = "hello there"
};

/* What it says, and what there is. */
static void
check_create(const struct messages_result *r, int taken)
{
	switch (r->outcome) {
	case MESSAGES_CREATED:
		CU_ASSERT_EQUAL(taken, 1);
		CU_ASSERT_STRING_EQUAL(r->sid, SID);
		return;
	case MESSAGES_NOT_TAKEN:
		CU_ASSERT_EQUAL(taken, 0);
		break;
	case MESSAGES_UNKNOWN:
		CU_ASSERT_TRUE(taken <= 1);
		break;
	case MESSAGES_REFUSED:
	case MESSAGES_DENIED:
		CU_FAIL("nobody refused it");
	}
	CU_ASSERT_TRUE(*r->why.text != '\0');
}

/* It serves one after another: what was sent before is counted now. */
static void
settle(void)
{
	const struct messages_query q = { .to = draft.to };
	struct messages_list list;
	struct rest_failure f;

	CU_ASSERT_EQUAL(
	    messages_find(t.client, &t.account, &q, &list, &f), ST_OK);
}

/* One allocation fails, or all from there on. */
static void
test_create(void)
{
	int seen[MESSAGES_DENIED + 1] = { 0 }, before;
	struct messages_result r;
	bool good = true;
	long n;

	do {
		good = !good;
		for (n = 0;; n++) {
			before = *t.taken;
			memory_starve(n, good);
			messages_create(t.client, &t.account, &draft, &r);
			memory_feed();
			settle();
			check_create(&r, *t.taken - before);
			seen[r.outcome]++;
			if (memory_failures() == 0)
				break;
		}
		CU_ASSERT_EQUAL(r.outcome, MESSAGES_CREATED);
		CU_ASSERT_TRUE(n > 20);
	} while (!good);
	/* Early, late, and where it does not matter. */
	CU_ASSERT_TRUE(seen[MESSAGES_NOT_TAKEN] > 10);
	CU_ASSERT_TRUE(seen[MESSAGES_UNKNOWN] > 0);
}

/* It is found, or it fails: never is it not there. */
static void
test_find(void)
{
	const struct messages_query q = {
		.to = draft.to, .from = draft.from, .body = draft.body
	};
	struct messages_list list;
	struct rest_failure f;
	enum status st;
	bool good = true;
	long n;

	do {
		good = !good;
		for (n = 0;; n++) {
			memory_starve(n, good);
			st = messages_find(t.client, &t.account, &q, &list, &f);
			memory_feed();
			CU_ASSERT_EQUAL(list.n, st == ST_OK);
			CU_ASSERT_EQUAL(*f.text == '\0', st == ST_OK);
			if (memory_failures() == 0)
				break;
		}
		CU_ASSERT_EQUAL(st, ST_OK);
		CU_ASSERT_TRUE(n > 20);
	} while (!good);
}

/* What is freed has no copy of it. */
static void
test_secret(void)
{
	struct messages_result r;

	memory_watch(SECRET);
	messages_create(t.client, &t.account, &draft, &r);
	memory_watch(NULL);
	CU_ASSERT_EQUAL(r.outcome, MESSAGES_CREATED);
	CU_ASSERT_TRUE(memory_freed() > 10);
	CU_ASSERT_EQUAL(memory_leaked(), 0);
}

static const struct test tests[] = {
	{ "a message is created", test_create },
	{ "a message is looked for", test_find },
	{ "a secret is not left behind", test_secret },
};

int
main(void)
{
	int status;

	if (!memory_is_ours())
		return 77;
	start_server();
	open_client();
	status =
	    test_main("messages, without memory", tests, TEST_COUNT(tests));
	close_client();
	kill(t.server, SIGTERM);
	waitpid(t.server, NULL, 0);
	return status;
}
