/* A message in SQS's JSON, on its way there and back. */
#ifndef AWS_SQS_MESSAGE_H
#define AWS_SQS_MESSAGE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "store/queue.h"

struct json;

/* ST_OK, ST_MALFORMED, ST_TOOBIG: would SQS take this body? *why is a phrase,
 * never freed. */
enum status sqs_check_body(const char *, size_t len, const char **why);

/* What queues of a kind take beside the body. */
enum sqs_kind {
	SQS_STANDARD, /* a delay */
	SQS_FIFO, /* a group and a deduplication id */
	SQS_EMBEDDED, /* all of them: our own front (sqs/sqs.h) */
};

/*
 * Append …,"MessageBody":"…" and all that belongs to it; the body was checked.
 * reason becomes an attribute unless it is NULL. ST_OK, ST_NOMEM, ST_IO.
 */
enum status sqs_put_message(struct buf *, enum sqs_kind,
    const struct queue_message *, const char *reason);

/*
 * Is the MD5 that the member tells that of the body? Only damage can change it.
 * Without such a member it is.
 */
bool sqs_digest_fits(
    const struct json *, const char *member, const char *body, size_t len);

/* A number that SQS writes as a string; 0 if it is absent or none. */
int64_t sqs_number(const struct json *, const char *member);

/*
 * Read what ReceiveMessage gave; the caller releases the item. group is part
 * of the message, or NULL. ST_OK; ST_CORRUPT: its MD5 is wrong, or a part is
 * missing; ST_NOMEM.
 */
enum status sqs_read_message(const struct json *, const char *queue,
    int64_t visibility_s, struct queue_item *, const char **group);

#endif
