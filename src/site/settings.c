#include "site/settings.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "aws/client.h"
#include "base/clock.h"
#include "base/str.h"
#include "config/config.h"
#include "config/reference.h"
#include "config/slot.h"
#include "message/ports.h"
#include "serve/metrics.h"
#include "site/fetch.h"
#include "site/findings.h"
#include "site/places.h"
#include "site/refresh.h"
#include "site/secrets.h"
#include "site/source.h"
#include "voice/voice_check.h"

/* What fetching at the start may take in all. */
#define FETCH_US INT64_C(5000000)

/* *app->config is there even after mistakes, so that the rest are listed. */
static enum status
begin(struct app *app, const struct app_options *o, struct buf *errors)
{
	enum status st;
	char *path = NULL;

	if ((st = config_find(o->config_file, o->envp, &path)) == ST_OK)
		st = reference_load(&app->config, path, o->envp, errors);
	free(path);
	return st;
}

static enum status
open_log(struct app *app, struct buf *errors)
{
	const struct config *c = app->config;
	size_t before = errors->len;
	enum status st;
	int error;

	st = log_open(&app->log, c->server.log_target,
	    (enum log_format)c->server.log_format,
	    (enum log_level)c->server.log_level);
	if (st != ST_IO)
		return st;
	error = errno;
	if (places_log(c, errors) == ST_NOMEM)
		return ST_NOMEM;
	if (errors->len > before)
		return ST_CONFIG;
	config_where(c, "server", "log_target", errors);
	buf_printf(errors, ": server.log_target: cannot open %s: %s\n",
	    c->server.log_target, strerror(error));
	return ST_CONFIG;
}

/* --- what is kept at AWS ------------------------------------------------------- */

/* The AWS of this configuration, which gives region and proxy. As aws_open; a
 * mistake is in errors. */
static enum status
settings_aws(struct aws **out, const struct config *c,
    const struct aws_options *how, struct buf *errors)
{
	struct aws_options o = *how;
	struct buf why = BUF_INIT;
	enum status st;

	o.region = c->aws.region;
	o.proxy = c->aws.proxy;
	st = aws_open(out, &o, &why);

	if (st != ST_OK)
		buf_printf(errors, "aws: %s; see switchhook-aws(7)\n",
		    why.len > 0 ? buf_str(&why) : status_text(st));
	buf_release(&why);
	return st;
}

struct ending {
	struct config *config;
	struct buf *errors, *warnings;
};

static const char *
advice(enum status st)
{
	if (st == ST_NOTFOUND)
		return "create it, or correct the name";
	if (st == ST_MALFORMED)
		return "correct it there";
	return "see switchhook-aws(7)";
}

/* It may come yet. */
static enum status
miss(const struct ending *e, const struct config_slot *slot,
    const struct fetch *f)
{
	if (slot->option != NULL && slot->option->need == NEED_OPEN) {
		config_mistake(e->config, slot, e->errors,
		    "cannot be fetched now: %s; try again, the start needs it",
		    buf_str(&f->why));
		return ST_UNAVAILABLE;
	}
	slot->origin->missing = true;
	e->config->missing++;
	config_remark(e->config, slot, e->warnings,
	    "cannot be fetched now: %s; requests are answered 503 until it is "
	    "there",
	    buf_str(&f->why));
	return ST_OK;
}

/* It will not come. */
static enum status
give_up(const struct ending *e, const struct config_slot *slot,
    const struct fetch *f)
{
	if (!slot->origin->implied) {
		config_mistake(e->config, slot, e->errors,
		    "cannot be fetched: %s; %s", buf_str(&f->why),
		    advice(f->status));
		return ST_CONFIG;
	}
	/* Its name is ours, so it can be told. */
	config_remark(e->config, slot, e->warnings,
	    "%s cannot be fetched: %s; the default holds",
	    slot->origin->reference, buf_str(&f->why));
	free(slot->origin->reference);
	slot->origin->reference = NULL;
	return config_slot_set(slot, slot->option->fallback);
}

static enum status
place(const struct ending *e, const struct config_slot *slot, struct fetch *f)
{
	enum status st;

	if (f->status != ST_OK)
		return fetch_may_pass(f->status) ? miss(e, slot, f)
						 : give_up(e, slot, f);
	st = config_slot_set(slot, f->value);
	slot->origin->previous = f->previous;
	f->previous = NULL;
	return st;
}

