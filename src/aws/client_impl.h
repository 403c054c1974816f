/* What the AWS clients of a process share; for client*.c alone. */
#ifndef AWS_CLIENT_IMPL_H
#define AWS_CLIENT_IMPL_H

#include <stdatomic.h>
#include <stdint.h>

#include "aws/retry.h"
#include "aws/service.h"

struct aws_credentials;
struct http_library;
struct log;

struct aws {
	char *region;
	char *endpoints[AWS_SERVICES]; /* NULL: AWS's own */
	struct http_library *http;
	struct aws_credentials *credentials;
	struct retry_bucket buckets[AWS_SERVICES];
	_Atomic int64_t skew_us; /* the services' clock minus ours */
	struct log *log;
	struct aws_watch watch;
};

#endif
