#include "message/outbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "base/cond.h"
#include "base/log.h"
#include "db/db.h"
#include "message/backends.h"
#include "message/breaker.h"
#include "message/deliver.h"
#include "store/queue.h"
#include "store/spool.h"

/* Between tries of one entry: doubling, at most the second. */
#define RETRY_US INT64_C(1000000)
#define RETRY_MAX_US INT64_C(60000000)

#define SENDERS 4 /* groups do not wait for each other */
#define LOOK_US 500000 /* they look by themselves: others spool, too */
#define SENT_MAX 128

/*
 * Entries that a queue has taken meanwhile. They leave with the next
 * transaction that writes to the spool: whoever sent them need not wait for
 * that. If the process dies between, they are sent again, as if it had died a
 * little earlier.
 */
struct sent {
	int64_t ids[SENT_MAX];
	size_t n;
};

struct outbox {
	struct outbox_options with;
	pthread_t threads[SENDERS];
	size_t threads_n; /* 0: nothing is sent behind requests */
	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t wake; /* the threads: something was sent, or stop */
	bool stop; /* atomic, too */
	struct breaker breakers[PORTS_ROLES];
	struct sent sent;
	size_t leaving; /* those that some transaction is removing */
};

bool
outbox_spools(const struct outbox *o)
{
	return o->with.spool;
}

/* --- what has been sent, and is still in the spool ------------------------- */

/* True: it leaves soon. False: the caller removes it, as there are no threads
 * to do so, or too many wait for that. */
static bool
sent_note(struct outbox *o, int64_t id)
{
	bool room;

	pthread_mutex_lock(&o->mutex);
	room = o->threads_n > 0 && o->sent.n + o->leaving < SENT_MAX;
	if (room)
		o->sent.ids[o->sent.n++] = id;
	if (room && o->sent.n == 1)
		pthread_cond_signal(&o->wake);
	pthread_mutex_unlock(&o->mutex);
	return room;
}

/* For a job that writes to the spool: these are for it alone … */
static void
sent_take(struct outbox *o, struct sent *out)
{
	pthread_mutex_lock(&o->mutex);
	*out = o->sent;
	o->leaving += o->sent.n;
	o->sent.n = 0;
	pthread_mutex_unlock(&o->mutex);
}

static enum status
sent_remove(struct db *db, const struct sent *sent)
{
	enum status st = ST_OK;
	size_t i;

	for (i = 0; i < sent->n && st == ST_OK; i++)
		st = spool_remove(db, sent->ids[i]);
	return st;
}

/* … and leave with it, or the next that is recorded. */
static void
sent_done(struct outbox *o, const struct sent *sent, enum status st)
{
	size_t i;

	pthread_mutex_lock(&o->mutex);
	o->leaving -= sent->n;
	for (i = 0; i < sent->n && st != ST_OK; i++)
		o->sent.ids[o->sent.n++] = sent->ids[i];
	pthread_mutex_unlock(&o->mutex);
}

/* --- a try, and what comes of it ------------------------------------------- */

struct attempt {
	struct ports *ports;
	const struct spool_entry *entry;
	enum status st;
	int64_t wait_us; /* it was not even tried, and is not to be for so
	                    long; 0: it was */
	int64_t due_us; /* the next, if this one failed */
};

static const char *
role_name(const struct spool_entry *e)
{
	return *e->role == '\0' ? "undecided" : e->role;
}

static bool
is_hopeless(enum status st)
{
	return st == ST_TOOBIG || st == ST_MALFORMED;
}

static void
log_refused(const struct outbox *o, const struct attempt *a)
{
	log_warn(o->with.log, "queue did not take a message",
	    LOG_STR("role", role_name(a->entry)),
	    LOG_SID("message_sid", deliver_name(a->entry)),
	    LOG_STR("reason", ports_why(a->ports, a->st)),
	    LOG_INT("attempts", a->entry->attempts + 1));
}

static enum status
hurry_job(struct db *db, void *arg)
{
	int64_t count;

	(void)arg;
	return spool_hurry(db, clock_us(), &count);
}

