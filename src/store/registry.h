/* The back ends by URL scheme: the one place that lists them. */
#ifndef STORE_REGISTRY_H
#define STORE_REGISTRY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

struct db;
struct store;
struct queue;

/*
 * Open what a URL names. db is the embedded engine. *local tells that it is
 * part of db, so that calls inside a db job join its transaction.
 * ST_CONFIG (*why says what to write instead), ST_NOMEM, ST_IO.
 */
enum status store_open(const char *url, struct db *db, struct store **,
    bool *local, struct buf *why);
enum status queue_open(const char *url, struct db *db, struct queue **,
    bool *local, struct buf *why);

#endif
