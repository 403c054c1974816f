/* The table of metrics, and the counters that are not in the store. */
#include "serve/metrics.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/counter_file.h"
#include "base/log.h"
#include "base/str.h"
#include "config/config.h"
#include "store/counter.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- the table -------------------------------------------------------------- */

static const char *const causes[] = { "missing", "malformed", "wrong",
	"body_hash", "unknown_key", "unknown_algorithm", "no_token", "failed",
	NULL };
static const char *const results[] = { "refused", "passed", NULL };

/* "duplicate" is recorded nowhere, and counted in the file. */
static const char *const message_routes[] = { "ai", "human", "unrouted",
	"ignored", "undecided", COUNTER_MESSAGES_WITHDRAWN, "duplicate", NULL };

static const char *const message_statuses[] = { "accepted", "canceled",
	"delivered", "failed", "queued", "read", "received", "receiving",
	"scheduled", "sending", "sent", "undelivered", "other", NULL };
static const char *const call_statuses[] = { "queued", "initiated", "ringing",
	"in-progress", "completed", "busy", "no-answer", "canceled", "failed",
	"other", NULL };

static const char *const states[] = { "ready", "delayed", "taken", "dead",
	NULL };
static const char *const refreshes[] = { "ok", "failed", NULL };

/* The first are in the order of enum aws_service. */
static const char *const services[] = { "dynamodb", "sqs", "ssm",
	"secretsmanager", "sts", "twilio", NULL };
#define SERVICE_TWILIO AWS_SERVICES
_Static_assert(COUNT(message_routes) <= METRICS_VALUES_MAX &&
	COUNT(message_statuses) <= METRICS_VALUES_MAX &&
	COUNT(call_statuses) <= METRICS_VALUES_MAX,
    "the page has room");
_Static_assert(COUNT(services) == AWS_SERVICES + 2, "AWS, and Twilio");

enum outcome { OK, THROTTLED, TIMEOUT, UNREACHABLE, DENIED, ERROR };
static const char *const outcomes[] = { "ok", "throttled", "timeout",
	"unreachable", "denied", "error", NULL };

static const char *const losses[] = { "ring_full", "otlp", NULL };

