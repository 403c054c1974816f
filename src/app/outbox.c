#include "app/outbox.h"

#include <string.h>

#include "app/app.h"
#include "app/backends.h"
#include "app/breaker.h"
#include "app/envelope.h"
#include "app/routing.h"
#include "aws/dedupe.h"
#include "base/clock.h"
#include "config/config.h"
#include "store/db.h"
#include "store/message.h"
#include "store/queue.h"
#include "store/settled.h"
#include "store/spool.h"

/* Between tries of one entry: doubling, at most the second. */
#define RETRY_US INT64_C(1000000)
#define RETRY_MAX_US INT64_C(60000000)

/* What names an entry in the log: its message's SID, or the call whose digits
 * it has. */
static const char *
log_name(const struct spool_entry *e)
{
	return strcmp(e->role, ROLE_DIGITS) == 0 ? e->queue_group : e->sid;
}

static const char *
role_name(const struct spool_entry *e)
{
	return *e->role == '\0' ? "undecided" : e->role;
}

/* In words: the back end's own, where it has some. */
static const char *
why_not(const struct ports *ports, enum status st)
{
	const char *error = ports_error(ports);

	return *error == '\0' ? status_text(st) : error;
}

bool
outbox_spools(const struct app *app)
{
	return app->config->store.spool == SPOOL_ON;
}

/* --- one entry to its queue ----------------------------------------------- */

/* Seconds until whoever reads the queue may see it. */
static int64_t
delay_left(const struct spool_entry *e)
{
	int64_t left = e->visible_us - clock_us();
	int64_t span = e->visible_us - e->received_us;

	/* It came while the clock was ahead. */
	if (left > span)
		left = span;
	return left <= 0 ? 0 : (left + 999999) / 1000000;
}

static enum status
push(struct ports *ports, const struct spool_entry *e)
{
	struct queue *q = ports_queue(ports, e->role);
	struct queue_message m = { .body = e->body,
		.len = e->len,
		.delay_s = delay_left(e),
		.group = e->queue_group,
		.dedupe = e->sid,
		.trace = e->trace };

	return q == NULL ? ST_CONFIG : q->ops->push(q, &m);
}

/* The sender could not be looked up before: now it is, and then pushed. */
static enum status
route_and_push(
    const struct app *app, struct ports *ports, const struct spool_entry *e)
{
	const char *sender = envelope_sender(e->from);
	struct buf message = BUF_INIT, body = BUF_INIT;
	char channel[ENVELOPE_CHANNEL_MAX], id[STR_UUID_MAX];
	struct spool_entry decided = *e;
	struct routing r = { 0 };
	enum status st;

	envelope_channel(e->from, channel);
	if ((st = str_uuid(id)) == ST_OK)
		st = routing_decide(app, ports, sender, id, e->received_us, &r);
	if (st == ST_OK)
		st = routing_create(ports, &r);
	if (st == ST_OK)
		st = buf_put(&message, e->body, e->len);
	if (st == ST_OK)
		st = envelope_put(
		    &message, &r.conversation, e->received_us, channel, &body);
	if (st == ST_OK && r.role != NULL) {
		decided.role = r.role;
		decided.queue_group =
		    r.conversation.id == NULL ? sender : r.conversation.id;
		decided.visible_us += r.delay_s * 1000000;
		decided.body = body.data;
		decided.len = body.len;
		st = push(ports, &decided);
	}
	routing_release(&r);
	buf_release(&message);
	buf_release(&body);
	return st;
}

/* The claim of an entry, where several installations share a table. */
static struct dedupe
dedupe_of(const struct ports *ports, const struct spool_entry *e)
{
	return (struct dedupe){ .table = ports->dedupe,
		.key = e->sid,
		.owner = ports->installation,
		.now_s = clock_us() / 1000000,
		.keep_s =
		    e->brief ? MESSAGE_BRIEF_US / 1000000 : DEDUPE_KEEP_S };
}

/*
 * The queue has it: no other installation is to send it, under its digest
 * either. If that cannot be told, one may, and then it is there twice.
 */
static void
claim_sent(
    const struct app *app, struct ports *ports, const struct spool_entry *e)
{
	struct dedupe d = dedupe_of(ports, e);
	enum status st = dedupe_sent(ports->aws, &d);

	if (st == ST_OK && e->digest != NULL &&
	    strcmp(e->digest, e->sid) != 0) {
		d.key = e->digest;
		st = dedupe_sent(ports->aws, &d);
	}
	if (st != ST_OK)
		log_warn(app->log,
		    "a claim could not be marked as sent: a repeat at another "
		    "installation would be sent as well",
		    LOG_SID("message_sid", log_name(e)),
		    LOG_STR("reason", why_not(ports, st)));
}

static enum status
hurry_job(struct db *db, void *arg)
{
	int64_t count;

	(void)arg;
	return spool_hurry(db, clock_us(), &count);
}

/* What waits for a queue that works again need not wait any longer. */
static void
hurry(const struct app *app, const struct spool_entry *e)
{
	log_info(app->log, "queue works again", LOG_STR("role", role_name(e)));
	if (outbox_spools(app))
		db_write(app->db, hurry_job, NULL);
}

