/*
 * The keys that requests to AWS are signed with: found as AWS's own tools
 * find them, kept, and replaced before they run out.
 *
 * Sources, in this order, the first that applies: the environment
 * (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN); web identity
 * (AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN, or the same of a profile)
 * through STS; the shared files (aws/profile.h); the container endpoint
 * (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI, …_FULL_URI); the instance's
 * metadata service (IMDSv2). A source that applies and fails is an error; the
 * next ones are then not asked.
 *
 * Keys that run out are fetched again from 15 minutes before, within the call
 * that finds them so and 2 seconds, while others go on with the old ones; from
 * 10 minutes before, all wait for new ones, but have the old ones as long as
 * they last if there are none.
 */
#ifndef AWS_CREDENTIALS_H
#define AWS_CREDENTIALS_H

#include <stdint.h>

#include "aws/keys.h"
#include "aws/service.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"

struct http_client;

struct aws_credentials_options {
	char *const *envp; /* the process environment; must outlive this */
	const char *region; /* of STS; NULL or "": its one global address */
	struct log *log; /* may be NULL */
	struct aws_watch watch; /* of calls to STS */
};

/* All that share keys; safe from several threads. */
struct aws_credentials;

/* Nothing is asked yet. ST_OK or ST_NOMEM. */
enum status aws_credentials_open(
    struct aws_credentials **, const struct aws_credentials_options *);
void aws_credentials_close(struct aws_credentials *); /* NULL is allowed */

/*
 * Keys to sign with; the caller releases them. client is the calling thread's.
 * deadline_us is on the monotonic clock. On failure *why is a sentence for the
 * operator, without any secret. ST_OK; ST_CONFIG; ST_DENIED; ST_UNAVAILABLE;
 * ST_TIMEOUT; ST_MALFORMED (an answer that makes no sense); ST_NOMEM.
 */
enum status aws_credentials_get(struct aws_credentials *, struct http_client *,
    int64_t deadline_us, struct aws_keys *, struct buf *why);

/*
 * Are keys to be had, as far as this machine knows without asking anybody?
 * ST_OK; ST_CONFIG, with *why as above: not before somebody changes what is
 * written; ST_NOMEM.
 */
enum status aws_credentials_check(struct aws_credentials *, struct buf *why);

/*
 * A service said that these keys have run out: if they are still the ones
 * kept, the next get asks for others first.
 */
void aws_credentials_reject(struct aws_credentials *, const struct aws_keys *);

#endif
