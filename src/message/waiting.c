#include "message/waiting.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "db/db.h"
#include "message/envelope.h"
#include "message/opt_out.h"
#include "message/ports.h"
#include "message/said.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/sender.h"
#include "store/spool.h"
#include "store/sqlite_queue.h"
#include "store/store.h"
#include "store/transcript.h"

/* Where messages go: to a role's queue, as those of a conversation. */
struct target {
	const struct waiting *w;
	const struct conversation *conversation; /* id NULL: none is known */
	const char *role;
	const char *group; /* the conversation's, or else as it was */
	const char *url;
	bool spooled; /* the queue is elsewhere */
	int64_t delay_s;
	struct last_opt_out *opt_out; /* or NULL */
};

/* What a sender said last while they had no conversation. */
struct last_opt_out {
	const char *kind; /* NULL: nothing of it */
	int64_t at_us;
};

static struct target
target_of(const struct waiting *w, const struct conversation *c,
    const char *role, const char *group)
{
	const struct config *config = w->with.config;
	bool ai = str_eq(role, ROLE_AI);

	return (struct target){
		.w = w,
		.conversation = c,
		.role = role,
		.group = c->id != NULL ? c->id : group,
		.url = ports_url(config, role),
		.spooled = backend_is_remote(ports_url(config, role)),
		.delay_s = ai ? config->whatsapp.ai_delay : 0,
	};
}

static const char *
role_of(const struct conversation *c)
{
	return c->handoff ? ROLE_HUMAN : ROLE_AI;
}

/* --- one message ----------------------------------------------------------- */

/*
 * Its key is none that it had before: under that it counts as delivered, since
 * it was, to where it has waited.
 */
static enum status
spool_message(struct db *db, const struct target *t, const struct envelope *e,
    const struct queue_moved *m)
{
	char key[STR_UUID_MAX];
	struct spool_entry entry = {
		.role = t->role,
		.group = e->from == NULL ? t->group : sender_of(e->from),
		.queue_group = t->group,
		.sid = key,
		.from = e->from,
		.received_us = e->received_us,
		.visible_us = m->available_us,
		.body = m->body.data,
		.len = m->body.len,
	};
	enum status st = str_uuid(key);

	if (st == ST_OK)
		st = spool_idle(db, entry.group);
	if (st != ST_OK && st != ST_EXISTS)
		return st;
	entry.due_us = st == ST_EXISTS ? SPOOL_AFTER : clock_us();
	return spool_add(db, &entry);
}

/* What was held is said in the conversation now. What has one is there. */
static enum status
keep_said(struct db *db, const struct target *t, const struct envelope *e)
{
	struct transcript_said s = { .conversation_id = t->conversation->id,
		.key = e->sid,
		.sid = e->sid,
		.from = e->from,
		.channel = e->channel,
		.route = t->role,
		.at_us = e->received_us };
	char key[STR_UUID_MAX];
	struct said said;
	enum status st = ST_OK;

	if (s.conversation_id == NULL || e->conversation_id != NULL ||
	    s.from == NULL)
		return ST_OK;
	if (s.key == NULL) {
		st = str_uuid(key);
		s.key = key;
	}
	if (st == ST_OK)
		st = said_of_json(e->parsed, e->is_event, &said);
	if (st != ST_OK)
		return st;
	s.to = said.to;
	s.text = said.text;
	s.media = said.media.data;
	s.name = said.name;
	s.service_sid = said.service_sid;
	st = transcript_add(db, &s, t->conversation,
	    t->w->with.config->store.keep_messages > 0);
	said_release(&said);
	return st;
}

/* The names of a sender are moved one by one: the time tells what is last. */
static void
note_opt_out(const struct target *t, const struct envelope *e)
{
	const char *kind = opt_out_of(e->parsed);

	if (t->opt_out == NULL || kind == NULL || e->conversation_id != NULL ||
	    e->received_us < t->opt_out->at_us)
		return;
	*t->opt_out = (struct last_opt_out){ kind, e->received_us };
}

