/* What a command works on: the configuration, the store, the queues. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "aws/client.h"
#include "base/log.h"
#include "base/str.h"
#include "config/config.h"
#include "ctl/ctl.h"
#include "db/db.h"
#include "message/backends.h"
#include "message/ports.h"
#include "message/waiting.h"
#include "serve/app.h"
#include "site/settings.h"
#include "site/snapshot.h"
#include "store/queue.h"
#include "store/schema.h"
#include "store/store.h"

enum ctl_exit
ctl_exit_of(enum status e)
{
	switch (e) {
	case ST_OK:
		return CTL_DONE;
	case ST_NOTFOUND:
	case ST_EXISTS:
	case ST_DENIED:
		return CTL_NO;
	case ST_CONFIG:
		return CTL_CONFIG;
	case ST_NOMEM:
	case ST_IO:
	case ST_BUSY:
	case ST_TIMEOUT:
	case ST_TOOBIG:
	case ST_FULL:
	case ST_MALFORMED:
	case ST_UNSUPPORTED:
	case ST_CORRUPT:
	case ST_UNAVAILABLE:
		break;
	}
	return CTL_FAILED;
}

int
ctl_say(const struct ctl *ctl, enum ctl_exit code, const char *format, ...)
{
	va_list args;

	fputs("switchhook: ", ctl->err);
	va_start(args, format);
	vfprintf(ctl->err, format, args);
	va_end(args);
	fputc('\n', ctl->err);
	return (int)code;
}

int
ctl_end(const struct ctl *ctl, enum status st, const char *format, ...)
{
	va_list args;

	if (st == ST_OK)
		return CTL_DONE;
	fputs("switchhook: ", ctl->err);
	va_start(args, format);
	vfprintf(ctl->err, format, args);
	va_end(args);
	fprintf(ctl->err, ": %s\n", status_text(st));
	return (int)ctl_exit_of(st);
}

/* The words of a failure: what was written of it, or what the status means. */
static const char *
words_of(enum status st, const struct buf *why)
{
	return why->len > 0 ? buf_str(why) : status_text(st);
}

int
ctl_end_why(const struct ctl *ctl, enum status st, const struct buf *why)
{
	if (st == ST_OK)
		return CTL_DONE;
	return ctl_say(ctl, ctl_exit_of(st), "%s", words_of(st, why));
}

/* Mistakes as they were listed, each a line; else what the status means. */
static int
end_with_mistakes(const struct ctl *ctl, enum status st,
    const struct buf *errors, const char *what)
{
	if (st == ST_OK || errors->len == 0)
		return ctl_end(ctl, st, "%s", what);
	fputs(buf_str(errors), ctl->err);
	if (errors->data[errors->len - 1] != '\n')
		fputc('\n', ctl->err);
	return (int)ctl_exit_of(st);
}

int
ctl_config(struct ctl *ctl)
{
	struct buf errors = BUF_INIT, warnings = BUF_INIT;
	char *path = NULL;
	enum status st;
	int code;

	if (ctl->config != NULL)
		return CTL_DONE;
	st = config_find(ctl->config_file, ctl->envp, &path);
	if (st == ST_OK)
		st = settings_load(
		    &ctl->config, path, ctl->envp, &errors, &warnings);
	fputs(buf_str(&warnings), ctl->err);
	code = end_with_mistakes(ctl, st, &errors, "configuration");
	buf_release(&errors);
	buf_release(&warnings);
	free(path);
	return code;
}

struct db_options
ctl_db_options(const struct ctl *ctl)
{
	const struct config *c = ctl->config;

	return (struct db_options){ .path = c->store.path,
		.journal =
		    c->store.journal == JOURNAL_ROLLBACK ? DB_ROLLBACK : DB_WAL,
		.schema = &store_schema,
		.upkeep = c,
		.log = ctl->log };
}

static int
open_db(struct ctl *ctl)
{
	struct db_options o = ctl_db_options(ctl);
	struct buf why = BUF_INIT;
	enum status st = db_open(&ctl->db, &o, &why);
	int code = CTL_DONE;

	if (st != ST_OK)
		code = ctl_say(
		    ctl, ctl_exit_of(st), "%s: %s", o.path, words_of(st, &why));
	buf_release(&why);
	return code;
}

/* The log goes to the terminal here, whatever log_target says: a command
 * run by root must not make the server's log file its own. */
int
ctl_open(struct ctl *ctl)
{
	int code = ctl_config(ctl);

	if (code == CTL_DONE && ctl->log == NULL)
		code = ctl_end(ctl,
		    log_open(
			&ctl->log, "stderr", LOG_FORMAT_TEXT, LOG_LEVEL_WARN),
		    "log");
	if (code == CTL_DONE && ctl->db == NULL && ctl->app == NULL)
		code = open_db(ctl);
	return code;
}

