/*
 * AWS Signature Version 4, in the Authorization header (https://
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request
 * .html). Pure: the time is given, nothing is sent.
 *
 * The signature covers all headers given here, X-Amz-Date, and, with
 * temporary keys, X-Amz-Security-Token; the request must carry all of them.
 */
#ifndef CODEC_SIGV4_H
#define CODEC_SIGV4_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"

struct sigv4_keys {
	const char *access_key_id;
	const char *secret;
	const char *session_token; /* NULL or "": these are permanent keys */
};

struct sigv4_request {
	const char *method; /* upper case */
	const char *path; /* as sent, with its escapes; "" is "/" */
	const char *query; /* as sent, without "?"; NULL or "": none */
	const struct kv *headers; /* Host and others; not the two above */
	const void *body;
	size_t body_len;
	const char *region; /* "eu-central-1" */
	const char *service; /* "dynamodb" */
	int64_t
	    time_s; /* seconds since 1970-01-01 UTC, before the year 10000 */
};

/* No request has more headers to sign, the two of our own included. */
#define SIGV4_HEADERS_MAX 32

#define SIGV4_DATE_MAX 17

/* The two headers that make a request signed. */
struct sigv4 {
	char date[SIGV4_DATE_MAX]; /* X-Amz-Date: "20261121T185000Z" */
	struct buf authorization; /* Authorization */
};

/*
 * ST_OK; ST_TOOBIG (too many headers); ST_MALFORMED (the time); ST_NOMEM;
 * ST_IO if libcrypto refused. Only after ST_OK is there something to release.
 */
enum status sigv4_sign(
    const struct sigv4_request *, const struct sigv4_keys *, struct sigv4 *);
void sigv4_release(struct sigv4 *);

#endif
