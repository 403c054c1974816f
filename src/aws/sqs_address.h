/* What the address of a queue tells. */
#ifndef AWS_SQS_ADDRESS_H
#define AWS_SQS_ADDRESS_H

#include "base/status.h"
#include "codec/url.h"

/* The region in a host of AWS's; NULL: it tells none. The caller frees it.
 * ST_OK or ST_NOMEM. */
enum status sqs_address_region(const struct url_part *host, char **out);

/*
 * "…/sqs/NAME" is a queue of another Switchhook (sqs/sqs.h), which is asked at
 * "…/sqs": that, or NULL for the address of another kind. The caller frees it.
 * ST_OK or ST_NOMEM.
 */
enum status sqs_address_front(const char *url, char **out);

#endif
