#include "t/calls-server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX 64
#define REQUEST_MAX 65536
#define ANSWERS_MAX 16
#define CONNECTIONS_MAX 256

/* Each has a thread. */
struct connection {
	struct calls_server *server;
	int fd;
	pthread_t thread;
};

struct calls_server {
	int listener, port;
	int stop[2];
	pthread_t thread;
	struct connection all[CONNECTIONS_MAX]; /* the thread's */
	size_t all_n;
	pthread_mutex_t mutex; /* guards the rest */
	char *answers[ANSWERS_MAX];
	size_t answers_n, next;
	char *texts[REQUESTS_MAX];
	size_t requests, connections;
};

static void
require(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	exit(99);
}

/* False: the test is over. */
static bool
wait_readable(const struct calls_server *s, int fd)
{
	struct pollfd fds[] = { { fd, POLLIN, 0 }, { s->stop[0], POLLIN, 0 } };

	while (poll(fds, 2, -1) < 0)
		;
	return fds[1].revents == 0;
}

/* Its head, and as much of a body as the head announces. */
static bool
is_whole(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "\r\nContent-Length:");

	if (end == NULL)
		return false;
	return length == NULL || length > end ||
	    strlen(end + 4) >= strtoul(length + 17, NULL, 10);
}

/* A request, NUL-terminated; false: there is no more. */
static bool
read_request(const struct calls_server *s, int fd, char *text)
{
	size_t len = 0;
	ssize_t n;

	*text = '\0';
	while (!is_whole(text)) {
		if (!wait_readable(s, fd))
			return false;
		n = recv(fd, text + len, REQUEST_MAX - 1 - len, 0);
		if (n <= 0)
			return false;
		len += (size_t)n;
		text[len] = '\0';
	}
	return true;
}

/* Its answer, a copy: the next script may come while it is sent. */
static char *
note_request(struct calls_server *s, const char *text)
{
	char *answer = NULL;

	pthread_mutex_lock(&s->mutex);
	require(s->requests < REQUESTS_MAX &&
		(s->texts[s->requests++] = strdup(text)) != NULL,
	    "requests");
	require(s->next < s->answers_n &&
		(answer = strdup(s->answers[s->next])) != NULL,
	    "answers");
	if (s->next + 1 < s->answers_n)
		s->next++;
	pthread_mutex_unlock(&s->mutex);
	return answer;
}

/* False: this connection is over. */
static bool
answer(const struct calls_server *s, int fd, const char *text)
{
	struct pollfd stop = { s->stop[0], POLLIN, 0 };
	bool over = *text == *CLOSE_AFTER;
	size_t len;
	ssize_t n;
	char byte;

	if (strcmp(text, CLOSE_LATE) == 0) {
		(void)poll(&stop, 1, 1000);
		return false;
	}
	if (strcmp(text, HANG) == 0) {
		/* Readable is only the client's end. */
		if (wait_readable(s, fd))
			(void)recv(fd, &byte, 1, 0);
		return false;
	}
	text += over;
	for (len = strlen(text); len > 0; len -= (size_t)n, text += n)
		if ((n = send(fd, text, len, MSG_NOSIGNAL)) <= 0)
			return false;
	return !over;
}

/* False: this connection is over. */
static bool
serve_one(struct calls_server *s, int fd)
{
	char request[REQUEST_MAX], *text;
	bool more;

	if (!read_request(s, fd, request))
		return false;
	text = note_request(s, request);
	more = answer(s, fd, text);
	free(text);
	return more;
}

static void *
serve_connection(void *arg)
{
	struct connection *c = arg;

	while (serve_one(c->server, c->fd))
		;
	close(c->fd);
	return NULL;
}

static void *
serve(void *arg)
{
	struct calls_server *s = arg;
	int fd;

	while (wait_readable(s, s->listener)) {
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		require(s->all_n < CONNECTIONS_MAX, "connections");
		pthread_mutex_lock(&s->mutex);
		s->connections++;
		pthread_mutex_unlock(&s->mutex);
		s->all[s->all_n] = (struct connection){ s, fd, 0 };
		require(pthread_create(&s->all[s->all_n].thread, NULL,
			    serve_connection, &s->all[s->all_n]) == 0,
		    "thread");
		s->all_n++;
	}
	while (s->all_n > 0)
		pthread_join(s->all[--s->all_n].thread, NULL);
	return NULL;
}

struct calls_server *
calls_server_start(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct calls_server *s = calloc(1, sizeof(*s));

	require(s != NULL && pipe(s->stop) == 0 &&
		pthread_mutex_init(&s->mutex, NULL) == 0,
	    "server");
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	require(s->listener >= 0 &&
		bind(s->listener, (struct sockaddr *)&at, sizeof(at)) == 0 &&
		listen(s->listener, 16) == 0 &&
		getsockname(s->listener, (struct sockaddr *)&at, &len) == 0,
	    "listen");
	s->port = ntohs(at.sin_port);
	require(pthread_create(&s->thread, NULL, serve, s) == 0, "thread");
	return s;
}

static void
forget(struct calls_server *s)
{
	while (s->requests > 0)
		free(s->texts[--s->requests]);
	while (s->answers_n > 0)
		free(s->answers[--s->answers_n]);
	s->next = 0;
}

void
calls_server_stop(struct calls_server *s)
{
	require(write(s->stop[1], "", 1) == 1, "stop");
	pthread_join(s->thread, NULL);
	pthread_mutex_destroy(&s->mutex);
	forget(s);
	close(s->stop[0]);
	close(s->stop[1]);
	close(s->listener);
	free(s);
}

int
calls_server_port(const struct calls_server *s)
{
	return s->port;
}

void
calls_server_script(struct calls_server *s, const char *const *answers)
{
	pthread_mutex_lock(&s->mutex);
	forget(s);
	s->connections = 0;
	for (; *answers != NULL; answers++)
		require(s->answers_n < ANSWERS_MAX &&
			(s->answers[s->answers_n++] = strdup(*answers)) != NULL,
		    "script");
	pthread_mutex_unlock(&s->mutex);
}

size_t
calls_server_requests(struct calls_server *s)
{
	size_t n;

	pthread_mutex_lock(&s->mutex);
	n = s->requests;
	pthread_mutex_unlock(&s->mutex);
	return n;
}

size_t
calls_server_connections(struct calls_server *s)
{
	size_t n;

	pthread_mutex_lock(&s->mutex);
	n = s->connections;
	pthread_mutex_unlock(&s->mutex);
	return n;
}

const char *
calls_server_request(struct calls_server *s, size_t i)
{
	const char *text = "";

	pthread_mutex_lock(&s->mutex);
	if (i < s->requests)
		text = s->texts[i];
	pthread_mutex_unlock(&s->mutex);
	return text;
}