static void
attempt_send(struct outbox *o, struct attempt *a)
{
	struct breaker *b = &o->breakers[ports_role(a->entry->role)];
	bool theirs, again;

	pthread_mutex_lock(&o->mutex);
	a->wait_us = breaker_try(b, clock_mono_us());
	pthread_mutex_unlock(&o->mutex);
	a->st = ST_UNAVAILABLE;
	if (a->wait_us > 0)
		return;
	a->st = deliver(a->ports, a->entry, &theirs);
	if (theirs)
		return;
	pthread_mutex_lock(&o->mutex);
	again = breaker_note(
	    b, clock_mono_us(), a->st == ST_OK || is_hopeless(a->st));
	pthread_mutex_unlock(&o->mutex);
	if (!again)
		return;
	/* What waits for it need not wait any longer. */
	log_info(o->with.log, "queue works again",
	    LOG_STR("role", role_name(a->entry)));
	if (outbox_spools(o))
		db_write(o->with.db, hurry_job, NULL);
}

/* It will never be taken: among the dead letters, with its reason. */
static enum status
bury(const struct attempt *a)
{
	struct queue *q = a->ports->undeliverable;
	struct queue_message m = { .body = a->entry->body,
		.len = a->entry->len,
		.dedupe = a->entry->sid,
		.dead = status_text(a->st) };

	return q->ops->push(q, &m);
}

static enum status
settle_job(struct db *db, void *arg)
{
	const struct attempt *a = arg;
	int64_t id = a->entry->id;
	enum status st = ST_OK;

	if (is_hopeless(a->st))
		st = bury(a);
	else if (a->st != ST_OK)
		return spool_defer(db, id, a->due_us,
		    a->wait_us == 0 ? status_text(a->st) : NULL);
	return st == ST_OK ? spool_remove(db, id) : st;
}

static int64_t
next_try(const struct attempt *a)
{
	if (a->wait_us > 0)
		return clock_us() + a->wait_us +
		    backoff_delay(RETRY_US, 0, RETRY_US, 100);
	return clock_us() +
	    backoff_delay(RETRY_US, a->entry->attempts, RETRY_MAX_US, 50);
}

/*
 * Keep what came of a try. If even that fails, the entry stays taken and is
 * due again when that runs out: sent twice rather than not at all.
 */
static void
attempt_settle(const struct outbox *o, struct attempt *a)
{
	a->due_us = next_try(a);
	if (a->st != ST_OK && a->wait_us == 0)
		log_refused(o, a);
	if (db_write_reserved(o->with.db, settle_job, a) != ST_OK)
		log_error(o->with.log, "the spool could not be updated",
		    LOG_SID("message_sid", deliver_name(a->entry)));
}

/* --- accepting ------------------------------------------------------------ */

struct accepting {
	struct attempt attempt;
	struct outbox_message *message;
	bool done; /* the queue is here, and has it */
};

/* Messages that are accepted together. */
struct batch {
	struct outbox *o;
	struct accepting *each;
	size_t n;
	bool may_send; /* at once; else the threads do */
	struct sent sent; /* leaves the spool besides */
	bool removed; /* it did */
};

/* Does it look as if its queue could be tried? */
static bool
may_send(struct outbox *o, const struct spool_entry *e)
{
	struct breaker *b = &o->breakers[ports_role(e->role)];
	bool may;

	pthread_mutex_lock(&o->mutex);
	may = breaker_wait(b, clock_mono_us()) == 0;
	pthread_mutex_unlock(&o->mutex);
	return may && strcmp(e->role, ROLE_UNDECIDED) != 0;
}

static enum status
spool_one(struct db *db, struct batch *b, struct spool_entry *e)
{
	enum status st = ST_OK;

	if (!b->removed)
		st = sent_remove(db, &b->sent);
	b->removed = true;
	if (st == ST_OK)
		st = spool_idle(db, e->group);
	if (st != ST_OK && st != ST_EXISTS)
		return st;
	e->taken = b->may_send && st == ST_OK && may_send(b->o, e);
	e->due_us = st == ST_EXISTS
	    ? SPOOL_AFTER
	    : clock_us() + (e->taken ? SPOOL_TAKEN_US : 0);
	return spool_add(db, e);
}

static enum status
accept_one(struct db *db, struct batch *b, struct accepting *a)
{
	struct spool_entry *e = a->message->entry;
	const struct queue *q;
	enum status st;

	st = a->message->record(db, a->message->arg, false);
	if (st != ST_OK || e == NULL)
		return st;
	/* A queue of the embedded engine takes it in this transaction. */
	q = ports_queue(a->attempt.ports, e->role);
	if (q != NULL && !backend_is_remote(q->name)) {
		a->done = true;
		return deliver_push(a->attempt.ports, e);
	}
	return b->o->with.spool ? spool_one(db, b, e) : ST_OK;
}