static void
miss_all(struct config *c)
{
	struct config_slot slot;
	size_t i = 0;

	while (config_slot_next(c, &i, &slot))
		if (slot.origin->reference != NULL && !slot.origin->bad) {
			slot.origin->missing = true;
			c->missing++;
		}
}

static enum status
fetch_remote(const struct ending *e, struct source *source)
{
	size_t n = reference_list(e->config, NULL, 0), i;
	struct config_slot *slots = calloc(n + 1, sizeof(*slots));
	struct fetch *fetches = calloc(n + 1, sizeof(*fetches));
	enum status st = ST_NOMEM;

	if (slots == NULL || fetches == NULL)
		goto out;
	reference_list(e->config, slots, n);
	for (i = 0; i < n; i++) {
		fetches[i].reference = slots[i].origin->reference;
		fetches[i].rotates =
		    slots[i].option != NULL && slots[i].option->rotates;
	}
	st = fetch_all(source, fetches, n, clock_mono_us() + FETCH_US);
	for (i = 0; i < n && st != ST_NOMEM; i++)
		st = status_worse(st, place(e, &slots[i], &fetches[i]));
	fetch_release(fetches, n);
out:
	free(fetches);
	free(slots);
	return st;
}

/* Settings that are known and do nothing any more. */
static void
warn_retired(const struct config *c, struct buf *warnings)
{
	if (c->trace.xray == NULL || *c->trace.xray == '\0')
		return;
	config_where(c, "trace", "xray", warnings);
	buf_puts(warnings,
	    ": trace.xray: is not used any more; write the URL of a collector "
	    "that feeds X-Ray in trace.otlp_url, and take this line out\n");
}

enum status
settings_end(struct config *c, struct source *source, struct buf *errors,
    struct buf *warnings)
{
	const struct ending e = { c, errors, warnings };
	enum status st = ST_OK;

	if (source == NULL)
		miss_all(c);
	else if (reference_any(c))
		st = fetch_remote(&e, source);
	if (st != ST_NOMEM)
		st = status_worse(st, config_check(c, errors));
	warn_retired(c, warnings);
	if (errors->err != ST_OK || warnings->err != ST_OK)
		return ST_NOMEM;
	return st;
}

/*
 * The same for a program that needs AWS for nothing else: it is opened and
 * asked if anything is kept there.
 */
static enum status
settings_finish(struct config *c, char *const *envp, struct buf *errors,
    struct buf *warnings)
{
	const struct aws_options o = { .envp = envp };
	struct source *source = NULL;
	struct aws *aws = NULL;
	enum status st = ST_OK;

	if (reference_any(c))
		st = settings_aws(&aws, c, &o, errors);
	if (st == ST_OK && aws != NULL)
		st =
		    source_aws_open(&source, aws, c->aws.secretsmanager_region);
	/* The other mistakes are reported in any case. */
	st = status_worse(st, settings_end(c, source, errors, warnings));
	source_close(source);
	aws_close(aws);
	return st;
}

enum status
settings_load(struct config **out, const char *path, char *const *envp,
    struct buf *errors, struct buf *warnings)
{
	enum status st = reference_load(out, path, envp, errors);

	if (*out == NULL)
		return st;
	st = status_worse(st, settings_finish(*out, envp, errors, warnings));
	if (st != ST_OK) {
		config_free(*out);
		*out = NULL;
	}
	return st;
}

/* --- checking, opening ---------------------------------------------------------- */

void
settings_found_release(struct settings_found *f)
{
	buf_release(&f->errors);
	buf_release(&f->faults);
	buf_release(&f->warnings);
}

/* DynamoDB has no address that tells the region, as a queue of SQS has. */
static void
put_region(const struct config *c, struct buf *faults)
{
	const char *key =
	    *c->whatsapp.dedupe != '\0' ? "dedupe" : "conversations";
	struct config_slot slot = config_slot(
	    (struct config *)(uintptr_t)c, option_find("whatsapp", key));

	if (str_starts(*slot.text, "dynamodb:"))
		config_remark(c, &slot, faults,
		    "there is no AWS region to look for the table in; set "
		    "region under [aws], or AWS_REGION");
}

enum status
settings_check_aws(
    const struct config *c, const struct aws *aws, struct buf *faults)
{
	struct buf why = BUF_INIT;
	enum status st = aws_check(aws, &why);

	if (st == ST_CONFIG)
		buf_printf(
		    faults, "aws: %s; see switchhook-aws(7)\n", buf_str(&why));
	if (*aws_region(aws) == '\0')
		put_region(c, faults);
	buf_release(&why);
	return st == ST_NOMEM ? st : faults->err;
}

