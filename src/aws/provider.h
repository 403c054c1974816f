/*
 * The sources of keys, one function each, for credentials.c alone. ST_OK;
 * ST_NOTFOUND: this source is not set up here, go on with the next (*why may
 * say what was tried); anything else ends the search with *why.
 */
#ifndef AWS_PROVIDER_H
#define AWS_PROVIDER_H

#include <stdint.h>

#include "aws/keys.h"
#include "base/buf.h"
#include "base/status.h"

struct aws_watch;
struct http_call;
struct http_client;
struct http_reply;
struct profile;

struct provider_context {
	char *const *envp;
	const struct profile *profile;
	const char *region; /* "" if not known */
	struct http_client *client;
	int64_t deadline_us; /* on the monotonic clock */
	const struct aws_watch *watch; /* of calls to STS */
};

typedef enum status provider_fn(
    const struct provider_context *, struct aws_keys *, struct buf *why);

provider_fn provider_environment;
provider_fn provider_role; /* refuses roles that need what we don't have */
provider_fn provider_web_identity;
provider_fn provider_shared;
provider_fn provider_container;
provider_fn provider_instance;

/* --- what they share ---------------------------------------------------- */

/*
 * The keys of a JSON answer: AccessKeyId, SecretAccessKey, Token, Expiration.
 * ST_OK; ST_DENIED: its Code is not Success; ST_MALFORMED; ST_NOMEM.
 */
enum status provider_json(const struct buf *body, struct aws_keys *);

/*
 * Send, within the deadline and each_ms a try, and again after passing
 * faults, tries times in all. ST_OK: an answer came, whatever its code; the
 * caller gives it to provider_reply_wipe. Otherwise *why has what happened.
 */
enum status provider_send(const struct provider_context *, struct http_call *,
    long each_ms, int tries, struct http_reply *, struct buf *why);
void provider_reply_wipe(struct http_reply *);

/* The same of an answer from that address, and *why says what is wrong. */
enum status provider_read(const char *url, const struct http_reply *,
    struct aws_keys *, struct buf *why);

/* Append that this answer is none: what asked, and its code. ST_DENIED, or
 * ST_UNAVAILABLE if it may be another time. */
enum status provider_refused(
    const char *url, const struct http_reply *, struct buf *why);

#endif
