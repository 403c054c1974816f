#include "message/inbound.h"

#include <stdlib.h>

#include "base/log.h"
#include "config/config.h"
#include "db/db.h"
#include "message/opt_out.h"
#include "message/outbox.h"
#include "message/routing.h"
#include "message/said.h"
#include "message/waiting.h"
#include "serve/metrics.h"
#include "store/counter.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/sender.h"
#include "store/spool.h"
#include "store/transcript.h"

/* What identifies a repeat, here and at queues. */
static const char *
key_of(const struct inbound *in)
{
	return in->sid == NULL ? in->hex : in->sid;
}

/* What was held of this sender belongs to the conversation that it has now, and
 * is before this message. */
static enum status
route_held(struct db *db, struct inbound *in, const struct routing *r)
{
	const struct ports *p = in->ports;
	const struct waiting w = { { p->config, p->db, p->aws },
		p->conversations, NULL };
	int64_t count = 0;

	return r->conversation.id == NULL
	    ? ST_OK
	    : waiting_held(&w, db, &r->names, &r->conversation, &count,
		  &in->held_opt_out);
}

/* What was said stays with the conversation, if there is one. */
static enum status
keep_said(struct db *db, const struct inbound *in, const struct routing *r)
{
	const struct transcript_said s = {
		.conversation_id = r->conversation.id,
		.key = key_of(in),
		.sid = in->sid,
		.from = in->from,
		.to = in->said->to,
		.channel = in->channel,
		.text = in->said->text,
		.media = in->said->media.data,
		.route = r->outcome,
		.name = in->said->name,
		.service_sid = in->said->service_sid,
		.at_us = in->received_us,
	};

	return r->conversation.id == NULL
	    ? ST_OK
	    : transcript_add(db, &s, &r->conversation,
		  in->ports->config->store.keep_messages > 0);
}

/* Remember the message and where it went, count it, and learn who its sender
 * is; ST_EXISTS: it came before. */
static enum status
record(struct db *db, struct inbound *in, const struct routing *r)
{
	struct message_record m = {
		.sid = key_of(in),
		.digest = in->digest,
		.brief = in->brief,
		.route = r->outcome,
		.conversation_id = r->conversation.id,
		.at_us = in->received_us,
	};
	enum status st = message_record(db, &m);

	in->held_opt_out = NULL; /* of a run before this one */
	if (st == ST_OK)
		st = counter_add(db, COUNTER_MESSAGES, r->outcome);
	if (st == ST_OK)
		st = sender_learn(db, in->sender, in->user_id);
	if (st == ST_OK)
		st = route_held(db, in, r);
	return st == ST_OK ? keep_said(db, in, r) : st;
}

/* It could not be kept. What was counted stays so, as counters only grow. */
static enum status
withdraw(struct db *db, const struct inbound *in)
{
	enum status st = message_forget(db, key_of(in));

	return st == ST_OK
	    ? counter_add(db, COUNTER_MESSAGES, COUNTER_MESSAGES_WITHDRAWN)
	    : st;
}

/* Order is kept within a conversation, or else within a sender. */
static const char *
group_of(const struct inbound *in, const struct routing *r)
{
	return r->conversation.id == NULL ? in->sender : r->conversation.id;
}

/* STOP and START change what is known of the sender, and no routing. */
static enum status
note_opt_out(
    const struct inbound *in, const struct routing *r, const char *kind)
{
	return opt_out_note(
	    in->ports->db, in->ports->conversations, &r->conversation, kind);
}

/* What was held is older than this message. */
static const char *
last_opt_out(const struct inbound *in)
{
	const char *kind = opt_out_kind(in->opt_out);

	return kind != NULL ? kind : in->held_opt_out;
}

static enum status
put_body(const struct inbound *in, const struct routing *r, struct buf *body)
{
	return envelope_put(
	    in->message, &r->conversation, in->received_us, in->channel, body);
}

/* What is known of the outcome, for log and reply. */
static void
note(struct inbound *in, struct routing *r)
{
	in->repeated = false;
	in->outcome = r->outcome;
	in->unknown = r->unknown;
	free(in->conversation_id);
	in->conversation_id = r->conversation.id;
	r->conversation.id = NULL;
}

static enum status
push_here(const struct inbound *in, const struct routing *r)
{
	struct queue *q = ports_queue(in->ports, r->role);
	struct queue_message m = { .delay_s = r->delay_s,
		.group = group_of(in, r),
		.dedupe = key_of(in) };
	struct buf body = BUF_INIT;
	enum status st;

	if (q == NULL)
		return ST_OK;
	st = put_body(in, r, &body);
	m.body = body.data;
	m.len = body.len;
	if (st == ST_OK)
		st = q->ops->push(q, &m);
	buf_release(&body);
	return st;
}

/* It came before. It has written nothing, so that others can go on. */
static void
note_repeat(struct inbound *in)
{
	in->repeated = true;
	in->outcome = "duplicate";
	in->unknown = false;
}

/* The record comes before all else that writes: a repeat has written nothing. */
static enum status
route_local(struct db *db, struct inbound *in)
{
	struct routing r;
	enum status st;

	st = routing_decide(in->ports, in->sender, in->user_id, in->new_id,
	    in->received_us, &r);
	if (st == ST_OK)
		st = record(db, in, &r);
	if (st == ST_OK)
		st = routing_create(in->ports, &r);
	if (st == ST_OK)
		st = note_opt_out(in, &r, last_opt_out(in));
	if (st == ST_OK)
		st = push_here(in, &r);
	note(in, &r);
	routing_release(&r);
	return st;
}

