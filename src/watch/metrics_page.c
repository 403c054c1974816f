/*
 * GET /metrics, in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
#include "watch/metrics_page.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config.h"
#include "config/config.h"
#include "message/ports.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "store/counter.h"
#include "store/spool.h"
#include "store/sqlite_queue.h"

#define NO_ROUTE "none" /* the label of requests that found none */

#define LOCAL "sqlite:"
#define QUEUES_N 8 /* that a configuration names, at most */

struct page {
	const struct app *app;
	struct buf *out;
	int64_t now_us;
	/* What is read from the store before anything is written. */
	bool store_up;
	uint64_t counts[METRICS_N][METRICS_VALUES_MAX]; /* by the label's place
	                                                   in its table */
	struct buf lines[METRICS_N]; /* where labels are the operator's */
	bool queue_seen[QUEUES_N];
	struct spool_depth spool;
};

/* --- lines --------------------------------------------------------------------- */

static const char *
type_name(enum metrics_type type)
{
	switch (type) {
	case METRICS_COUNTER:
		return "counter";
	case METRICS_GAUGE:
		return "gauge";
	case METRICS_HISTOGRAM:
		break;
	}
	return "histogram";
}

static void
put_label(struct buf *out, char before, const char *name, const char *value)
{
	buf_printf(out, "%c%s=\"", before, name);
	for (; *value != '\0'; value++)
		if (*value == '\n')
			buf_puts(out, "\\n");
		else if (*value == '"' || *value == '\\')
			buf_printf(out, "\\%c", *value);
		else
			buf_putc(out, *value);
	buf_putc(out, '"');
}

/* The name with what a histogram puts behind it, its labels, as far as it has
 * any, and what goes before the value. */
static void
begin_line(struct buf *out, enum metrics_id id, const char *suffix,
    const char *first, const char *second)
{
	const struct metrics_family *f = &metrics_families[id];

	buf_printf(out, "%s%s", f->name, suffix);
	if (first != NULL)
		put_label(out, '{', f->labels[0].name, first);
	if (second != NULL)
		put_label(out, ',',
		    f->type == METRICS_HISTOGRAM ? "le" : f->labels[1].name,
		    second);
	buf_puts(out, first == NULL ? " " : "} ");
}

static void
put_line(struct buf *out, enum metrics_id id, const char *first,
    const char *second, uint64_t value)
{
	begin_line(out, id, "", first, second);
	buf_printf(out, "%" PRIu64 "\n", value);
}