const struct metrics_family metrics_families[METRICS_N] = {
	[METRIC_BUILD_INFO] = { .type = METRICS_GAUGE,
	    .name = "switchhook_build_info",
	    .help = "Always 1; the label has the version.",
	    .labels = { { "version", NULL } } },
	[METRIC_STORE_UP] = { .type = METRICS_GAUGE,
	    .name = "switchhook_store_up",
	    .help = "1 if the store could be read for this page; with 0 the "
		    "metrics that are read from it are absent." },
	[METRIC_SHARED] = { .type = METRICS_GAUGE,
	    .name = "switchhook_metrics_shared",
	    .help = "1 if all processes count together; with 0 this process "
		    "counts for itself." },
	[METRIC_REQUESTS] = { .type = METRICS_COUNTER,
	    .name = "switchhook_requests_total",
	    .help = "Requests answered.",
	    .labels = { { "route", NULL }, { "status", NULL } } },
	[METRIC_DURATION] = { .type = METRICS_HISTOGRAM,
	    .name = "switchhook_request_duration_seconds",
	    .help = "Time from a whole request to its reply.",
	    .labels = { { "route", NULL } } },
	[METRIC_SIGNATURE_FAILURES] = { .type = METRICS_COUNTER,
	    .name = "switchhook_signature_failures_total",
	    .help = "Webhooks whose signature was not valid.",
	    .labels = { { "cause", causes }, { "result", results } },
	    .in_file = true },
	[METRIC_WEBHOOK_TIME] = { .type = METRICS_GAUGE,
	    .name = "switchhook_last_webhook_timestamp_seconds",
	    .help = "When the last webhook came in, since 1970; absent before "
		    "the first.",
	    .in_file = true },
	[METRIC_WEBHOOK_AGE] = { .type = METRICS_GAUGE,
	    .name = "switchhook_last_webhook_age_seconds",
	    .help = "Time since the last webhook; absent before the first." },
	[METRIC_MESSAGES] = { .type = METRICS_COUNTER,
	    .name = "switchhook_messages_total",
	    .help = "Inbound messages by the way they went.",
	    .labels = { { "route", message_routes } },
	    .counter = COUNTER_MESSAGES,
	    .in_file = true },
	[METRIC_MESSAGE_EVENTS] = { .type = METRICS_COUNTER,
	    .name = "switchhook_message_events_total",
	    .help = "Status callbacks of messages that were recorded.",
	    .labels = { { "status", message_statuses } },
	    .counter = COUNTER_MESSAGE_EVENTS },
	[METRIC_DIGITS] = { .type = METRICS_COUNTER,
	    .name = "switchhook_confirmed_digits_total",
	    .help = "Digits that callers confirmed.",
	    .labels = { { "target", NULL } },
	    .counter = COUNTER_DIGITS },
	[METRIC_CALL_EVENTS] = { .type = METRICS_COUNTER,
	    .name = "switchhook_call_events_total",
	    .help = "Status callbacks of calls that were recorded.",
	    .labels = { { "status", call_statuses } },
	    .counter = COUNTER_CALL_EVENTS },
	[METRIC_QUEUE_DEPTH] = { .type = METRICS_GAUGE,
	    .name = "switchhook_queue_messages",
	    .help = "Messages on the queues of the store.",
	    .labels = { { "queue", NULL }, { "state", states } } },
	[METRIC_QUEUE_AGE] = { .type = METRICS_GAUGE,
	    .name = "switchhook_queue_oldest_age_seconds",
	    .help = "Age of the message that is due longest, or else of the "
		    "next; 0 if there is none.",
	    .labels = { { "queue", NULL } } },
	[METRIC_SPOOL_DEPTH] = { .type = METRICS_GAUGE,
	    .name = "switchhook_spool_messages",
	    .help = "Messages that a remote queue has not taken yet." },
	[METRIC_SPOOL_AGE] = { .type = METRICS_GAUGE,
	    .name = "switchhook_spool_oldest_age_seconds",
	    .help = "Age of the oldest of them; 0 if there is none." },
	[METRIC_REFRESHES] = { .type = METRICS_COUNTER,
	    .name = "switchhook_reference_refreshes_total",
	    .help = "Fetches of the settings that are kept at AWS.",
	    .labels = { { "outcome", refreshes } },
	    .in_file = true },
	[METRIC_UPSTREAM] = { .type = METRICS_COUNTER,
	    .name = "switchhook_upstream_calls_total",
	    .help = "Calls to other services, retries not counted.",
	    .labels = { { "service", services }, { "outcome", outcomes } },
	    .in_file = true },
	[METRIC_SPANS_DROPPED] = { .type = METRICS_COUNTER,
	    .name = "switchhook_spans_dropped_total",
	    .help = "Spans that did not arrive.",
	    .labels = { { "cause", losses } },
	    .in_file = true },
};

const struct metrics_bound metrics_bounds[METRICS_BUCKETS] = {
	{ 500, "0.0005" },
	{ 1000, "0.001" },
	{ 2500, "0.0025" },
	{ 5000, "0.005" },
	{ 10000, "0.01" },
	{ 25000, "0.025" },
	{ 50000, "0.05" },
	{ 100000, "0.1" },
	{ 250000, "0.25" },
	{ 500000, "0.5" },
	{ 1000000, "1" },
	{ 2500000, "2.5" },
	{ 5000000, "5" },
	{ 10000000, "10" },
};

/* Those that are answered most stand in front. */
const int metrics_codes[] = { 0, 200, 204, 401, 404, 201, 304, 308, 400, 403,
	405, 409, 413, 415, 429, 500, 502, 503, 504 };
const size_t metrics_codes_n = COUNT(metrics_codes);

/* --- places ------------------------------------------------------------------ */

/*
 * In the file: first the counters of the routes, as many for each, then those
 * of the other families, and last what are no sums: the times of the last
 * webhook and of the last signature that was looked into; and for each hour of
 * the last day in which a signature was not valid which hour that is, and what
 * the counters of the causes stood at before it.
 */
