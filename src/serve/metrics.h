/*
 * What is counted, and how: GET /metrics shows it (switchhook-metrics(7)).
 *
 * What is recorded in the store is counted there, in the same transaction
 * (store/counter.h). All else, of requests that record nothing, is counted in
 * memory, which costs a request some nanoseconds, and saved to a file beside the
 * database that all processes share (base/counter_file.h): a transaction for
 * each would cost a sync, a thousand times as much. What waits is counted when
 * it is asked for.
 *
 * A label's value comes from a table, or is a name that the operator chose,
 * never what a request brought.
 */
#ifndef SERVE_METRICS_H
#define SERVE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "aws/service.h"
#include "base/buf.h"
#include "base/status.h"
#include "http/route.h"
#include "twilio/signature.h"

struct config;
struct log;
struct metrics;

/* Counts in memory at first. The table of routes must outlive it. ST_OK or
 * ST_NOMEM. */
enum status metrics_open(
    struct metrics **, const struct route *routes, size_t routes_n);
/* The same once more, for another snapshot. */
struct metrics *metrics_share(struct metrics *);
void metrics_close(struct metrics *); /* NULL is allowed */

/* Save to the file of this configuration from now on. ST_OK or ST_NOMEM. */
enum status metrics_name(struct metrics *, const struct config *);

/*
 * Add what was counted to the file: once a second in a server, when a snapshot
 * closes, before the reply of a plain CGI process, and before the page is made,
 * which reads what other processes have counted as well. Where the file cannot
 * be had the log has a warning, once, and the next time tries again.
 */
void metrics_save(struct metrics *, bool read, struct log *);

/* --- counting: from any thread; NULL takes it and counts nothing ---------- */

/* A request that was answered. route NULL: none was found. */
void metrics_request(
    struct metrics *, const struct route *, int code, int64_t duration_us);

/* A signature that was not valid. refused: and so was the request. */
void metrics_signature(struct metrics *, enum signature_verdict, bool refused);

/*
 * May such a request be looked into? True once in so long, of all processes that
 * share the file; never where it cannot be had, for nobody could tell then.
 */
bool metrics_refusal_due(struct metrics *, int64_t span_us, struct log *);

/* A webhook of Twilio's came in. */
void metrics_webhook(struct metrics *);

/* A message that had come before. */
void metrics_duplicate(struct metrics *);

/* The settings that are kept at AWS were fetched, all of them or not. */
void metrics_refresh(void *metrics, bool good);

/* One call to another's service, its retries included, and its result. */
void metrics_called_twilio(struct metrics *, enum status);
void metrics_called_aws(void *metrics, enum aws_service, enum status);

enum metrics_spans { SPANS_RING_FULL, SPANS_OTLP };
void metrics_spans_dropped(struct metrics *, enum metrics_spans, uint64_t n);

/* --- counters in the store: their names and labels ------------------------ */

#define COUNTER_MESSAGES "messages" /* label: route, or as below */
#define COUNTER_MESSAGES_WITHDRAWN "withdrawn"
#define COUNTER_MESSAGE_EVENTS "message_events" /* metrics_message_status */
#define COUNTER_DIGITS "digits" /* target */
#define COUNTER_CALL_EVENTS "call_events" /* metrics_call_status */

/* What Twilio sent, if it is in the table; else "other". Static. */
const char *metrics_message_status(const char *);
const char *metrics_call_status(const char *);

/* --- the table, for the page and for tests -------------------------------- */

/* Of a label that is counted in the store, at most. */
#define METRICS_VALUES_MAX 16

enum metrics_type { METRICS_COUNTER, METRICS_GAUGE, METRICS_HISTOGRAM };

/* A label and its possible values, NULL at the end; values NULL: names of the
 * operator's, or of routes. */
struct metrics_label {
	const char *name; /* NULL: there is none */
	const char *const *values;
};

enum metrics_id {
	METRIC_BUILD_INFO,
	METRIC_STORE_UP,
	METRIC_SHARED,
	METRIC_REQUESTS,
	METRIC_DURATION,
	METRIC_SIGNATURE_FAILURES,
	METRIC_WEBHOOK_TIME,
	METRIC_WEBHOOK_AGE,
	METRIC_MESSAGES,
	METRIC_MESSAGE_EVENTS,
	METRIC_DIGITS,
	METRIC_CALL_EVENTS,
	METRIC_QUEUE_DEPTH,
	METRIC_QUEUE_AGE,
	METRIC_SPOOL_DEPTH,
	METRIC_SPOOL_AGE,
	METRIC_REFRESHES,
	METRIC_UPSTREAM,
	METRIC_SPANS_DROPPED,
	METRICS_N
};

struct metrics_family {
	const char *name;
	enum metrics_type type;
	const char *help;
	struct metrics_label labels[2];
	const char *counter; /* in the store; NULL: it is not there */
	bool in_file; /* in the one that processes share */
};

extern const struct metrics_family metrics_families[METRICS_N];

/* Upper bounds of the durations; the last bucket has none. */
#define METRICS_BUCKETS 14
struct metrics_bound {
	int64_t us;
	const char *seconds;
};
extern const struct metrics_bound metrics_bounds[METRICS_BUCKETS];

/* Codes that are answered; the first stands for any other. */
extern const int metrics_codes[];
extern const size_t metrics_codes_n;

/* --- reading ---------------------------------------------------------------- */

bool metrics_is_shared(const struct metrics *);

/* Signatures of this cause (its place in the label's table) that were not valid,
 * refused or let in, in an hour (store/counter.h) of the last day. */
uint64_t metrics_refusals(const struct metrics *, size_t cause, int64_t hour);

/* Of a family in the file with these values of its labels (0 for one it has not). */
uint64_t metrics_value(
    const struct metrics *, enum metrics_id, size_t first, size_t second);

/* Of a route by its place in the table, or routes_n for those that found none.
 * bucket METRICS_BUCKETS is the last. */
uint64_t metrics_requests(const struct metrics *, size_t route, size_t code);
uint64_t metrics_durations(const struct metrics *, size_t route, size_t bucket);
uint64_t metrics_duration_us(const struct metrics *, size_t route);

#endif
