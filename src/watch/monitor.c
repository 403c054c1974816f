/* GET /monitor-call/{call_sid} and GET /batch-monitor-calls. */
#include "watch/monitor.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "codec/url.h"
#include "config/config.h"
#include "serve/exchange.h"
#include "watch/page_token.h"

void
handle_monitor_call(struct exchange *x)
{
	struct monitor_query q;

	if (!str_is_sid(x->path.arg[0], "CA")) {
		exchange_error(
		    x, 400, "A call's SID is CA and 32 hexadecimal digits");
		return;
	}
	str_sid(x->path.arg[0], x->call_sid);
	if (!monitor_query_call(x, &q))
		return;
	switch (q.source) {
	case MONITOR_TWILIO:
		monitor_call_twilio(x, x->path.arg[0]);
		break;
	case MONITOR_LOG:
		x->outcome = "log";
		monitor_call_log(x, x->path.arg[0]);
		break;
	}
}

void
handle_batch_monitor_calls(struct exchange *x)
{
	struct monitor_query q;

	if (!monitor_query_batch(x, &q))
		return;
	switch (q.source) {
	case MONITOR_TWILIO:
		x->outcome = "twilio";
		monitor_batch_twilio(x, &q);
		break;
	case MONITOR_LOG:
		x->outcome = "log";
		monitor_batch_log(x, &q);
		break;
	}
}

/* --- lists --------------------------------------------------------------- */

/* Nothing in a value looks like the next filter. */
static void
put_filter(struct buf *out, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_printf(out, " %s=", name);
	url_encode(out, value, strlen(value));
}

/* What a page token is good with: all that chooses calls, but for the times,
 * which are in it, and not the limit. */
static enum status
put_filters(
    const struct exchange *x, const struct monitor_query *q, struct buf *out)
{
	const struct calls_filter *f = &q->filter;

	buf_printf(
	    out, "%d %s", (int)q->source, x->app->config->twilio.account_sid);
	put_filter(out, "status", f->status);
	put_filter(out, "direction", f->direction);
	put_filter(out, "parent_call_sid", f->parent_sid);
	put_filter(out, "from", f->from);
	put_filter(out, "to", f->to);
	return out->err;
}

void
monitor_token_wrong(struct exchange *x)
{
	exchange_error(x, 400,
	    "page_token: not one of these filters, or damaged; ask without it "
	    "to begin again");
}

/* A number and a space. */
static bool
take_number(const char **at, int64_t *out)
{
	char *end;

	*out = strtoll(*at, &end, 10);
	if (end == *at || *end != ' ')
		return false;
	*at = end + 1;
	return true;
}

/* Take the times, "START END ", from the front of a place. False: it has none,
 * or the query has others. */
static bool
take_times(struct calls_filter *f, const char **place)
{
	int64_t start_us, end_us;

	if (!take_number(place, &start_us) || !take_number(place, &end_us) ||
	    (f->start_us != INT64_MIN && f->start_us != start_us) ||
	    (f->end_us != INT64_MAX && f->end_us != end_us))
		return false;
	f->start_us = start_us;
	f->end_us = end_us;
	return true;
}

bool
monitor_place(struct exchange *x, struct monitor_query *q, struct buf *mem,
    const char **place)
{
	struct buf filters = BUF_INIT;
	enum status st;

	*place = NULL;
	if (q->page_token == NULL)
		return true;
	st = put_filters(x, q, &filters);
	if (st == ST_OK)
		st = page_token_open(q->page_token, buf_str(&filters), mem);
	buf_release(&filters);
	*place = buf_str(mem);
	if (st == ST_OK && !take_times(&q->filter, place))
		st = ST_DENIED;
	if (st == ST_DENIED)
		monitor_token_wrong(x);
	else if (st != ST_OK)
		exchange_fail(x, st);
	return st == ST_OK;
}

void
monitor_list_begin(struct exchange *x)
{
	buf_reset(&x->response->body);
	buf_puts(&x->response->body, "{\"calls\":[");
}

void
monitor_list_end(struct exchange *x, const struct monitor_query *q, size_t n,
    const struct buf *place)
{
	struct response *r = x->response;
	struct buf filters = BUF_INIT, whole = BUF_INIT;
	enum status st = ST_OK;

	buf_printf(&r->body, "],\"count\":%zu,\"next_page_token\":", n);
	if (place == NULL) {
		buf_puts(&r->body, "null}");
	} else {
		st = put_filters(x, q, &filters);
		if (st == ST_OK)
			st = buf_printf(&whole, "%lld %lld %s",
			    (long long)q->filter.start_us,
			    (long long)q->filter.end_us, buf_str(place));
		buf_putc(&r->body, '"');
		if (st == ST_OK)
			st = page_token_make(
			    &whole, buf_str(&filters), &r->body);
		buf_puts(&r->body, "\"}");
	}
	buf_release(&filters);
	buf_release(&whole);
	if (st != ST_OK) {
		exchange_fail(x, st);
		return;
	}
	r->code = 200;
	r->content_type = "application/json";
}
