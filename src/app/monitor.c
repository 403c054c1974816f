/* GET /monitor-call/{call_sid} and GET /batch-monitor-calls. */
#include "app/monitor.h"

#include "app/exchange.h"
#include "app/handlers.h"
#include "app/metrics.h"
#include "app/page_token.h"
#include "base/str.h"
#include "codec/json.h"
#include "config/config.h"
#include "params/secrets.h"

static void
call_twilio(struct exchange *x)
{
	struct calls_failure why = { .retry_after_s = -1 };
	enum status st = ST_UNAVAILABLE;
	struct monitor m;

	if (monitor_begin(&m, x)) {
		st = calls_fetch(
		    m.client, &m.account, x->arg, &x->response->body, &why);
		metrics_called_twilio(x->app->metrics, st);
		x->outcome = "twilio";
		if (st == ST_OK) {
			x->response->code = 200;
			x->response->content_type = "application/json";
		} else {
			monitor_refuse(&m, st, &why);
		}
	}
	monitor_end(&m);
}

void
handle_monitor_call(struct exchange *x)
{
	struct monitor_query q;

	if (!calls_is_sid(x->arg)) {
		exchange_error(
		    x, 400, "A call's SID is CA and 32 hexadecimal digits");
		return;
	}
	str_sid(x->arg, x->call_sid);
	if (!monitor_query_call(x, &q))
		return;
	switch (q.source) {
	case MONITOR_TWILIO:
		call_twilio(x);
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

/* Make or open a token, which take the same things. */
typedef enum status seal_fn(
    const struct page_token_seal *, const void *from, struct buf *to);

static enum status
seal_make(const struct page_token_seal *s, const void *place, struct buf *out)
{
	return page_token_make(s, place, out);
}

static enum status
seal_open(const struct page_token_seal *s, const void *token, struct buf *out)
{
	return page_token_open(s, token, out);
}

static enum status
with_seal(struct exchange *x, const struct monitor_query *q, seal_fn *fn,
    const void *from, struct buf *to)
{
	const struct secret_set *secrets = secrets_get(x->app->secrets);
	struct buf filters = BUF_INIT;
	struct page_token_seal seal = { secrets->admin_token, &filters };
	enum status st;

	st = monitor_query_filters(
	    q, x->app->config->twilio.account_sid, &filters);
	if (st == ST_OK)
		st = fn(&seal, from, to);
	buf_release(&filters);
	secrets_put(x->app->secrets, secrets);
	return st;
}

bool
monitor_place(
    struct exchange *x, const struct monitor_query *q, struct buf *place)
{
	enum status st;

	if (q->page_token == NULL)
		return true;
	st = with_seal(x, q, seal_open, q->page_token, place);
	if (st == ST_DENIED)
		exchange_error(x, 400,
		    "page_token: not one of these filters, or damaged; ask "
		    "without it to begin again");
	else if (st != ST_OK)
		exchange_fail(x, st);
	return st == ST_OK;
}

void
monitor_list_begin(struct exchange *x)
{
	buf_puts(&x->response->body, MONITOR_LIST_HEAD);
}

void
monitor_list_add(
    struct exchange *x, size_t already, const char *json, size_t len)
{
	if (already > 0)
		buf_putc(&x->response->body, ',');
	buf_put(&x->response->body, json, len);
}

void
monitor_list_end(struct exchange *x, const struct monitor_query *q, size_t n,
    const struct buf *place)
{
	struct response *r = x->response;
	enum status st = ST_OK;

	buf_printf(&r->body, "],\"count\":%zu,\"next_page_token\":", n);
	if (place == NULL) {
		buf_puts(&r->body, "null}");
	} else {
		buf_putc(&r->body, '"');
		st = with_seal(x, q, seal_make, place, &r->body);
		buf_puts(&r->body, "\"}");
	}
	if (st != ST_OK) {
		exchange_fail(x, st);
		return;
	}
	r->code = 200;
	r->content_type = "application/json";
}
