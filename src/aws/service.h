/*
 * The AWS services that are called, each a row of one table, and where they
 * are.
 */
#ifndef AWS_SERVICE_H
#define AWS_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct profile;

enum aws_service {
	AWS_DYNAMODB,
	AWS_SQS,
	AWS_SSM,
	AWS_SECRETSMANAGER,
	AWS_STS,
};
#define AWS_SERVICES 5

struct aws_service_info {
	const char *title; /* for people */
	const char *id; /* in host names and signatures */
	const char *setting; /* of endpoints: AWS_ENDPOINT_URL_<SETTING>, or in
	                        lower case in a [services] section */
	const char *target; /* X-Amz-Target is this, ".", the operation */
	const char *content_type;
	int attempts; /* at most, the first included */
	int base_ms; /* what delays between them grow from */
};

extern const struct aws_service_info aws_services[AWS_SERVICES];

/* Who wants to know of each call, its retries included, and its result. From
 * any thread; NULL, also as called: nobody. */
struct aws_watch {
	void (*called)(void *arg, enum aws_service, enum status);
	void *arg;
};

void aws_watch_tell(const struct aws_watch *, enum aws_service, enum status);

/*
 * The address that the operator gave for a service in place of AWS's own:
 * AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, the profile's services
 * section, its endpoint_url. AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true: none.
 * ST_OK and *out, NULL if there is none, which the caller frees; ST_NOMEM; or
 * ST_CONFIG, and *why names the setting that is no http or https address.
 */
enum status aws_endpoint_override(char *const *envp, const struct profile *,
    enum aws_service, char **out, struct buf *why);

/* Append AWS's own address: "https://sqs.eu-central-1.amazonaws.com". */
enum status aws_endpoint_put(
    struct buf *, enum aws_service, const char *region);

/* Can this be a region's name (letters, digits, "-")? It becomes part of host
 * names. */
bool aws_region_valid(const char *);

#endif
