/*
 * The same routes from the call log, without asking Twilio: what the status
 * callbacks said, under Twilio's names. The times are those at which the
 * callbacks came in; a call that is known from its end alone began its duration
 * earlier.
 */
#include "watch/monitor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "codec/moment.h"
#include "db/db.h"
#include "serve/exchange.h"
#include "store/call.h"

/* A job's work: what to write, and what to find. */
struct reading {
	struct exchange *x;
	struct buf *out;
	size_t n; /* calls or events written */

	const char *sid; /* of one call */

	const struct monitor_query *query; /* of a list */
	const struct call_cursor *after; /* NULL: from the beginning */
	struct call_cursor last; /* the last call written */
	char last_sid[ROUTE_ARG_MAX];
	bool more; /* there are others behind it */
};

static void
put_member(struct buf *out, const char *name, const char *text)
{
	buf_printf(out, ",\"%s\":", name);
	json_put_text(out, text);
}

static void
put_time(struct buf *out, const char *name, int64_t us, bool known)
{
	char text[MOMENT_MAIL_MAX];

	moment_mail(us, text);
	put_member(out, name, known ? text : NULL);
}

static void
put_seconds(struct buf *out, const char *name, int64_t s)
{
	char text[24];

	snprintf(text, sizeof(text), "%lld", (long long)s);
	put_member(out, name, s < 0 ? NULL : text);
}

/* A call without the end of its object. */
static void
put_call(struct buf *out, const struct call_summary *c)
{
	buf_puts(out, "{\"sid\":");
	json_put_text(out, c->sid);
	put_member(out, "status", c->status);
	put_member(out, "direction", c->direction);
	put_member(out, "from", c->from);
	put_member(out, "to", c->to);
	put_member(out, "parent_call_sid", c->parent_sid);
	put_time(out, "start_time", c->start_us, true);
	put_time(out, "end_time", c->last_us, c->ended);
	put_seconds(out, "duration", c->duration_s);
	put_time(out, "date_created", c->start_us, true);
	put_time(out, "date_updated", c->last_us, true);
}

/* --- one call ------------------------------------------------------------ */

static enum status
put_event(const struct call_event *e, void *arg)
{
	struct reading *r = arg;
	struct buf *out = r->out;
	char at[CLOCK_ISO_MAX];

	buf_puts(out, r->n++ == 0 ? "{\"status\":" : ",{\"status\":");
	json_put_text(out, e->status);
	if (e->sequence < 0)
		buf_puts(out, ",\"sequence\":null");
	else
		buf_printf(out, ",\"sequence\":%lld", (long long)e->sequence);
	clock_iso(e->at_us, at);
	buf_printf(out, ",\"at\":\"%sZ\"", at);
	put_seconds(out, "duration", e->duration_s);
	put_member(out, "error_code", e->error_code);
	return buf_putc(out, '}');
}

static enum status
put_summary(const struct call_summary *c, void *arg)
{
	struct reading *r = arg;

	put_call(r->out, c);
	return buf_puts(r->out, ",\"events\":[");
}

static enum status
read_call(struct db *db, void *arg)
{
	struct reading *r = arg;
	enum status st;

	buf_reset(r->out);
	r->n = 0;
	if ((st = call_get(db, r->sid, put_summary, r)) != ST_OK ||
	    (st = call_events(db, r->sid, put_event, r)) != ST_OK)
		return st;
	return buf_puts(r->out, "]}");
}

void
monitor_call_log(struct exchange *x, const char *sid)
{
	struct response *reply = x->response;
	struct reading r = { .x = x, .out = &reply->body, .sid = sid };
	enum status st = db_read(x->app->db, read_call, &r);

	if (st == ST_OK) {
		reply->code = 200;
		reply->content_type = "application/json";
	} else if (st == ST_NOTFOUND) {
		exchange_error(x, 404,
		    "No status callback of this call has been recorded");
	} else {
		exchange_fail(x, st);
	}
}

/* --- a list -------------------------------------------------------------- */

static enum status
put_listed(const struct call_summary *c, void *arg)
{
	struct reading *r = arg;

	if (r->n == r->query->limit) {
		r->more = true;
		return ST_OK;
	}
	snprintf(r->last_sid, sizeof(r->last_sid), "%s", c->sid);
	r->last = (struct call_cursor){ c->start_us, r->last_sid };
	if (r->n++ > 0)
		buf_putc(r->out, ',');
	put_call(r->out, c);
	return buf_putc(r->out, '}');
}

static enum status
read_list(struct db *db, void *arg)
{
	struct reading *r = arg;
	const struct calls_filter *f = &r->query->filter;
	const struct call_filter filter = {
		.from_us = f->start_us,
		.before_us = f->end_us == INT64_MAX ? 0 : f->end_us + 1,
		.status = f->status,
		.direction = f->direction,
		.from = f->from,
		.to = f->to,
		.parent_sid = f->parent_sid,
	};

	r->n = 0;
	r->more = false;
	monitor_list_begin(r->x);
	/* One more than is shown tells whether there is a next page. */
	return call_list(
	    db, &filter, r->after, r->query->limit + 1, put_listed, r);
}

/* The place behind a call: when it began, and its SID. */
static enum status
cursor_write(const struct call_cursor *c, struct buf *out)
{
	return buf_printf(out, "%lld %s", (long long)c->start_us, c->sid);
}

/* The SID stays in the text. */
static enum status
cursor_read(const char *text, struct call_cursor *out)
{
	char *end;

	out->start_us = strtoll(text, &end, 10);
	if (end == text || *end != ' ')
		return ST_MALFORMED;
	out->sid = end + 1;
	return ST_OK;
}

static void
list_answer(struct reading *r)
{
	struct buf next = BUF_INIT;
	enum status st = db_read(r->x->app->db, read_list, r);

	if (st == ST_OK && r->more)
		st = cursor_write(&r->last, &next);
	if (st == ST_OK)
		monitor_list_end(r->x, r->query, r->n, r->more ? &next : NULL);
	else
		exchange_fail(r->x, st);
	buf_release(&next);
}

void
monitor_batch_log(struct exchange *x, struct monitor_query *q)
{
	struct reading r = { .x = x, .out = &x->response->body, .query = q };
	struct call_cursor after;
	struct buf mem = BUF_INIT;
	const char *place;

	if (monitor_place(x, q, &mem, &place)) {
		if (place != NULL)
			r.after = &after;
		if (place != NULL && cursor_read(place, &after) != ST_OK)
			monitor_token_wrong(x);
		else
			list_answer(&r);
	}
	buf_release(&mem);
}
