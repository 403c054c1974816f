#include "message/routing.h"

#include "base/str.h"
#include "config/config.h"
#include "store/sender.h"

static void
to_ai(const struct config *c, struct routing *r)
{
	r->outcome = r->role = ROLE_AI;
	/* Messages sent in a burst wait for each other and are answered
	 * together. */
	r->delay_s = c->whatsapp.ai_delay;
}

static void
to_human(struct routing *r)
{
	r->outcome = r->role = ROLE_HUMAN;
	r->delay_s = 0;
}

static void
of_unknown(const struct config *c, struct routing *r)
{
	switch ((enum unknown_sender)c->whatsapp.unknown_sender) {
	case UNKNOWN_HOLD:
		r->outcome = r->role = ROLE_UNROUTED;
		return;
	case UNKNOWN_IGNORE:
		r->outcome = "ignored";
		return;
	case UNKNOWN_HUMAN:
		to_human(r);
		return;
	case UNKNOWN_CREATE:
		r->create = true;
		break;
	case UNKNOWN_AI:
		break;
	}
	to_ai(c, r);
}

enum status
routing_decide(const struct ports *ports, const char *sender,
    const char *user_id, const char *new_id, int64_t now_us, struct routing *r)
{
	struct conversation *c = &r->conversation;
	enum status st;

	*r = (struct routing){ 0 };
	st = sender_names(ports->db, sender, user_id, &r->names);
	if (st == ST_OK)
		st = sender_newest(ports->conversations, &r->names, c);
	if (st == ST_OK && c->handoff)
		to_human(r);
	else if (st == ST_OK)
		to_ai(ports->config, r);
	if (st != ST_NOTFOUND)
		return st;
	r->unknown = true;
	of_unknown(ports->config, r);
	if (!r->create)
		return ST_OK;
	c->created_us = now_us;
	if ((st = str_dup(new_id, &c->id)) == ST_OK)
		st = str_dup(sender, &c->tel);
	return st;
}

enum status
routing_create(const struct ports *ports, const struct routing *r)
{
	struct store *store = ports->conversations;
	enum status st;

	if (!r->create)
		return ST_OK;
	st = store->ops->add(store, &r->conversation);
	return st == ST_EXISTS ? ST_OK : st;
}

void
routing_release(struct routing *r)
{
	conversation_release(&r->conversation);
}
