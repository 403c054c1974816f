/*
 * Doors: how requests come in. Each fills a struct request from CGI variables
 * and a body, calls app_serve, and writes the response once.
 */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "app/app.h"
#include "base/buf.h"
#include "base/status.h"

/*
 * Plain CGI: one request from envp and standard input, answered on standard
 * output. ST_OK once the answer is written, whatever it was.
 */
enum status door_cgi(struct app *, char *const *envp);

struct door_fastcgi_options {
	int listener; /* a listening socket; the door closes it */
	size_t threads; /* workers */
	int timeout_s; /* of reading from and writing to the server */
	struct app_options app; /* for SIGHUP: how to make another snapshot */
};

/*
 * FastCGI until SIGTERM, SIGINT or SIGUSR1, then what is under way is finished
 * within 7 s. SIGHUP reloads. Takes the app over.
 */
enum status door_fastcgi(struct app *, const struct door_fastcgi_options *);

/*
 * In memory: one request given as CGI variables and a body; reply in CGI's
 * form. For tests, and for the command's simulated requests.
 */
enum status door_memory(struct app *, char *const *envp, const void *body,
    size_t body_len, struct buf *reply);

/*
 * A listening socket made from "unix:PATH", a path with "/" in it,
 * "HOST:PORT" or ":PORT". Unix sockets are 0660; a stale one is replaced, one
 * in use is not. *why says what went wrong.
 */
enum status listener_open(const char *where, int *fd, struct buf *why);

/* True if descriptor fd is a listening socket. */
bool listener_is(int fd);

/* The first socket passed by systemd (LISTEN_FDS, LISTEN_PID), or -1. */
int listener_passed(char *const *envp);

#endif
