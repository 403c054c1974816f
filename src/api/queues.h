/*
 * GET /api/queues/{name} and POST /api/queues/{name}/redrive: what is on a queue
 * of the embedded database, by its name there, or of a role that has its queue
 * elsewhere, of which there is no more than how much is on it.
 */
#ifndef API_QUEUES_H
#define API_QUEUES_H

#include "base/buf.h"
#include "base/status.h"

struct exchange;
struct app;

void handle_api_queue(struct exchange *);
void handle_api_redrive(struct exchange *);

/* A list of objects: of each queue that the configuration names, and of each
 * other of the database that has something, how much is on it. */
enum status queues_put_all(const struct app *, struct buf *out);

#endif
