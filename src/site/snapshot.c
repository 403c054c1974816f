/* Opening and closing a snapshot, and the slot that workers take it from. */
#include "site/snapshot.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "config/config.h"
#include "config/env.h"
#include "db/db.h"
#include "http/client.h"
#include "message/outbox.h"
#include "message/ports.h"
#include "serve/health.h"
#include "serve/metrics.h"
#include "serve/refusals.h"
#include "serve/spans.h"
#include "site/places.h"
#include "site/refresh.h"
#include "site/routes.h"
#include "site/secrets.h"
#include "site/settings.h"
#include "store/schema.h"
#include "twilio/templates.h"
#include "watch/console.h"

/* Tell what is wrong with a setting: "FILE:LINE: section.key: why". */
static enum status
complain(const struct app *app, const char *section, const char *key,
    enum status st, struct buf *why, struct buf *errors)
{
	if (st != ST_OK) {
		config_where(app->config, section, key, errors);
		buf_printf(errors, ": %s.%s: %s\n", section, key, buf_str(why));
	}
	buf_release(why);
	return st;
}

/* In the words of `switchhook check`, where it has some. */
static void
tell_of_store(struct app *app, const struct buf *why)
{
	struct buf faults = BUF_INIT;

	(void)places_store(app->config, &faults);
	settings_log(app->log, LOG_LEVEL_ERROR,
	    "the store cannot be opened: what needs it is answered 503 until "
	    "it can",
	    faults.len > 0 ? &faults : why);
	buf_release(&faults);
}

static enum status
open_db(struct app *app, const struct app_options *o, struct buf *errors)
{
	const struct config *c = app->config;
	struct db_options how = {
		.path = c->store.path,
		.journal =
		    c->store.journal == JOURNAL_WAL ? DB_WAL : DB_ROLLBACK,
		.threaded = o->threaded,
		.late = true,
		.schema = &store_schema,
		.upkeep = app->config,
		.log = app->log,
		.quit = o->quit,
	};
	const struct app *before = o->before;
	struct buf why = BUF_INIT;
	enum status st = db_open(&app->db, &how, &why);

	if (st == ST_OK && why.len > 0 && before != NULL &&
	    before->db != NULL && db_is_open(before->db))
		st = ST_UNAVAILABLE;
	if (st == ST_OK && why.len > 0)
		tell_of_store(app, &why);
	return complain(app, "store", "path", st, &why, errors);
}

/* Messages for there are spooled meanwhile. */
static enum status
tell_of_aws(struct app *app)
{
	struct buf faults = BUF_INIT;
	enum status st = settings_check_aws(app->config, app->aws, &faults);

	settings_log(app->log, LOG_LEVEL_ERROR,
	    "back ends at AWS cannot be used", &faults);
	buf_release(&faults);
	return st;
}

/* Stores and queues; where some lie elsewhere, what takes messages there. */
static enum status
open_remote(struct app *app, const struct app_options *o, struct buf *errors)
{
	bool remote = ports_remote(app->config);
	struct ports_source source = {
		.config = app->config, .db = app->db, .log = app->log
	};
	struct outbox_options out = { .db = app->db,
		.log = app->log,
		.spool = app->config->store.spool == SPOOL_ON,
		.behind = remote && o->threaded };
	enum status st = ST_OK;

	if (remote && app->aws == NULL)
		st = settings_open_aws(app, o, errors);
	if (st == ST_OK && remote && o->threaded)
		st = tell_of_aws(app);
	source.aws = app->aws;
	if (st == ST_OK)
		st = ports_pool_open(&app->ports, &source, errors);
	out.ports = app->ports;
	if (st == ST_OK)
		st = outbox_open(&app->outbox, &out);
	return st;
}

static enum status
open_templates(struct app *app, const struct app_options *o)
{
	const char *folder = app->config->voice.templates;
	struct buf faults = BUF_INIT;
	enum status st = templates_open(&app->templates, folder, app->log);

	if (st == ST_OK && o->threaded)
		st = places_templates(app->config, &faults);
	settings_log(app->log, LOG_LEVEL_ERROR,
	    "templates cannot be read: calls are answered 503 until they can",
	    &faults);
	buf_release(&faults);
	if (st == ST_OK && o->before != NULL && o->before->broken == NULL)
		st = templates_inherit(app->templates, o->before->templates);
	return st;
}

