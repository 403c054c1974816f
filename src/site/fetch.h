/*
 * Fetching what references to AWS name: all in as few calls as can be, and of
 * each answer what the reference means of it.
 */
#ifndef SITE_FETCH_H
#define SITE_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

struct source;

struct fetch {
	const char *reference; /* a whole one (config/reference.h) */
	bool rotates; /* the value before this one is wanted too */

	enum status status; /* see site/source.h; ST_MALFORMED: it is there,
	                       but no text that a setting could have */
	char *value; /* if ST_OK; without a newline at its end */
	char *previous; /* NULL: there is none, or none that can be had */
	enum status previous_status; /* of fetching that; ST_OK, ST_NOTFOUND */
	struct buf why; /* unless ST_OK: a phrase for the operator */
};

/*
 * Fetch all, by deadline_us on the monotonic clock. ST_OK: each has its
 * status; ST_NOMEM. The caller calls fetch_release.
 */
enum status fetch_all(
    struct source *, struct fetch *, size_t n, int64_t deadline_us);
void fetch_release(struct fetch *, size_t n); /* wipes */

/* Is it a failure that may pass, so that it is worth another try? */
bool fetch_may_pass(enum status);

#endif
