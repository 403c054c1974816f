/*
 * What is no mistake by its form and can hardly be meant: a token that is none,
 * a public URL that ends in a route. The start goes on with it, and logs it;
 * `switchhook check` and -t print it.
 */
#ifndef SITE_FINDINGS_H
#define SITE_FINDINGS_H

#include "base/buf.h"
#include "base/status.h"

struct config;
struct option;

/*
 * Of a configuration that was checked: a line each,
 * "FILE:LINE: section.key: what is wrong; what to do". Values that are bad or
 * missing are passed over, and no secret is repeated. ST_OK or ST_NOMEM.
 */
enum status findings_put(const struct config *, struct buf *warnings);

/* What is wrong with this value of a secret option and what to do, or NULL. */
const char *findings_secret(const struct option *, const char *value);

#endif