/* Look-up, record and queue entry as one job; it may run more than once. */
enum status
inbound_route(struct db *db, void *arg)
{
	struct inbound *in;
	bool any = false;
	enum status st;

	for (in = arg; in != NULL; in = in->next) {
		st = route_local(db, in);
		if (st != ST_OK && st != ST_EXISTS)
			return st;
		if (st == ST_EXISTS)
			note_repeat(in);
		any |= st == ST_OK;
	}
	return any ? ST_OK : ST_EXISTS;
}

/* What the outbox records with the message. */
struct remote {
	struct inbound *in;
	const struct routing *routing;
};

static enum status
record_remote(struct db *db, void *arg, bool undo)
{
	const struct remote *r = arg;

	return undo ? withdraw(db, r->in) : record(db, r->in, r->routing);
}

/* Decide, as far as the store can be reached; "" is decided at delivery. */
static enum status
decide_remote(struct inbound *in, struct routing *r, struct spool_entry *e,
    struct buf *body)
{
	enum status st;

	st = routing_decide(
	    in->ports, in->sender, in->user_id, in->new_id, in->received_us, r);
	if (st == ST_OK)
		st = routing_create(in->ports, r);
	if (st == ST_OK)
		st = note_opt_out(in, r, opt_out_kind(in->opt_out));
	if (st == ST_NOMEM)
		return st;
	if (st != ST_OK && !outbox_spools(in->outbox))
		return st;
	if (st != ST_OK) {
		routing_release(r);
		*r = (struct routing){ .outcome = "undecided" };
		e->role = ROLE_UNDECIDED;
		e->reason = status_text(st);
		return buf_put(body, in->message->data, in->message->len);
	}
	e->role = r->role;
	e->queue_group = group_of(in, r);
	e->visible_us += r->delay_s * 1000000;
	return put_body(in, r, body);
}

/* One message and what the outbox is given of it. */
struct outgoing {
	struct inbound *in;
	struct spool_entry entry;
	struct routing routing;
	struct remote remote;
	struct buf body;
};

static enum status
prepare_remote(struct inbound *in, struct outgoing *g, struct outbox_message *m)
{
	enum status st;

	g->in = in;
	g->entry = (struct spool_entry){ .group = in->sender,
		.sid = key_of(in),
		.digest = in->hex,
		.brief = in->brief,
		.from = in->from,
		.trace = in->trace,
		.received_us = in->received_us,
		.visible_us = in->received_us };
	g->remote = (struct remote){ in, &g->routing };
	st = decide_remote(in, &g->routing, &g->entry, &g->body);
	g->entry.body = g->body.data;
	g->entry.len = g->body.len;
	*m = (struct outbox_message){
		/* NULL: ignored */
		.entry = g->entry.role == NULL ? NULL : &g->entry,
		.record = record_remote,
		.arg = &g->remote,
	};
	return st;
}

/* The message is durable by now, whatever becomes of this. */
static void
note_held_opt_out(const struct outgoing *g)
{
	const struct inbound *in = g->in;
	enum status st = ST_OK;

	if (opt_out_kind(in->opt_out) == NULL)
		st = note_opt_out(in, &g->routing, in->held_opt_out);
	if (st != ST_OK)
		log_warn(in->ports->log,
		    "an opt-out in what was held could not be noted; see to it "
		    "with switchhook conversation set --opted-out",
		    LOG_STR("conversation_id", g->routing.conversation.id),
		    LOG_STR("opt_out", in->held_opt_out),
		    LOG_STR("reason", ports_why(in->ports, st)));
}

static void
finish_remote(
    struct outgoing *g, const struct outbox_message *m, enum status st)
{
	if (st == ST_OK && !m->repeated)
		note_held_opt_out(g);
	g->in->spooled = !m->sent;
	note(g->in, &g->routing);
	if (m->repeated)
		note_repeat(g->in);
	routing_release(&g->routing);
	buf_release(&g->body);
}

static size_t
count(const struct inbound *in)
{
	size_t n = 0;

	for (; in != NULL; in = in->next)
		n++;
	return n;
}

enum status
inbound_route_elsewhere(struct inbound *first)
{
	size_t n = count(first), made = 0;
	struct outgoing *each = calloc(n, sizeof(*each));
	struct outbox_message *messages = calloc(n, sizeof(*messages));
	enum status st = each == NULL || messages == NULL ? ST_NOMEM : ST_OK;
	struct inbound *in = first;

	for (; st == ST_OK && made < n; made++, in = in->next)
		st = prepare_remote(in, &each[made], &messages[made]);
	if (st == ST_OK)
		st = outbox_accept(first->outbox, first->ports, messages, n);
	while (made > 0) {
		made--;
		finish_remote(&each[made], &messages[made], st);
	}
	free(each);
	free(messages);
	return st;
}

enum status
inbound_begin(struct inbound *first, struct ports *ports)
{
	struct inbound *in;
	enum status st = ST_OK;

	for (in = first; in != NULL && st == ST_OK; in = in->next) {
		in->ports = ports;
		st = str_uuid(in->new_id);
		if (in->sid == NULL || !ports->local)
			crypt_hex(in->digest, CRYPT_SHA256_SIZE, in->hex);
	}
	return st;
}

enum status
inbound_end(struct inbound *first, enum status st)
{
	if (st != ST_OK && st != ST_EXISTS)
		return st;
	for (struct inbound *in = first; in != NULL; in = in->next)
		if (in->repeated)
			metrics_duplicate(in->metrics);
	return ST_OK;
}
