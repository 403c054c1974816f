/* Is the process alive; can it do its work. */
#include "serve/health.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cond.h"
#include "codec/json.h"
#include "config.h"
#include "config/config.h"
#include "db/db.h"
#include "serve/exchange.h"
#include "serve/freshness.h"
#include "store/seen.h"
#include "store/spool.h"
#include "twilio/templates.h"

/* A message that has waited so long waits for more than a passing fault. */
#define SPOOL_AGE_MAX_S 600

/* How many of those that wait are counted: not all, there may be millions. */
#define SPOOL_COUNTED 1000

/* How long a verdict is kept. */
#define KEPT_US 1000000

void
handle_health(struct exchange *x)
{
	x->response->code = 200;
	x->response->content_type = "application/json";
	buf_puts(&x->response->body,
	    "{\"status\":\"ok\",\"version\":\"" PACKAGE_VERSION "\"}");
}

/* One thing that must be ready; the reason is for the log alone. */
struct readiness {
	const char *name;
	bool (*ready)(const struct app *, struct buf *why);
};

static bool
store_ready(const struct app *app, struct buf *why)
{
	return db_ready(app->db, why);
}

static bool
voice_ready(const struct app *app, struct buf *why)
{
	return !config_has_voice(app->config) ||
	    templates_ready(app->templates, why);
}

static bool
settings_ready(const struct app *app, struct buf *why)
{
	if (app->config->missing > 0)
		buf_puts(why, "settings that are kept at AWS are not there");
	else if (app->secrets->tokens[0] == NULL &&
	    config_shared_key(app->config, NULL, 0) == NULL &&
	    app->config->server.signature != SIGNATURE_OFF)
		buf_puts(why, "twilio.auth_token is not there");
	else
		return freshness_good(app->freshness, why);
	return false;
}

static bool
spool_ready(const struct app *app, struct buf *why)
{
	struct spool_depth d;
	enum status st = spool_depth(app->db, SPOOL_COUNTED, &d);

	if (st != ST_OK)
		buf_puts(why, status_text(st));
	else if (clock_age_s(d.oldest_us) > SPOOL_AGE_MAX_S)
		buf_printf(why, "%lld%s messages wait, the oldest for %lld s",
		    (long long)d.waiting,
		    d.waiting == SPOOL_COUNTED ? " or more" : "",
		    (long long)clock_age_s(d.oldest_us));
	return why->len == 0;
}

static const struct readiness checks[] = {
	{ "store", store_ready },
	{ "templates", voice_ready },
	{ "secrets", settings_ready },
	{ "spool", spool_ready },
};

/* --- the verdict ----------------------------------------------------------- */

struct verdict {
	struct buf missing; /* names of what is not ready; empty: all is */
	struct buf details; /* members of the reply */
	struct buf reasons; /* objects, for health_put_reasons */
	int64_t made_us; /* 0: it was never made */
};

struct health {
	pthread_mutex_t mutex; /* guards the rest */
	pthread_cond_t made; /* the first one */
	struct verdict kept;
	bool busy; /* somebody makes a new one */
};

static void
verdict_release(struct verdict *v)
{
	buf_release(&v->missing);
	buf_release(&v->details);
	buf_release(&v->reasons);
}

static void
add_reason(struct verdict *v, const char *check, const struct buf *why)
{
	buf_puts(
	    &v->reasons, v->reasons.len == 0 ? "{\"check\":" : ",{\"check\":");
	json_put_text(&v->reasons, check);
	buf_puts(&v->reasons, ",\"reason\":");
	json_put_text(&v->reasons, buf_str(why));
	buf_putc(&v->reasons, '}');
}

/* It is no reason to send nobody here. */
static void
put_clock(const struct app *app, struct verdict *v)
{
	struct buf why = BUF_INIT;

	if (!seen_steady(app->db, &why)) {
		buf_printf(&v->details, ",\"clock\":\"%s\"", buf_str(&why));
		add_reason(v, "clock", &why);
	}
	buf_release(&why);
}

