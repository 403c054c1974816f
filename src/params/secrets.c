#include "params/secrets.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"
#include "codec/crypt.h"
#include "config/config.h"
#include "config/slot.h"
#include "params/fetch.h"
#include "params/secret.h"
#include "params/source.h"

#define SECOND_US INT64_C(1000000)

/* At most so often for doubts; so soon, and then twice as late each time up to
 * a minute, after a failure. */
#define FORCED_US (60 * SECOND_US)
#define RETRY_US SECOND_US
#define RETRY_DOUBLINGS 6

/* A stop has to wait for it. */
#define FETCH_US (3 * SECOND_US)

struct secrets {
	const struct config *config;
	struct source *source;
	struct log *log;
	struct secrets_options times;
	pthread_t thread;
	bool threaded;

	/* The thread's own once it runs. */
	struct secret secrets[SECRETS_N];
	bool changed; /* and not published yet */
	const char **others; /* references of settings that are missing */
	size_t others_n;

	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t wake;
	struct secret_state *now; /* one reference is ours */
	bool stop, doubt, stale;
	int64_t good_us; /* the last good fetch */
};

/* --- states ----------------------------------------------------------------------- */

const struct secret_set *
secrets_get(struct secrets *s)
{
	struct secret_state *set;

	/* Without a thread it never changes. */
	if (!s->threaded)
		return &s->now->base;
	pthread_mutex_lock(&s->mutex);
	set = s->now;
	set->refs++;
	pthread_mutex_unlock(&s->mutex);
	return &set->base;
}

static void
put(struct secrets *s, struct secret_state *set)
{
	bool last;

	pthread_mutex_lock(&s->mutex);
	last = --set->refs == 0;
	pthread_mutex_unlock(&s->mutex);
	if (last)
		secret_state_free(set);
}

void
secrets_put(struct secrets *s, const struct secret_set *base)
{
	/* base is the first member of a set of ours. */
	if (s->threaded)
		put(s, (struct secret_state *)(uintptr_t)base);
}

/* Take over the state that the secrets make now; the old one goes when nobody
 * uses it. */
static enum status
publish(struct secrets *s)
{
	struct secret_state *next, *old;

	next = secret_state_new(s->secrets, s->others_n > 0);
	if (next == NULL)
		return ST_NOMEM;
	s->changed = false;
	pthread_mutex_lock(&s->mutex);
	old = s->now;
	s->now = next;
	pthread_mutex_unlock(&s->mutex);
	if (old != NULL)
		put(s, old);
	return ST_OK;
}

/* --- fetching --------------------------------------------------------------------- */

static void
log_failure(const struct secrets *s, const char *what, const struct fetch *f)
{
	log_warn(s->log, "a setting was not fetched", LOG_STR("setting", what),
	    LOG_STR("reason", buf_str(&f->why)));
}

/* Put what came for the secrets in place; returns how many there are. */
static size_t
take_secrets(struct secrets *s, struct fetch *fetches, bool *good)
{
	int64_t now_us = clock_mono_us();
	struct fetch *f = fetches;
	struct secret *one;
	bool other;

	for (one = s->secrets; one < s->secrets + SECRETS_N; one++) {
		s->changed |= secret_forget(one, now_us);
		if (one->reference == NULL)
			continue;
		if (!secret_accepts(one, f)) {
			log_failure(s, one->option->key, f);
			*good = false;
		} else if (secret_take(
			       one, f, now_us + s->times.grace_us, &other)) {
			s->changed = true;
			if (other)
				log_info(s->log, "a secret has changed",
				    LOG_STR("setting", one->option->key));
		}
		f++;
	}
	return (size_t)(f - fetches);
}

/* Has AWS answered for all of it, whatever it answered? */
static bool
all_answered(const struct fetch *fetches, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (fetch_may_pass(fetches[i].status))
			return false;
	return true;
}

/*
 * True if all secrets are good. What was missing at the start and is no
 * secret, or is none that is good, is a reload's to put in place or to
 * complain of, once AWS has answered.
 */
