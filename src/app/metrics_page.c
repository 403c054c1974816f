/*
 * GET /metrics, in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/handlers.h"
#include "app/metrics.h"
#include "app/ports.h"
#include "base/clock.h"
#include "base/str.h"
#include "config.h"
#include "config/config.h"
#include "store/counter.h"
#include "store/queue_depth.h"
#include "store/spool.h"

#define NO_ROUTE "none" /* the label of requests that found none */

/* What the store has: rows of the counter table. */
struct count {
	char *name, *label;
	int64_t value;
};

#define LOCAL "sqlite:"

struct waiting {
	char *queue;
	struct queue_depth depth;
};

struct page {
	const struct app *app;
	struct buf *out;
	int64_t now_us;
	bool store_up;
	struct count *counts;
	size_t counts_n;
	struct waiting *queues;
	size_t queues_n;
	struct spool_depth spool;
};

/* --- what is read first ------------------------------------------------------ */

static enum status
keep_count(const char *name, const char *label, int64_t value, void *arg)
{
	struct page *p = arg;
	struct count *more = realloc(
			 p->counts, (p->counts_n + 1) * sizeof(*p->counts)),
		     *c;

	if (more == NULL)
		return ST_NOMEM;
	p->counts = more;
	c = &p->counts[p->counts_n++];
	*c = (struct count){ .value = value };
	if (str_dup(name, &c->name) != ST_OK ||
	    str_dup(label, &c->label) != ST_OK)
		return ST_NOMEM;
	return ST_OK;
}

/* The entry of this queue, a new one if there is none; NULL: no memory. */
static struct waiting *
queue_of(struct page *p, const char *url)
{
	struct waiting *more, *w;
	size_t i;

	for (i = 0; i < p->queues_n; i++)
		if (strcmp(p->queues[i].queue, url) == 0)
			return &p->queues[i];
	more = realloc(p->queues, (p->queues_n + 1) * sizeof(*p->queues));
	if (more == NULL)
		return NULL;
	p->queues = more;
	w = &p->queues[p->queues_n];
	*w = (struct waiting){ .queue = NULL };
	if (str_dup(url, &w->queue) != ST_OK)
		return NULL;
	p->queues_n++;
	return w;
}

static enum status
keep_depth(const struct queue_depth *d, void *arg)
{
	struct buf url = BUF_INIT;
	struct waiting *w = NULL;

	if (buf_printf(&url, LOCAL "%s", d->name) == ST_OK)
		w = queue_of(arg, url.data);
	if (w != NULL)
		w->depth = *d;
	buf_release(&url);
	return w == NULL ? ST_NOMEM : ST_OK;
}

/* Those of the configuration, also when they are empty, and whatever else
 * there is. Remote ones are not asked. */
