/*
 * A walk through the calls of an account, newest first, from page to page of
 * Twilio's. Twilio filters by all but the direction; we filter by direction,
 * and by all the rest but the status once more, should its own filter be
 * coarser.
 *
 * Behind the first one Twilio's pages stay as they are, but the first begins
 * with the newest call, so calls that have come since move the rest on, over
 * its end too. A call may also have left the list, when its status is not the
 * one asked for any more. So a place is looked for by SID, in the next pages
 * too, and where both calls are gone, by the time at which they were made.
 */
#ifndef TWILIO_REST_WALK_H
#define TWILIO_REST_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "twilio/rest/calls.h"

struct calls_filter {
	int64_t start_us, end_us; /* both included; INT64_MIN, INT64_MAX: any */
	const char *status, *direction; /* NULL: any */
	const char *from, *to; /* NULL: anybody */
	const char *parent_sid; /* NULL: any, and calls without one */
};

/* Where to go on: in the page of uri (NULL: the first), behind the call last
 * and before next; without last ("") from the page's start. */
#define CALLS_SID_MAX 35
struct calls_place {
	char *uri;
	char last[CALLS_SID_MAX], next[CALLS_SID_MAX];
	int64_t made_us; /* when last was made; INT64_MIN: not known */
};

struct calls_walk;

/* Take the i-th call of a page, the n-th of the walk from 0 on. */
typedef enum status calls_take_fn(
    struct calls_walk *, struct rest_page *, size_t i);

struct calls_walk {
	struct http_client *client;
	const struct rest_account *account;
	struct calls_filter filter;
	size_t limit; /* calls to take, 1 at least */
	calls_take_fn *take;
	void *arg; /* for take */

	struct calls_place place; /* empty: the beginning */
	size_t n; /* calls taken */
	bool over; /* there is none behind place */
	struct rest_failure why;
};

/*
 * Ask for the page of place, take what is wanted of it while there are fewer
 * than limit, and move place on. ST_OK, or as calls_list and take: then, if any
 * call of this page was taken, there is no place to go on from.
 */
enum status calls_walk_page(struct calls_walk *);
void calls_walk_release(struct calls_walk *); /* of its place */

/*
 * A place as text, and back into an empty one. Whoever wrote the text, nothing
 * is asked for with it but a page of this account's calls. ST_OK, ST_NOMEM,
 * ST_MALFORMED.
 */
enum status calls_place_write(const struct calls_place *, struct buf *);
enum status calls_place_read(
    struct calls_place *, const char *text, const char *account_sid);

#endif
