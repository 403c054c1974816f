/* FastCGI: workers, and the thread that waits for signals. */
#include "door/door.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cond.h"
#include "base/quit.h"
#include "config.h"
#include "config/config.h"
#include "door/answer.h"
#include "door/gate.h"
#include "door/notify.h"
#include "door/replies.h"
#include "door/replies.h"
#include "serve/limit.h"
#include "serve/metrics.h"
#include "serve/refusals.h"
#include "serve/serve.h"

/*
 * The first workers; one more is made when all are busy. So mod_fcgid, which
 * gives a process one request at a time, never gets a third. As none waits for
 * a commit, a few more than cores are enough: for each that waits for Twilio
 * (serve/limit.h) another may be made, and where messages wait for queues
 * elsewhere there may be as many as that takes.
 */
#define FIRST_WORKERS 2
#define WORKERS_BESIDE_CORES 2
#define WORKERS_WAITING 64

/* The deepest is JSON within bounds, some tens of KB; only what is touched is
 * memory. */
#define STACK ((size_t)512 << 10)

/* Memory for so many replies is kept. */
#define SPARE_MAX 64

/*
 * mod_fcgid kills 8 s after its TERM. When all requests are answered, or at
 * the first of these, no service or lock is waited for any more, but for the
 * grace of what is under way; at the second we go.
 */
#define STOP_CUT_US ((int64_t)5000000)
#define STOP_GRACE_US ((int64_t)200000)
#define STOP_END_US ((int64_t)6000000)

/* Between tries to read a configuration that is wrong, and to have settings
 * that AWS did not give, doubling. */
#define RETRY_MAX_US ((int64_t)4000000)
#define RETRY_AWS_MAX_US ((int64_t)64000000)

#define SECOND_US ((int64_t)1000000)
#define SECOND_NS 1000000000L
#define STOP_STEP_NS 10000000L

struct worker {
	struct server *server;
	pthread_t thread;
};

/* One request, from the gate to the last byte of its reply. */
struct serving {
	struct answer answer; /* first: the one is found by the other */
	struct server *server;
	struct conn *conn;
	struct app *app; /* held until the reply is made */
	struct serving *next; /* spare one */
};

struct server {
	const struct door_fastcgi_options *options;
	struct listener listener;
	struct gate *gate;
	struct app_slot *slot;
	struct worker *workers;
	size_t max; /* workers that there can ever be */
	atomic_size_t usual; /* those of which none waits as below a limit */
	pthread_t keeper;
	struct replies replies;
	atomic_size_t idle; /* at the gate, or on the way to it */
	atomic_size_t serving; /* requests that are not answered yet */
	atomic_size_t started;

	pthread_mutex_t spare_lock; /* guards the next two */
	struct serving *spare;
	size_t spare_n;

	pthread_mutex_t lock; /* guards the rest */
	pthread_cond_t keep; /* for the keeper: one of the next two is set */
	bool reload, ending;
	bool keeping; /* the keeper runs */
	size_t running;
};

static void *worker_main(void *);

/* With lock held. A worker that cannot be made is tried again later. */
static bool
start_worker(struct server *s)
{
	size_t at = atomic_load(&s->started);
	struct worker *w = &s->workers[at];
	pthread_attr_t attr;
	bool made;

	w->server = s;
	if (pthread_attr_init(&attr) != 0)
		return false;
	made = pthread_attr_setstacksize(&attr, STACK) == 0 &&
	    pthread_create(&w->thread, &attr, worker_main, w) == 0;
	if (made) {
		atomic_store(&s->started, at + 1);
		s->running++;
		atomic_fetch_add(&s->idle, 1);
	}
	pthread_attr_destroy(&attr);
	return made;
}

/* How many workers may there be now? */
static size_t
workers_now(struct server *s)
{
	const struct app_options *o = &s->options->app;
	size_t n = atomic_load(&s->usual);

	if (s->options->threads == 0)
		n += limit_waiting(o->limit);
	return n < s->max ? n : s->max;
}

