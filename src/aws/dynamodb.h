/*
 * Conversations in a DynamoDB table: "dynamodb:TABLE".
 *
 * The table's partition key is conversation_id (a string); it has no sort key.
 * Its index recipient-tel-index has the partition key recipient_tel and the
 * sort key created_at, both strings, and projects all attributes. What else an
 * item may have is left alone. The attributes that are ours are listed once,
 * in dynamodb_item.c.
 *
 * Anything that speaks DynamoDB's API will do: ScyllaDB Alternator too.
 */
#ifndef AWS_DYNAMODB_H
#define AWS_DYNAMODB_H

#include "base/buf.h"
#include "base/status.h"
#include "store/store.h"

struct aws_client;

#define DYNAMODB_INDEX "recipient-tel-index"

struct dynamodb_options {
	const char *table; /* its name or ARN */
	const char *index; /* NULL or "": DYNAMODB_INDEX */
};

/*
 * A store for the client's thread; the client must outlive it. Nobody is asked
 * yet. ST_OK; ST_CONFIG, and *why says what is wrong with the name; ST_NOMEM.
 *
 * Its operations give what aws_call gives (aws/client.h), and after a failure
 * aws_client_error has the words. A missing table or index, or one with other
 * keys, is ST_CONFIG; an item whose handoff_to_human cannot be understood is
 * ST_CORRUPT. To add the very conversation that is there already is ST_OK: it
 * may be a repeat whose answer got lost. For the same reason remove may give
 * ST_NOTFOUND although it removed it. list of all senders reads the whole
 * table.
 */
enum status dynamodb_open(struct aws_client *, const struct dynamodb_options *,
    struct store **, struct buf *why);

#endif
