/*
 * Where values are fetched from: AWS's Parameter Store and Secrets Manager;
 * in tests whatever they make of it.
 */
#ifndef SITE_SOURCE_H
#define SITE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "config/reference.h"

struct aws;

/* One value that is asked for, and the answer. */
struct source_item {
	enum reference_kind kind;
	const char *name; /* as the service knows it; the caller's */
	bool previous; /* of a secret: the one before (AWSPREVIOUS) */

	enum status status;
	struct buf value; /* if ST_OK, any bytes */
	struct buf why; /* else a phrase for the operator, on one line */
};

struct source; /* used by one thread at a time */

struct source_ops {
	/*
	 * Ask for all of them. Each gets its status: ST_OK; ST_NOTFOUND,
	 * ST_DENIED or ST_CONFIG: the same would be answered again;
	 * ST_UNAVAILABLE, ST_TIMEOUT, ST_IO, ST_BUSY, ST_CORRUPT: it may pass;
	 * ST_NOMEM. Ends by deadline_us on the monotonic clock.
	 */
	void (*fetch)(struct source *, struct source_item *, size_t n,
	    int64_t deadline_us);
	void (*close)(struct source *);
};

struct source {
	const struct source_ops *ops;
};

/* Wipes values and words; the items can be asked for again. */
void source_items_release(struct source_item *, size_t n);

void source_close(struct source *); /* NULL is allowed */

/*
 * AWS, which must outlive the source. Asks nobody, and loads no libcurl,
 * before the first fetch. region is that of Secrets Manager, NULL or "" for
 * AWS's own. ST_OK or ST_NOMEM.
 */
enum status source_aws_open(struct source **, struct aws *, const char *region);

#endif