/* What back ends need of AWS. Where a reference does, it was asked. */
static enum status
check_aws(
    const struct config *c, char *const *envp, struct settings_found *found)
{
	const struct aws_options o = { .envp = envp };
	struct aws *aws = NULL;
	enum status st;

	if (reference_any(c) || !ports_remote(c))
		return ST_OK;
	st = settings_aws(&aws, c, &o, &found->errors);
	if (st == ST_OK)
		st = settings_check_aws(c, aws, &found->faults);
	aws_close(aws);
	return st;
}

/* What the configuration names on this machine. ST_OK or ST_NOMEM. */
static enum status
check_places(const struct config *c, struct settings_found *found)
{
	size_t before = found->faults.len;

	if (places_log(c, &found->errors) == ST_NOMEM ||
	    places_console(c, &found->errors) == ST_NOMEM ||
	    places_store(c, &found->faults) == ST_NOMEM)
		return ST_NOMEM;
	/* It cannot be opened otherwise. */
	return found->faults.len == before ? places_database(c, &found->faults)
					   : ST_OK;
}

/* Templates are played where they can be read. */
static enum status
check_voice(const struct config *c, struct settings_found *found)
{
	size_t before = found->errors.len;
	enum status st = places_templates(c, &found->errors);

	return st == ST_OK && found->errors.len == before
	    ? voice_check(c, &found->errors, &found->warnings)
	    : st;
}

/* All that a configuration leads to. ST_OK or ST_NOMEM. */
static enum status
check_all(
    const struct config *c, char *const *envp, struct settings_found *found)
{
	struct buf *errors = &found->errors;

	if (config_check_server(c, errors) == ST_NOMEM ||
	    /* A name that is not known yet is none to be told of again. */
	    (errors->len == 0 && ports_check(c, errors) == ST_NOMEM) ||
	    check_aws(c, envp, found) == ST_NOMEM ||
	    findings_put(c, &found->warnings) == ST_NOMEM ||
	    check_places(c, found) == ST_NOMEM ||
	    check_voice(c, found) == ST_NOMEM)
		return ST_NOMEM;
	return ST_OK;
}

enum status
settings_check(struct config **out, const char *given, char *const *envp,
    struct settings_found *found)
{
	struct buf *errors = &found->errors;
	char *path = NULL;
	enum status st, ended;

	*out = NULL;
	if ((st = config_find(given, envp, &path)) == ST_OK)
		st = reference_load(out, path, envp, errors);
	free(path);
	/* Of a file that cannot be read no more is to be said. */
	if (*out == NULL || (*out)->unread)
		return st;
	ended = settings_finish(*out, envp, errors, &found->warnings);
	if (ended == ST_NOMEM || check_all(*out, envp, found) == ST_NOMEM) {
		config_free(*out);
		*out = NULL;
		return ST_NOMEM;
	}
	if (st == ST_OK && ended != ST_OK)
		return ended;
	return errors->len > 0 ? ST_CONFIG : st;
}

/* The next of them without its newline, or NULL. */
static const char *
next_line(const char **lines, struct buf *line)
{
	size_t n = strcspn(*lines, "\n");

	if (n == 0)
		return NULL;
	buf_reset(line);
	buf_put(line, *lines, n);
	*lines += n + ((*lines)[n] == '\n');
	return buf_str(line);
}

void
settings_log(struct log *log, enum log_level level, const char *message,
    const struct buf *lines)
{
	const char *rest = buf_str(lines), *text;
	struct buf line = BUF_INIT;

	while ((text = next_line(&rest, &line)) != NULL)
		log_event(log, level, message,
		    (const struct log_field[]){
			LOG_STR("reason", text), { .kind = LOG_KIND_END } });
	buf_release(&line);
}

void
settings_print(FILE *out, const char *before, const struct buf *lines)
{
	const char *rest = buf_str(lines), *text;
	struct buf line = BUF_INIT;

	while ((text = next_line(&rest, &line)) != NULL)
		fprintf(out, "%s%s\n", before, text);
	buf_release(&line);
}

enum status
settings_open_aws(
    struct app *app, const struct app_options *o, struct buf *errors)
{
	const struct aws_options how = { .envp = o->envp,
		.log = app->log,
		.quit = o->quit,
		.watch = { metrics_called_aws, app->metrics } };

	return settings_aws(&app->aws, app->config, &how, errors);
}

