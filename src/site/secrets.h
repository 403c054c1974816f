/*
 * Making struct secrets (serve/app.h). One state of them does not change; a fetch
 * that brings other values (site/refresh.h) makes another state, which a new
 * snapshot then has.
 */
#ifndef SITE_SECRETS_H
#define SITE_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/status.h"
#include "serve/app.h"

struct config;
struct fetch;

/*
 * As a configuration has them, after settings_end; it must outlive them. take:
 * they move, so that there is one copy of each. before is what these replace,
 * or NULL: where the token is kept in the same place and is another now, the
 * old one still counts for grace_us. Twilio may go on signing with it for a
 * while, and other responders fetch the new one at other times. ST_OK or
 * ST_NOMEM.
 */
enum status secrets_make(struct secrets **, struct config *, bool take,
    const struct secrets *before, int64_t grace_us);
void secrets_free(struct secrets *); /* wipes; NULL is allowed */

/* What to ask for, into an array of SECRETS_N; returns how many there are. */
size_t secrets_list(const struct secrets *, struct fetch *);

/*
 * The next state, by what came for such a list. *next is NULL if nothing has
 * changed. What was not fetched, or cannot be such a setting, stays as it is:
 * *good is false then, and the log says so. ST_OK or ST_NOMEM.
 */
enum status secrets_next(const struct secrets *now, struct fetch *,
    int64_t grace_us, struct log *, struct secrets **next, bool *good);

#endif
