/*
 * Calls to AWS: one signed JSON request, tried again where that helps, until
 * it has an answer or its time is up.
 *
 * Retried: broken connections, HTTP 500, 502, 503, 504, throttling, answers
 * that came damaged; with growing random delays, within the deadline, and
 * paid from a bucket of tokens, so that an outage does not multiply the load.
 * Once a call the clock is corrected from the service's Date, and once the
 * keys are fetched again when they have expired. Nothing else is retried.
 */
#ifndef AWS_CLIENT_H
#define AWS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/error.h"
#include "aws/service.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"

struct json;
struct quit;

/* --- what a process shares: region, endpoints, keys, tokens, clock ------- */

struct aws_options {
	char *const *envp; /* the process environment; must outlive this */
	const char *region; /* NULL or "": AWS_REGION, AWS_DEFAULT_REGION, the
	                       profile's */
	const char *proxy; /* "http://host:port"; NULL or "": none */
	struct log *log; /* may be NULL; must outlive this */
	const struct quit *quit; /* as in http/client.h */
	struct aws_watch watch; /* its arg must outlive this */
};

struct aws; /* safe from several threads */

/*
 * Reads the environment and the shared files; asks nobody yet and loads no
 * libcurl. AWS_CA_BUNDLE, or the profile's ca_bundle, replaces the system's
 * certificates. On failure *why is a sentence for the operator.
 * ST_OK, ST_NOMEM, ST_CONFIG, ST_IO.
 */
enum status aws_open(
    struct aws **, const struct aws_options *, struct buf *why);
void aws_close(struct aws *); /* after its clients; NULL is allowed */

/* As aws_credentials_check (aws/credentials.h). */
enum status aws_check(const struct aws *, struct buf *why);

const char *aws_region(const struct aws *); /* "" if nobody set one */

/* --- one thread's client --------------------------------------------------- */

struct aws_client;

/* ST_OK, ST_NOMEM, ST_UNAVAILABLE (no libcurl: *why says what to install). */
enum status aws_client_open(
    struct aws_client **, struct aws *, struct buf *why);
void aws_client_close(struct aws_client *); /* NULL is allowed */

/* Without another deadline a call may take this long, its retries included. */
#define AWS_CALL_US INT64_C(5000000)

/*
 * Calls from now on serve this request: they end by deadline_us on the
 * monotonic clock (0: AWS_CALL_US from each one's start), and pass on the
 * headers X-Amzn-Trace-Id and traceparent (NULL or "": none). The strings must
 * live until the next begin.
 */
void aws_client_begin(struct aws_client *, int64_t deadline_us,
    const char *trace, const char *traceparent);

struct aws_call {
	enum aws_service service; /* not AWS_STS */
	const char *operation; /* "SendMessage" */
	const char *region; /* NULL or "": the process's */
	const char *origin; /* an address whose scheme, host and port are used
	                       unless an endpoint was configured; or NULL */
	bool whole; /* the origin's path is used, too */
	const struct buf *body; /* JSON */
};

struct aws_reply {
	struct json *body; /* the answer, or the refusal; NULL: empty */
	char code[AWS_CODE_MAX]; /* of a refusal, "" otherwise */
};

/*
 * The caller releases the reply, whatever the result. ST_OK; for a refusal
 * what aws/error.c says of its code; besides
 *
 * ST_UNAVAILABLE, ST_IO  not reached, or broken off
 * ST_TIMEOUT             the deadline passed
 * ST_BUSY                throttled
 * ST_CORRUPT             the answers were damaged or made no sense
 * ST_DENIED              not allowed; keys expired; the server's certificate
 * ST_CONFIG              no region, no keys, no such endpoint
 * ST_NOMEM
 *
 * After ST_TIMEOUT, ST_IO, ST_CORRUPT and ST_UNAVAILABLE the service may have
 * done the work.
 */
enum status aws_call(
    struct aws_client *, const struct aws_call *, struct aws_reply *);
void aws_reply_release(struct aws_reply *);

/*
 * A sentence about the last failure, naming service, operation and code, and
 * no secret: "SQS SendMessage: QueueDoesNotExist (HTTP 400)". Valid until the
 * next call. The second lets a back end say what it refused by itself.
 */
const char *aws_client_error(const struct aws_client *);
void aws_client_say(struct aws_client *, enum aws_service,
    const char *operation, const char *what, ...)
    __attribute__((format(printf, 4, 5)));

struct log *aws_client_log(const struct aws_client *);

#endif
