/* Plain CGI (RFC 3875): one request, one process. */
#include "door/door.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "config/config.h"
#include "config/env.h"
#include "door/answer.h"
#include "serve/metrics.h"
#include "serve/refusals.h"

/* Standard input, as far as the request announced it. */
struct input {
	bool announced; /* there is a CONTENT_LENGTH to go by */
	bool closed; /* nothing to be read at all */
	size_t left;
};

/*
 * Without a length the body goes to the end of input, but only a POST has one:
 * somebody who asks for /health by hand has a terminal there, which never ends.
 */
static struct input
input_init(char *const *envp)
{
	const char *length = env_get(envp, "CONTENT_LENGTH");
	struct input in = { .announced = false };
	uint64_t n = 0;

	in.announced = str_u64(length, SIZE_MAX / 2, &n) == ST_OK;
	in.left = (size_t)n;
	in.closed = !in.announced && str_empty(length) &&
	    !str_eq(env_get(envp, "REQUEST_METHOD"), "POST");
	return in;
}

/*
 * A server need not close its end after CONTENT_LENGTH bytes (RFC 3875, 4.2),
 * so what would be too much is read only if it is there.
 */
static bool
is_over(const struct input *in)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };

	if (in->closed)
		return true;
	return in->announced && in->left == 0 && poll(&p, 1, 0) <= 0;
}

static enum status
input_read(void *ctx, char *to, size_t n, size_t *got)
{
	struct input *in = ctx;
	ssize_t k;

	*got = 0;
	if (is_over(in))
		return ST_OK;
	if (in->announced && in->left > 0 && n > in->left)
		n = in->left;
	do
		k = read(STDIN_FILENO, to, n);
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return ST_IO;
	*got = (size_t)k;
	if (in->left > 0)
		in->left -= *got;
	return ST_OK;
}

static enum status
output_write(const char *text, size_t len)
{
	ssize_t k;

	while (len > 0) {
		k = write(STDOUT_FILENO, text, len);
		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return ST_IO;
		text += k;
		len -= (size_t)k;
	}
	return ST_OK;
}

/* Only what is safe in a signal handler. */
static void
time_is_up(int sig)
{
	static const char text[] =
	    "Status: 503 Service Unavailable\r\n"
	    "Content-Type: application/json\r\n"
	    "Retry-After: 1\r\n"
	    "X-Request-Id: unknown\r\n"
	    "\r\n"
	    "{\"error\":\"Took too long\",\"request_id\":\"unknown\"}\n";
	ssize_t n = write(STDOUT_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)n;
	_exit(4);
}

void
door_cgi_begin(unsigned seconds)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, time_is_up);
	alarm(seconds);
}

/* The handler must not add its reply to one that is being written; a server
 * that does not take it in that time is gone. */
static enum status
finish(struct answer *a)
{
	const char *text;
	enum status st;
	size_t len;

	signal(SIGALRM, SIG_DFL);
	text = answer_text(a, &len);
	st = output_write(text, len);
	text = answer_rest(a, &len);
	if (st == ST_OK)
		st = output_write(text, len);
	answer_release(a);
	return st;
}

/* Is this for an administrator, who may wait longer than Twilio would? */
static bool
is_admin(const struct app *app, char *const *envp)
{
	struct request r = { .method = METHOD_OTHER };
	const struct route *route = NULL;
	struct route_args args;
	bool admin;

	admin =
	    request_init(&r, envp, app->config->server.base_path) == ST_OK &&
	    route_find(app->routes, app->routes_n, r.method, r.path, &route,
		&args) == ST_OK &&
	    route->guard == GUARD_ADMIN;
	request_release(&r);
	return admin;
}

/* The server has all of the reply, and reads to its end. What is opened next
 * must not get its number. */
static void
hang_up(void)
{
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		dup2(fd, STDOUT_FILENO);
		close(fd);
	}
}

enum status
door_cgi(const struct app *app, char *const *envp)
{
	struct input in = input_init(envp);
	struct body_source source = { input_read, &in };
	struct answer a = { .text = BUF_INIT };
	enum status st;

	if (is_admin(app, envp))
		alarm(DOOR_CGI_ADMIN_SECONDS);
	answer_make(&a, app, envp, &source);
	/* Who has the reply may look at /metrics at once. */
	metrics_save(app->metrics, false, app->log);
	st = finish(&a);
	/* What is left to do is nothing to wait for. */
	if (refusals_waiting(app->refusals))
		hang_up();
	return st;
}

bool
door_is_cgi(char *const *envp)
{
	return env_get(envp, "REQUEST_METHOD") != NULL ||
	    env_get(envp, "GATEWAY_INTERFACE") != NULL;
}

enum status
door_cgi_error(char *const *envp, int code, const char *message)
{
	struct input in = input_init(envp);
	struct answer a = { .text = BUF_INIT };
	struct body_source source = { input_read, &in };
	struct request r = { .method = METHOD_OTHER };

	/* fcgiwrap writes all of the body before it reads any of the reply. */
	request_read_body(&r, &source, 0);
	request_release(&r);
	answer_error(&a, code, message);
	return finish(&a);
}