static enum status
read_queues(struct page *p)
{
	const struct config *c = p->app->config;
	const char *const urls[] = { c->whatsapp.ai_queue,
		c->whatsapp.human_queue, PORTS_UNROUTED, c->voice.digits_queue,
		PORTS_UNDELIVERABLE };
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		if (str_starts(urls[i], LOCAL) && queue_of(p, urls[i]) == NULL)
			return ST_NOMEM;
	return queue_depths(p->app->db, keep_depth, p);
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

static void
page_release(struct page *p)
{
	size_t i;

	for (i = 0; i < p->counts_n; i++) {
		free(p->counts[i].name);
		free(p->counts[i].label);
	}
	free(p->counts);
	for (i = 0; i < p->queues_n; i++)
		free(p->queues[i].queue);
	free(p->queues);
}

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
put_head(struct page *p, const struct metrics_family *f)
{
	buf_printf(p->out, "# HELP %s %s\n# TYPE %s %s\n", f->name, f->help,
	    f->name, type_name(f->type));
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

/* The name and its labels, as far as it has any, and what goes before the
 * value. */
static void
begin_line(struct page *p, const struct metrics_family *f, const char *first,
    const char *second)
{
	buf_puts(p->out, f->name);
	if (first != NULL)
		put_label(p->out, '{', f->labels[0].name, first);
	if (second != NULL)
		put_label(p->out, ',', f->labels[1].name, second);
	buf_puts(p->out, first == NULL ? " " : "} ");
}

static void
put_line(struct page *p, const struct metrics_family *f, const char *first,
    const char *second, uint64_t value)
{
	begin_line(p, f, first, second);
	buf_printf(p->out, "%" PRIu64 "\n", value);
}

/* Microseconds as seconds. */
static void
put_seconds(struct buf *out, uint64_t us)
{
	buf_printf(
	    out, "%" PRIu64 ".%06" PRIu64 "\n", us / 1000000, us % 1000000);
}

static const char *
route_name(size_t route)
{
	return route < app_routes_n ? app_routes[route].pattern : NO_ROUTE;
}

/* --- families ------------------------------------------------------------------ */

typedef void put_fn(
    struct page *, enum metrics_id, const struct metrics_family *);

static void
put_build(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	(void)id;
	put_line(p, f, PACKAGE_VERSION, NULL, 1);
}

static void
put_up(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	(void)id;
	put_line(p, f, NULL, NULL, p->store_up);
}

static void
put_shared(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	(void)id;
	put_line(p, f, NULL, NULL, metrics_is_shared(p->app->metrics));
}

static void
put_requests(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	const struct metrics *m = p->app->metrics;
	char code[16];
	size_t r, c;

	(void)id;
	for (r = 0; r <= app_routes_n; r++)
		for (c = 0; c < metrics_codes_n; c++) {
			snprintf(code, sizeof(code), "%d", metrics_codes[c]);
			put_line(p, f, route_name(r), c == 0 ? "other" : code,
			    metrics_requests(m, r, c));
		}
}

/* The buckets are cumulative here and single where they are counted; what is
 * counted meanwhile is in all of a route's lines, or in none. */
static void
put_route_durations(
    struct page *p, const struct metrics_family *f, size_t route)
{
	const struct metrics *m = p->app->metrics;
	uint64_t us = metrics_duration_us(m, route), n = 0;
	size_t b;

	for (b = 0; b <= METRICS_BUCKETS; b++) {
		n += metrics_durations(m, route, b);
		buf_printf(p->out, "%s_bucket", f->name);
		put_label(p->out, '{', f->labels[0].name, route_name(route));
		put_label(p->out, ',', "le",
		    b < METRICS_BUCKETS ? metrics_bounds[b].seconds : "+Inf");
		buf_printf(p->out, "} %" PRIu64 "\n", n);
	}
	buf_printf(p->out, "%s_sum", f->name);
	put_label(p->out, '{', f->labels[0].name, route_name(route));
	buf_puts(p->out, "} ");
	put_seconds(p->out, us);
	buf_printf(p->out, "%s_count", f->name);
	put_label(p->out, '{', f->labels[0].name, route_name(route));
	buf_printf(p->out, "} %" PRIu64 "\n", n);
}

static void
put_durations(
    struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	size_t r;

	(void)id;
	for (r = 0; r <= app_routes_n; r++)
		put_route_durations(p, f, r);
}

static uint64_t
webhook_us(const struct page *p)
{
	return metrics_value(p->app->metrics, METRIC_WEBHOOK_TIME, 0, 0);
}

static void
put_webhook_time(
    struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	(void)id;
	if (webhook_us(p) == 0)
		return;
	begin_line(p, f, NULL, NULL);
	put_seconds(p->out, webhook_us(p));
}

static void
put_webhook_age(
    struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	uint64_t at = webhook_us(p), now = (uint64_t)p->now_us;

	(void)id;
	if (at == 0)
		return;
	begin_line(p, f, NULL, NULL);
	put_seconds(p->out, now > at ? now - at : 0);
}

/* All values of the labels, from the shared file. */
static void
put_filed(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	const char *const *first = f->labels[0].values;
	const char *const *second = f->labels[1].values;
	size_t i, k;

	for (i = 0; first[i] != NULL; i++)
		for (k = 0; second == NULL ? k < 1 : second[k] != NULL; k++)
			put_line(p, f, first[i],
			    second == NULL ? NULL : second[k],
			    metrics_value(p->app->metrics, id, i, k));
}

static int64_t
count_of(const struct page *p, const char *name, const char *label)
{
	size_t i;

	for (i = 0; i < p->counts_n; i++)
		if (strcmp(p->counts[i].name, name) == 0 &&
		    strcmp(p->counts[i].label, label) == 0)
			return p->counts[i].value;
	return 0;
}

/* All values of the label, and where they are the operator's, those that were
 * counted; from the store, and from the shared file what is not recorded. */
static void
put_counted(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	const char *const *value = f->labels[0].values;
	uint64_t n;
	size_t i;

	for (i = 0; value != NULL && value[i] != NULL; i++) {
		n = (uint64_t)count_of(p, f->counter, value[i]);
		if (f->in_file)
			n += metrics_value(p->app->metrics, id, i, 0);
		put_line(p, f, value[i], NULL, n);
	}
	for (i = 0; value == NULL && i < p->counts_n; i++)
		if (strcmp(p->counts[i].name, f->counter) == 0)
			put_line(p, f, p->counts[i].label, NULL,
			    (uint64_t)p->counts[i].value);
}

static void
put_queues(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	const char *const *state = f->labels[1].values;
	size_t i, k;

	(void)id;
	for (i = 0; i < p->queues_n; i++) {
		const struct queue_depth *s = &p->queues[i].depth;
		const int64_t n[] = { s->ready, s->delayed, s->taken, s->dead };

		for (k = 0; state[k] != NULL; k++)
			put_line(
			    p, f, p->queues[i].queue, state[k], (uint64_t)n[k]);
	}
}

static void
put_queue_ages(
    struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	int64_t next;
	size_t i;

	(void)id;
	for (i = 0; i < p->queues_n; i++) {
		next = p->queues[i].depth.next_us;
		begin_line(p, f, p->queues[i].queue, NULL);
		put_seconds(p->out,
		    next == 0 || next > p->now_us
			? 0
			: (uint64_t)(p->now_us - next));
	}
}

static void
put_spool(struct page *p, enum metrics_id id, const struct metrics_family *f)
{
	int64_t n = id == METRIC_SPOOL_DEPTH ? p->spool.waiting
					     : clock_age_s(p->spool.oldest_us);

	put_line(p, f, NULL, NULL, n < 0 ? 0 : (uint64_t)n);
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
	[METRIC_WEBHOOK_TIME] = { put_webhook_time, false },
	[METRIC_WEBHOOK_AGE] = { put_webhook_age, false },
	[METRIC_MESSAGES] = { put_counted, true },
	[METRIC_MESSAGE_EVENTS] = { put_counted, true },
	[METRIC_DIGITS] = { put_counted, true },
	[METRIC_CALL_EVENTS] = { put_counted, true },
	[METRIC_QUEUE_DEPTH] = { put_queues, true },
	[METRIC_QUEUE_AGE] = { put_queue_ages, true },
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
	size_t i;

	metrics_save(x->app->metrics, true, x->app->log);
	read_store(&p);
	for (i = 0; i < METRICS_N; i++) {
		if (putters[i].of_store && !p.store_up)
			continue;
		put_head(&p, &metrics_families[i]);
		putters[i].put(&p, (enum metrics_id)i, &metrics_families[i]);
	}
	page_release(&p);
	x->response->code = 200;
	x->response->content_type = "text/plain; version=0.0.4; charset=utf-8";
}
