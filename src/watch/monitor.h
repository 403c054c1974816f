/*
 * What the admin routes that watch calls share: what was asked for, and the
 * reply of a list.
 */
#ifndef WATCH_MONITOR_H
#define WATCH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "serve/exchange.h"
#include "twilio/rest/walk.h"

/* --- what was asked for (monitor_query.c) -------------------------------- */

#define MONITOR_LIMIT 100 /* calls in a reply, unless asked otherwise */
#define MONITOR_LIMIT_MAX 1000

enum monitor_source {
	MONITOR_TWILIO, /* ask Twilio */
	MONITOR_LOG, /* the status callbacks that were recorded here */
};

#define MONITOR_ADDRESS_MAX 256

struct monitor_query {
	enum monitor_source source;
	struct calls_filter filter; /* its strings are the query's, or these */
	char from[MONITOR_ADDRESS_MAX], to[MONITOR_ADDRESS_MAX];
	size_t limit;
	const char *page_token; /* the query's; NULL: the first page */
};

/* The parameters of /monitor-call/{call_sid} (source alone), or of
 * /batch-monitor-calls. False if it answered 400. */
bool monitor_query_call(struct exchange *, struct monitor_query *);
bool monitor_query_batch(struct exchange *, struct monitor_query *);

/* --- lists (monitor.c) --------------------------------------------------- */

/* The place that the page token names, NULL without one, in an empty buf; and
 * the times of its list, which need not come with it. False if it answered
 * 400. */
bool monitor_place(struct exchange *, struct monitor_query *, struct buf *mem,
    const char **place);

/* Answer 400: the token, or the place in it, cannot be used. */
void monitor_token_wrong(struct exchange *);

/* The reply: begin the list of calls, and end it. Place is where the next page
 * begins; NULL: there is none. */
void monitor_list_begin(struct exchange *);
void monitor_list_end(struct exchange *, const struct monitor_query *, size_t n,
    const struct buf *place);

/* --- the sources (monitor_twilio.c, monitor_log.c) ----------------------- */

void monitor_call_twilio(struct exchange *, const char *sid);
void monitor_call_log(struct exchange *, const char *sid);
void monitor_batch_twilio(struct exchange *, struct monitor_query *);
void monitor_batch_log(struct exchange *, struct monitor_query *);

/* --- the handlers (monitor.c) ---------------------------------------------- */

void handle_monitor_call(struct exchange *);
void handle_batch_monitor_calls(struct exchange *);

#endif