/* What is not one of ours stays where it is. */
static enum status
move_message(struct db *db, const char *body, size_t len, struct queue_moved *m,
    void *arg)
{
	const struct target *t = arg;
	struct envelope e;
	enum status st = envelope_read(body, len, &e);
	const struct buf message = { (char *)e.message, e.message_len, 0,
		ST_OK };

	if (st == ST_MALFORMED) {
		envelope_release(&e);
		return ST_NOTFOUND;
	}
	if (st == ST_OK)
		note_opt_out(t, &e);
	if (st == ST_OK)
		st = envelope_put(&message, t->conversation, e.received_us,
		    e.channel, &m->body);
	m->available_us = e.received_us + t->delay_s * 1000000;
	if (st == ST_OK && e.sid != NULL)
		st = message_reroute(db, e.sid, t->role, t->conversation->id);
	if (st == ST_OK)
		st = keep_said(db, t, &e);
	if (st == ST_OK && t->spooled)
		st = spool_message(db, t, &e, m);
	envelope_release(&e);
	return st;
}

/* --- a group --------------------------------------------------------------- */

#define SCHEME "sqlite:"

/* A queue's name in the database, or NULL if it is elsewhere. */
static const char *
name_of(const char *url)
{
	return str_starts(url, SCHEME) ? url + sizeof(SCHEME) - 1 : NULL;
}

/* Inside a job. Where nothing could take it, it stays. */
static enum status
move_group(struct db *db, const char *queue, const char *group,
    const struct target *t, int64_t *count)
{
	const struct queue_place from = { queue, group };
	const struct queue_place to = { name_of(t->url), t->group };

	if (t->spooled && t->w->with.config->store.spool == SPOOL_OFF)
		return ST_UNSUPPORTED;
	if (queue == NULL || str_eq(queue, to.queue))
		return ST_OK;
	return sqlite_queue_move(
	    db, &from, &to, move_message, (void *)t, count);
}

static enum status
move_names(struct db *db, const char *queue, const struct sender_names *names,
    const struct target *t, int64_t *count)
{
	enum status st = ST_OK;

	for (size_t i = 0; i < names->n && st == ST_OK; i++)
		st = move_group(db, queue, names->name[i], t, count);
	return st;
}

enum status
waiting_held(const struct waiting *w, struct db *db,
    const struct sender_names *names, const struct conversation *c,
    int64_t *count, const char **opt_out)
{
	struct target t = target_of(w, c, role_of(c), NULL);
	struct last_opt_out last = { NULL, 0 };
	enum status st;

	t.opt_out = &last;
	st = move_names(db, name_of(PORTS_UNROUTED), names, &t, count);
	*opt_out = last.kind;
	return st == ST_UNSUPPORTED ? ST_OK : st;
}

/* --- a conversation -------------------------------------------------------- */

struct following {
	const struct waiting *w;
	const struct conversation *changed, *newest;
	const struct sender_names *names;
	struct waiting_count *count;
	const char *opt_out; /* in what was held */
};

static enum status
follow_job(struct db *db, void *arg)
{
	struct following *f = arg;
	const struct conversation *c = f->changed;
	const char *ai = name_of(f->w->with.config->whatsapp.ai_queue);
	const struct target t = target_of(f->w, c, ROLE_HUMAN, NULL);
	enum status st;

	*f->count = (struct waiting_count){ 0, 0 };
	st = transcript_note(db, c, f->w->by, clock_us());
	if (st == ST_OK)
		st = waiting_held(f->w, db, f->names, f->newest,
		    &f->count->held, &f->opt_out);
	if (st == ST_OK && c->handoff)
		st = move_group(db, ai, c->id, &t, &f->count->moved);
	/* Those that came while nobody knew them. */
	if (st == ST_OK && c->handoff && str_eq(c->id, f->newest->id))
		st = move_names(db, ai, f->names, &t, &f->count->moved);
	return st == ST_UNSUPPORTED ? ST_OK : st;
}

/* An index elsewhere may not have what has just been added, or moved. */
static enum status
find_newest(struct store *store, const struct sender_names *names,
    const struct conversation *changed, struct conversation *newest)
{
	enum status st = sender_newest(store, names, newest);

	if (st != ST_NOTFOUND &&
	    (st != ST_OK || newest->created_us >= changed->created_us))
		return st;
	conversation_release(newest);
	return store->ops->get(store, changed->id, newest);
}