int
ctl_app(struct ctl *ctl)
{
	struct app_options o = { .config_file = ctl->config_file,
		.envp = ctl->envp };
	struct buf errors = BUF_INIT;
	enum status st = ST_OK;
	int code;

	if (ctl->app == NULL)
		st = app_open(&ctl->app, &o, &errors);
	code = end_with_mistakes(ctl, st, &errors, "start");
	buf_release(&errors);
	return code;
}

static void
close_queue(struct ctl *ctl)
{
	if (ctl->queue != NULL)
		ctl->queue->ops->close(ctl->queue);
	ctl->queue = NULL;
}

void
ctl_close(struct ctl *ctl)
{
	close_queue(ctl);
	if (ctl->conversations != NULL)
		ctl->conversations->ops->close(ctl->conversations);
	app_close(ctl->app);
	aws_client_close(ctl->client);
	aws_close(ctl->aws);
	db_close(ctl->db);
	log_close(ctl->log);
	config_free(ctl->config);
	kv_release(&ctl->given);
}

/* What back ends are made of; a client only for a URL that needs one. */
static enum status
backends_for(
    struct ctl *ctl, const char *url, struct backends *b, struct buf *why)
{
	struct aws_options o = { .envp = ctl->envp,
		.region = ctl->config->aws.region,
		.proxy = ctl->config->aws.proxy,
		.log = ctl->log };
	enum status st = ST_OK;

	if (backend_is_remote(url) && ctl->aws == NULL)
		st = aws_open(&ctl->aws, &o, why);
	if (st == ST_OK && backend_is_remote(url) && ctl->client == NULL)
		st = aws_client_open(&ctl->client, ctl->aws, why);
	*b = (struct backends){ ctl->config,
		ctl->app != NULL ? ctl->app->db : ctl->db, ctl->client };
	return st;
}

const char *const ctl_queue_roles[] = { "ai", "human", "unrouted", "digits",
	NULL };

int
ctl_queue(struct ctl *ctl, const char *name)
{
	struct buf url = BUF_INIT, why = BUF_INIT;
	struct backends b;
	const char *role;
	enum status st;
	int code;

	close_queue(ctl);
	if ((code = ctl_open(ctl)) != CTL_DONE)
		return code;
	if ((role = ports_url(ctl->config, name)) != NULL)
		st = buf_puts(&url, role);
	else
		st = buf_printf(
		    &url, "%s%s", strchr(name, ':') ? "" : "sqlite:", name);
	if (st == ST_OK)
		st = backends_for(ctl, buf_str(&url), &b, &why);
	if (st == ST_OK)
		st = backend_queue(&b, buf_str(&url), &ctl->queue, &why);
	if (st == ST_CONFIG && role == NULL)
		code = ctl_say(ctl, CTL_USAGE, "%s: %s", name, buf_str(&why));
	else if (st != ST_OK)
		code = ctl_say(
		    ctl, ctl_exit_of(st), "%s: %s", name, words_of(st, &why));
	buf_release(&url);
	buf_release(&why);
	return code;
}

int
ctl_waiting(struct ctl *ctl, struct waiting *w)
{
	const struct config *c;
	const char *url;
	struct buf why = BUF_INIT;
	enum status st;
	int code = ctl_conversations(ctl);

	if (code != CTL_DONE)
		return code;
	/* A client serves all that is elsewhere. */
	c = ctl->config;
	url = c->whatsapp.conversations;
	if (!backend_is_remote(url))
		url = c->whatsapp.ai_queue;
	if (!backend_is_remote(url))
		url = c->whatsapp.human_queue;
	st = backends_for(ctl, url, &w->with, &why);
	w->conversations = ctl->conversations;
	w->by = "switchhook";
	if (st != ST_OK)
		code = ctl_say(
		    ctl, ctl_exit_of(st), "%s: %s", url, words_of(st, &why));
	buf_release(&why);
	return code;
}

int
ctl_conversations(struct ctl *ctl)
{
	struct buf why = BUF_INIT;
	struct backends b;
	const char *url;
	enum status st;
	int code;

	if ((code = ctl_open(ctl)) != CTL_DONE)
		return code;
	url = ctl->config->whatsapp.conversations;
	if ((st = backends_for(ctl, url, &b, &why)) == ST_OK)
		st = backend_store(&b, url, &ctl->conversations, &why);
	if (st != ST_OK)
		code = ctl_say(
		    ctl, ctl_exit_of(st), "%s: %s", url, words_of(st, &why));
	buf_release(&why);
	return code;
}
