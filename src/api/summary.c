#include "api/summary.h"

#include "api/api.h"
#include "api/queues.h"
#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "config.h"
#include "db/db.h"
#include "serve/health.h"
#include "serve/metrics.h"
#include "store/counter.h"
#include "store/reply.h"
#include "store/spool.h"

#define HOURS 24
#define HOUR_US INT64_C(3600000000)

/* What is counted by the hour: where it is in the reply, and where in the
 * store. */
enum { MESSAGES, REPLIES, CALLS, REFUSALS, KINDS };
static const struct {
	const char *name;
	const char *counter; /* store/counter.h; NULL: it is not there */
} kinds[KINDS] = {
	[MESSAGES] = { "messages", COUNTER_MESSAGES }, /* by route */
	[REPLIES] = { "replies", NULL }, /* by state */
	[CALLS] = { "calls", COUNTER_CALL_EVENTS }, /* by status */
	[REFUSALS] = { "refusals", NULL }, /* by cause */
};

struct summary {
	const struct app *app;
	int64_t first; /* the first hour */
	struct buf counts[HOURS][KINDS]; /* members of an object */
	struct spool_depth spool;
};

static enum status
put_count(
    struct summary *s, int64_t hour, int kind, const char *label, int64_t n)
{
	struct buf *out;

	/* By a clock that was ahead. */
	if (hour < s->first || hour >= s->first + HOURS)
		return ST_OK;
	out = &s->counts[hour - s->first][kind];
	if (out->len > 0)
		buf_putc(out, ',');
	json_put_text(out, label);
	return buf_printf(out, ":%lld", (long long)n);
}

static enum status
take_counter(
    int64_t hour, const char *name, const char *label, int64_t n, void *arg)
{
	enum status st = ST_OK;
	int k;

	for (k = 0; k < KINDS && st == ST_OK; k++)
		if (str_eq(kinds[k].counter, name))
			st = put_count(arg, hour, k, label, n);
	return st;
}

static enum status
take_replies(int64_t hour, const char *state, int64_t n, void *arg)
{
	return put_count(arg, hour, REPLIES, state, n);
}

static enum status
read_job(struct db *db, void *arg)
{
	struct summary *s = arg;
	enum status st;
	size_t i, k;

	for (i = 0; i < HOURS; i++)
		for (k = 0; k < KINDS; k++)
			buf_reset(&s->counts[i][k]);
	st = counter_hours(db, s->first, s->first + HOURS - 1, take_counter, s);
	if (st == ST_OK)
		st = reply_counts(db, s->first * HOUR_US, take_replies, s);
	return st == ST_OK ? spool_depth(db, API_COUNTED, &s->spool) : st;
}

static enum status
read_refusals(struct summary *s)
{
	const char *const *cause =
	    metrics_families[METRIC_SIGNATURE_FAILURES].labels[0].values;
	const struct metrics *m = s->app->metrics;
	enum status st = ST_OK;
	uint64_t n;
	size_t i;
	int64_t h;

	metrics_save(s->app->metrics, true, s->app->log);
	for (i = 0; cause[i] != NULL; i++)
		for (h = s->first; st == ST_OK && h < s->first + HOURS; h++)
			if ((n = metrics_refusals(m, i, h)) > 0)
				st = put_count(
				    s, h, REFUSALS, cause[i], (int64_t)n);
	return st;
}

static enum status
put_hours(const struct summary *s, struct buf *out)
{
	size_t i, k;

	buf_puts(out, ",\"hours\":[");
	for (i = 0; i < HOURS; i++) {
		buf_puts(out, i == 0 ? "" : ",");
		api_put_time(out, '{', "at", (s->first + (int64_t)i) * HOUR_US);
		for (k = 0; k < KINDS; k++)
			buf_printf(out, ",\"%s\":{%s}", kinds[k].name,
			    buf_str(&s->counts[i][k]));
		buf_putc(out, '}');
	}
	return buf_putc(out, ']');
}

static enum status
put_summary(const struct summary *s, struct buf *out)
{
	const struct app *app = s->app;
	enum status st;

	api_put_text(out, '{', "version", PACKAGE_VERSION);
	put_hours(s, out);
	buf_puts(out, ",\"queues\":");
	if ((st = queues_put_all(app, out)) != ST_OK)
		return st;
	buf_puts(out, ",\"spool\":");
	api_put_int(out, '{', "waiting", s->spool.waiting);
	api_put_time(out, ',', "oldest_at", s->spool.oldest_us);
	buf_putc(out, '}');
	api_put_time(out, ',', "last_webhook_at",
	    (int64_t)metrics_value(app->metrics, METRIC_WEBHOOK_TIME, 0, 0));
	buf_puts(out, ",\"not_ready\":");
	health_put_reasons(app, out);
	return buf_putc(out, '}');
}

void
handle_api_summary(struct exchange *x)
{
	struct summary s = { .app = x->app,
		.first = counter_hour(clock_us()) - HOURS + 1 };
	enum status st;
	size_t i, k;

	if (!api_query(x, NULL, 0))
		return;
	st = db_read(x->app->db, read_job, &s);
	if (st == ST_OK)
		st = read_refusals(&s);
	if (st == ST_OK)
		st = put_summary(&s, &x->response->body);
	if (st == ST_OK)
		api_reply(x, 200);
	else
		exchange_fail(x, st);
	for (i = 0; i < HOURS; i++)
		for (k = 0; k < KINDS; k++)
			buf_release(&s.counts[i][k]);
}
