/* A conversation as an item of a DynamoDB table, and back. */
#ifndef AWS_DYNAMODB_ITEM_H
#define AWS_DYNAMODB_ITEM_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "store/store.h"

struct json;

/* The attributes that are part of requests; dynamodb_item.c has all. */
#define ITEM_ID "conversation_id"
#define ITEM_TEL "recipient_tel"
#define ITEM_CREATED "created_at"
#define ITEM_HANDOFF "handoff_to_human"
#define ITEM_OPTED_OUT "opted_out"

/* Append {"S":"…"} and the like. */
enum status item_put_text(struct buf *, const char *);
enum status item_put_time(struct buf *, int64_t us);

/* Append {"conversation_id":{"S":"…"},…}, without what is NULL or "". */
enum status item_put(struct buf *, const struct conversation *);

/* Append ,"UpdateExpression":… and the values in it; nothing if nothing is to
 * change. */
enum status item_put_change(struct buf *, const struct conversation_change *);

/*
 * Read an item; the caller releases the conversation. ST_OK; ST_CORRUPT: *wrong
 * names the attribute that is missing or cannot be understood (static);
 * ST_NOMEM.
 */
enum status item_read(
    const struct json *, struct conversation *, const char **wrong);

#endif
