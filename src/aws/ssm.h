/* Values of AWS Systems Manager's Parameter Store. */
#ifndef AWS_SSM_H
#define AWS_SSM_H

#include <stddef.h>

#include "base/status.h"

struct aws_client;

struct ssm_value {
	const char *name; /* "/twh/dev/twilio-auth-token", also with ":VERSION"
	                     or ":LABEL", or an ARN; the caller's */
	char *value; /* NULL unless found; a SecureString is decrypted */
	enum status status; /* ST_OK, ST_NOTFOUND */
};

/* Names that one call asks for; more take more calls. */
#define SSM_BATCH 10

/*
 * Look up all of them. The same name may occur more than once. ST_OK: each has
 * its status; anything else (see aws/client.h): none has a value. The caller
 * gives them to ssm_release, which wipes.
 */
enum status ssm_get(struct aws_client *, struct ssm_value *, size_t n);
void ssm_release(struct ssm_value *, size_t n);

#endif