/* Microseconds as seconds. */
static void
put_seconds(struct buf *out, uint64_t us)
{
	buf_printf(
	    out, "%" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

/* --- what is read first ------------------------------------------------------ */

static enum status
keep_count(const char *name, const char *label, int64_t value, void *arg)
{
	struct page *p = arg;
	const char *const *values;
	size_t id, i;

	for (id = 0; id < METRICS_N; id++)
		if (str_eq(metrics_families[id].counter, name))
			break;
	if (id == METRICS_N)
		return ST_OK;
	values = metrics_families[id].labels[0].values;
	if (values == NULL)
		put_line(&p->lines[id], (enum metrics_id)id, label, NULL,
		    (uint64_t)value);
	for (i = 0; values != NULL && values[i] != NULL; i++)
		if (strcmp(values[i], label) == 0)
			p->counts[id][i] = (uint64_t)value;
	return p->lines[id].err;
}

static enum status
keep_queue(struct page *p, const char *url, const struct queue_depth *d)
{
	const char *const *state =
	    metrics_families[METRIC_QUEUE_DEPTH].labels[1].values;
	const int64_t n[] = { d->items.ready, d->items.delayed, d->items.taken,
		d->items.dead };
	struct buf *depths = &p->lines[METRIC_QUEUE_DEPTH];
	struct buf *ages = &p->lines[METRIC_QUEUE_AGE];
	int64_t age = d->next_us == 0 ? 0 : p->now_us - d->next_us;
	const char *other, *role;
	size_t i;

	for (i = 0; state[i] != NULL; i++)
		put_line(
		    depths, METRIC_QUEUE_DEPTH, url, state[i], (uint64_t)n[i]);
	begin_line(ages, METRIC_QUEUE_AGE, "", url, NULL);
	put_seconds(ages, age < 0 ? 0 : (uint64_t)age);
	for (i = 0; (other = ports_each(p->app->config, i, &role)) != NULL; i++)
		p->queue_seen[i] = p->queue_seen[i] || str_eq(other, url);
	return depths->err != ST_OK ? depths->err : ages->err;
}

static enum status
keep_depth(const struct queue_depth *d, void *arg)
{
	struct buf url = BUF_INIT;
	enum status st = buf_printf(&url, LOCAL "%s", d->name);

	if (st == ST_OK)
		st = keep_queue(arg, url.data, d);
	buf_release(&url);
	return st;
}

/* Whatever there is, and those of the configuration also when they are empty.
 * Remote ones are not asked. */
static enum status
read_queues(struct page *p)
{
	const struct queue_depth empty = { 0 };
	enum status st =
	    sqlite_queue_depths(p->app->db, INT64_MAX, keep_depth, p);
	const char *url, *role;
	size_t i;

	for (i = 0; st == ST_OK &&
	     (url = ports_each(p->app->config, i, &role)) != NULL;
	     i++)
		if (str_starts(url, LOCAL) && !p->queue_seen[i])
			st = keep_queue(p, url, &empty);
	return st;
}

static void
read_store(struct page *p)
{
	enum status st = counter_list(p->app->db, keep_count, p);

	if (st == ST_OK)
		st = read_queues(p);
	if (st == ST_OK)
		st = spool_depth(p->app->db, INT64_MAX, &p->spool);
	p->store_up = st == ST_OK;
	if (st != ST_OK)
		log_error(p->app->log, "metrics of the store are missing",
		    LOG_STR("reason", status_text(st)));
}

/* --- families ------------------------------------------------------------------ */

typedef void put_fn(struct page *, enum metrics_id);

static void
put_build(struct page *p, enum metrics_id id)
{
	put_line(p->out, id, PACKAGE_VERSION, NULL, 1);
}

static void
put_up(struct page *p, enum metrics_id id)
{
	put_line(p->out, id, NULL, NULL, p->store_up);
}

static void
put_shared(struct page *p, enum metrics_id id)
{
	put_line(p->out, id, NULL, NULL, metrics_is_shared(p->app->metrics));
}

static const char *
route_name(const struct page *p, size_t route)
{
	return route < p->app->routes_n ? p->app->routes[route].pattern
					: NO_ROUTE;
}

/* Has the row before been of the same path? It was counted there. */
static bool
is_counted_before(const struct page *p, size_t route)
{
	return route > 0 && route < p->app->routes_n &&
	    strcmp(route_name(p, route - 1), route_name(p, route)) == 0;
}

static void
put_requests(struct page *p, enum metrics_id id)
{
	const struct metrics *m = p->app->metrics;
	char code[16];
	size_t r, c;

	for (r = 0; r <= p->app->routes_n; r++)
		for (c = 0; c < metrics_codes_n && !is_counted_before(p, r);
		     c++) {
			snprintf(code, sizeof(code), "%d", metrics_codes[c]);
			put_line(p->out, id, route_name(p, r),
			    c == 0 ? "other" : code, metrics_requests(m, r, c));
		}
}

/* The buckets are cumulative here and single where they are counted; what is
 * counted meanwhile is in all of a route's lines, or in none. */
static void
put_route_durations(struct page *p, enum metrics_id id, size_t route)
{
	const struct metrics *m = p->app->metrics;
	const char *name = route_name(p, route);
	uint64_t us = metrics_duration_us(m, route), n = 0;
	size_t b;

	for (b = 0; b <= METRICS_BUCKETS; b++) {
		n += metrics_durations(m, route, b);
		begin_line(p->out, id, "_bucket", name,
		    b < METRICS_BUCKETS ? metrics_bounds[b].seconds : "+Inf");
		buf_printf(p->out, "%" PRIu64 "\n", n);
	}
	begin_line(p->out, id, "_sum", name, NULL);
	put_seconds(p->out, us);
	begin_line(p->out, id, "_count", name, NULL);
	buf_printf(p->out, "%" PRIu64 "\n", n);
}

static void
put_durations(struct page *p, enum metrics_id id)
{
	size_t r;

	for (r = 0; r <= p->app->routes_n; r++)
		if (!is_counted_before(p, r))
			put_route_durations(p, id, r);
}

/* When the last came in, or how long ago that is. */
static void
put_webhook(struct page *p, enum metrics_id id)
{
	uint64_t at = metrics_value(p->app->metrics, METRIC_WEBHOOK_TIME, 0, 0),
		 now = (uint64_t)p->now_us;

	if (at == 0)
		return;
	begin_line(p->out, id, "", NULL, NULL);
	if (id == METRIC_WEBHOOK_TIME)
		put_seconds(p->out, at);
	else
		put_seconds(p->out, now > at ? now - at : 0);
}

/* All values of the labels, from the shared file. */
static void
put_filed(struct page *p, enum metrics_id id)
{
	const struct metrics_family *f = &metrics_families[id];
	const char *const *first = f->labels[0].values;
	const char *const *second = f->labels[1].values;
	size_t i, k;

	for (i = 0; first[i] != NULL; i++)
		for (k = 0; second == NULL ? k < 1 : second[k] != NULL; k++)
			put_line(p->out, id, first[i],
			    second == NULL ? NULL : second[k],
			    metrics_value(p->app->metrics, id, i, k));
}

/* All values of the label, from the store, and from the shared file what is
 * not recorded. */
static void
put_counted(struct page *p, enum metrics_id id)
{
	const struct metrics_family *f = &metrics_families[id];
	const char *const *value = f->labels[0].values;
	uint64_t n;
	size_t i;

	for (i = 0; value[i] != NULL; i++) {
		n = p->counts[id][i];
		if (f->in_file)
			n += metrics_value(p->app->metrics, id, i, 0);
		put_line(p->out, id, value[i], NULL, n);
	}
}

static void
put_lines(struct page *p, enum metrics_id id)
{
	buf_put(p->out, buf_str(&p->lines[id]), p->lines[id].len);
}

static void
put_spool(struct page *p, enum metrics_id id)
{
	int64_t n = id == METRIC_SPOOL_DEPTH ? p->spool.waiting
					     : clock_age_s(p->spool.oldest_us);

	put_line(p->out, id, NULL, NULL, (uint64_t)n);
}

/* of_store: absent if that cannot be read. */
static const struct {
	put_fn *put;
	bool of_store;
} putters[METRICS_N] = {
	[METRIC_BUILD_INFO] = { put_build, false },
	[METRIC_STORE_UP] = { put_up, false },
	[METRIC_SHARED] = { put_shared, false },
	[METRIC_REQUESTS] = { put_requests, false },
	[METRIC_DURATION] = { put_durations, false },
	[METRIC_SIGNATURE_FAILURES] = { put_filed, false },
	[METRIC_WEBHOOK_TIME] = { put_webhook, false },
	[METRIC_WEBHOOK_AGE] = { put_webhook, false },
	[METRIC_MESSAGES] = { put_counted, true },
	[METRIC_MESSAGE_EVENTS] = { put_counted, true },
	[METRIC_DIGITS] = { put_lines, true },
	[METRIC_CALL_EVENTS] = { put_counted, true },
	[METRIC_QUEUE_DEPTH] = { put_lines, true },
	[METRIC_QUEUE_AGE] = { put_lines, true },
	[METRIC_SPOOL_DEPTH] = { put_spool, true },
	[METRIC_SPOOL_AGE] = { put_spool, true },
	[METRIC_REFRESHES] = { put_filed, false },
	[METRIC_UPSTREAM] = { put_filed, false },
	[METRIC_SPANS_DROPPED] = { put_filed, false },
};

void
handle_metrics(struct exchange *x)
{
	struct page p = {
		.app = x->app, .out = &x->response->body, .now_us = clock_us()
	};
	const struct metrics_family *f;
	size_t i;

	metrics_save(x->app->metrics, true, x->app->log);
	read_store(&p);
	for (i = 0; i < METRICS_N; i++) {
		f = &metrics_families[i];
		if (putters[i].of_store && !p.store_up)
			continue;
		buf_printf(p.out, "# HELP %s %s\n# TYPE %s %s\n", f->name,
		    f->help, f->name, type_name(f->type));
		putters[i].put(&p, (enum metrics_id)i);
	}
	for (i = 0; i < METRICS_N; i++)
		buf_release(&p.lines[i]);
	x->response->code = 200;
	x->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
}
