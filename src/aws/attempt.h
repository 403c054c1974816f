/*
 * One attempt at a call: sign it, send it, and judge the answer. client.c
 * decides what follows.
 */
#ifndef AWS_ATTEMPT_H
#define AWS_ATTEMPT_H

#include <stdbool.h>
#include <stdint.h>

#include "aws/error.h"
#include "aws/service.h"
#include "base/buf.h"
#include "base/status.h"

struct aws_keys;
struct http_client;
struct json;

/* Where a call goes. The zero value is empty. */
struct aws_target {
	struct buf url, host, path;
};

/*
 * Of an address: if whole is set it is an endpoint with its path, else only
 * its origin counts. ST_OK; ST_MALFORMED; ST_NOMEM.
 */
enum status aws_target_set(
    struct aws_target *, const char *address, bool whole);
void aws_target_release(struct aws_target *);

struct attempt_request {
	const struct aws_target *target;
	const struct aws_service_info *service;
	const char *operation;
	const char *region;
	const struct buf *body;
	const char *trace, *traceparent; /* or NULL */
	int64_t time_us; /* what to sign with: the corrected clock */
	long connect_ms, total_ms;
};

struct attempt {
	enum status status;
	struct aws_error error; /* what a refusal means; unless ST_OK */
	int http; /* 0: no answer */
	char code[AWS_CODE_MAX]; /* of a refusal, or "" */
	char request_id[AWS_CODE_MAX]; /* what to name to AWS's support */
	int64_t asked_ms; /* to wait so long before the next; 0: nothing */
	int64_t date_us; /* the service's clock; 0: not told */
	struct json *body; /* of the answer, success or not; NULL: none */
};

/* The outcome is in *out, status included; the caller frees its body. */
void attempt_make(struct http_client *, const struct attempt_request *,
    const struct aws_keys *, struct attempt *out);

#endif