/* A worker has got something to do, or to wait for; somebody must stay at the
 * gate. */
static void
staff_gate(struct server *s)
{
	bool made = true;

	if (atomic_load(&s->idle) > 0 ||
	    atomic_load(&s->started) >= workers_now(s))
		return;
	pthread_mutex_lock(&s->lock);
	if (atomic_load(&s->idle) == 0 &&
	    atomic_load(&s->started) < workers_now(s))
		made = start_worker(s);
	/* What cannot be made does not answer either. */
	limit_workers(s->options->app.limit, made ? s->max : s->started);
	pthread_mutex_unlock(&s->lock);
}

static void
somebody_waits(void *server)
{
	staff_gate(server);
}

static void
watch_limit(struct limit *l, struct server *s)
{
	if (l == NULL)
		return;
	l->entered = somebody_waits;
	l->ctx = s;
}

/* By the configuration: how many workers, if nobody waits as below a limit. */
static void
count_workers(struct server *s, const struct app *app)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	size_t n = (cores > 0 ? (size_t)cores : 1) + WORKERS_BESIDE_CORES;

	if (s->options->threads > 0)
		n = s->options->threads;
	else if (app_waits(app))
		n = WORKERS_WAITING;
	atomic_store(&s->usual, n < s->max ? n : s->max);
}

static void
wake_keeper(struct server *s)
{
	pthread_mutex_lock(&s->lock);
	pthread_cond_signal(&s->keep);
	pthread_mutex_unlock(&s->lock);
}

struct body {
	const struct records *from;
	size_t given;
};

static enum status
body_read(void *ctx, char *to, size_t n, size_t *got)
{
	struct body *b = ctx;
	const char *text = records_body(b->from, got);

	*got -= b->given;
	*got = *got < n ? *got : n;
	memcpy(to, text + b->given, *got);
	b->given += *got;
	/* How it ended, where it did not end well. */
	return *got == 0 ? b->from->status : ST_OK;
}

/* Zeroed, or with memory for a reply; NULL: there is none. */
static struct serving *
serving_take(struct server *s)
{
	struct serving *v;

	pthread_mutex_lock(&s->spare_lock);
	if ((v = s->spare) != NULL) {
		s->spare = v->next;
		s->spare_n--;
	}
	pthread_mutex_unlock(&s->spare_lock);
	return v != NULL ? v : calloc(1, sizeof(*v));
}

static void
serving_free(struct serving *v)
{
	answer_release(&v->answer);
	free(v);
}

static void
serving_give(struct server *s, struct serving *v)
{
	answer_trim(&v->answer);
	pthread_mutex_lock(&s->spare_lock);
	if (s->spare_n < SPARE_MAX) {
		v->next = s->spare;
		s->spare = v;
		s->spare_n++;
		v = NULL;
	}
	pthread_mutex_unlock(&s->spare_lock);
	if (v != NULL)
		serving_free(v);
}

/* Write the reply, or go on with it. The server may be gone after that. */
static void
reply(struct serving *v)
{
	struct server *s = v->server;
	struct conn *c = v->conn;
	enum conn_reply r = conn_reply(c, &v->answer);

	if (r == CONN_LATER && gate_later(s->gate, c))
		return;
	serving_give(s, v);
	gate_done(s->gate, c, r == CONN_KEPT);
	atomic_fetch_sub(&s->serving, 1);
}

/* By a worker, or by who has committed what the request asked for. */
static void
answered(struct answer *a)
{
	struct serving *v = (struct serving *)a;
	struct server *s = v->server;

	if (app_has_doubts(v->app) || refusals_waiting(v->app->refusals))
		wake_keeper(s);
	app_slot_put(s->slot, v->app);
	reply(v);
}

/* Not even memory to say more than that. */
static void
refuse(struct server *s, struct conn *c, struct app *app)
{
	struct answer none = { .text = BUF_INIT };

	app_refused(app, 503);
	app_slot_put(s->slot, app);
	/* So short that it fits, or its peer has not read others. */
	gate_done(s->gate, c, conn_reply(c, &none) == CONN_KEPT);
	atomic_fetch_sub(&s->serving, 1);
}