static bool
take_all(struct secrets *s, struct fetch *fetches, size_t n)
{
	bool good = true, missing = s->now->base.missing, stale;
	size_t i = take_secrets(s, fetches, &good);

	for (; i < n; i++)
		if (fetches[i].status != ST_OK)
			log_failure(s, "one that is missing", &fetches[i]);
	if (s->changed && publish(s) != ST_OK)
		good = false;
	stale =
	    missing && (!good || s->others_n > 0) && all_answered(fetches, n);
	pthread_mutex_lock(&s->mutex);
	if (good)
		s->good_us = clock_mono_us();
	s->stale = s->stale || stale;
	pthread_mutex_unlock(&s->mutex);
	return good && s->others_n == 0;
}

/* One fetch of everything. */
static bool
fetch_everything(struct secrets *s)
{
	struct fetch *fetches =
	    calloc(SECRETS_N + s->others_n + 1, sizeof(*fetches));
	bool good = false;
	size_t i, n = 0;

	if (fetches == NULL)
		return false;
	for (i = 0; i < SECRETS_N; i++)
		if (s->secrets[i].reference != NULL) {
			fetches[n].reference = s->secrets[i].reference;
			fetches[n++].rotates = s->secrets[i].option->rotates;
		}
	for (i = 0; i < s->others_n; i++)
		fetches[n++].reference = s->others[i];
	if (fetch_all(s->source, fetches, n, clock_mono_us() + FETCH_US) ==
	    ST_OK)
		good = take_all(s, fetches, n);
	fetch_release(fetches, n);
	free(fetches);
	return good;
}

static bool
refresh(struct secrets *s)
{
	bool good = fetch_everything(s);

	if (s->times.refreshed != NULL)
		s->times.refreshed(s->times.refreshed_arg, good);
	return good;
}

/* --- the thread ------------------------------------------------------------------- */

/* Give or take a tenth, so that many responders do not ask in step. */
static int64_t
jitter(int64_t us)
{
	unsigned char byte = 128;

	(void)crypt_random(&byte, 1);
	return us - us / 10 + us / 5 * byte / 255;
}

/* After so many failures in a row. */
static int64_t
next_due(const struct secrets *s, int failures)
{
	int doublings = failures - 1;

	if (failures == 0)
		return clock_mono_us() + jitter(s->times.refresh_us);
	if (doublings > RETRY_DOUBLINGS)
		doublings = RETRY_DOUBLINGS;
	return clock_mono_us() + jitter(s->times.retry_us << doublings);
}

/* When to fetch next; sooner if somebody has doubts. */
static int64_t
next_us(const struct secrets *s, int64_t due_us, int64_t forced_us)
{
	return s->doubt && forced_us < due_us ? forced_us : due_us;
}

static void *
keep_fresh(void *arg)
{
	struct secrets *s = arg;
	/* The first fetch was at the start. */
	int failures = s->now->base.missing ? 1 : 0;
	int64_t due_us = next_due(s, failures), forced_us = 0, when_us;

	pthread_mutex_lock(&s->mutex);
	while (!s->stop) {
		when_us = next_us(s, due_us, forced_us);
		if (clock_mono_us() < when_us) {
			cond_wait(&s->wake, &s->mutex, when_us);
			continue;
		}
		if (s->doubt)
			forced_us = clock_mono_us() + s->times.forced_us;
		s->doubt = false;
		pthread_mutex_unlock(&s->mutex);
		failures = refresh(s) ? 0 : failures + 1;
		due_us = next_due(s, failures);
		pthread_mutex_lock(&s->mutex);
	}
	pthread_mutex_unlock(&s->mutex);
	return NULL;
}

/* Signals are the main thread's. */
static bool
start_thread(struct secrets *s)
{
	sigset_t all, before;
	bool good;

	sigfillset(&all);
	if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
		return false;
	good = pthread_create(&s->thread, NULL, keep_fresh, s) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return good;
}

/* --- life ------------------------------------------------------------------------- */

static void
set_times(struct secrets *s, const struct secrets_options *o)
{
	const struct {
		int64_t *time_us, usual_us;
	} all[] = {
		{ &s->times.refresh_us, SECRETS_REFRESH_US },
		{ &s->times.grace_us, SECRETS_GRACE_US },
		{ &s->times.ceiling_us, SECRETS_CEILING_US },
		{ &s->times.forced_us, FORCED_US },
		{ &s->times.retry_us, RETRY_US },
	};
	size_t i;

	s->times = *o;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (*all[i].time_us == 0)
			*all[i].time_us = all[i].usual_us;
}

