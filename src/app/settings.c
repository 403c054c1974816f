#include "app/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/metrics.h"
#include "app/ports.h"
#include "app/voice_check.h"
#include "aws/client.h"
#include "config/config.h"
#include "params/fetch.h"
#include "params/params.h"
#include "params/refresh.h"
#include "params/secrets.h"
#include "params/source.h"

/* *app->config is there even after mistakes, so that the rest are listed. */
static enum status
begin(struct app *app, const struct app_options *o, struct buf *errors)
{
	enum status st;
	char *path = NULL;

	if ((st = config_find(o->config_file, o->envp, &path)) == ST_OK)
		st = params_begin(&app->config, path, o->envp, errors);
	free(path);
	return st;
}

static enum status
open_log(struct app *app, struct buf *errors)
{
	const struct config *c = app->config;
	enum status st;

	st = log_open(&app->log, c->server.log_target,
	    (enum log_format)c->server.log_format,
	    (enum log_level)c->server.log_level);
	if (st != ST_IO)
		return st;
	config_where(c, "server", "log_target", errors);
	buf_printf(errors, ": server.log_target: cannot open %s: %s\n",
	    c->server.log_target, strerror(errno));
	return ST_CONFIG;
}

enum status
settings_check(struct config **out, const char *given, char *const *envp,
    struct buf *errors, struct buf *warnings)
{
	char *path = NULL;
	enum status st, ended;

	*out = NULL;
	if ((st = config_find(given, envp, &path)) == ST_OK)
		st = params_begin(out, path, envp, errors);
	free(path);
	/* Of a file that cannot be read no more is to be said. */
	if (*out == NULL || (*out)->unread)
		return st;
	ended = params_finish(*out, envp, errors, warnings);
	if (ended == ST_NOMEM ||
	    config_check_server(*out, errors) == ST_NOMEM ||
	    /* A name that is not known yet is none to be told of again. */
	    (errors->len == 0 && ports_check(*out, errors) == ST_NOMEM) ||
	    voice_check(*out, errors, warnings) == ST_NOMEM) {
		config_free(*out);
		*out = NULL;
		return ST_NOMEM;
	}
	if (st == ST_OK && ended != ST_OK)
		return ended;
	return errors->len > 0 ? ST_CONFIG : st;
}

enum status
settings_aws(struct app *app, const struct app_options *o, struct buf *errors)
{
	const struct aws_options how = { .envp = o->envp,
		.log = app->log,
		.quit = o->quit,
		.watch = { metrics_called_aws, app->metrics } };

	return params_aws(&app->aws, app->config, &how, errors);
}

static enum status
open_source(struct app *app, const struct app_options *o,
    struct source **source, struct buf *errors)
{
	enum status st;

	if (!params_remote(app->config))
		return ST_OK;
	st = settings_aws(app, o, errors);
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
	char *rest = warnings->data, *line;

	if (st != ST_OK)
		buf_puts(errors, buf_str(warnings));
	while (st == ST_OK && (line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			log_warn(
			    app->log, "configuration", LOG_STR("reason", line));
	buf_release(warnings);
}

/* Fetch and check; st is how it went so far. */
static enum status
end(struct app *app, const struct app_options *o, struct source *source,
    enum status st, struct buf *errors)
{
	struct buf warnings = BUF_INIT;
	enum status ended;

	ended = params_end(app->config, source, errors, &warnings);
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

	if (o->threaded && app->config->missing == 0 &&
	    secrets_list(app->secrets, fetches) > 0)
		return refresh_open(&app->refresh, &how);
	source_close(source);
	return ST_OK;
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
