/*
 * Requests that AWS's clients sign (Signature Version 4) with a key of
 * [access_keys], and refusals in the form that those clients read.
 */
#ifndef SERVE_ACCESS_KEY_H
#define SERVE_ACCESS_KEY_H

#include <stdbool.h>

struct exchange;

/*
 * What GUARD_ACCESS_KEY asks for: the whole body, the host and every x-amz-
 * header are signed for the service sqs, in any region, within 15 minutes of
 * our clock, with a key that is there. The host is tried as it came, with
 * SERVER_PORT, and as that of server.public_url with its path. The region of
 * the signature is then x->region, the key's ID x->agent. False: it has answered. A body that was too
 * large to be kept passes if all but the signature is right: the handler has
 * nothing to act on.
 */
bool access_key_pass(struct exchange *);

/*
 * Answer with an error in AWS's JSON: {"__type":…,"message":…}, type being as
 * "com.amazonaws.sqs#QueueDoesNotExist", and the code of the query protocol, as
 * "AWS.SimpleQueueService.NonExistentQueue", in x-amzn-query-error.
 */
void access_key_error(struct exchange *, int http, const char *type,
    const char *code, const char *message);

#endif