static void
serve(struct server *s, struct conn *c)
{
	struct body body = { .from = &c->in };
	struct body_source source = { body_read, &body };
	struct app *app = app_slot_get(s->slot);
	struct serving *v = serving_take(s);

	atomic_fetch_add(&s->serving, 1);
	if (v == NULL) {
		refuse(s, c, app);
		return;
	}
	v->server = s;
	v->conn = c;
	v->app = app;
	v->answer.made = answered;
	if (c->in.status == ST_NOMEM) {
		answer_refuse(&v->answer, app);
		answered(&v->answer);
	} else {
		answer_make(&v->answer, app, records_envp(&c->in), &source);
	}
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct server *s = w->server;
	struct conn *c;

	while ((c = gate_next(s->gate)) != NULL) {
		atomic_fetch_sub(&s->idle, 1);
		staff_gate(s);
		if (c->answer != NULL)
			reply((struct serving *)c->answer);
		else
			serve(s, c);
		atomic_fetch_add(&s->idle, 1);
	}
	pthread_mutex_lock(&s->lock);
	s->running--;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static size_t
workers_running(struct server *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->running;
	pthread_mutex_unlock(&s->lock);
	return n;
}

static void
signals_of_door(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGHUP);
}

void
door_block_signals(void)
{
	const int ours[] = { SIGTERM, SIGINT, SIGUSR1, SIGHUP };
	sigset_t set;

	/* Ignored ones (nohup) would never arrive. */
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		signal(ours[i], SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	signals_of_door(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* One log line for each line of text. */
static void
log_lines(struct log *log, char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		log_error(log, "configuration", LOG_STR("reason", line));
}

/* What is said of the configuration that is wrong is to be true of the file as
 * it is now. False: nothing has changed, and nothing is to be told. */
static bool
renew_broken(struct server *s, const struct app *now, const struct buf *errors,
    enum status st)
{
	struct app_options o = s->options->app;
	struct app *next = NULL;

	o.before = now;
	if (app_open_broken(&next, &o, errors, st) != ST_OK)
		return false;
	if (strcmp(next->broken, now->broken) == 0) {
		app_close(next);
		return false;
	}
	app_slot_replace(s->slot, next);
	return true;
}

/* wanted: an operator asked for it; else it is another try. */
static void
reload(struct server *s, bool wanted)
{
	struct app *now = app_slot_get(s->slot), *next = NULL;
	struct app_options o = s->options->app;
	struct buf errors = BUF_INIT;
	enum status st;

	o.before = now;
	if ((st = app_open(&next, &o, &errors)) == ST_OK) {
		log_info(next->log, "reloaded", LOG_INT("pid", getpid()));
		gate_limit_body(s->gate, (size_t)next->config->server.max_body);
		count_workers(s, next);
		app_slot_replace(s->slot, next);
	} else if (now->broken == NULL || renew_broken(s, now, &errors, st)) {
		/* The log may have been renamed, whatever else is wrong. */
		log_reopen(now->log);
		if (errors.len > 0)
			log_lines(now->log, errors.data);
		if (wanted || now->broken != NULL || st != ST_UNAVAILABLE)
			log_error(now->log, "not reloaded: the old one stays",
			    LOG_INT("pid", getpid()),
			    LOG_STR("reason", status_text(st)));
	}
	buf_release(&errors);
	app_slot_put(s->slot, now);
}

/*
 * What had to start without something may have it now, or its secrets may have
 * changed. *due_us and *pause_us are the caller's, for the next try.
 */
static void
renew(struct server *s, int64_t *due_us, int64_t *pause_us)
{
	struct app *now = app_slot_get(s->slot), *next = NULL;

	if (app_is_incomplete(now) && clock_mono_us() >= *due_us) {
		reload(s, false);
		*due_us = clock_mono_us() + *pause_us;
		*pause_us *= 2;
		if (*pause_us > RETRY_MAX_US && now->broken != NULL)
			*pause_us = RETRY_MAX_US;
		if (*pause_us > RETRY_AWS_MAX_US)
			*pause_us = RETRY_AWS_MAX_US;
	} else if (app_renew_due(now)) {
		app_renew(now, &next);
		if (next != NULL)
			app_slot_replace(s->slot, next);
	}
	app_slot_put(s->slot, now);
}

/* What was noted beside the way of requests. */
static void
save_notes(struct server *s)
{
	struct app *now = app_slot_get(s->slot);

	refusals_save(now->refusals, now->db, now->log);
	metrics_save(now->metrics, false, now->log);
	app_slot_put(s->slot, now);
}

/*
 * The keeper makes snapshots and closes those that have retired. Both can wait
 * for AWS, for a lock or for a sender that is at it; so no worker does it, nor
 * the thread that takes the signals. Once a second it saves what was counted,
 * and, when it comes, which signature did not fit.
 */
static void *
keeper_main(void *arg)
{
	struct server *s = arg;
	int64_t due_us = 0, pause_us = SECOND_US;
	bool wanted;

	pthread_mutex_lock(&s->lock);
	while (!s->ending) {
		if (!s->reload)
			cond_wait(
			    &s->keep, &s->lock, clock_mono_us() + SECOND_US);
		wanted = s->reload;
		s->reload = false;
		pthread_mutex_unlock(&s->lock);
		if (wanted)
			reload(s, true);
		else
			renew(s, &due_us, &pause_us);
		app_slot_sweep(s->slot);
		save_notes(s);
		pthread_mutex_lock(&s->lock);
	}
	s->keeping = false;
	pthread_mutex_unlock(&s->lock);
	return NULL;
}

static enum status
start_keeper(struct server *s)
{
	s->keeping = pthread_create(&s->keeper, NULL, keeper_main, s) == 0;
	return s->keeping ? ST_OK : ST_NOMEM;
}

/* The two threads that serve nobody. */
static enum status
start_helpers(struct server *s)
{
	enum status st = replies_start(&s->replies, s->slot);

	if (st == ST_OK && (st = start_keeper(s)) != ST_OK)
		replies_close(&s->replies);
	return st;
}

/* Wake the keeper for what *wanted says. */
static void
tell_keeper(struct server *s, bool *wanted)
{
	pthread_mutex_lock(&s->lock);
	*wanted = true;
	pthread_cond_signal(&s->keep);
	pthread_mutex_unlock(&s->lock);
}

/* Until a signal says that it is over, or the listener is broken. */
static enum status
wait_for_signals(struct server *s)
{
	const struct timespec second = { .tv_nsec = SECOND_NS - 1 };
	sigset_t set;

	signals_of_door(&set);
	for (;;) {
		switch (sigtimedwait(&set, NULL, &second)) {
		case SIGTERM:
		case SIGINT:
		case SIGUSR1:
			return ST_OK;
		case SIGHUP:
			tell_keeper(s, &s->reload);
			break;
		}
		gate_tick(s->gate);
		app_slot_tick(s->slot);
		if (gate_failed(s->gate))
			return ST_IO;
	}
}

/* Does anybody still run, keeper or worker, or wait for a reply? */
static bool
is_busy(struct server *s)
{
	bool busy;

	pthread_mutex_lock(&s->lock);
	busy = s->running > 0 || s->keeping;
	pthread_mutex_unlock(&s->lock);
	return busy || replies_running(&s->replies) ||
	    atomic_load(&s->serving) > 0;
}

/* What is under way is finished, within limits. */
static enum status
stop(struct server *s)
{
	const struct timespec step = { .tv_nsec = STOP_STEP_NS };
	int64_t began = clock_mono_us(), now = began, ticked = began;
	bool cut = false;

	gate_stop(s->gate);
	limit_close(s->options->app.receiving);
	tell_keeper(s, &s->ending);
	replies_stop(&s->replies);
	while (is_busy(s) && now - began < STOP_END_US) {
		if (!cut &&
		    (workers_running(s) == 0 || now - began > STOP_CUT_US)) {
			cut = true;
			quit_set(s->options->app.quit, now + STOP_GRACE_US);
		}
		gate_drain(s->gate);
		if (now - ticked > SECOND_US) {
			ticked = now;
			app_slot_tick(s->slot);
		}
		nanosleep(&step, NULL);
		now = clock_mono_us();
	}
	quit_set(s->options->app.quit, now + (cut ? 0 : STOP_GRACE_US));
	if (!is_busy(s)) {
		for (size_t i = 0; i < s->started; i++)
			pthread_join(s->workers[i].thread, NULL);
		pthread_join(s->keeper, NULL);
		replies_end(&s->replies);
		return ST_OK;
	}
	/* Some still run, and nobody waits for them any more. */
	for (size_t i = 0; i < s->started; i++)
		pthread_detach(s->workers[i].thread);
	pthread_detach(s->keeper);
	replies_end(&s->replies);
	return ST_TIMEOUT;
}

static enum status
server_init(
    struct server *s, struct app *app, const struct door_fastcgi_options *o)
{
	enum status st;

	*s = (struct server){ .options = o, .listener = o->listener };
	s->max = o->threads == 0 ? WORKERS_WAITING : o->threads;
	count_workers(s, app);
	pthread_mutex_init(&s->spare_lock, NULL);
	if ((st = cond_init(&s->lock, &s->keep)) != ST_OK ||
	    (st = app_slot_open(&s->slot, app)) != ST_OK) {
		app_close(app);
		return st;
	}
	limit_workers(o->app.limit, s->max);
	watch_limit(o->app.limit, s);
	if ((s->workers = calloc(s->max, sizeof(*s->workers))) == NULL)
		return ST_NOMEM;
	return gate_open(&s->gate, &s->listener, o->timeout_s,
	    (size_t)app->config->server.max_body);
}

static void
server_release(struct server *s)
{
	struct serving *v;

	gate_close(s->gate);
	while ((v = s->spare) != NULL) {
		s->spare = v->next;
		serving_free(v);
	}
	listener_close(&s->listener);
	free(s->workers);
	app_slot_close(s->slot);
	pthread_mutex_destroy(&s->spare_lock);
	cond_release(&s->lock, &s->keep);
}

static void
log_state(struct server *s, const char *what)
{
	struct app *app = app_slot_get(s->slot);

	log_info(app->log, what, LOG_STR("version", PACKAGE_VERSION),
	    LOG_INT("pid", getpid()), LOG_INT("threads", s->usual));
	app_slot_put(s->slot, app);
}

/* Both workers to begin with, or at least one. */
static enum status
start_workers(struct server *s)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < FIRST_WORKERS && i < s->usual; i++)
		start_worker(s);
	n = s->running;
	pthread_mutex_unlock(&s->lock);
	return n > 0 ? ST_OK : ST_NOMEM;
}

enum status
door_fastcgi(struct app *app, const struct door_fastcgi_options *o)
{
	/* Not on the stack: a worker that never ends may outlive this call. */
	struct server *s = malloc(sizeof(*s));
	enum status st = ST_NOMEM;

	if (s == NULL) {
		app_close(app);
		return ST_NOMEM;
	}
	door_block_signals();
	if ((st = server_init(s, app, o)) == ST_OK &&
	    (st = start_helpers(s)) == ST_OK) {
		if ((st = start_workers(s)) == ST_OK) {
			log_state(s, "started");
			notify_supervisor("READY=1");
			st = wait_for_signals(s);
			notify_supervisor("STOPPING=1");
			log_state(s, "stopping");
		}
		if (stop(s) != ST_OK) {
			save_notes(s);
			return ST_TIMEOUT;
		}
		log_state(s, "stopped");
	}
	server_release(s);
	free(s);
	return st;
}
