/*
 * What the admin routes that watch calls share: what was asked for, and the
 * way to Twilio.
 */
#ifndef APP_MONITOR_H
#define APP_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/app.h"
#include "base/buf.h"
#include "base/status.h"
#include "twilio/rest/calls.h"

struct http_client;
struct secret_set;

/* --- what was asked for (monitor_query.c) -------------------------------- */

#define MONITOR_LIMIT 100 /* calls in a reply, unless asked otherwise */
#define MONITOR_LIMIT_MAX 1000

enum monitor_source {
	MONITOR_TWILIO, /* ask Twilio */
	MONITOR_LOG, /* the status callbacks that were recorded here */
};

struct monitor_query {
	enum monitor_source source;
	int64_t start_us, end_us; /* both included; INT64_MIN, INT64_MAX: any */
	const char *status, *direction; /* static; NULL: any */
	size_t limit;
	const char *page_token; /* the query's; NULL: the first page */
};

/* The parameters of /monitor-call/{call_sid} (source alone), or of
 * /batch-monitor-calls. False if it answered 400. */
bool monitor_query_call(struct exchange *, struct monitor_query *);
bool monitor_query_batch(struct exchange *, struct monitor_query *);

/* What a page token is good for: all that chooses calls, but not the limit. */
enum status monitor_query_filters(
    const struct monitor_query *, const char *account_sid, struct buf *out);

/* --- the way to Twilio (monitor_twilio.c) -------------------------------- */

struct monitor {
	struct exchange *x;
	const struct secret_set *secrets;
	struct calls_account account;
	struct http_client *client;
	bool entered; /* it counts as one that waits */
};

/*
 * Take what asking Twilio needs. False if it answered: something is not
 * configured, or too many wait already (503). monitor_end in any case.
 */
bool monitor_begin(struct monitor *, struct exchange *);
void monitor_end(struct monitor *);

/* Answer why Twilio gave nothing: 404, 502, 503, 504. */
void monitor_refuse(
    struct monitor *, enum status, const struct calls_failure *);

/* --- lists --------------------------------------------------------------- */

/* The place that the page token names, into an empty buf, which stays empty
 * without a token. False if it answered 400. */
bool monitor_place(
    struct exchange *, const struct monitor_query *, struct buf *place);

/* The reply: begin the list of calls, add one (already: how many are in it),
 * end it. Place is where the next page begins; NULL: there is none. */
#define MONITOR_LIST_HEAD "{\"calls\":["
void monitor_list_begin(struct exchange *);
void monitor_list_add(
    struct exchange *, size_t already, const char *json, size_t len);
void monitor_list_end(struct exchange *, const struct monitor_query *, size_t n,
    const struct buf *place);

/* /batch-monitor-calls of each source. */
void monitor_batch_twilio(struct exchange *, const struct monitor_query *);
void monitor_batch_log(struct exchange *, const struct monitor_query *);

/* One call from the log. */
void monitor_call_log(struct exchange *, const char *sid);

#endif