static enum status
follow(const struct waiting *w, const char *id, struct waiting_count *count)
{
	struct store *store = w->conversations;
	struct conversation changed = { 0 }, newest = { 0 };
	struct sender_names names;
	struct following f = { w, &changed, &newest, &names, count, NULL };
	enum status st = store->ops->get(store, id, &changed);

	if (st == ST_OK)
		st = sender_names(w->with.db, changed.tel, NULL, &names);
	if (st == ST_OK)
		st = find_newest(store, &names, &changed, &newest);
	if (st == ST_OK)
		st = db_write(w->with.db, follow_job, &f);
	if (st == ST_OK)
		st = opt_out_note(w->with.db, store, &newest, f.opt_out);
	conversation_release(&changed);
	conversation_release(&newest);
	return st;
}

struct applying {
	const struct waiting *w;
	const struct waiting_change *change;
	const struct waiting_taken *taken; /* or NULL */
	struct waiting_count *count;
};

/* It waits again for a moment, and so goes with all others. */
static enum status
let_go(const struct waiting_taken *t)
{
	const struct queue_end end = { .how = QUEUE_RELEASE };
	const struct queue_ops *ops = t->queue->ops;

	return ops->settle != NULL
	    ? ops->settle(t->queue, t->receipts, t->n, &end)
	    : ops->release(t->queue, t->receipts[0], 0, NULL);
}

static enum status
apply_job(struct db *db, void *arg)
{
	const struct applying *a = arg;
	const struct waiting_change *c = a->change;
	struct store *store = a->w->conversations;
	enum status st = c->add != NULL ? store->ops->add(store, c->add)
					: store->ops->set(store, c->id, c->to);

	(void)db;
	if (st == ST_OK && a->taken != NULL)
		st = let_go(a->taken);
	return st == ST_OK ? follow(a->w, c->id, a->count) : st;
}

static enum status
apply(const struct applying *a)
{
	const struct backends *with = &a->w->with;

	return backend_is_remote(with->config->whatsapp.conversations)
	    ? apply_job(with->db, (void *)a)
	    : db_write(with->db, apply_job, (void *)a);
}

enum status
waiting_apply(const struct waiting *w, const struct waiting_change *change,
    struct waiting_count *count)
{
	const struct applying a = { w, change, NULL, count };

	return apply(&a);
}

struct removing {
	const struct waiting *w;
	const char *id;
	bool here; /* the conversation is in the embedded store */
};

static enum status
remove_job(struct db *db, void *arg)
{
	const struct removing *r = arg;
	struct store *store = r->w->conversations;
	enum status st = r->here ? store->ops->remove(store, r->id) : ST_OK;

	return st == ST_OK ? transcript_forget(db, r->id) : st;
}

enum status
waiting_remove(const struct waiting *w, const char *id)
{
	const char *url = w->with.config->whatsapp.conversations;
	struct removing r = { w, id, !backend_is_remote(url) };
	struct store *store = w->conversations;
	enum status st = r.here ? ST_OK : store->ops->remove(store, id);

	return st == ST_OK ? db_write(w->with.db, remove_job, &r) : st;
}

/* --- a queue --------------------------------------------------------------- */

struct routing_group {
	const struct waiting *w;
	const struct waiting_route *route;
	const char *group;
	const struct conversation *conversation;
	int64_t count;
	struct last_opt_out opt_out;
};

static enum status
route_job(struct db *db, void *arg)
{
	struct routing_group *g = arg;
	const struct conversation *c = g->conversation;
	const char *role = g->route->role;
	struct target t;

	g->count = 0;
	g->opt_out = (struct last_opt_out){ NULL, 0 };
	if (role == NULL)
		role = role_of(c);
	t = target_of(g->w, c, role, g->group);
	t.opt_out = &g->opt_out;
	return move_group(db, g->route->queue, g->group, &t, &g->count);
}

/* A group is a conversation's, or that of a sender without one. */
static enum status
find_conversation(
    const struct waiting *w, const char *group, struct conversation *c)
{
	struct store *store = w->conversations;
	struct sender_names names;
	/* "rcs:" was once left in it. */
	enum status st =
	    sender_names(w->with.db, sender_of(group), NULL, &names);

	if (st == ST_OK)
		st = sender_newest(store, &names, c);
	return st == ST_NOTFOUND ? store->ops->get(store, group, c) : st;
}