#define CODE_SLOTS 20
#define BUCKET_SLOTS (METRICS_BUCKETS + 1)
#define SUM_SLOT (CODE_SLOTS + BUCKET_SLOTS)
#define ROUTE_SLOTS (SUM_SLOT + 1)

#define REFUSAL_TIME 1
#define FIRST_HOUR 2
#define HOURS 25
#define CAUSES (COUNT(causes) - 1)
#define HOUR_SLOTS (1 + CAUSES)
#define LATEST (FIRST_HOUR + HOURS * HOUR_SLOTS)

_Static_assert(COUNT(metrics_codes) <= CODE_SLOTS, "codes have slots");

struct metrics {
	struct counter_file *file;
	const struct route *routes;
	size_t routes_n;
	size_t first[METRICS_N]; /* slots, of families in the file */
	size_t n; /* but for the last */
	atomic_int refs;
	atomic_bool alone; /* the log knows that the file cannot be had */
};

static size_t
values_n(const struct metrics_label *l)
{
	size_t n = 0;

	while (l->values != NULL && l->values[n] != NULL)
		n++;
	return n == 0 ? 1 : n;
}

static void
place(struct metrics *m)
{
	const struct metrics_family *f;
	size_t i;

	m->n = (m->routes_n + 1) * ROUTE_SLOTS;
	for (i = 0; i < METRICS_N; i++) {
		f = &metrics_families[i];
		m->first[i] = m->n;
		if (f->in_file && i != METRIC_WEBHOOK_TIME)
			m->n +=
			    values_n(&f->labels[0]) * values_n(&f->labels[1]);
	}
	m->first[METRIC_WEBHOOK_TIME] = m->n;
}

static size_t
place_of(
    const struct metrics *m, enum metrics_id id, size_t first, size_t second)
{
	const struct metrics_family *f = &metrics_families[id];

	return m->first[id] + first * values_n(&f->labels[1]) + second;
}

/* Each string with its end. */
static uint64_t
hash(uint64_t h, const char *s)
{
	return str_hash(h, s, strlen(s) + 1);
}

/* What the slots stand for, as a number. */
static uint64_t
layout(const struct metrics *m)
{
	const char *const *value;
	uint64_t h = (STR_HASH ^ LATEST) * 31;
	size_t i, k;

	for (i = 0; i < m->routes_n; i++)
		h = hash(h, m->routes[i].pattern);
	for (i = 0; i < metrics_codes_n; i++)
		h = (h ^ (uint64_t)metrics_codes[i]) * 31;
	for (i = 0; i < METRICS_BUCKETS; i++)
		h = hash(h, metrics_bounds[i].seconds);
	for (i = 0; i < METRICS_N; i++) {
		if (!metrics_families[i].in_file)
			continue;
		h = hash(h, metrics_families[i].name);
		for (k = 0; k < 2; k++) {
			value = metrics_families[i].labels[k].values;
			while (value != NULL && *value != NULL)
				h = hash(h, *value++);
		}
	}
	return h;
}

/* --- life --------------------------------------------------------------------- */

enum status
metrics_open(struct metrics **out, const struct route *routes, size_t routes_n)
{
	struct metrics *m = calloc(1, sizeof(*m));

	*out = NULL;
	if (m == NULL)
		return ST_NOMEM;
	m->refs = 1;
	m->routes = routes;
	m->routes_n = routes_n;
	place(m);
	if (counter_file_open(&m->file, m->n, LATEST, layout(m)) != ST_OK) {
		free(m);
		return ST_NOMEM;
	}
	*out = m;
	return ST_OK;
}

struct metrics *
metrics_share(struct metrics *m)
{
	m->refs++;
	return m;
}

void
metrics_close(struct metrics *m)
{
	if (m == NULL || --m->refs > 0)
		return;
	counter_file_close(m->file);
	free(m);
}

/* Beside the database itself: two names of it would mean two files. */
static enum status
path_of(const struct config *c, struct buf *out)
{
	const char *path = c->store.path;
	char *real = NULL;
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		real = realpath(path, NULL);
	buf_printf(out, "%s.metrics", real == NULL ? path : real);
	free(real);
	return out->err;
}

