/*
 * Doors: how requests come in. Each fills a struct request from CGI variables
 * and a body, calls app_serve, and writes the response once.
 */
#ifndef DOOR_DOOR_H
#define DOOR_DOOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"
#include "door/listener.h"
#include "site/snapshot.h"

/* A CGI process ends by itself after so long; Twilio has hung up by then. An
 * administrator's request may wait for Twilio in its turn. */
#define DOOR_CGI_SECONDS 15
#define DOOR_CGI_ADMIN_SECONDS 45

/*
 * Plain CGI: one request from envp and standard input, answered on standard
 * output. ST_OK once the answer is written, whatever it was; ST_IO.
 * door_cgi_begin starts the clock: when it runs out the process answers 503
 * and ends with status 4, so that a stuck one never blocks the server's other
 * requests (fcgiwrap runs them one after another). door_cgi gives an
 * administrative route its own time.
 */
void door_cgi_begin(unsigned seconds);
enum status door_cgi(const struct app *, char *const *envp);

/*
 * Does a web server run this process as a CGI program? It passes a query
 * without "=" as arguments (RFC 3875, 4.4): whoever sent the request wrote
 * them, so main() must not look at a single one.
 */
bool door_is_cgi(char *const *envp);

/* The answer of a CGI process that has no application to ask. */
enum status door_cgi_error(char *const *envp, int code, const char *message);

struct door_fastcgi_options {
	struct listener listener; /* the door closes it */
	size_t threads; /* workers at most; 0: as many as do well */
	int timeout_s; /* of reading from and writing to the server */
	struct app_options app; /* for SIGHUP: how to make another snapshot */
};

/*
 * Keep the signals that door_fastcgi waits for away from every thread: called
 * before the first thread is made, which app_open may do.
 */
void door_block_signals(void);

/*
 * FastCGI until SIGTERM, SIGINT or SIGUSR1, then what is under way is finished
 * within 7 s. SIGHUP reloads. Takes the app over.
 * ST_OK; ST_TIMEOUT if a worker was still busy at the end: the process must
 * then end with _exit, for that worker still uses everything; ST_NOMEM, ST_IO.
 */
enum status door_fastcgi(struct app *, const struct door_fastcgi_options *);

/*
 * In memory: one request given as CGI variables and a body; reply in CGI's
 * form. For tests, and for the command's simulated requests. ST_OK or ST_NOMEM.
 */
enum status door_memory(const struct app *, char *const *envp, const void *body,
    size_t body_len, struct buf *reply);

#endif