static enum status
installation_job(struct db *db, void *arg)
{
	return spool_installation(db, arg);
}

/* Where several installations share a table, the first to have it sends it.
 * *theirs: another has claimed it and not sent it yet. */
static enum status
claim_and_push(const struct app *app, struct ports *ports,
    const struct spool_entry *e, bool *theirs)
{
	bool claims = ports->dedupe != NULL && e->sid != NULL;
	struct dedupe d = dedupe_of(ports, e);
	enum status st = ST_OK;

	*theirs = false;
	if (claims && *ports->installation == '\0')
		st = db_read(app->db, installation_job, ports->installation);
	if (st == ST_OK && claims) {
		st = dedupe_claim(ports->aws, &d);
		*theirs = st == ST_BUSY;
	}
	if (st != ST_OK)
		return st == ST_EXISTS ? ST_OK : st;
	st = strcmp(e->role, ROLE_UNDECIDED) == 0
	    ? route_and_push(app, ports, e)
	    : push(ports, e);
	if (st == ST_OK && claims)
		claim_sent(app, ports, e);
	return st;
}

/*
 * ST_OK also if another installation has sent it. *wait_us: it was not even
 * tried, and is not to be for so long; 0 if it was.
 */
static enum status
send_entry(const struct app *app, struct ports *ports,
    const struct spool_entry *e, int64_t *wait_us)
{
	enum status st;
	bool theirs;

	*wait_us = breaker_try(app->breakers, e->role);
	if (*wait_us > 0)
		return ST_UNAVAILABLE;
	st = claim_and_push(app, ports, e, &theirs);
	if (theirs) /* which says nothing of the queue */
		return st;
	/* What the queue will never take says nothing of the queue. */
	if (breaker_note(app->breakers, e->role,
		st == ST_OK || st == ST_TOOBIG || st == ST_MALFORMED))
		hurry(app, e);
	return st;
}

/* --- what becomes of it --------------------------------------------------- */

struct settling {
	struct ports *ports;
	const struct spool_entry *entry;
	enum status sent;
	int64_t due_us;
	bool tried;
};

/* It will never be taken: among the dead letters, with its reason. */
static enum status
bury(const struct settling *s)
{
	const struct spool_entry *e = s->entry;
	struct queue *q = s->ports->undeliverable;
	struct queue_message m = { .body = e->body,
		.len = e->len,
		.dedupe = e->sid,
		.dead = status_text(s->sent) };

	return q->ops->push(q, &m);
}

static enum status
settle_job(struct db *db, void *arg)
{
	const struct settling *s = arg;
	int64_t id = s->entry->id;
	enum status st = ST_OK;

	if (s->sent == ST_TOOBIG || s->sent == ST_MALFORMED)
		st = bury(s);
	else if (s->sent != ST_OK)
		return spool_defer(
		    db, id, s->due_us, s->tried ? status_text(s->sent) : NULL);
	return st == ST_OK ? spool_remove(db, id) : st;
}

/* What the clock shows below the millisecond is random enough to keep entries
 * apart. */
static int64_t
part_of(int64_t span)
{
	return span * (clock_mono_us() % 1000) / 1000;
}

static int64_t
next_try(const struct spool_entry *e)
{
	int64_t span = RETRY_US, i;

	for (i = 0; i < e->attempts && span < RETRY_MAX_US; i++)
		span *= 2;
	if (span > RETRY_MAX_US)
		span = RETRY_MAX_US;
	return clock_us() + span / 2 + part_of(span / 2);
}

/*
 * Keep what came of a try. If even that fails, the entry stays taken and is
 * due again when that runs out: sent twice rather than not at all.
 */
static void
settle(const struct app *app, struct ports *ports, const struct spool_entry *e,
    enum status sent, int64_t wait_us)
{
	struct settling s = { ports, e, sent, next_try(e), wait_us == 0 };

	if (!s.tried)
		s.due_us = clock_us() + wait_us + part_of(RETRY_US);
	else if (sent != ST_OK)
		log_warn(app->log, "queue did not take a message",
		    LOG_STR("role", role_name(e)),
		    LOG_SID("message_sid", log_name(e)),
		    LOG_STR("reason", why_not(ports, sent)),
		    LOG_INT("attempts", e->attempts + 1));
	if (db_write_reserved(app->db, settle_job, &s) != ST_OK)
		log_error(app->log, "the spool could not be updated",
		    LOG_SID("message_sid", log_name(e)));
}

/* --- accepting ------------------------------------------------------------ */

struct accepting {
	struct ports *ports;
	struct settled_ids settled; /* what leaves the spool besides */
	struct spool_entry *entry; /* NULL: recorded only */
	outbox_record_fn *record;
	void *arg;
	bool spool, may_send;
	bool done; /* the queue is here, and has it */
};

