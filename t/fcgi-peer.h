/* A web server's side of FastCGI, good and bad, for tests. */
#ifndef T_FCGI_PEER_H
#define T_FCGI_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

struct peer_request {
	const char *path; /* PATH_INFO */
	const char *body; /* NULL: GET */
	const char *length; /* CONTENT_LENGTH; NULL: that of body */
	bool keep; /* ask for the connection to be kept */
};

/* The records of a request, whole. */
void peer_records(struct buf *, const struct peer_request *);

/* One record of a type with content. */
void peer_record(struct buf *, int type, const void *, size_t);

/* Connect to a Unix socket, trying for some seconds; -1 if nobody listens. */
int peer_connect(const char *path);

/* Send all; false if the other side has gone. */
bool peer_send(int fd, const void *, size_t);

/*
 * Read to the end of the request: true with the standard output of it; false
 * if the connection ends before. *ms is how long it took, NULL if unwanted.
 */
bool peer_reply(int fd, struct buf *out, int *ms);

/* All of it: connect, send, read, close. "" if there was no whole reply. */
char *peer_ask(const char *socket_path, const struct peer_request *, int *ms);

#endif
