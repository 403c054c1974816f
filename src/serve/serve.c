/* The life of a request. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "serve/exchange.h"
#include "serve/health.h"
#include "serve/metrics.h"
#include "serve/serve.h"
#include "serve/spans.h"
#include "serve/webhook.h"

/* So much of a path gets into the log. */
#define LOGGED_PATH_MAX 128

static const char *
method_name(const struct request *r)
{
	switch (r->method) {
	case METHOD_GET:
		return "GET";
	case METHOD_HEAD:
		return "HEAD";
	case METHOD_POST:
		return "POST";
	case METHOD_OTHER:
		break;
	}
	return "other";
}

/* Find the route; false if it answered 404 or 405. */
static bool
find_route(struct exchange *x)
{
	const struct request *r = x->request;
	char allow[ROUTE_ALLOW_MAX];

	switch ((int)route_find(x->app->routes, x->app->routes_n, r->method,
	    r->path, &x->route, &x->path)) {
	case ST_OK:
		return true;
	case ST_UNSUPPORTED:
		route_allow(x->app->routes, x->app->routes_n, r->path, allow);
		exchange_error(x, 405, "Method not allowed");
		response_header(x->response, "Allow", allow);
		return false;
	default:
		exchange_error(x, 404, "Not found");
		return false;
	}
}

static bool
type_fits(const struct exchange *x)
{
	const struct request *r = x->request;

	switch (x->route->accept) {
	case ACCEPT_FORM:
		return x->is_form;
	case ACCEPT_FORM_OR_JSON:
		return x->is_form || x->is_json;
	case ACCEPT_JSON:
		return x->is_json || r->method != METHOD_POST ||
		    (*r->content_type == '\0' && r->body.len == 0);
	case ACCEPT_ANY:
		break;
	}
	return true;
}

/* After the guard: is the body one that the handler can be given? */
static bool
body_pass(struct exchange *x)
{
	const struct request *r = x->request;

	if (x->route->accept == ACCEPT_ANY)
		return true;
	if (x->too_large)
		exchange_too_large(x);
	else if (r->body_status != ST_OK)
		exchange_error(x, 400, "Body does not have its length");
	else if (!type_fits(x))
		exchange_error(x, 415, "Unsupported media type");
	else if (x->malformed)
		exchange_error(x, 400, "Malformed percent-encoding");
	else
		return true;
	return false;
}

/* Which call it was, for the log line. */
static void
note_call(struct exchange *x)
{
	const char *sid;

	if (kv_get(&x->form, "CallSid", &sid) == ST_OK)
		str_sid(sid, x->call_sid);
}

/* Without a good configuration nothing can be answered rightly. */
static void
serve_broken(struct exchange *x)
{
	const struct request *r = x->request;
	enum status st = route_find(x->app->routes, x->app->routes_n, r->method,
	    r->path, &x->route, &x->path);

	if (st == ST_OK &&
	    (x->route->handler == handle_health ||
		x->route->handler == handle_ready)) {
		x->route->handler(x);
		return;
	}
	exchange_error(x, 503, "Not configured; GET /ready says what is wrong");
	response_header(x->response, "Retry-After", "5");
}

static void
serve(struct exchange *x)
{
	route_fn *handler;
	enum status st;

	if (x->app->broken != NULL) {
		serve_broken(x);
		return;
	}
	if (!find_route(x))
		return;
	if ((st = exchange_parse(x)) != ST_OK) {
		exchange_fail(x, st);
	} else if (guard_pass(x) && body_pass(x)) {
		note_call(x);
		if ((handler = webhook_handler(x)) != NULL)
			handler(x);
	}
}

/*
 * What the API answers is for the one who asked, and for now; who has it
 * already, and says so, gets no second copy.
 */
static void
settle_api(struct exchange *x)
{
	struct response *r = x->response;

	if (x->route == NULL ||
	    (x->route->guard != GUARD_ADMIN && x->route->guard != GUARD_AGENT))
		return;
	response_header(r, "Cache-Control", "no-store");
	if (str_eq(r->content_type, "application/json"))
		exchange_etag(x);
}