static enum status
accept_job(struct db *db, void *arg)
{
	struct batch *b = arg;
	bool any = false;
	enum status st;

	b->removed = false;
	for (size_t i = 0; i < b->n; i++) {
		struct accepting *a = &b->each[i];

		a->done = false;
		st = accept_one(db, b, a);
		if (st != ST_OK && st != ST_EXISTS)
			return st;
		a->message->repeated = st == ST_EXISTS;
		any |= st == ST_OK;
	}
	return any ? ST_OK : ST_EXISTS;
}

static enum status
undo_job(struct db *db, void *arg)
{
	const struct outbox_message *m = arg;

	return m->record(db, m->arg, true);
}

/* Without a net. It is recorded already, so that a copy was a repeat. */
static enum status
send_unspooled(struct outbox *o, struct accepting *a)
{
	attempt_send(o, &a->attempt);
	if (a->attempt.st == ST_OK)
		return ST_OK;
	log_refused(o, &a->attempt);
	deliver_unclaim(a->attempt.ports, a->attempt.entry);
	if (db_write(o->with.db, undo_job, a->message) != ST_OK)
		log_error(o->with.log,
		    "a message is lost: it counts as seen, though no queue "
		    "has it",
		    LOG_SID("message_sid", deliver_name(a->attempt.entry)));
	return a->attempt.st;
}

/* It is durable: what is still to be done for it at once. */
static enum status
send_accepted(struct outbox *o, struct accepting *a)
{
	const struct spool_entry *e = a->message->entry;

	a->message->sent = true;
	if (a->done || e == NULL || a->message->repeated)
		return ST_OK;
	if (!o->with.spool)
		return send_unspooled(o, a);
	a->message->sent = false;
	if (!e->taken)
		return ST_OK;
	attempt_send(o, &a->attempt);
	a->message->sent = a->attempt.st == ST_OK;
	if (!a->message->sent || !sent_note(o, e->id))
		attempt_settle(o, &a->attempt);
	return ST_OK;
}

static enum status
accept_batch(struct batch *b)
{
	struct outbox *o = b->o;
	enum status st;

	sent_take(o, &b->sent);
	st = db_write(o->with.db, accept_job, b);
	/* A job that spooled nothing removed nothing either. */
	sent_done(o, &b->sent, b->removed ? st : ST_BUSY);
	for (size_t i = 0; i < b->n && st == ST_OK; i++)
		st = send_accepted(o, &b->each[i]);
	return st;
}

/* Without a spool each is sent before the next is recorded: there is nothing
 * that could keep those behind one that fails. */
static enum status
accept_each(struct batch *b)
{
	bool any = false;
	enum status st;

	for (size_t i = 0; i < b->n; i++) {
		struct batch one = { b->o, &b->each[i], 1, true, { { 0 }, 0 },
			false };

		st = accept_batch(&one);
		if (st != ST_OK && st != ST_EXISTS)
			return st;
		any |= st == ST_OK;
	}
	return any ? ST_OK : ST_EXISTS;
}

enum status
outbox_accept(
    struct outbox *o, struct ports *ports, struct outbox_message *m, size_t n)
{
	struct batch b = { .o = o, .n = n };
	enum status st;

	b.each = calloc(n, sizeof(*b.each));
	if (b.each == NULL)
		return ST_NOMEM;
	/* Many take longer than Twilio waits, where others can send them. */
	b.may_send = n == 1 || o->threads_n == 0;
	for (size_t i = 0; i < n; i++) {
		b.each[i].message = &m[i];
		b.each[i].attempt.ports = ports;
		b.each[i].attempt.entry = m[i].entry;
	}
	st = o->with.spool ? accept_batch(&b) : accept_each(&b);
	free(b.each);
	if (st == ST_OK && !b.may_send) {
		pthread_mutex_lock(&o->mutex);
		pthread_cond_broadcast(&o->wake);
		pthread_mutex_unlock(&o->mutex);
	}
	return st;
}

/* --- what waits ----------------------------------------------------------- */

struct taking {
	int64_t now_us;
	struct sent sent; /* leaves the spool besides */
	struct spool_entry entry; /* id 0: nothing is due */
};