enum status
metrics_name(struct metrics *m, const struct config *c)
{
	struct buf path = BUF_INIT;
	enum status st = path_of(c, &path);

	if (st == ST_OK)
		st = counter_file_name(m->file, path.data);
	buf_release(&path);
	return st;
}

void
metrics_save(struct metrics *m, bool read, struct log *log)
{
	struct buf why = BUF_INIT;
	enum status st;
	bool alone, was;

	if (m == NULL)
		return;
	st = counter_file_save(m->file, read, &why);
	alone = st != ST_OK && st != ST_CORRUPT;
	was = atomic_exchange(&m->alone, alone);
	if (st == ST_CORRUPT)
		log_warn(log,
		    "the file of counters was written again; leave it alone "
		    "while the program runs",
		    LOG_STR("reason", buf_str(&why)));
	else if (alone && !was)
		log_warn(log,
		    "this process counts for itself until it can write the "
		    "file of counters",
		    LOG_STR("reason", buf_str(&why)));
	buf_release(&why);
}

bool
metrics_is_shared(const struct metrics *m)
{
	return counter_file_is_shared(m->file);
}

/* --- counting ------------------------------------------------------------------ */

static void
add(struct metrics *m, enum metrics_id id, size_t first, size_t second)
{
	if (m != NULL)
		counter_file_add(m->file, place_of(m, id, first, second), 1);
}

static size_t
route_slot(size_t route)
{
	return route * ROUTE_SLOTS;
}

/* Rows of one path, by method, stand together and are counted together. */
static size_t
first_row(const struct metrics *m, const struct route *route)
{
	while (
	    route > m->routes && strcmp(route[-1].pattern, route->pattern) == 0)
		route--;
	return (size_t)(route - m->routes);
}

void
metrics_request(
    struct metrics *m, const struct route *route, int code, int64_t duration_us)
{
	size_t slot, c = metrics_codes_n - 1, b = 0;

	if (m == NULL)
		return;
	slot = route_slot(route == NULL ? m->routes_n : first_row(m, route));
	for (c = 1; c < metrics_codes_n && metrics_codes[c] != code; c++)
		;
	while (b < METRICS_BUCKETS && duration_us > metrics_bounds[b].us)
		b++;
	counter_file_add(m->file, slot + c % metrics_codes_n, 1);
	counter_file_add(m->file, slot + CODE_SLOTS + b, 1);
	counter_file_add(m->file, slot + SUM_SLOT,
	    duration_us < 0 ? 0 : (uint64_t)duration_us);
}

/* Of an hour: which one is there, and after it a value for each cause. */
static size_t
hour_slot(const struct metrics *m, int64_t hour)
{
	return m->n + FIRST_HOUR + (size_t)(hour % HOURS) * HOUR_SLOTS;
}

static bool
has_hour(const struct metrics *m, int64_t hour)
{
	return counter_file_get(m->file, hour_slot(m, hour)) == (uint64_t)hour;
}

static uint64_t
cause_total(const struct metrics *m, size_t cause)
{
	return metrics_value(m, METRIC_SIGNATURE_FAILURES, cause, 0) +
	    metrics_value(m, METRIC_SIGNATURE_FAILURES, cause, 1);
}

/* The first of this hour in this process; others may have begun it. */
static void
begin_hour(struct metrics *m, int64_t hour)
{
	struct buf why = BUF_INIT;
	size_t slot = hour_slot(m, hour), i;

	counter_file_save(m->file, true, &why);
	buf_release(&why);
	if (has_hour(m, hour))
		return;
	for (i = 0; i < CAUSES; i++)
		counter_file_set(m->file, slot + 1 + i, cause_total(m, i));
	counter_file_set(m->file, slot, (uint64_t)hour);
}

uint64_t
metrics_refusals(const struct metrics *m, size_t cause, int64_t hour)
{
	int64_t next = hour + 1;
	uint64_t from, to;

	if (!has_hour(m, hour))
		return 0;
	while (next < hour + HOURS && !has_hour(m, next))
		next++;
	to = next < hour + HOURS
	    ? counter_file_get(m->file, hour_slot(m, next) + 1 + cause)
	    : cause_total(m, cause);
	from = counter_file_get(m->file, hour_slot(m, hour) + 1 + cause);
	return to > from ? to - from : 0;
}

