#include "app/inbound.h"

#include <stdlib.h>

#include "config/config.h"
#include "store/db.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/store.h"

/* Where a message goes: a row of what each destination means. */
struct destination {
	const char *name; /* for the log and the message log */
	struct queue *queue; /* NULL: nowhere */
	int64_t delay_s;
};

static struct destination
to_ai(const struct inbound *in)
{
	/* Messages sent in a burst wait for each other and are answered
	 * together. */
	return (struct destination){ "ai", in->ports->ai,
		in->app->config->whatsapp.ai_delay };
}

static struct destination
to_human(const struct inbound *in)
{
	return (struct destination){ "human", in->ports->human, 0 };
}

static struct destination
of_unknown(const struct inbound *in)
{
	switch ((enum unknown_sender)in->app->config->whatsapp.unknown_sender) {
	case UNKNOWN_HOLD:
		return (
		    struct destination){ "unrouted", in->ports->unrouted, 0 };
	case UNKNOWN_IGNORE:
		return (struct destination){ "ignored", NULL, 0 };
	case UNKNOWN_HUMAN:
		return to_human(in);
	case UNKNOWN_AI:
	case UNKNOWN_CREATE:
		break;
	}
	return to_ai(in);
}

static enum status
push(const struct inbound *in, const struct destination *to,
    const struct conversation *c)
{
	struct queue_message m = {
		.delay_s = to->delay_s,
		.group = c->id == NULL ? in->sender : c->id,
		.dedupe = in->sid,
	};
	struct buf body = BUF_INIT;
	enum status st;

	if (to->queue == NULL)
		return ST_OK;
	st = envelope_put(in->message, c, in->received_us, in->channel, &body);
	m.body = body.data;
	m.len = body.len;
	if (st == ST_OK)
		st = to->queue->ops->push(to->queue, &m);
	buf_release(&body);
	return st;
}

static enum status
record(struct db *db, const struct inbound *in, const struct destination *to,
    const struct conversation *c)
{
	struct message_record r = {
		.sid = in->sid,
		.route = to->name,
		.conversation_id = c->id,
		.at_us = in->received_us,
	};

	return in->sid == NULL ? ST_OK : message_record(db, &r);
}

/* The conversation that unknown_sender = create makes; not yet stored. */
static enum status
make_conversation(const struct inbound *in, struct conversation *c)
{
	enum status st;

	if ((st = str_dup(in->new_id, &c->id)) != ST_OK)
		return st;
	c->created_us = in->received_us;
	return str_dup(in->sender, &c->tel);
}

/* Look the sender up and decide. *create: c is new and to be stored. */
static enum status
decide(const struct inbound *in, struct conversation *c, struct destination *to,
    bool *create)
{
	struct store *store = in->ports->conversations;
	enum status st;

	*create = false;
	*to = to_ai(in);
	st = store->ops->newest(store, in->sender, c);
	if (st == ST_OK && c->handoff)
		*to = to_human(in);
	if (st != ST_NOTFOUND)
		return st;
	*to = of_unknown(in);
	*create = in->app->config->whatsapp.unknown_sender == UNKNOWN_CREATE;
	return *create ? make_conversation(in, c) : ST_OK;
}

/*
 * The whole of it, as one job; it may run more than once. The record comes
 * before all else that writes, so that a repeat has written nothing.
 */
static enum status
route_job(struct db *db, void *arg)
{
	struct inbound *in = arg;
	struct store *store = in->ports->conversations;
	struct conversation c = { 0 };
	struct destination to;
	enum status st;
	bool create;

	st = decide(in, &c, &to, &create);
	if (st == ST_OK)
		st = record(db, in, &to, &c);
	if (st == ST_OK && create)
		st = store->ops->add(store, &c);
	if (st == ST_OK)
		st = push(in, &to, &c);
	in->outcome = to.name;
	free(in->conversation_id);
	in->conversation_id = c.id;
	c.id = NULL;
	conversation_release(&c);
	return st;
}

enum status
inbound_route(struct inbound *in)
{
	enum status st;

	if ((st = str_uuid(in->new_id)) != ST_OK)
		return st;
	st = db_write(in->app->db, route_job, in);
	if (st != ST_EXISTS)
		return st;
	in->outcome = "duplicate";
	return ST_OK;
}
