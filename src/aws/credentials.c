#include "aws/credentials.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/profile.h"
#include "aws/provider.h"
#include "base/clock.h"
#include "base/cond.h"
#include "base/str.h"

#define SECOND_US INT64_C(1000000)
#define ADVISORY_US (900 * SECOND_US) /* before the expiry: better new ones */
#define MANDATORY_US (600 * SECOND_US) /* new ones, if they can be had */

/* After a failure the sources are left alone for a while: less if there are
 * no keys to go on with. */
#define PAUSE_US (60 * SECOND_US)
#define PAUSE_EMPTY_US (1 * SECOND_US)

/* Keys that were stale when they came: asked for again after this. */
#define STALE_US (300 * SECOND_US)

/* What a caller who could go on with the old ones gives the sources. */
#define AHEAD_US (2 * SECOND_US)

static const struct {
	const char *name;
	provider_fn *fetch;
} providers[] = {
	{ "environment", provider_environment },
	{ "profile", provider_role },
	{ "web identity", provider_web_identity },
	{ "shared files", provider_shared },
	{ "container", provider_container },
	{ "instance", provider_instance },
};

struct aws_credentials {
	char *const *envp;
	char *region;
	struct log *log;
	struct aws_watch watch;

	pthread_mutex_t mutex; /* guards all below */
	pthread_cond_t changed; /* busy fell; monotonic clock */
	struct aws_keys keys;
	int64_t refresh_us; /* when others should be fetched; 0: never */
	int64_t must_us; /* when they have to be; 0: never */
	bool rejected; /* a service called them expired */
	bool busy; /* somebody fetches */
	int64_t pause_us; /* monotonic: no fetch before this */
	enum status failure; /* of the last fetch */
	struct buf why; /* of that failure */
};

static enum status
copy_keys(const struct aws_keys *from, struct aws_keys *to)
{
	*to = (struct aws_keys){ .source = from->source };
	return aws_keys_set(to, from->access_key_id, from->secret,
	    from->session_token, from->expires_us);
}

/* --- fetching, without the lock -------------------------------------------- */

static enum status
ask_providers(
    const struct provider_context *c, struct aws_keys *keys, struct buf *why)
{
	enum status st = ST_NOTFOUND;
	size_t i;

	for (i = 0;
	     st == ST_NOTFOUND && i < sizeof(providers) / sizeof(providers[0]);
	     i++) {
		st = providers[i].fetch(c, keys, why);
		if (st == ST_OK)
			keys->source = providers[i].name;
	}
	if (st == ST_NOTFOUND) {
		buf_puts(why,
		    "no AWS keys: set AWS_ACCESS_KEY_ID and "
		    "AWS_SECRET_ACCESS_KEY, or a profile, or run with the "
		    "role of a container or instance");
		st = ST_CONFIG;
	}
	return st;
}

/* Without a client nobody is asked: ST_TIMEOUT where somebody had to be. */
static enum status
fetch(struct aws_credentials *c, struct http_client *client,
    int64_t deadline_us, struct aws_keys *keys, struct buf *why)
{
	struct profile *profile;
	/* Read again each time: another program may have written new keys. */
	enum status st = profile_load(&profile, c->envp, why);

	*keys = (struct aws_keys){ 0 };
	if (st == ST_OK) {
		const struct provider_context context = { c->envp, profile,
			c->region, client, deadline_us,
			client == NULL ? NULL : &c->watch };

		st = ask_providers(&context, keys, why);
	}
	profile_free(profile);
	return st;
}

/* --- under the lock --------------------------------------------------------- */

static bool
same_keys(const struct aws_keys *a, const struct aws_keys *b)
{
	return str_eq(a->access_key_id, b->access_key_id) &&
	    str_eq(a->secret, b->secret) &&
	    str_eq(a->session_token, b->session_token);
}

/* Take new keys; empties them. */
static void
accept_keys(struct aws_credentials *c, struct aws_keys *keys)
{
	int64_t now = clock_us();

	c->failure = ST_OK;
	c->pause_us = 0;
	c->rejected = false;
	c->refresh_us = c->must_us = 0;
	if (keys->expires_us != 0) {
		c->refresh_us = keys->expires_us - ADVISORY_US;
		c->must_us = keys->expires_us - MANDATORY_US;
		/*
		 * The source has no fresher ones: they are asked for again,
		 * but not at each call. If they look expired, our clock may
		 * be wrong; the services will tell.
		 */
		if (c->refresh_us <= now) {
			c->refresh_us = now + STALE_US;
			if (c->must_us <= now)
				c->must_us = c->refresh_us;
		}
	}
	aws_keys_release(&c->keys);
	c->keys = *keys;
	*keys = (struct aws_keys){ 0 };
}

static bool
have_keys(const struct aws_credentials *c)
{
	return c->keys.access_key_id != NULL && !c->rejected;
}

