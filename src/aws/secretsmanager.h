/* Values of AWS Secrets Manager. */
#ifndef AWS_SECRETSMANAGER_H
#define AWS_SECRETSMANAGER_H

#include "base/buf.h"
#include "base/status.h"

struct aws_client;

/* Stages of a secret that rotates. */
#define SECRETSMANAGER_CURRENT "AWSCURRENT"
#define SECRETSMANAGER_PREVIOUS "AWSPREVIOUS"

/*
 * The value of a secret (its name or ARN) at a stage, a SecretString as it is
 * or the bytes of a SecretBinary, put into an empty buf, which the caller
 * wipes. region is NULL or "" for the client's own. ST_OK; ST_NOTFOUND: no such
 * secret, or none at that stage; others see aws/client.h.
 */
enum status secretsmanager_get(struct aws_client *, const char *region,
    const char *id, const char *stage, struct buf *value);

#endif
