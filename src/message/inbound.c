#include "message/inbound.h"

#include <stdlib.h>

#include "db/db.h"
#include "message/outbox.h"
#include "message/routing.h"
#include "serve/metrics.h"
#include "store/counter.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/spool.h"

/* What identifies a repeat, here and at queues. */
static const char *
key_of(const struct inbound *in)
{
	return in->sid == NULL ? in->hex : in->sid;
}

/* Remember the message and where it went, and count it; ST_EXISTS: it came
 * before. */
static enum status
record(struct db *db, const struct inbound *in, const struct routing *r)
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

	return st == ST_OK ? counter_add(db, COUNTER_MESSAGES, r->outcome) : st;
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

/*
 * All in the embedded engine: look-up, record and queue entry as one job; it
 * may run more than once. The record comes before all else that writes, so
 * that a repeat has written nothing.
 */
static enum status
local_job(struct db *db, void *arg)
{
	struct inbound *in = arg;
	struct routing r;
	enum status st;

	st = routing_decide(
	    in->ports, in->sender, in->new_id, in->received_us, &r);
	if (st == ST_OK)
		st = record(db, in, &r);
	if (st == ST_OK)
		st = routing_create(in->ports, &r);
	if (st == ST_OK)
		st = push_here(in, &r);
	note(in, &r);
	routing_release(&r);
	return st;
}

/* What the outbox records with the message. */
struct remote {
	const struct inbound *in;
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
	    in->ports, in->sender, in->new_id, in->received_us, r);
	if (st == ST_OK)
		st = routing_create(in->ports, r);
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

static enum status
route_remote(struct inbound *in)
{
	struct spool_entry e = { .group = in->sender,
		.sid = key_of(in),
		.digest = in->hex,
		.brief = in->brief,
		.from = in->from,
		.trace = in->trace,
		.received_us = in->received_us,
		.visible_us = in->received_us };
	struct routing r = { 0 };
	struct remote remote = { in, &r };
	struct buf body = BUF_INIT;
	enum status st;

	st = decide_remote(in, &r, &e, &body);
	e.body = body.data;
	e.len = body.len;
	if (st == ST_OK && e.role == NULL) /* ignored */
		st = outbox_record(in->outbox, record_remote, &remote);
	else if (st == ST_OK)
		st = outbox_accept(in->outbox, in->ports, &e, record_remote,
		    &remote, &in->spooled);
	note(in, &r);
	routing_release(&r);
	buf_release(&body);
	return st;
}

enum status
inbound_route(struct inbound *in)
{
	enum status st;

	if ((st = str_uuid(in->new_id)) != ST_OK)
		return st;
	if (in->sid == NULL || !in->ports->local)
		crypt_hex(in->digest, CRYPT_SHA256_SIZE, in->hex);
	if (in->ports->local)
		st = db_write(in->ports->db, local_job, in);
	else
		st = route_remote(in);
	if (st != ST_EXISTS)
		return st;
	in->outcome = "duplicate";
	metrics_duplicate(in->metrics);
	return ST_OK;
}