static enum status
route_group(const struct waiting *w, const struct waiting_route *r,
    const char *group, int64_t *count)
{
	struct conversation c = { 0 };
	struct routing_group g = { w, r, group, &c, 0, { NULL, 0 } };
	enum status st = find_conversation(w, group, &c);

	if (st == ST_NOTFOUND)
		st = ST_OK;
	if (st == ST_OK && (c.id != NULL || r->role != NULL))
		st = db_write(w->with.db, route_job, &g);
	if (st == ST_OK)
		*count += g.count;
	if (st == ST_OK)
		st = opt_out_note(
		    w->with.db, w->conversations, &c, g.opt_out.kind);
	conversation_release(&c);
	return st;
}

/* What waits of one sender: by each of its names, and by its conversation. */
static enum status
route_sender(
    const struct waiting *w, const struct waiting_route *r, int64_t *count)
{
	struct conversation c = { 0 };
	struct sender_names names;
	enum status st = sender_names(w->with.db, r->tel, NULL, &names);

	for (size_t i = 0; st == ST_OK && i < names.n; i++)
		st = route_group(w, r, names.name[i], count);
	if (st == ST_OK)
		st = sender_newest(w->conversations, &names, &c);
	if (st == ST_OK)
		st = route_group(w, r, c.id, count);
	conversation_release(&c);
	return st == ST_NOTFOUND ? ST_OK : st;
}

struct next_group {
	const char *queue, *after;
	char *group;
};

static enum status
next_job(struct db *db, void *arg)
{
	struct next_group *n = arg;

	free(n->group); /* of a run before this one */
	return sqlite_queue_next_group(db, n->queue, n->after, &n->group);
}

