/* GET /monitor-call/{call_sid} and GET /batch-monitor-calls. */
#include "watch/monitor.h"

#include <stdio.h>

#include "base/str.h"
#include "config/config.h"
#include "serve/exchange.h"
#include "watch/page_token.h"

void
handle_monitor_call(struct exchange *x)
{
	struct monitor_query q;

	if (!str_is_sid(x->arg, "CA")) {
		exchange_error(
		    x, 400, "A call's SID is CA and 32 hexadecimal digits");
		return;
	}
	str_sid(x->arg, x->call_sid);
	if (!monitor_query_call(x, &q))
		return;
	switch (q.source) {
	case MONITOR_TWILIO:
		monitor_call_twilio(x, x->arg);
		break;
	case MONITOR_LOG:
		x->outcome = "log";
		monitor_call_log(x, x->arg);
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

/* What a page token is good with: all that chooses calls, but not the limit. */
#define FILTERS_MAX 256

static void
put_filters(const struct exchange *x, const struct monitor_query *q,
    char out[static FILTERS_MAX])
{
	const struct calls_filter *f = &q->filter;

	snprintf(out, FILTERS_MAX, "%d %lld %lld %s %s %s", (int)q->source,
	    (long long)f->start_us, (long long)f->end_us,
	    f->status == NULL ? "-" : f->status,
	    f->direction == NULL ? "-" : f->direction,
	    x->app->config->twilio.account_sid);
}

void
monitor_token_wrong(struct exchange *x)
{
	exchange_error(x, 400,
	    "page_token: not one of these filters, or damaged; ask without it "
	    "to begin again");
}

bool
monitor_place(
    struct exchange *x, const struct monitor_query *q, struct buf *place)
{
	char filters[FILTERS_MAX];
	enum status st;

	if (q->page_token == NULL)
		return true;
	put_filters(x, q, filters);
	st = page_token_open(q->page_token, filters, place);
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
	char filters[FILTERS_MAX];
	enum status st = ST_OK;

	buf_printf(&r->body, "],\"count\":%zu,\"next_page_token\":", n);
	if (place == NULL) {
		buf_puts(&r->body, "null}");
	} else {
		put_filters(x, q, filters);
		buf_putc(&r->body, '"');
		st = page_token_make(place, filters, &r->body);
		buf_puts(&r->body, "\"}");
	}
	if (st != ST_OK) {
		exchange_fail(x, st);
		return;
	}
	r->code = 200;
	r->content_type = "application/json";
}
