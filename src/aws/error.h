/*
 * What an AWS service's refusal means: its code, and from that whether
 * another try is worth it, and the status.
 */
#ifndef AWS_ERROR_H
#define AWS_ERROR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

struct http_reply;
struct json;

enum aws_class {
	AWS_FATAL, /* the same again would be refused again */
	AWS_TRANSIENT, /* a passing fault */
	AWS_THROTTLED, /* too much at once */
	AWS_EXPIRED, /* the keys have run out: others may do */
	AWS_UNSIGNED, /* the signature is not taken; perhaps the clock is off */
};

struct aws_error {
	const char *code; /* NULL ends the table */
	enum aws_class class;
	enum status status;
	bool quotable; /* its message has neither secrets nor callers' data */
};

#define AWS_CODE_MAX 80

/*
 * The code of an answer that is no success, from x-amzn-query-error,
 * x-amzn-errortype or the body's __type, without what is around it:
 * "QueueDoesNotExist". "" if there is none. Only letters, digits and . - _
 * are in it, so that it can go into a log. body is the parsed body, or NULL.
 */
void aws_error_code(const struct http_reply *, const struct json *body,
    char out[static AWS_CODE_MAX]);

/* What code and HTTP status mean together. */
struct aws_error aws_error_find(const char *code, int http);

/* Append the service's message, cut to a line: only of a quotable error. */
void aws_error_put_message(struct buf *, const struct json *body);

#endif