void
metrics_signature(struct metrics *m, enum signature_verdict v, bool refused)
{
	int64_t hour = counter_hour(clock_us());

	if (m != NULL && v != SIGNATURE_VALID && !has_hour(m, hour))
		begin_hour(m, hour);
	if (v != SIGNATURE_VALID)
		add(m, METRIC_SIGNATURE_FAILURES, v - SIGNATURE_MISSING,
		    refused ? 0 : 1);
}

bool
metrics_refusal_due(struct metrics *m, int64_t span_us, struct log *log)
{
	int64_t now = clock_us(), last;

	if (m == NULL)
		return false;
	metrics_save(m, true, log);
	last = (int64_t)counter_file_get(m->file, m->n + REFUSAL_TIME);
	/* What is still to come was set by a clock that was ahead. */
	if (!metrics_is_shared(m) || (last <= now && now - last < span_us))
		return false;
	counter_file_set(m->file, m->n + REFUSAL_TIME, (uint64_t)now);
	metrics_save(m, false, log);
	return true;
}

void
metrics_webhook(struct metrics *m)
{
	if (m != NULL)
		counter_file_set(m->file, m->first[METRIC_WEBHOOK_TIME],
		    (uint64_t)clock_us());
}

void
metrics_duplicate(struct metrics *m)
{
	add(m, METRIC_MESSAGES, COUNT(message_routes) - 2, 0);
}

void
metrics_refresh(void *metrics, bool good)
{
	add(metrics, METRIC_REFRESHES, good ? 0 : 1, 0);
}

static enum outcome
outcome_of(enum status st)
{
	switch (st) {
	case ST_OK:
	case ST_EXISTS: /* that it is there already, or not, is an answer */
	case ST_NOTFOUND:
		return OK;
	case ST_BUSY:
		return THROTTLED;
	case ST_TIMEOUT:
		return TIMEOUT;
	case ST_IO:
	case ST_UNAVAILABLE:
		return UNREACHABLE;
	case ST_DENIED:
		return DENIED;
	case ST_NOMEM:
	case ST_TOOBIG:
	case ST_FULL:
	case ST_MALFORMED:
	case ST_UNSUPPORTED:
	case ST_CONFIG:
	case ST_CORRUPT:
		break;
	}
	return ERROR;
}

void
metrics_called_twilio(struct metrics *m, enum status st)
{
	add(m, METRIC_UPSTREAM, SERVICE_TWILIO, outcome_of(st));
}

void
metrics_called_aws(void *metrics, enum aws_service service, enum status st)
{
	add(metrics, METRIC_UPSTREAM, service, outcome_of(st));
}

void
metrics_spans_dropped(struct metrics *m, enum metrics_spans cause, uint64_t n)
{
	if (m != NULL)
		counter_file_add(
		    m->file, place_of(m, METRIC_SPANS_DROPPED, cause, 0), n);
}

static const char *
in_table(const char *const *table, const char *s)
{
	/* The last is "other". */
	while (table[1] != NULL && strcmp(*table, s) != 0)
		table++;
	return *table;
}

const char *
metrics_message_status(const char *s)
{
	return in_table(message_statuses, s);
}

const char *
metrics_call_status(const char *s)
{
	return in_table(call_statuses, s);
}

/* --- reading -------------------------------------------------------------------- */

uint64_t
metrics_value(
    const struct metrics *m, enum metrics_id id, size_t first, size_t second)
{
	return counter_file_get(m->file, place_of(m, id, first, second));
}

uint64_t
metrics_requests(const struct metrics *m, size_t route, size_t code)
{
	return counter_file_get(m->file, route_slot(route) + code);
}

uint64_t
metrics_durations(const struct metrics *m, size_t route, size_t bucket)
{
	return counter_file_get(
	    m->file, route_slot(route) + CODE_SLOTS + bucket);
}

uint64_t
metrics_duration_us(const struct metrics *m, size_t route)
{
	return counter_file_get(m->file, route_slot(route) + SUM_SLOT);
}
