/*
 * When the secrets that are kept at AWS are fetched again: every five minutes
 * or so, and at once (at most once a minute) when signatures begin to fail.
 * Other settings change by a reload alone.
 *
 * Where a fetch fails the old values stay. After the ceiling without a good one
 * the responder says that it is not ready, but goes on with what it has:
 * refusing every webhook would make AWS's outage ours.
 *
 * One thread, the keeper, asks whether it is time and fetches; any thread may
 * have doubts, and ask whether all is well (serve/freshness.h). NULL is a refresh
 * that never is due: nothing is kept at AWS.
 */
#ifndef SITE_REFRESH_H
#define SITE_REFRESH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"

struct freshness;
struct refresh;
struct secrets;
struct source;

struct refresh_times {
	int64_t usual_us; /* between fetches, give or take a tenth */
	int64_t forced_us; /* at least between those for doubts */
	int64_t retry_us; /* after a failure, twice as late each time */
	int64_t grace_us; /* see secrets_make */
	int64_t ceiling_us;
};

/* Five minutes, a minute, a second, an hour, a day. */
extern const struct refresh_times refresh_times;

struct refresh_options {
	struct source *source; /* taken over, also on failure */
	const struct refresh_times *times;
	struct log *log; /* may be NULL */
	/* Told of each fetch, unless NULL: did all come? */
	void (*fetched)(void *arg, bool good);
	void *fetched_arg;
};

/* After a good fetch, which settings_end was. ST_OK or ST_NOMEM. */
enum status refresh_open(struct refresh **, const struct refresh_options *);
void refresh_close(struct refresh *);

bool refresh_due(const struct refresh *);

/* Fetch, within seconds. *next: the next state of these secrets, or NULL if
 * they stay. */
void refresh_run(
    struct refresh *, const struct secrets *now, struct secrets **next);

/* What requests have to do with it; as long as the refresh. */
struct freshness *refresh_freshness(struct refresh *);

/* True once after each first doubt: it may be due. */
bool refresh_doubted(struct refresh *);

#endif
