/*
 * AWS Signature Version 4, in the Authorization header (https://
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request
 * .html), of the requests that JSON and query protocols send: a path without
 * query. Pure: nothing is sent. Who signs and who verifies use the same
 * function; the latter compares with crypt_equal.
 */
#ifndef CODEC_SIGV4_H
#define CODEC_SIGV4_H

#include <stddef.h>

#include "base/buf.h"
#include "base/kv.h"
#include "base/status.h"

/* As in "20261121/eu-central-1/sqs". */
#define SIGV4_ID_MAX 129
#define SIGV4_DAY_LEN 8
#define SIGV4_PLACE_MAX 65

struct sigv4_request {
	const char *method; /* upper case */
	const char *path; /* as sent, with its escapes, and without "//",
	                     "/./" and "/../"; "" is "/" */
	const struct kv *headers; /* all that are signed: names in lower case
	                             and ascending order, each once */
	const void *body;
	size_t body_len;
	const char *date; /* of x-amz-date, "20261121T185000Z" */
	const char *region; /* "eu-central-1" */
	const char *service; /* "dynamodb" */
};

#define SIGV4_SIGNATURE_MAX 65 /* 64 lower-case digits and NUL */

/* ST_OK; ST_NOMEM; ST_IO if libcrypto refused. */
enum status sigv4_signature(const struct sigv4_request *, const char *secret,
    char out[static SIGV4_SIGNATURE_MAX]);

/* Append the Authorization header's value. As above. */
enum status sigv4_authorization(const struct sigv4_request *,
    const char *access_key_id, const char *secret, struct buf *out);

/* What an Authorization header says. */
struct sigv4_claim {
	char access_key_id[SIGV4_ID_MAX];
	char day[SIGV4_DAY_LEN + 1];
	char region[SIGV4_PLACE_MAX], service[SIGV4_PLACE_MAX];
	const char *names; /* of the signed headers, in the header: "a;b" */
	size_t names_len;
	char signature[SIGV4_SIGNATURE_MAX];
};

/*
 * Take an Authorization header apart. Its parts may come in any order, each
 * once. ST_OK, or ST_MALFORMED: another algorithm, a part is missing
 * or longer than any is, the names are not in lower case, ascending, and each
 * once.
 */
enum status sigv4_read(const char *authorization, struct sigv4_claim *);

/* The next name of a list "a;b": NULL at the end. *at is the place in it, 0 at
 * first. */
const char *sigv4_next_name(
    const struct sigv4_claim *, size_t *at, size_t *len);

#endif
