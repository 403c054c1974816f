/* Inbound messages and the status callbacks of outbound ones. */
#include "message/whatsapp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "db/db.h"
#include "message/inbound.h"
#include "message/incoming.h"
#include "serve/exchange.h"
#include "serve/metrics.h"
#include "store/counter.h"
#include "store/message.h"
#include "store/reply.h"
#include "store/sender.h"

static const char *
trace_of(const struct exchange *x)
{
	const char *trace = x->request->amzn_trace_id;

	return *trace == '\0' ? NULL : trace;
}

/* What the digest of an event is of: that of the array, and its place there. */
static enum status
event_digest(const unsigned char *whole, size_t i, unsigned char *out)
{
	char place[24];
	struct crypt_piece pieces[] = {
		{ whole, SIGNATURE_DIGEST_SIZE },
		{ place, (size_t)snprintf(place, sizeof(place), "%zu", i) },
	};

	return crypt_sha256(pieces, 2, out);
}

/*
 * Text without the form of a SID is not one: in a form it may be what is left
 * of one that was cut elsewhere, under the same signature.
 */
static struct inbound
inbound_of(const struct exchange *x, const struct incoming *m, bool is_event)
{
	struct inbound in = {
		.outbox = x->app->outbox,
		.metrics = x->app->metrics,
		.sid = str_is_message_sid(m->sid) ? m->sid : NULL,
		.brief = x->is_json && !is_event && str_empty(m->sid),
		.from = m->from,
		.sender = sender_of(m->from),
		.user_id = m->user_id,
		.opt_out = m->opt_out,
		.trace = trace_of(x),
		.said = &m->said,
		.message = &m->message,
		.received_us = clock_us(),
	};

	envelope_channel(m->from, in.channel);
	return in;
}

static enum status
make_inbound(
    struct exchange *x, const struct incoming_list *l, struct inbound *each)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < l->n && st == ST_OK; i++) {
		each[i] = inbound_of(x, &l->each[i], l->is_events);
		each[i].next = i + 1 < l->n ? &each[i + 1] : NULL;
		if (l->is_events)
			st = event_digest(x->digest, i, each[i].digest);
		else
			memcpy(
			    each[i].digest, x->digest, sizeof(each[i].digest));
	}
	return st;
}

/* OptOutType as the log shows it. */
static const char *
opt_out_name(const char *type)
{
	static const char *const names[] = { "STOP", "START", "HELP" };

	if (str_empty(type))
		return NULL;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(type, names[i]) == 0)
			return names[i];
	return "another";
}

/* What is known afterwards, for the log. */
static void
note_outcome(struct exchange *x, const struct inbound *each, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct inbound *in = &each[i];
		char sid[STR_SID_MAX];

		str_sid(in->sid, sid);
		if (in->unknown)
			log_warn(x->app->log, "no conversation of this sender",
			    LOG_STR("request_id", x->id),
			    LOG_STR("message_sid", *sid ? sid : NULL),
			    LOG_ADDR("from", in->from),
			    LOG_STR("outcome", in->outcome));
	}
}

/* What came in one webhook, until it is answered. */
struct received {
	struct incoming_list list;
	struct inbound *each; /* of the list */
	struct ports_pool *pool;
	struct ports *ports; /* of the pool, or NULL */
};

static void
received_release(void *kept)
{
	struct received *m = kept;

	for (size_t i = 0; m->each != NULL && i < m->list.n; i++)
		free(m->each[i].conversation_id);
	free(m->each);
	incoming_release(&m->list);
	if (m->pool != NULL)
		ports_give(m->pool, m->ports);
}

static enum status
route_job(struct db *db, void *arg)
{
	struct received *m = arg;

	return inbound_route(db, m->each);
}

static void
messages_routed(struct exchange *x, enum status st)
{
	struct received *m = x->kept;
	struct inbound *one = m->each;

	if ((st = inbound_end(m->each, st)) == ST_OK) {
		note_outcome(x, m->each, m->list.n);
		exchange_empty_twiml(x);
	} else {
		exchange_fail(x, st);
	}
	x->outcome = "events";
	if (m->list.n == 1) {
		x->outcome = one->outcome;
		x->opt_out = opt_out_name(one->opt_out);
		x->conversation_id = one->conversation_id;
		one->conversation_id = NULL;
		str_sid(one->sid, x->message_sid);
	}
}

static void
route_messages(struct exchange *x, struct received *m)
{
	enum status st = ST_NOMEM;

	m->pool = x->app->ports;
	m->ports = ports_take(m->pool);
	m->each = calloc(m->list.n, sizeof(*m->each));
	if (m->ports != NULL && m->each != NULL)
		st = make_inbound(x, &m->list, m->each);
	if (st == ST_OK) {
		ports_begin(m->ports, trace_of(x), x->request->traceparent);
		st = inbound_begin(m->each, m->ports);
	}
	if (st == ST_OK && m->ports->local)
		exchange_store(x, route_job, messages_routed);
	else if (st == ST_OK)
		messages_routed(x, inbound_route_elsewhere(m->each));
	else
		exchange_fail(x, st);
}

void
handle_whatsapp(struct exchange *x)
{
	struct received *m = exchange_keep(x, sizeof(*m), received_release);

	if (m != NULL && incoming_take(x, &m->list))
		route_messages(x, m);
}

/* A status, and which reply it is about, if it says so. */
struct status_report {
	struct message_event event;
	int64_t reply;
};

static enum status
status_job(struct db *db, void *arg)
{
	const struct status_report *r = arg;
	const struct message_event *e = &r->event;
	enum status st = message_event(db, e);

	if (st == ST_OK)
		st = counter_add(db, COUNTER_MESSAGE_EVENTS,
		    metrics_message_status(e->status));
	if (st == ST_OK)
		st = reply_status(
		    db, r->reply, e->sid, e->status, e->error_code, NULL);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* The number in …/whatsapp/status?reply=NUMBER, or 0. */
static int64_t
reply_of(const struct exchange *x)
{
	const char *text;
	uint64_t id = 0;

	if (kv_get(&x->query, "reply", &text) != ST_OK || text == NULL ||
	    str_u64(text, INT64_MAX, &id) != ST_OK)
		return 0;
	return (int64_t)id;
}

void
handle_whatsapp_status(struct exchange *x)
{
	struct status_report *r = exchange_keep(x, sizeof(*r), NULL);
	struct message_event *e;

	if (r == NULL)
		return;
	e = &r->event;
	e->at_us = clock_us();
	r->reply = reply_of(x);
	if (!exchange_param(x, "MessageSid", &e->sid) ||
	    (str_empty(e->sid) && !exchange_param(x, "SmsSid", &e->sid)) ||
	    !exchange_param(x, "MessageStatus", &e->status) ||
	    (str_empty(e->status) &&
		!exchange_param(x, "SmsStatus", &e->status)) ||
	    !exchange_param(x, "ErrorCode", &e->error_code))
		return;
	/* What cannot be recorded is no fault of Twilio's. */
	if (str_empty(e->sid) || str_empty(e->status)) {
		exchange_ignore(x, "not a status of a message");
		return;
	}
	str_sid(e->sid, x->message_sid);
	if (!str_is_message_sid(e->sid)) {
		exchange_ignore(x, "malformed SID");
		return;
	}
	x->outcome = "recorded";
	exchange_store(x, status_job, exchange_recorded);
}
