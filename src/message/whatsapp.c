/* Inbound messages and the status callbacks of outbound ones. */
#include "message/whatsapp.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "codec/json.h"
#include "db/db.h"
#include "message/inbound.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "store/counter.h"
#include "store/message.h"

/* The parameters that we act on, from a form or a JSON object. */
struct fields {
	const char *from, *sid;
	struct buf message; /* "twilio_message" */
	struct json *json; /* owns from and sid of a JSON webhook */
};

static void
fields_release(struct fields *f)
{
	buf_release(&f->message);
	json_free(f->json);
}

/* False if it answered. Older names of the SID are Twilio's own aliases. */
static bool
fields_of_form(struct exchange *x, struct fields *f)
{
	enum status st;

	if (!exchange_param(x, "From", &f->from) ||
	    !exchange_param(x, "MessageSid", &f->sid) ||
	    (f->sid == NULL && !exchange_param(x, "SmsMessageSid", &f->sid)) ||
	    (f->sid == NULL && !exchange_param(x, "SmsSid", &f->sid)))
		return false;
	if ((st = envelope_put_form(&x->form, &f->message)) != ST_OK)
		exchange_fail(x, st);
	return st == ST_OK;
}

static bool
fields_of_json(struct exchange *x, struct fields *f)
{
	const struct buf *body = &x->request->body;
	enum status st;

	st = json_parse(buf_str(body), body->len, &f->json);
	if (st == ST_OK)
		st = json_member_text(f->json, "From", &f->from);
	if (st == ST_OK || st == ST_NOTFOUND)
		st = json_member_text(f->json, "MessageSid", &f->sid);
	if (st == ST_OK || st == ST_NOTFOUND)
		st = json_put_value(&f->message, body->data, body->len);
	if (st == ST_OK)
		return true;
	if (st == ST_NOMEM)
		exchange_fail(x, st);
	else
		exchange_error(x, 400, "Malformed JSON");
	return false;
}

static const char *
trace_of(const struct exchange *x)
{
	const char *trace = x->request->amzn_trace_id;

	return *trace == '\0' ? NULL : trace;
}

/*
 * Text without the form of a SID is not one: in a form it may be what is left
 * of one that was cut elsewhere, under the same signature.
 */
static void
route_message(struct exchange *x, const struct fields *f)
{
	struct inbound in = {
		.outbox = x->app->outbox,
		.metrics = x->app->metrics,
		.sid = str_is_message_sid(f->sid) ? f->sid : NULL,
		.digest = x->digest,
		.brief = x->is_json && str_empty(f->sid),
		.from = f->from,
		.sender = envelope_sender(f->from),
		.trace = trace_of(x),
		.message = &f->message,
		.received_us = clock_us(),
	};
	enum status st;

	str_sid(in.sid, x->message_sid);
	envelope_channel(f->from, in.channel);
	in.ports = ports_take(x->app->ports);
	st = ST_NOMEM;
	if (in.ports != NULL) {
		ports_begin(in.ports, in.trace, x->request->traceparent);
		st = inbound_route(&in);
	}
	ports_give(x->app->ports, in.ports);
	x->conversation_id = in.conversation_id;
	x->outcome = in.outcome;
	if (st != ST_OK) {
		exchange_fail(x, st);
		return;
	}
	if (in.unknown)
		log_warn(x->app->log, "no conversation of this sender",
		    LOG_STR("request_id", x->id),
		    LOG_STR(
			"message_sid", *x->message_sid ? x->message_sid : NULL),
		    LOG_ADDR("from", f->from), LOG_STR("outcome", in.outcome));
	exchange_empty_twiml(x);
}

/*
 * Without a sender: a message of which something is missing, or a callback
 * about something else. Twilio reports a 400 to the owner of the account, so
 * only the first gets one.
 */
static void
refuse_nameless(struct exchange *x, const struct fields *f)
{
	if (x->is_json || x->form.n == 0 || f->from != NULL || f->sid != NULL ||
	    kv_find(&x->form, "Body", NULL) != NULL)
		exchange_error(x, 400, "From is missing");
	else
		exchange_ignore(x, "not a message");
}

void
handle_whatsapp(struct exchange *x)
{
	struct fields f = { 0 };
	bool ok;

	ok = x->is_json ? fields_of_json(x, &f) : fields_of_form(x, &f);
	if (ok && str_empty(f.from))
		refuse_nameless(x, &f);
	else if (ok)
		route_message(x, &f);
	fields_release(&f);
}

static enum status
status_job(struct db *db, void *arg)
{
	const struct message_event *e = arg;
	enum status st = message_event(db, e);

	return st == ST_OK ? counter_add(db, COUNTER_MESSAGE_EVENTS,
				 metrics_message_status(e->status))
			   : st;
}

void
handle_whatsapp_status(struct exchange *x)
{
	struct message_event e = { .at_us = clock_us() };
	enum status st;

	if (!exchange_param(x, "MessageSid", &e.sid) ||
	    (str_empty(e.sid) && !exchange_param(x, "SmsSid", &e.sid)) ||
	    !exchange_param(x, "MessageStatus", &e.status) ||
	    (str_empty(e.status) &&
		!exchange_param(x, "SmsStatus", &e.status)) ||
	    !exchange_param(x, "ErrorCode", &e.error_code))
		return;
	/* What cannot be recorded is no fault of Twilio's. */
	if (str_empty(e.sid) || str_empty(e.status)) {
		exchange_ignore(x, "not a status of a message");
		return;
	}
	str_sid(e.sid, x->message_sid);
	if (!str_is_message_sid(e.sid)) {
		exchange_ignore(x, "malformed SID");
		return;
	}
	x->outcome = "recorded";
	st = db_write(x->app->db, status_job, &e);
	if (st == ST_OK || st == ST_EXISTS)
		x->response->code = 204;
	else
		exchange_fail(x, st);
}