static enum status
accept_job(struct db *db, void *arg)
{
	struct accepting *a = arg;
	struct spool_entry *e = a->entry;
	const struct queue *q;
	enum status st;

	a->done = false;
	st = a->record(db, a->arg, false);
	if (st != ST_OK || e == NULL)
		return st;
	/* A queue of the embedded engine takes it in this transaction. */
	q = ports_queue(a->ports, e->role);
	if (q != NULL && !backend_is_remote(q->name)) {
		a->done = true;
		return push(a->ports, e);
	}
	if (!a->spool)
		return ST_OK;
	st = settled_remove(db, &a->settled);
	if (st == ST_OK)
		st = spool_idle(db, e->group);
	if (st != ST_OK && st != ST_EXISTS)
		return st;
	e->taken = a->may_send && st == ST_OK;
	e->due_us = st == ST_EXISTS
	    ? SPOOL_AFTER
	    : clock_us() + (e->taken ? SPOOL_TAKEN_US : 0);
	return spool_add(db, e);
}

enum status
outbox_record(const struct app *app, outbox_record_fn *record, void *arg)
{
	struct accepting a = { .record = record, .arg = arg };

	return db_write(app->db, accept_job, &a);
}

static enum status
undo_job(struct db *db, void *arg)
{
	const struct accepting *a = arg;

	return a->record(db, a->arg, true);
}

/* Without a net. It is recorded already, so that a copy was a repeat. */
static enum status
send_unspooled(const struct app *app, struct accepting *a)
{
	int64_t wait_us;
	enum status st = send_entry(app, a->ports, a->entry, &wait_us);

	if (st == ST_OK)
		return ST_OK;
	log_warn(app->log, "queue did not take a message",
	    LOG_STR("role", role_name(a->entry)),
	    LOG_SID("message_sid", log_name(a->entry)),
	    LOG_STR("reason", why_not(a->ports, st)));
	if (a->ports->dedupe != NULL && a->entry->sid != NULL) {
		struct dedupe d = dedupe_of(a->ports, a->entry);

		dedupe_release(a->ports->aws, &d);
	}
	if (db_write(app->db, undo_job, a) != ST_OK)
		log_error(app->log,
		    "a message is lost: it counts as seen, though no queue "
		    "has it",
		    LOG_SID("message_sid", log_name(a->entry)));
	return st;
}

enum status
outbox_accept(const struct app *app, struct ports *ports, struct spool_entry *e,
    outbox_record_fn *record, void *arg, bool *sent)
{
	struct accepting a = { .ports = ports,
		.entry = e,
		.record = record,
		.arg = arg,
		.spool = outbox_spools(app) };
	int64_t wait_us;
	enum status st;

	*sent = true;
	a.may_send = strcmp(e->role, ROLE_UNDECIDED) != 0 &&
	    breaker_lets(app->breakers, e->role);
	settled_list(app->settled, &a.settled);
	if ((st = db_write(app->db, accept_job, &a)) != ST_OK || a.done)
		return st;
	if (!a.spool)
		return send_unspooled(app, &a);
	settled_forget(app->settled, &a.settled);
	*sent = false;
	if (!e->taken)
		return ST_OK;
	st = send_entry(app, ports, e, &wait_us);
	*sent = st == ST_OK;
	if (!*sent || !settled_note(app->settled, e->id))
		settle(app, ports, e, st, wait_us);
	return ST_OK;
}

/* --- what waits ----------------------------------------------------------- */

struct taking {
	int64_t now_us;
	struct spool_entry entry;
};

static enum status
take_job(struct db *db, void *arg)
{
	struct taking *t = arg;

	spool_entry_release(&t->entry);
	return spool_take(db, t->now_us, t->now_us + SPOOL_TAKEN_US, &t->entry);
}

enum status
outbox_flush(const struct app *app, const bool *stop, struct outbox_flushed *f)
{
	struct ports *ports = ports_take(app->ports);
	struct taking t = { .now_us = clock_us() };
	enum status st = ports == NULL ? ST_NOMEM : ST_OK, sent;
	int64_t wait_us;

	while (st == ST_OK &&
	    (stop == NULL || !__atomic_load_n(stop, __ATOMIC_ACQUIRE))) {
		/* Without an end, what fails must not come again. */
		if (stop != NULL)
			t.now_us = clock_us();
		if ((st = db_write_reserved(app->db, take_job, &t)) != ST_OK)
			break;
		ports_begin(ports, t.entry.trace, NULL);
		sent = send_entry(app, ports, &t.entry, &wait_us);
		settle(app, ports, &t.entry, sent, wait_us);
		f->sent += sent == ST_OK;
		f->failed += sent != ST_OK;
		spool_entry_release(&t.entry);
	}
	ports_give(app->ports, ports);
	return st == ST_NOTFOUND ? ST_OK : st;
}

struct measuring {
	int64_t limit, waiting, oldest_us;
};

static enum status
depth_job(struct db *db, void *arg)
{
	struct measuring *m = arg;

	return spool_stats(db, m->limit, &m->waiting, &m->oldest_us);
}

enum status
outbox_depth(const struct app *app, int64_t limit, struct outbox_depth *d)
{
	struct measuring m = { limit, 0, 0 };
	enum status st = db_read(app->db, depth_job, &m);

	d->waiting = m.waiting;
	d->oldest_age_s = clock_age_s(m.oldest_us);
	return st;
}
