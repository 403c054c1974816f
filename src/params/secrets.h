/*
 * The secrets that requests are checked with, and that Twilio's API is asked
 * with, as they are now. Those that are
 * kept at AWS change while the program runs: a thread fetches them every five
 * minutes or so, and at once (at most once a minute) when signatures begin to
 * fail. The other settings change by a reload alone.
 *
 * Where a fetch fails the old values stay. After SECRETS_CEILING_US without a
 * good one the responder says that it is not ready, but goes on with what it
 * has: refusing every webhook would make AWS's outage ours.
 *
 * A value that was replaced is still taken for SECRETS_GRACE_US where it
 * rotates, also after a reload: Twilio may go on signing with the old token
 * for a while, and the other responders fetch the new one at other times.
 *
 * What could not be fetched at the start is missing: nothing but /health and
 * /ready is answered until it is there.
 */
#ifndef PARAMS_SECRETS_H
#define PARAMS_SECRETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"

struct config;
struct source;

/* The current token; the one before it, as Secrets Manager has it; the one
 * that was replaced last; auth_token_previous. */
#define SECRETS_TOKENS_MAX 4

/* One state of them; it does not change. */
struct secret_set {
	const char *tokens[SECRETS_TOKENS_MAX + 1]; /* to check signatures
	                       with, the current one first; NULL-ended */
	const char *admin_token; /* "": none */
	const char *api_secret; /* of twilio.api_key; "": none */
	bool missing; /* a setting is: no request can be answered */
};

#define SECRETS_REFRESH_US INT64_C(300000000)
#define SECRETS_GRACE_US INT64_C(3600000000)
#define SECRETS_CEILING_US INT64_C(86400000000)

struct secrets_options {
	const struct config *config; /* after params_end; must outlive this */
	struct source *source; /* taken over, also on failure; NULL: nothing is
	                          kept elsewhere */
	struct secrets *before; /* what these replace, for values that it has
	                           replaced; NULL: none; of the call only */
	bool threaded; /* refresh; else what is there stays as it is */
	bool take; /* leave none of the secrets in config: one copy of each */
	struct log *log; /* may be NULL */
	/* Told of each fetch after the start, unless NULL: did all come? */
	void (*refreshed)(void *arg, bool good);
	void *refreshed_arg;

	/* For tests, microseconds; 0: as above, a minute, a second. */
	int64_t refresh_us, grace_us, ceiling_us, forced_us, retry_us;
};

struct secrets; /* safe from several threads */

/* ST_OK, ST_NOMEM; ST_IO: no thread. */
enum status secrets_open(struct secrets **, const struct secrets_options *);
/* May wait some seconds for a fetch that is under way. NULL is allowed. */
void secrets_close(struct secrets *);

/* The present state, until it is put back. */
const struct secret_set *secrets_get(struct secrets *);
void secrets_put(struct secrets *, const struct secret_set *);

/* A signature or token was wrong: perhaps ours is old. Returns at once. */
void secrets_doubt(struct secrets *);

/* Is nothing missing, and nothing too old? *why is for the log. */
bool secrets_ready(struct secrets *, struct buf *why);

/*
 * True once whenever settings that were missing can be had and another
 * snapshot, by a reload, would have them.
 */
bool secrets_stale(struct secrets *);

#endif