enum status
waiting_route(
    const struct waiting *w, const struct waiting_route *r, int64_t *count)
{
	struct next_group n = { r->queue, "", NULL };
	char *done = NULL;
	enum status st;

	if (r->tel != NULL)
		return route_sender(w, r, count);
	while ((st = db_read(w->with.db, next_job, &n)) == ST_OK) {
		free(done);
		n.after = done = n.group;
		n.group = NULL;
		if ((st = route_group(w, r, done, count)) != ST_OK)
			break;
	}
	free(n.group);
	free(done);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* --- what is about to be handed out ---------------------------------------- */

struct giving {
	const struct waiting *w;
	struct queue *queue;
	const struct queue_item *item;
	const struct envelope *envelope;
	const struct conversation *conversation;
};

/*
 * It waits again for a moment, and so is moved with all others of its
 * conversation, and of its sender who had none. ST_UNSUPPORTED: it is of
 * another group.
 */
static enum status
give_job(struct db *db, void *arg)
{
	const struct giving *g = arg;
	struct queue *q = g->queue;
	const char *name = name_of(q->name);
	const struct conversation *c = g->conversation;
	const struct target t = target_of(g->w, c, ROLE_HUMAN, NULL);
	struct sender_names names;
	int64_t count = 0;
	enum status st = q->ops->release(q, g->item->receipt, 0, NULL);

	if (st == ST_OK && g->envelope->conversation_id != NULL)
		st = move_group(db, name, c->id, &t, &count);
	else if (st == ST_OK &&
	    (st = sender_names(
		 db, sender_of(g->envelope->from), NULL, &names)) == ST_OK)
		st = move_names(db, name, &names, &t, &count);
	return st == ST_OK && count == 0 ? ST_UNSUPPORTED : st;
}

/* By itself, between queues of which one is elsewhere. */
static enum status
give_over(const struct giving *g)
{
	const struct waiting *w = g->w;
	const struct envelope *e = g->envelope;
	const struct buf message = { (char *)e->message, e->message_len, 0,
		ST_OK };
	struct buf body = BUF_INIT, why = BUF_INIT;
	struct queue_message m = { .group = g->conversation->id,
		.dedupe = e->sid };
	struct queue *people = NULL;
	enum status st = envelope_put(
	    &message, g->conversation, e->received_us, e->channel, &body);

	m.body = body.data;
	m.len = body.len;
	if (st == ST_OK)
		st = backend_queue(&w->with,
		    w->with.config->whatsapp.human_queue, &people, &why);
	if (st == ST_OK)
		st = people->ops->push(people, &m);
	if (st == ST_OK)
		st = g->queue->ops->ack(g->queue, g->item->receipt);
	if (people != NULL)
		people->ops->close(people);
	buf_release(&body);
	buf_release(&why);
	return st;
}

/* Without a spool the one here cannot wait for the other. */
static bool
goes_apart(const struct waiting *w, const struct queue *q)
{
	const struct config *config = w->with.config;

	return backend_is_remote(q->name) ||
	    (backend_is_remote(config->whatsapp.human_queue) &&
		config->store.spool == SPOOL_OFF);
}

static enum status
give(const struct giving *g)
{
	enum status st = ST_UNSUPPORTED;

	if (!goes_apart(g->w, g->queue))
		st = db_write(g->w->with.db, give_job, (void *)g);
	return st == ST_UNSUPPORTED ? give_over(g) : st;
}

enum status
waiting_conversation(
    const struct waiting *w, const struct envelope *e, struct conversation *c)
{
	struct store *store = w->conversations;
	struct sender_names names;
	enum status st = ST_NOTFOUND;

	if (e->conversation_id != NULL)
		st = store->ops->get(store, e->conversation_id, c);
	if (st != ST_NOTFOUND || e->from == NULL)
		return st;
	st = sender_names(w->with.db, sender_of(e->from), NULL, &names);
	return st == ST_OK ? sender_newest(store, &names, c) : st;
}

enum status
waiting_look_again(const struct waiting *w, struct queue *q,
    const struct queue_item *item, bool *moved)
{
	const struct config *config = w->with.config;
	struct conversation c = { 0 };
	struct envelope e = { 0 };
	struct giving g = { w, q, item, &e, &c };
	enum status st;

	*moved = false;
	if (!str_eq(q->name, config->whatsapp.ai_queue) ||
	    str_eq(q->name, config->whatsapp.human_queue))
		return ST_OK;
	st = envelope_read(item->body, item->len, &e);
	if (st == ST_OK)
		st = waiting_conversation(w, &e, &c);
	if (st == ST_OK && c.handoff) {
		st = give(&g);
		*moved = st == ST_OK;
		/* The receipt has run out, so it must not be handed out. */
		if (st == ST_NOTFOUND)
			st = ST_BUSY;
	}
	envelope_release(&e);
	conversation_release(&c);
	/* Of nobody that is known, or no message of ours. */
	return st == ST_NOTFOUND || st == ST_MALFORMED ? ST_OK : st;
}

/* Each of them by itself. */
static enum status
give_each(
    const struct waiting *w, const char *id, const struct waiting_taken *taken)
{
	struct conversation c = { 0 };
	enum status st = w->conversations->ops->get(w->conversations, id, &c);

	for (size_t i = 0; i < taken->n && st == ST_OK; i++) {
		const struct queue_item *item = &taken->items[i];
		struct envelope e;
		const struct giving g = { w, taken->queue, item, &e, &c };

		st = envelope_read(item->body, item->len, &e);
		if (st == ST_OK)
			st = give_over(&g);
		envelope_release(&e);
	}
	conversation_release(&c);
	return st;
}

enum status
waiting_hand_over(
    const struct waiting *w, const char *id, const struct waiting_taken *taken)
{
	static const bool on = true;
	static const struct conversation_change people = { .handoff = &on };
	const struct waiting_change change = { .id = id, .to = &people };
	bool apart = goes_apart(w, taken->queue);
	struct waiting_count count;
	const struct applying a = { w, &change, apart ? NULL : taken, &count };
	enum status st = apply(&a);

	return st == ST_OK && apart ? give_each(w, id, taken) : st;
}

enum status
waiting_can_look(const struct waiting *w)
{
	struct conversation c = { 0 };
	enum status st = w->conversations->ops->get(w->conversations, "-", &c);

	conversation_release(&c);
	return st == ST_NOTFOUND ? ST_OK : st;
}