/* A reply that ran out of memory half-way must not look like a whole one. */
static void
check_reply(struct exchange *x)
{
	struct response *r = x->response;

	if (r->code == 0)
		exchange_error(x, 500, "Internal error");
	if (r->body.err != ST_OK || r->headers.err != ST_OK) {
		response_reset(r);
		r->code = 503;
	}
	response_header(r, "X-Request-Id", x->id);
}

/* Which path it was, where the route does not tell what was asked for. */
static const char *
odd_path(const struct exchange *x, char out[static LOGGED_PATH_MAX])
{
	int code = x->response->code;

	if (code != 400 && code != 404)
		return NULL;
	snprintf(out, LOGGED_PATH_MAX, "%s", x->request->path);
	return out;
}

static void
log_request(const struct exchange *x, int64_t duration_us)
{
	/* A page that stays open asks every second or two. */
	const bool nothing_new = x->response->code == 304;
	char path[LOGGED_PATH_MAX];

	log_event(x->app->log, nothing_new ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
	    "request",
	    LOG_FIELDS(LOG_STR("request_id", x->id),
		LOG_STR("method", method_name(x->request)),
		LOG_STR("route", x->route == NULL ? NULL : x->route->pattern),
		LOG_STR("path", odd_path(x, path)),
		LOG_INT("status", x->response->code),
		LOG_INT("duration_us", duration_us),
		LOG_STR("outcome", x->outcome), LOG_STR("opt_out", x->opt_out),
		LOG_STR("agent", x->agent),
		LOG_STR("call_sid", *x->call_sid ? x->call_sid : NULL),
		LOG_STR("message_sid", *x->message_sid ? x->message_sid : NULL),
		LOG_STR("conversation_id", x->conversation_id)));
}

/* What is cut short names something else: rather nothing. */
static void
note(char *to, size_t size, const char *s)
{
	*to = '\0';
	if (s != NULL && strlen(s) < size)
		memcpy(to, s, strlen(s) + 1);
}

static void
end_span(struct exchange *x, int64_t duration_us)
{
	struct trace_span *span = &x->span.span;

	if (!x->span.on)
		return;
	span->end_us = span->start_us + duration_us;
	span->method = method_name(x->request);
	span->route = x->route == NULL ? NULL : x->route->pattern;
	span->outcome = x->outcome;
	span->status = x->response->code;
	note(span->message_sid, sizeof(span->message_sid), x->message_sid);
	note(span->call_sid, sizeof(span->call_sid), x->call_sid);
	note(span->conversation_id, sizeof(span->conversation_id),
	    x->conversation_id);
	spans_end(x->app->spans, &x->span, x->request);
}

static void
finish(struct exchange *x)
{
	int64_t duration_us;

	settle_api(x);
	check_reply(x);
	duration_us = clock_mono_us() - x->began_us;
	metrics_request(
	    x->app->metrics, x->route, x->response->code, duration_us);
	end_span(x, duration_us);
	log_request(x, duration_us);
	exchange_release(x);
	if (x->served != NULL)
		x->served(x);
}

static void
stored(struct db_job_entry *j, enum status st)
{
	struct exchange *x =
	    (void *)((char *)j - offsetof(struct exchange, job));

	x->stored(x, st);
	finish(x);
}

void
app_serve(struct exchange *x)
{
	const struct app *app = x->app;

	x->began_us = clock_mono_us();
	if (str_uuid(x->id) != ST_OK)
		snprintf(x->id, sizeof(x->id), "unknown");
	spans_begin(app->spans, &x->span, x->request);
	serve(x);
	x->job.told = stored;
	if (x->park != NULL)
		x->park(x);
	else if (x->job.fn == NULL)
		finish(x);
	else if (x->served != NULL)
		db_submit(app->db, &x->job);
	else
		stored(&x->job, db_write(app->db, x->job.fn, x->job.arg));
}

void
app_resume(struct exchange *x)
{
	finish(x);
}

void
app_refused(const struct app *app, int code)
{
	metrics_request(app->metrics, NULL, code, 0);
}

void
app_malformed(const struct app *app, const char *id, const char *why)
{
	log_warn(app->log, "malformed request", LOG_STR("request_id", id),
	    LOG_STR("reason", why));
	app_refused(app, 400);
}
