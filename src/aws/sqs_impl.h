/* What the files of the SQS back end share; for them alone. */
#ifndef AWS_SQS_IMPL_H
#define AWS_SQS_IMPL_H

#include <stdbool.h>

#include "aws/client.h"
#include "store/queue.h"

struct json;

/* An item that this handle received. Between a release and the next receiving
 * only id and reason are there. */
struct sqs_held {
	char *id, *receipt, *body, *group, *reason;
	size_t len;
};
#define SQS_HELD_MAX 16

struct sqs {
	struct queue base;
	struct aws_client *client;
	char *url, *region; /* region: NULL if the address does not tell */
	bool fifo;
	int wait_s;
	char *dead; /* address of the dead letters; NULL: not asked yet; "" */
	struct sqs_held held[SQS_HELD_MAX];
	size_t oldest; /* slot to give up for the next */
};

/* {"QueueUrl":"…" of this queue, or of another address. */
void sqs_begin(struct buf *body, const char *url);

/*
 * Close the body with "}" and call. ST_NOTFOUND: the receipt does not hold;
 * ST_CONFIG: there is no such queue.
 */
enum status sqs_call(
    struct sqs *, const char *operation, struct buf *body, struct aws_reply *);
/* The same when nothing but success is wanted. */
enum status sqs_do(struct sqs *, const char *operation, struct buf *body);

/* --- messages (sqs_message.c) -------------------------------------------- */

/* ST_OK, ST_MALFORMED, ST_TOOBIG: would SQS take this body? *why is a phrase,
 * never freed. */
enum status sqs_check_body(const char *, size_t len, const char **why);

/*
 * Append …,"MessageBody":"…" and all that belongs to it; the body was checked.
 * reason becomes an attribute unless it is NULL. ST_OK, ST_NOMEM, ST_IO.
 */
enum status sqs_put_message(
    struct buf *, bool fifo, const struct queue_message *, const char *reason);

/* Send it to that address. */
enum status sqs_send(struct sqs *, const char *url,
    const struct queue_message *, const char *reason);

/*
 * Receive up to max (10) from that address, hidden so long. The array of
 * messages is in the reply, which the caller releases; *messages is NULL if
 * there is none.
 */
enum status sqs_receive(struct sqs *, const char *url, int max,
    int64_t visibility_s, struct aws_reply *, const struct json **messages);

/* Read one of them; the caller releases item. group is part of the message, or
 * NULL. ST_OK; ST_CORRUPT: its MD5 is wrong, or a part is missing; ST_NOMEM. */
enum status sqs_read(struct sqs *, const struct json *message,
    int64_t visibility_s, struct queue_item *, const char **group);

/* --- receipts, attributes, dead letters ------------------------------------ */

enum status sqs_delete(struct sqs *, const char *url, const char *receipt);
enum status sqs_hide(
    struct sqs *, const char *url, const char *receipt, int64_t seconds);

enum status sqs_attributes(
    struct sqs *, const char *url, struct aws_reply *, const struct json **);
enum status sqs_find_dead(struct sqs *);
/* The same for an operation: ST_UNSUPPORTED if there is no queue for dead
 * letters. */
enum status sqs_need_dead(struct sqs *, const char *operation);

/* Forget what is in a slot. */
void sqs_held_release(struct sqs_held *);
/* The slot of a receipt, or NULL. */
struct sqs_held *sqs_held_find(struct sqs *, const char *receipt);

enum status sqs_bury(struct queue *, const char *receipt, const char *reason);
enum status sqs_peek(
    struct queue *, bool dead, size_t limit, queue_row_fn *, void *arg);
enum status sqs_redrive(struct queue *, const char *id, int64_t *count);

#endif
