/* A listening socket, made by ourselves or handed to us. */
#ifndef DOOR_LISTENER_H
#define DOOR_LISTENER_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/status.h"

struct listener {
	int fd; /* -1: none */
	char *path; /* of a Unix socket that we made; else NULL */
	/* Which file it was when we made it. The time is that of its making:
	 * the number alone soon belongs to another one. */
	dev_t device;
	ino_t inode;
	struct timespec made;
};

/*
 * Make one from "unix:PATH", a path with "/" in it, "HOST:PORT" or ":PORT"
 * (127.0.0.1; FastCGI has no authentication, so no other default). A Unix
 * socket is 0660 and never wider, not for a moment; a stale one is replaced,
 * one that somebody listens on is not. ST_OK, ST_MALFORMED, ST_EXISTS (in
 * use), ST_IO, ST_NOMEM; *why then says what went wrong.
 */
enum status listener_open(
    struct listener *, const char *where, struct buf *why);

/* Take a descriptor that is listening already. */
void listener_adopt(struct listener *, int fd);

/*
 * No new connections: remove the file, if it is still ours, and refuse whoever
 * comes. Those that wait can still be accepted. Does nothing to a socket that
 * was handed to us, which others may share, or to TCP, whose queue would go.
 */
void listener_retire(struct listener *);

/* Retire and close it. */
void listener_close(struct listener *);

/* True if descriptor fd is a listening socket. */
bool listener_is(int fd);

/* The first socket passed by systemd (LISTEN_FDS, LISTEN_PID), or -1. */
int listener_passed(char *const *envp);

#endif
