/*
 * The back ends by URL scheme: the one table that lists them all. "sqlite:"
 * is the embedded engine, where calls inside a job of db join its transaction;
 * the others need a client.
 */
#ifndef MESSAGE_BACKENDS_H
#define MESSAGE_BACKENDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct aws_client;
struct config;
struct db;
struct queue;
struct store;

/* What back ends are made of. Of a local URL db is enough. */
struct backends {
	const struct config *config;
	struct db *db;
	struct aws_client *aws;
};

/* Does what this URL names lie elsewhere? */
bool backend_is_remote(const char *url);

/* Can these n bytes be an embedded queue's name, as in "sqlite:NAME"? */
#define BACKEND_QUEUE_NAME_MAX 80
bool backend_queue_name(const char *, size_t n);

/*
 * Open what a URL names. ST_CONFIG (*why says what to write instead),
 * ST_NOMEM, ST_IO.
 */
enum status backend_store(
    const struct backends *, const char *url, struct store **, struct buf *why);
enum status backend_queue(
    const struct backends *, const char *url, struct queue **, struct buf *why);

#endif