static enum status
take_job(struct db *db, void *arg)
{
	struct taking *t = arg;
	enum status st;

	spool_entry_release(&t->entry);
	if ((st = sent_remove(db, &t->sent)) != ST_OK)
		return st;
	st = spool_take(db, t->now_us, t->now_us + SPOOL_TAKEN_US, &t->entry);
	return st == ST_NOTFOUND ? ST_OK : st;
}

static enum status
flush_take(struct outbox *o, struct taking *t)
{
	enum status st;

	sent_take(o, &t->sent);
	st = db_write_reserved(o->with.db, take_job, t);
	sent_done(o, &t->sent, st);
	if (st != ST_OK && t->sent.n > 0)
		log_error(o->with.log, "the spool could not be updated",
		    LOG_STR("error", status_text(st)),
		    LOG_INT("sent", (int64_t)t->sent.n));
	return st == ST_OK && t->entry.id == 0 ? ST_NOTFOUND : st;
}

static bool
is_stopped(const bool *stop)
{
	return stop != NULL && __atomic_load_n(stop, __ATOMIC_ACQUIRE);
}

enum status
outbox_flush(struct outbox *o, const bool *stop, struct outbox_flushed *f)
{
	struct attempt a = { .ports = ports_take(o->with.ports) };
	struct taking t = { .now_us = clock_us() };
	enum status st = a.ports == NULL ? ST_NOMEM : ST_OK;

	while (st == ST_OK && !is_stopped(stop)) {
		/* Without an end, what fails must not come again. */
		if (stop != NULL)
			t.now_us = clock_us();
		if ((st = flush_take(o, &t)) != ST_OK)
			break;
		a.entry = &t.entry;
		ports_begin(a.ports, t.entry.trace, NULL);
		attempt_send(o, &a);
		attempt_settle(o, &a);
		f->sent += a.st == ST_OK;
		f->failed += a.st != ST_OK;
		spool_entry_release(&t.entry);
	}
	ports_give(o->with.ports, a.ports);
	return st == ST_NOTFOUND ? ST_OK : st;
}

/* --- the threads behind requests ------------------------------------------- */

static void *
sender_run(void *arg)
{
	struct outbox *o = arg;
	struct outbox_flushed f = { 0, 0 };

	while (!is_stopped(&o->stop)) {
		outbox_flush(o, &o->stop, &f);
		pthread_mutex_lock(&o->mutex);
		if (!is_stopped(&o->stop))
			cond_wait(
			    &o->wake, &o->mutex, clock_mono_us() + LOOK_US);
		pthread_mutex_unlock(&o->mutex);
	}
	return NULL;
}

enum status
outbox_open(struct outbox **out, const struct outbox_options *with)
{
	bool behind = with->behind && with->spool;
	struct outbox *o = calloc(1, sizeof(*o));
	size_t i;

	*out = NULL;
	if (o == NULL || cond_init(&o->mutex, &o->wake) != ST_OK) {
		free(o);
		return ST_NOMEM;
	}
	*out = o;
	o->with = *with;
	for (i = 0; behind && i < SENDERS; i++)
		if (pthread_create(
			&o->threads[o->threads_n], NULL, sender_run, o) == 0)
			o->threads_n++;
	return behind && o->threads_n == 0 ? ST_IO : ST_OK;
}

static enum status
remove_job(struct db *db, void *arg)
{
	return sent_remove(db, arg);
}

/* What is still in the spool after the last is sent again some time. */
void
outbox_close(struct outbox *o)
{
	enum status st = ST_OK;
	size_t i;

	if (o == NULL)
		return;
	pthread_mutex_lock(&o->mutex);
	__atomic_store_n(&o->stop, true, __ATOMIC_RELEASE);
	pthread_cond_broadcast(&o->wake);
	pthread_mutex_unlock(&o->mutex);
	for (i = 0; i < o->threads_n; i++)
		pthread_join(o->threads[i], NULL);
	if (o->sent.n > 0)
		st = db_write_reserved(o->with.db, remove_job, &o->sent);
	if (st != ST_OK)
		log_error(o->with.log, "the spool could not be updated",
		    LOG_STR("error", status_text(st)),
		    LOG_INT("sent", (int64_t)o->sent.n));
	cond_release(&o->mutex, &o->wake);
	free(o);
}