static enum status
open_source(struct app *app, const struct app_options *o,
    struct source **source, struct buf *errors)
{
	enum status st;

	if (!reference_any(app->config))
		return ST_OK;
	st = settings_open_aws(app, o, errors);
	if (st == ST_OK)
		st = source_aws_open(
		    source, app->aws, app->config->aws.secretsmanager_region);
	return st;
}

/* A line each: into the log of what starts, to the operator of what does
 * not. */
static void
tell(struct app *app, enum status st, struct buf *warnings, struct buf *errors)
{
	if (st != ST_OK)
		buf_puts(errors, buf_str(warnings));
	else
		settings_log(
		    app->log, LOG_LEVEL_WARN, "configuration", warnings);
	buf_release(warnings);
}

/* Fetch and check; st is how it went so far. */
static enum status
end(struct app *app, const struct app_options *o, struct source *source,
    enum status st, struct buf *errors)
{
	struct buf warnings = BUF_INIT;
	enum status ended;

	ended = settings_end(app->config, source, errors, &warnings);
	if (source != NULL)
		metrics_refresh(
		    app->metrics, ended == ST_OK && app->config->missing == 0);
	if (st == ST_OK)
		st = ended;
	/* One request may well be for a route that is open. */
	if (st == ST_OK && o->one_request)
		(void)config_check_server(app->config, &warnings);
	else if (st == ST_OK)
		st = config_check_server(app->config, errors);
	if (st == ST_OK)
		st = findings_put(app->config, &warnings);
	if (st == ST_OK && o->before != NULL && o->before->broken == NULL &&
	    app->config->missing > 0)
		st = ST_UNAVAILABLE;
	tell(app, st, &warnings, errors);
	return st;
}

enum status
settings_open_broken(struct app *app, const struct app_options *o)
{
	struct buf told = BUF_INIT;
	enum status st = begin(app, o, &told);

	if (app->config == NULL && st != ST_NOMEM)
		st = config_load(&app->config, NULL, NULL, &told);
	if (app->config != NULL && st != ST_NOMEM)
		st = config_check(app->config, &told);
	if (st != ST_NOMEM && open_log(app, &told) != ST_OK)
		st = log_open(
		    &app->log, "stderr", LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
	buf_release(&told);
	return st == ST_CONFIG ? ST_OK : st;
}

/*
 * Who sets no place for the database has the usual one, and should not have to
 * make it: a site with nothing but other programs' variables runs at once.
 * Where that is not allowed, opening the database says so.
 */
static void
make_usual_place(const struct config *c)
{
	struct buf where = BUF_INIT;
	char *folder = NULL, *slash;

	config_where(c, "store", "path", &where);
	if (strcmp(buf_str(&where), "default") == 0 &&
	    str_dup(c->store.path, &folder) == ST_OK &&
	    (slash = strrchr(folder, '/')) != NULL) {
		*slash = '\0';
		(void)mkdir(folder, 0750);
	}
	free(folder);
	buf_release(&where);
}

/* A server takes secrets up that change at AWS. The source is taken over. */
static enum status
open_refresh(
    struct app *app, const struct app_options *o, struct source *source)
{
	struct fetch fetches[SECRETS_N];
	const struct refresh_options how = { .source = source,
		.times = &refresh_times,
		.log = app->log,
		.fetched = metrics_refresh,
		.fetched_arg = app->metrics };
	enum status st = ST_OK;

	if (o->threaded && app->config->missing == 0 &&
	    secrets_list(app->secrets, fetches) > 0)
		st = refresh_open(&app->refresh, &how);
	else
		source_close(source);
	app->freshness = refresh_freshness(app->refresh);
	return st;
}

enum status
settings_open(struct app *app, const struct app_options *o, struct buf *errors)
{
	struct source *source = NULL;
	enum status st = begin(app, o, errors);

	if (app->config == NULL)
		return st;
	if (st == ST_OK)
		st = open_log(app, errors);
	if (st == ST_OK)
		st = open_source(app, o, &source, errors);
	if (st != ST_NOMEM)
		st = end(app, o, source, st, errors);
	if (st == ST_OK)
		make_usual_place(app->config);
	if (st == ST_OK)
		st = secrets_make(&app->secrets, app->config,
		    o->threaded || o->one_request,
		    o->before == NULL ? NULL : o->before->secrets,
		    refresh_times.grace_us);
	if (st == ST_OK)
		return open_refresh(app, o, source);
	source_close(source);
	return st;
}
