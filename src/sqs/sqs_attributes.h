/*
 * Attributes of a message as SQS has them, {"NAME":{"DataType":"String",
 * "StringValue":"…"}}, and their MD5 (https://docs.aws.amazon.com/
 * AWSSimpleQueueService/latest/SQSDeveloperGuide/
 * sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation).
 */
#ifndef SQS_SQS_ATTRIBUTES_H
#define SQS_SQS_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>

#include "codec/crypt.h"
#include "sqs/sqs_call.h"

#define SQS_ATTRIBUTES_MAX 10

struct sqs_attribute {
	const char *name, *type;
	const char *value; /* the text; of a binary one its base64 */
	bool binary;
};

/* Strings are those of the JSON that was read. */
struct sqs_attributes {
	struct sqs_attribute of[SQS_ATTRIBUTES_MAX + 1]; /* and a Reason */
	size_t n;
	size_t
	    bytes; /* of names, types and values: they count as the message's */
};

/* Read the member of an object; absent: none. */
bool sqs_attributes_read(struct sqs_fault *, const struct json *,
    const char *member, struct sqs_attributes *);

/* Keep those that a receiver asks for: "All", ".*", "NAME", "PREFIX.*". */
void sqs_attributes_choose(struct sqs_attributes *, const struct json *names);

/* Append the object. */
enum status sqs_attributes_put(struct buf *, const struct sqs_attributes *);

enum status sqs_attributes_md5(
    const struct sqs_attributes *, char out[static CRYPT_MD5_HEX_MAX]);

#endif