/* The page at /console. A process of one request reads what it is asked for. */
static enum status
open_console(struct app *app, const struct app_options *o)
{
	struct buf faults = BUF_INIT;
	enum status st;

	if (!o->threaded)
		return ST_OK;
	st = places_console(app->config, &faults);
	settings_log(app->log, LOG_LEVEL_ERROR,
	    "the page at /console cannot be served: it is answered 404",
	    &faults);
	buf_release(&faults);
	return st == ST_OK ? console_open(&app->console, app->config) : st;
}

/* The way to Twilio's API, which leads by the same proxy as that to AWS. */
static enum status
open_twilio(struct app *app, const struct app_options *o)
{
	const struct http_library_options way = {
		.proxy = app->config->aws.proxy,
		.ca_bundle = env_get(o->envp, "AWS_CA_BUNDLE"),
		.quit = o->quit,
	};

	return http_library_open(&app->twilio, &way);
}

/* The routes, and one count of them over reloads. */
static enum status
open_routes(struct app *app, const struct app_options *o)
{
	app->routes = app_routes;
	app->routes_n = app_routes_n;
	app->webhooks = app_webhooks;
	if (o->before == NULL)
		return metrics_open(&app->metrics, app_routes, app_routes_n);
	app->metrics = metrics_share(o->before->metrics);
	return ST_OK;
}

enum status
app_open(struct app **out, const struct app_options *o, struct buf *errors)
{
	struct app *app;
	enum status st;

	*out = NULL;
	if ((app = calloc(1, sizeof(*app))) == NULL)
		return ST_NOMEM;
	app->limit = o->limit;
	app->refusals = o->refusals;
	app->receiving = o->receiving;
	app->parking = o->parking;
	if ((st = open_routes(app, o)) == ST_OK)
		st = health_open(&app->health);
	if (st == ST_OK)
		st = settings_open(app, o, errors);
	if (st == ST_OK)
		st = open_db(app, o, errors);
	if (st == ST_OK)
		st = open_remote(app, o, errors);
	if (st == ST_OK)
		st = open_templates(app, o);
	if (st == ST_OK)
		st = open_console(app, o);
	if (st == ST_OK)
		st = open_twilio(app, o);
	if (st == ST_OK)
		st = spans_open(&app->spans, app->config, app->log,
		    app->metrics, o->threaded);
	/* Last: what an old snapshot goes on with is not to change. */
	if (st == ST_OK)
		st = metrics_name(app->metrics, app->config);
	if (st != ST_OK) {
		app_close(app);
		return st;
	}
	if (app->config->server.signature == SIGNATURE_OFF)
		log_warn(app->log,
		    "SIGNATURES ARE NOT CHECKED: anyone can post messages; "
		    "set server.signature = enforce");
	*out = app;
	return ST_OK;
}

/* A line of errors for everybody to read, without what AWS says of us. */
static void
put_public(struct buf *out, const char *line, size_t n)
{
	const char *fetched = memmem(line, n, " be fetched", 11);
	const char *colon =
	    fetched == NULL ? NULL : memchr(fetched, ':', n - (fetched - line));

	if (out->len > 0)
		buf_puts(out, "; ");
	buf_put(out, line, colon == NULL ? n : (size_t)(colon - line));
	if (colon != NULL)
		buf_puts(out, "; see the log");
}

enum status
app_open_broken(struct app **out, const struct app_options *o,
    const struct buf *errors, enum status why)
{
	struct app *app = calloc(1, sizeof(*app));
	const char *line = buf_str(errors);
	struct buf text = BUF_INIT;
	enum status st = ST_NOMEM;
	size_t n;

	*out = NULL;
	for (; *line != '\0'; line += n + (line[n] == '\n')) {
		n = strcspn(line, "\n");
		put_public(&text, line, n);
	}
	if (text.len == 0)
		buf_puts(&text, status_text(why));
	if (app != NULL && (app->broken = buf_detach(&text)) != NULL)
		st = settings_open_broken(app, o);
	if (st == ST_OK)
		st = open_routes(app, o);
	if (st == ST_OK)
		*out = app;
	else
		app_close(app);
	buf_release(&text);
	return st;
}

/* What snapshots may have in common. */
static void
close_parts(struct app *app)
{
	spans_close(app->spans);
	http_library_close(app->twilio);
	console_close(app->console);
	templates_close(app->templates);
	outbox_close(app->outbox);
	ports_pool_close(app->ports);
	refresh_close(app->refresh);
	aws_close(app->aws);
	refusals_save(app->refusals, app->db, app->log);
	db_close(app->db);
	health_close(app->health);
	metrics_save(app->metrics, false, app->log);
	metrics_close(app->metrics);
	log_close(app->log);
	config_free(app->config);
	free(app->broken);
}