static void
verdict_make(const struct app *app, struct verdict *v)
{
	const struct readiness *c;
	struct buf why = BUF_INIT;
	struct spool_depth d;
	bool ok;

	buf_puts(&v->details, ",\"checks\":{");
	for (c = checks; c < checks + sizeof(checks) / sizeof(*checks); c++) {
		ok = c->ready(app, &why);
		buf_printf(&v->details, "%s\"%s\":\"%s\"",
		    c == checks ? "" : ",", c->name, ok ? "ok" : "not ready");
		if (ok)
			continue;
		buf_printf(&v->missing, "%s%s", v->missing.len == 0 ? "" : ", ",
		    c->name);
		log_error(app->log, "not ready", LOG_STR("check", c->name),
		    LOG_STR("reason", buf_str(&why)));
		add_reason(v, c->name, &why);
		buf_reset(&why);
	}
	buf_putc(&v->details, '}');
	if (spool_depth(app->db, SPOOL_COUNTED, &d) == ST_OK)
		buf_printf(&v->details,
		    ",\"spool\":{\"waiting\":%lld,\"oldest_age_s\":%lld}",
		    (long long)d.waiting, (long long)clock_age_s(d.oldest_us));
	put_clock(app, v);
	v->made_us = clock_mono_us();
	buf_release(&why);
}

/* Make a new verdict if it is time and nobody does so. The mutex is held, but
 * not throughout. */
static void
verdict_renew(struct health *h, const struct app *app)
{
	struct verdict next = { .missing = BUF_INIT };

	while (h->busy && h->kept.made_us == 0)
		pthread_cond_wait(&h->made, &h->mutex);
	if (h->busy ||
	    (h->kept.made_us != 0 &&
		clock_mono_us() - h->kept.made_us < KEPT_US))
		return;
	h->busy = true;
	pthread_mutex_unlock(&h->mutex);
	verdict_make(app, &next);
	pthread_mutex_lock(&h->mutex);
	verdict_release(&h->kept);
	h->kept = next;
	h->busy = false;
	pthread_cond_broadcast(&h->made);
}

void
handle_ready(struct exchange *x)
{
	struct health *h = x->app->health;
	struct response *r = x->response;

	if (x->app->broken != NULL) {
		exchange_error(x, 503, x->app->broken);
		response_header(r, "Retry-After", "5");
		return;
	}
	pthread_mutex_lock(&h->mutex);
	verdict_renew(h, x->app);
	r->code = h->kept.missing.len == 0 ? 200 : 503;
	r->content_type = "application/json";
	if (r->code == 200)
		buf_puts(&r->body, "{\"status\":\"ok\"");
	else
		buf_printf(&r->body,
		    "{\"status\":\"not ready\",\"error\":\"Not ready: %s\","
		    "\"request_id\":\"%s\"",
		    buf_str(&h->kept.missing), x->id);
	buf_put(&r->body, buf_str(&h->kept.details), h->kept.details.len);
	buf_putc(&r->body, '}');
	if (h->kept.missing.err != ST_OK || h->kept.details.err != ST_OK) {
		h->kept.made_us = 0;
		exchange_fail(x, ST_NOMEM);
	}
	pthread_mutex_unlock(&h->mutex);
}

void
health_put_reasons(const struct app *app, struct buf *out)
{
	struct health *h = app->health;

	buf_putc(out, '[');
	pthread_mutex_lock(&h->mutex);
	verdict_renew(h, app);
	buf_put(out, buf_str(&h->kept.reasons), h->kept.reasons.len);
	pthread_mutex_unlock(&h->mutex);
	buf_putc(out, ']');
}

enum status
health_open(struct health **out)
{
	struct health *h = calloc(1, sizeof(*h));

	*out = NULL;
	if (h == NULL || cond_init(&h->mutex, &h->made) != ST_OK) {
		free(h);
		return ST_NOMEM;
	}
	*out = h;
	return ST_OK;
}

void
health_close(struct health *h)
{
	if (h == NULL)
		return;
	verdict_release(&h->kept);
	cond_release(&h->mutex, &h->made);
	free(h);
}