static bool
is_watched(const struct secrets *s, const struct option *o)
{
	size_t i;

	for (i = 0; i < SECRETS_N; i++)
		if (s->secrets[i].option == o)
			return true;
	return false;
}

static enum status
inherit(struct secrets *s, struct secrets *before)
{
	int64_t until_us = clock_mono_us() + s->times.grace_us;
	enum status st = ST_OK;
	size_t i;

	pthread_mutex_lock(&before->mutex);
	for (i = 0; i < SECRETS_N && st == ST_OK; i++)
		st = secret_inherit(&s->secrets[i], before->now, until_us);
	pthread_mutex_unlock(&before->mutex);
	return st;
}

/* The references of what else is missing. */
static enum status
list_others(struct secrets *s)
{
	struct config *c = (struct config *)(uintptr_t)s->config;
	struct config_slot slot;
	size_t i = 0;

	s->others = calloc(c->missing + 1, sizeof(*s->others));
	if (s->others == NULL)
		return ST_NOMEM;
	while (config_slot_next(c, &i, &slot))
		if (slot.origin->missing && !is_watched(s, slot.option))
			s->others[s->others_n++] = slot.origin->reference;
	return ST_OK;
}

static bool
has_work(const struct secrets *s)
{
	size_t i;

	for (i = 0; i < SECRETS_N; i++)
		if (s->secrets[i].reference != NULL)
			return true;
	return s->others_n > 0;
}

enum status
secrets_open(struct secrets **out, const struct secrets_options *o)
{
	struct secrets *s = calloc(1, sizeof(*s));
	enum status st = ST_OK;
	size_t i;

	*out = NULL;
	if (s == NULL || cond_init(&s->mutex, &s->wake) != ST_OK) {
		source_close(o->source);
		free(s);
		return ST_NOMEM;
	}
	s->config = o->config;
	s->source = o->source;
	s->log = o->log;
	s->good_us = clock_mono_us();
	set_times(s, o);
	for (i = 0; i < SECRETS_N && st == ST_OK; i++)
		st = secret_open(&s->secrets[i], o->config, i, o->take);
	if (st == ST_OK && o->before != NULL)
		st = inherit(s, o->before);
	if (st == ST_OK)
		st = list_others(s);
	if (st == ST_OK)
		st = publish(s);
	if (st == ST_OK && o->threaded && s->source != NULL && has_work(s)) {
		s->threaded = true;
		if (!start_thread(s)) {
			s->threaded = false;
			st = ST_IO;
		}
	}
	if (st == ST_OK)
		*out = s;
	else
		secrets_close(s);
	return st;
}

void
secrets_close(struct secrets *s)
{
	size_t i;

	if (s == NULL)
		return;
	if (s->threaded) {
		pthread_mutex_lock(&s->mutex);
		s->stop = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->mutex);
		pthread_join(s->thread, NULL);
	}
	source_close(s->source);
	for (i = 0; i < SECRETS_N; i++)
		secret_close(&s->secrets[i]);
	secret_state_free(s->now);
	cond_release(&s->mutex, &s->wake);
	free(s->others);
	free(s);
}

/* --- what others ask -------------------------------------------------------------- */

void
secrets_doubt(struct secrets *s)
{
	if (!s->threaded)
		return;
	pthread_mutex_lock(&s->mutex);
	if (!s->doubt)
		pthread_cond_signal(&s->wake);
	s->doubt = true;
	pthread_mutex_unlock(&s->mutex);
}

bool
secrets_ready(struct secrets *s, struct buf *why)
{
	int64_t age_us = 0;
	bool missing;

	pthread_mutex_lock(&s->mutex);
	missing = s->now->base.missing;
	if (s->threaded)
		age_us = clock_mono_us() - s->good_us;
	pthread_mutex_unlock(&s->mutex);
	if (missing)
		buf_puts(why, "settings that are kept at AWS are not there");
	else if (age_us > s->times.ceiling_us)
		buf_puts(why, "secrets were not fetched for too long");
	return !missing && age_us <= s->times.ceiling_us;
}

bool
secrets_stale(struct secrets *s)
{
	bool stale;

	pthread_mutex_lock(&s->mutex);
	stale = s->stale;
	s->stale = false;
	pthread_mutex_unlock(&s->mutex);
	return stale;
}