void
app_close(struct app *app)
{
	struct app *owner;

	if (app == NULL)
		return;
	owner = app->owner == NULL ? app : app->owner;
	secrets_free(app->secrets);
	app->secrets = NULL;
	if (owner != app)
		free(app);
	if (owner->sharers-- > 0)
		return;
	close_parts(owner);
	free(owner);
}

bool
app_is_incomplete(const struct app *app)
{
	return app->broken != NULL || app->config->missing > 0;
}

bool
app_waits(const struct app *app)
{
	return app->broken == NULL && ports_remote(app->config);
}

bool
app_renew_due(const struct app *app)
{
	return refresh_due(app->refresh);
}

bool
app_has_doubts(const struct app *app)
{
	return refresh_doubted(app->refresh);
}

void
app_renew(struct app *app, struct app **next)
{
	struct secrets *secrets;

	*next = NULL;
	refresh_run(app->refresh, app->secrets, &secrets);
	if (secrets == NULL)
		return;
	if ((*next = calloc(1, sizeof(**next))) == NULL) {
		secrets_free(secrets);
		return;
	}
	memcpy(*next, app, offsetof(struct app, secrets));
	(*next)->secrets = secrets;
	(*next)->owner = app->owner == NULL ? app : app->owner;
	(*next)->owner->sharers++;
}

struct app_slot {
	pthread_mutex_t mutex;
	struct app *now; /* the slot holds one reference to it */
	struct app *live; /* all with references */
	struct app *retired;
};

/* With the mutex held. */
static void
slot_add(struct app_slot *slot, struct app *app)
{
	app->refs = 1;
	app->next = slot->live;
	slot->live = app;
	slot->now = app;
}

static void
slot_unref(struct app_slot *slot, struct app *app)
{
	struct app **at = &slot->live;

	if (--app->refs > 0)
		return;
	while (*at != app)
		at = &(*at)->next;
	*at = app->next;
	app->next = slot->retired;
	slot->retired = app;
}

enum status
app_slot_open(struct app_slot **out, struct app *app)
{
	struct app_slot *slot;

	*out = NULL;
	if ((slot = calloc(1, sizeof(*slot))) == NULL)
		return ST_NOMEM;
	pthread_mutex_init(&slot->mutex, NULL);
	slot_add(slot, app);
	*out = slot;
	return ST_OK;
}

struct app *
app_slot_get(struct app_slot *slot)
{
	struct app *app;

	pthread_mutex_lock(&slot->mutex);
	app = slot->now;
	app->refs++;
	pthread_mutex_unlock(&slot->mutex);
	return app;
}

void
app_slot_put(struct app_slot *slot, struct app *app)
{
	pthread_mutex_lock(&slot->mutex);
	slot_unref(slot, app);
	pthread_mutex_unlock(&slot->mutex);
}

void
app_slot_tick(struct app_slot *slot)
{
	struct app *app, *last = NULL;

	pthread_mutex_lock(&slot->mutex);
	for (app = slot->live; app != NULL; app = app->next) {
		app->refs++; /* so that it stays in its place */
		if (last != NULL)
			slot_unref(slot, last);
		last = app;
		pthread_mutex_unlock(&slot->mutex);
		if (app->db != NULL)
			db_tick(app->db);
		pthread_mutex_lock(&slot->mutex);
	}
	if (last != NULL)
		slot_unref(slot, last);
	pthread_mutex_unlock(&slot->mutex);
}

void
app_slot_sweep(struct app_slot *slot)
{
	struct app *app, *next;

	pthread_mutex_lock(&slot->mutex);
	app = slot->retired;
	slot->retired = NULL;
	pthread_mutex_unlock(&slot->mutex);
	for (; app != NULL; app = next) {
		next = app->next;
		app_close(app);
	}
}

void
app_slot_replace(struct app_slot *slot, struct app *next)
{
	struct app *old;

	pthread_mutex_lock(&slot->mutex);
	old = slot->now;
	slot_add(slot, next);
	pthread_mutex_unlock(&slot->mutex);
	app_slot_put(slot, old);
}

void
app_slot_close(struct app_slot *slot)
{
	if (slot == NULL)
		return;
	app_slot_put(slot, slot->now);
	app_slot_sweep(slot);
	pthread_mutex_destroy(&slot->mutex);
	free(slot);
}