static void
note_failure(struct aws_credentials *c, enum status st, const struct buf *why)
{
	bool kept = have_keys(c);

	c->failure = st;
	c->pause_us = clock_mono_us() + (kept ? PAUSE_US : PAUSE_EMPTY_US);
	buf_reset(&c->why);
	buf_puts(&c->why, buf_str(why));
	log_warn(c->log, "no new AWS keys", LOG_STR("reason", buf_str(why)),
	    LOG_STR("kept", kept ? "yes" : "no"));
}

/* Fetch, the lock given up meanwhile. busy keeps others from doing it too. */
static void
refresh(
    struct aws_credentials *c, struct http_client *client, int64_t deadline_us)
{
	struct aws_keys keys;
	struct buf why = BUF_INIT;
	enum status st;
	bool same;

	c->busy = true;
	pthread_mutex_unlock(&c->mutex);
	st = fetch(c, client, deadline_us, &keys, &why);
	pthread_mutex_lock(&c->mutex);
	c->busy = false;
	same = st == ST_OK && c->rejected && same_keys(&keys, &c->keys);
	if (same) {
		buf_printf(&why, "the keys (%s) have expired", keys.source);
		st = ST_DENIED;
	}
	if (st != ST_OK) {
		note_failure(c, st, &why);
	} else {
		log_debug(c->log, "new AWS keys", LOG_STR("from", keys.source));
		accept_keys(c, &keys);
	}
	aws_keys_release(&keys);
	buf_release(&why);
	pthread_cond_broadcast(&c->changed);
}

/* Wait until somebody's fetch is done, or the deadline. */
static void
wait_for_others(struct aws_credentials *c, int64_t deadline_us)
{
	while (c->busy && cond_wait(&c->changed, &c->mutex, deadline_us))
		;
}

static bool
due(int64_t when_us)
{
	return when_us != 0 && clock_us() >= when_us;
}

static bool
paused(const struct aws_credentials *c)
{
	return clock_mono_us() < c->pause_us;
}

enum status
aws_credentials_get(struct aws_credentials *c, struct http_client *client,
    int64_t deadline_us, struct aws_keys *out, struct buf *why)
{
	int64_t ahead_us = clock_mono_us() + AHEAD_US;
	enum status st = ST_UNAVAILABLE;
	bool must;

	*out = (struct aws_keys){ 0 };
	pthread_mutex_lock(&c->mutex);
	/* Nobody can go on without new ones, or better had; or not yet. */
	must = !have_keys(c) || due(c->must_us);
	if (c->busy && must)
		wait_for_others(c, deadline_us);
	else if (!c->busy && (must || due(c->refresh_us)) && !paused(c))
		refresh(c, client,
		    must || deadline_us < ahead_us ? deadline_us : ahead_us);
	if (have_keys(c) &&
	    (c->keys.expires_us == 0 || c->failure == ST_OK ||
		clock_us() < c->keys.expires_us)) {
		st = copy_keys(&c->keys, out);
	} else if (c->busy) {
		st = ST_TIMEOUT;
		buf_puts(why, "another thread still asks for AWS keys");
	} else if (c->failure != ST_OK) {
		st = c->failure;
		buf_puts(why, buf_str(&c->why));
	}
	pthread_mutex_unlock(&c->mutex);
	return st;
}

enum status
aws_credentials_check(struct aws_credentials *c, struct buf *why)
{
	struct aws_keys keys;
	struct buf told = BUF_INIT;
	enum status st = fetch(c, NULL, 0, &keys, &told);

	if (st == ST_CONFIG)
		buf_puts(why, buf_str(&told));
	else if (st != ST_NOMEM)
		st = ST_OK;
	aws_keys_release(&keys);
	buf_release(&told);
	return st;
}

void
aws_credentials_reject(struct aws_credentials *c, const struct aws_keys *keys)
{
	pthread_mutex_lock(&c->mutex);
	if (same_keys(&c->keys, keys) && !c->rejected) {
		c->rejected = true;
		c->pause_us = 0;
	}
	pthread_mutex_unlock(&c->mutex);
}

/* --- life ------------------------------------------------------------------- */

enum status
aws_credentials_open(
    struct aws_credentials **out, const struct aws_credentials_options *o)
{
	struct aws_credentials *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL)
		return ST_NOMEM;
	c->envp = o->envp;
	c->log = o->log;
	c->watch = o->watch;
	if (str_dup(str_empty(o->region) ? "" : o->region, &c->region) !=
		ST_OK ||
	    cond_init(&c->mutex, &c->changed) != ST_OK) {
		free(c->region);
		free(c);
		return ST_NOMEM;
	}
	*out = c;
	return ST_OK;
}

void
aws_credentials_close(struct aws_credentials *c)
{
	if (c == NULL)
		return;
	cond_release(&c->mutex, &c->changed);
	aws_keys_release(&c->keys);
	buf_release(&c->why);
	free(c->region);
	free(c);
}
