/* The routes that watch calls, from Twilio. */
#include <stdio.h>

#include "base/clock.h"
#include "config/config.h"
#include "http/client.h"
#include "serve/exchange.h"
#include "serve/freshness.h"
#include "serve/metrics.h"
#include "serve/limit.h"
#include "watch/monitor.h"

/* When somebody who waits may be through, or Twilio ready again. */
#define RETRY_S 2

/* One request asks for at most so many of Twilio's pages, and begins none
 * after so long. The token goes on from there. */
#define PAGES_MAX 10
#define WALK_US INT64_C(10000000)

/* What asking Twilio needs. */
struct asking {
	struct exchange *x;
	struct rest_account account;
	struct http_client *client;
	bool entered; /* it counts as one that waits */
};

static void
answer_later(struct exchange *x, const char *message, int seconds)
{
	char text[16];

	exchange_error(x, 503, message);
	snprintf(text, sizeof(text), "%d", seconds);
	response_header(x->response, "Retry-After", text);
}

static bool
asking_client(struct asking *a)
{
	struct exchange *x = a->x;
	struct buf why = BUF_INIT;
	enum status st = http_client_take(&a->client, x->app->twilio, &why);

	if (st == ST_NOMEM) {
		answer_later(x, "Not available now, try again", RETRY_S);
	} else if (st != ST_OK) {
		log_error(x->app->log, "no HTTP client",
		    LOG_STR("request_id", x->id),
		    LOG_STR("reason", buf_str(&why)));
		exchange_error(
		    x, 503, "Twilio cannot be asked: the reason is in the log");
	}
	buf_release(&why);
	return st == ST_OK;
}

/*
 * False if it answered: something is not configured, or too many wait already
 * (503). asking_end in any case.
 */
static bool
asking_begin(struct asking *a, struct exchange *x)
{
	const char *lacks;

	*a = (struct asking){ .x = x };
	a->account = rest_account(x->app->config, x->app->secrets->tokens[0],
	    x->app->secrets->api_secret);
	if ((lacks = rest_account_lacks(&a->account)) != NULL) {
		exchange_error(x, 503, lacks);
		return false;
	}
	if (!(a->entered = limit_enter(x->app->limit))) {
		x->outcome = "too many wait for Twilio";
		answer_later(x,
		    "As many requests as may wait for Twilio are waiting: "
		    "try again",
		    RETRY_S);
		return false;
	}
	return asking_client(a);
}

static void
asking_end(struct asking *a)
{
	http_client_give(a->client);
	if (a->entered)
		limit_leave(a->x->app->limit);
}

/* Answer why Twilio gave nothing. */
static void
asking_refused(struct asking *a, enum status st, const struct rest_failure *f)
{
	struct exchange *x = a->x;
	char text[sizeof(f->text) + 64];

	if (st == ST_NOTFOUND) {
		exchange_error(
		    x, 404, "Twilio knows no such call of this account");
		return;
	}
	log_warn(x->app->log, "Twilio's API failed",
	    LOG_STR("request_id", x->id), LOG_STR("reason", f->text),
	    LOG_INT("http_status", f->http), LOG_INT("code", f->code));
	/* Perhaps our token is the old one. */
	if (f->http == 401)
		freshness_doubt(x->app->freshness);
	if (st == ST_NOMEM) {
		exchange_fail(x, st);
	} else if (st == ST_BUSY) {
		answer_later(x, "Twilio has too many requests: try again",
		    f->retry_after_s > 0 ? f->retry_after_s : RETRY_S);
	} else if (st == ST_TIMEOUT) {
		exchange_error(x, 504, "Twilio did not answer in time");
	} else {
		snprintf(
		    text, sizeof(text), "Twilio did not give it: %s", f->text);
		exchange_error(x, 502, text);
	}
}

/* --- one call ------------------------------------------------------------ */

void
monitor_call_twilio(struct exchange *x, const char *sid)
{
	struct rest_failure why;
	struct asking a;
	enum status st;

	if (asking_begin(&a, x)) {
		st = calls_fetch(
		    a.client, &a.account, sid, &x->response->body, &why);
		metrics_called_twilio(x->app->metrics, st);
		x->outcome = "twilio";
		if (st == ST_OK) {
			x->response->code = 200;
			x->response->content_type = "application/json";
		} else {
			asking_refused(&a, st, &why);
		}
	}
	asking_end(&a);
}

/* --- a list -------------------------------------------------------------- */

static enum status
list_take(struct calls_walk *w, struct rest_page *page, size_t i)
{
	struct buf *body = w->arg;

	/* Once, rather than as it grows: there are a thousand. */
	if (w->n == 0)
		buf_reserve(body, page->text.len);
	else
		buf_putc(body, ',');
	return buf_put(body, page->items[i].text, page->items[i].len);
}

/*
 * What fails later than the first page does not take away what was found: the
 * next request goes on there, and hears of it if it still fails.
 */
static enum status
list_walk(struct exchange *x, struct calls_walk *w)
{
	int64_t began = clock_mono_us();
	enum status st = ST_OK;
	size_t before = 0;
	int pages;

	for (pages = 0; pages < PAGES_MAX && w->n < w->limit && !w->over;
	     pages++) {
		if (pages > 0 && clock_mono_us() - began > WALK_US)
			break;
		before = w->n;
		st = calls_walk_page(w);
		metrics_called_twilio(x->app->metrics, st);
		if (st != ST_OK)
			break;
	}
	return before > 0 && w->n == before ? ST_OK : st;
}

static void
list_answer(struct exchange *x, const struct monitor_query *q,
    const struct calls_walk *w)
{
	struct buf place = BUF_INIT;
	enum status st = ST_OK;

	if (!w->over)
		st = calls_place_write(&w->place, &place);
	if (st == ST_OK)
		monitor_list_end(x, q, w->n, w->over ? NULL : &place);
	else
		exchange_fail(x, st);
	buf_release(&place);
}

static void
list_ask(
    struct exchange *x, const struct monitor_query *q, struct calls_walk *w)
{
	struct asking a;
	enum status st;

	if (asking_begin(&a, x)) {
		w->client = a.client;
		w->account = &a.account;
		monitor_list_begin(x);
		if ((st = list_walk(x, w)) == ST_OK)
			list_answer(x, q, w);
		else
			asking_refused(&a, st, &w->why);
	}
	asking_end(&a);
}

void
monitor_batch_twilio(struct exchange *x, struct monitor_query *q)
{
	struct calls_walk w = {
		.limit = q->limit, .take = list_take, .arg = &x->response->body
	};
	struct buf mem = BUF_INIT;
	enum status st = ST_OK;
	const char *place;

	if (monitor_place(x, q, &mem, &place)) {
		w.filter = q->filter;
		if (place != NULL)
			st = calls_place_read(&w.place, place,
			    x->app->config->twilio.account_sid);
		if (st == ST_MALFORMED)
			monitor_token_wrong(x);
		else if (st != ST_OK)
			exchange_fail(x, st);
		else
			list_ask(x, q, &w);
	}
	calls_walk_release(&w);
	buf_release(&mem);
}
