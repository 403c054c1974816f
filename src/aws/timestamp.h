/* Times as AWS writes them, read into microseconds since 1970-01-01 UTC. */
#ifndef AWS_TIMESTAMP_H
#define AWS_TIMESTAMP_H

#include <stdint.h>

#include "base/status.h"

/*
 * ISO 8601: "2026-11-21T18:50:00Z", also with a fraction (what is below a
 * microsecond is dropped), with an offset as "+02:00" or "+0200", or with no
 * zone at all, which means UTC. ST_OK or ST_MALFORMED.
 */
enum status timestamp_iso(const char *, int64_t *us);

/* A Date header, "Sat, 21 Nov 2026 18:50:00 GMT". ST_OK or ST_MALFORMED. */
enum status timestamp_http(const char *, int64_t *us);

#endif
