/* What a request to AWS is signed with. */
#ifndef AWS_KEYS_H
#define AWS_KEYS_H

#include <stdint.h>

#include "base/status.h"

/* The zero value is empty. */
struct aws_keys {
	char *access_key_id;
	char *secret;
	char *session_token; /* NULL: permanent keys */
	int64_t expires_us; /* since 1970; 0: never */
	const char *source; /* which one gave them: "environment"; static */
};

/* Copy into empty keys; token may be NULL or "". ST_OK or ST_NOMEM. */
enum status aws_keys_set(struct aws_keys *, const char *id, const char *secret,
    const char *token, int64_t expires_us);

/* Wipes. */
void aws_keys_release(struct aws_keys *);

#endif
