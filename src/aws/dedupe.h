/*
 * Repeats told apart across machines: a DynamoDB table, "dynamodb:TABLE",
 * whose partition key is message_sid (a string). A message is claimed by the
 * first installation that has it; the item goes by itself when the attribute
 * expires_at, seconds since 1970, has passed (time to live).
 */
#ifndef AWS_DEDUPE_H
#define AWS_DEDUPE_H

#include <stdint.h>

#include "base/status.h"

struct aws_client;

/* How long a claim holds: far longer than Twilio retries. */
#define DEDUPE_KEEP_S (INT64_C(7) * 24 * 3600)

/*
 * ST_OK: owner has it, from now or from before. ST_EXISTS: another has. Else
 * what aws_call gives; a table that is not there is ST_CONFIG.
 */
enum status dedupe_claim(struct aws_client *, const char *table,
    const char *sid, const char *owner, int64_t now_s);

/* Take the claim back, if it is the owner's. ST_OK also if it is not. */
enum status dedupe_release(
    struct aws_client *, const char *table, const char *sid, const char *owner);

#endif
